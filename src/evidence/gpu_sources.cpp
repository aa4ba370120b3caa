#include <array>
#include <cstring>

#include <dlfcn.h>

#include "evidence/source.hpp"
#include "tee/nvidia.hpp"

namespace cocoon::evidence {
namespace {

Result<> check_nonce(const GpuEvidence& gpu, const Challenge& challenge, std::size_t index) {
  const auto parsed = tee::parse_spdm_evidence(gpu.report);
  if (!parsed) return std::unexpected(Error(parsed.error()).within(fmt::format("GPU {}", index)));
  if (parsed->nonce != challenge.gpu_nonce) return fail("the evidence of GPU {} answers another nonce", index);
  return {};
}

// --- NVML (nvml.h): the few functions and structures that evidence needs.

using Device = void*;
struct Certificate {
  unsigned chain_size, attestation_chain_size;
  std::array<std::uint8_t, 0x1000> chain;
  std::array<std::uint8_t, 0x1400> attestation_chain;
};
struct Report {
  unsigned has_cec_report, report_size, cec_report_size;
  std::array<std::uint8_t, 0x20> nonce;
  std::array<std::uint8_t, 0x2000> report;
  std::array<std::uint8_t, 0x1000> cec_report;
};

class Nvml {
 public:
  static Result<Nvml> open(const std::string& library) {
    Nvml out;
    out.library_.reset(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (!out.library_) return fail("NVIDIA's management library cannot be opened: {}", ::dlerror());
    const bool whole = out.load(out.start_, "nvmlInit_v2") && out.load(out.stop_, "nvmlShutdown") &&
                       out.load(out.count_, "nvmlDeviceGetCount_v2") &&
                       out.load(out.handle_, "nvmlDeviceGetHandleByIndex_v2") &&
                       out.load(out.certificate_, "nvmlDeviceGetConfComputeGpuCertificate") &&
                       out.load(out.report_, "nvmlDeviceGetConfComputeGpuAttestationReport");
    if (!whole) return fail("{} is too old for confidential computing: install driver 550 or later", library);
    TRY(called(out.start_(), "nvmlInit"));
    out.started_ = true;
    return out;
  }
  ~Nvml() {
    if (started_ && library_) stop_();
  }
  Nvml(Nvml&& other) noexcept = default;
  Nvml& operator=(Nvml&&) = delete;

  Result<unsigned> count() const {
    unsigned out = 0;
    TRY(called(count_(&out), "nvmlDeviceGetCount"));
    return out;
  }
  Result<GpuEvidence> collect(unsigned index, const Bits256& nonce) const {
    Device device = nullptr;
    TRY(called(handle_(index, &device), "nvmlDeviceGetHandleByIndex"));
    const auto certificate = std::make_unique<Certificate>();
    TRY(called(certificate_(device, certificate.get()), "nvmlDeviceGetConfComputeGpuCertificate"));
    const auto report = std::make_unique<Report>();
    std::memcpy(report->nonce.data(), nonce.data(), nonce.size());
    TRY(called(report_(device, report.get()), "nvmlDeviceGetConfComputeGpuAttestationReport"));
    if (report->report_size > report->report.size() ||
        certificate->attestation_chain_size > certificate->attestation_chain.size())
      return fail("GPU {} returns more than it has room for", index);
    GpuEvidence out;
    out.report.assign(report->report.begin(), report->report.begin() + report->report_size);
    out.chain = to_text(BytesView(certificate->attestation_chain).first(certificate->attestation_chain_size));
    return out;
  }

 private:
  Nvml() = default;
  struct Close {
    void operator()(void* library) const { ::dlclose(library); }
  };
  template <class F>
  bool load(F& function, const char* name) {
    function = reinterpret_cast<F>(::dlsym(library_.get(), name));
    return function != nullptr;
  }
  static Result<> called(int status, std::string_view what) {
    if (status == 0) return {};
    constexpr int not_supported = 3, no_permission = 4;
    return fail("{} fails with {}{}", what, status,
                status == not_supported   ? ": confidential computing is off on this GPU"
                : status == no_permission ? ": no permission"
                                          : "");
  }

  std::unique_ptr<void, Close> library_;
  bool started_ = false;
  int (*start_)() = nullptr;
  int (*stop_)() = nullptr;
  int (*count_)(unsigned*) = nullptr;
  int (*handle_)(unsigned, Device*) = nullptr;
  int (*certificate_)(Device, Certificate*) = nullptr;
  int (*report_)(Device, Report*) = nullptr;
};

class NvmlSource final : public Source {
 public:
  explicit NvmlSource(std::string library) : library_(std::move(library)) {}
  std::string name() const override { return "NVML"; }
  Result<Collected> collect(const Challenge& challenge) override {
    TRY_ASSIGN(const auto nvml, Nvml::open(library_));
    TRY_ASSIGN(const auto count, nvml.count());
    if (count == 0 || count > tee::kMaxGpus) return fail("{} GPUs in this machine", count);
    Collected out;
    for (unsigned i = 0; i < count; ++i) {
      TRY_ASSIGN(auto gpu, nvml.collect(i, challenge.gpu_nonce));
      TRY(check_nonce(gpu, challenge, i));
      out.gpus.push_back(std::move(gpu));
    }
    return out;
  }

 private:
  std::string library_;
};

}  // namespace

std::unique_ptr<Source> nvml_source(std::string library) { return std::make_unique<NvmlSource>(std::move(library)); }

}  // namespace cocoon::evidence
