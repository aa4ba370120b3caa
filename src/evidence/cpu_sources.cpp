#include <cerrno>

#include "base/log.hpp"
#include "evidence/quote_service.hpp"
#include "evidence/source.hpp"
#include "tee/snp.hpp"
#include "tee/snp_certificates.hpp"
#include "tee/x509.hpp"

namespace cocoon::evidence {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxOutblob = 64 * 1024;
constexpr int kAttempts = 5;  // another process may use the same interface at the same time

const fs::path kTsm = "/sys/kernel/config/tsm/report";
const fs::path kTdxDevice = "/dev/tdx_guest";
const fs::path kSnpDevice = "/dev/sev-guest";

std::unexpected<Error> with_advice(Error error) {
  if (error.code == EACCES || error.code == EPERM) error.what += ": run as root, or give this user access";
  if (error.code == EBUSY || error.code == EAGAIN) error.what += ": another process holds it; try again";
  return std::unexpected(std::move(error));
}

std::string line_of(const Bytes& bytes) {
  auto out = to_text(bytes);
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

// What the RA-TLS certificate carries; the endorsement comes from the host when it has one.
Result<Collected> snp_collected(const Challenge& challenge, Bytes report, BytesView table) {
  TRY_ASSIGN(const auto parsed, tee::parse_snp_report(report));
  if (parsed.report_data != challenge.report_data) return fail("the report answers another challenge");
  TRY_ASSIGN(auto certificates, tee::parse_snp_certificates(table));
  const bool vlek = parsed.signing_key() == tee::SnpSigningKey::vlek;
  const auto& endorsement = vlek ? certificates.vlek : certificates.vcek;
  tee::SnpEvidence evidence;
  evidence.report_data = to_bytes(challenge.report_data.view());
  evidence.report = std::move(report);
  if (!endorsement.empty()) evidence.vcek = tee::write_pem(endorsement, "CERTIFICATE");
  Collected out;
  out.cpu = std::move(evidence);
  out.amd = {std::move(certificates.ask), std::move(certificates.ark), {}};
  return out;
}

Result<Collected> tdx_collected(const Challenge& challenge, Bytes quote) {
  TRY_ASSIGN(const auto report, tee::td_report_of_quote(quote));
  if (report.report_data != challenge.report_data) return fail("the quote answers another challenge");
  tee::TdxEvidence evidence;
  evidence.quote = std::move(quote);
  Collected out;
  out.cpu = std::move(evidence);
  return out;
}

// --- configfs-tsm

// One entry, made and removed around a report.
class TsmEntry {
 public:
  static Result<TsmEntry> make(Kernel& kernel) {
    // The name only has to be free: a left-over of a process that died keeps its own.
    for (int i = 0;; ++i) {
      const auto path = kTsm / fmt::format("cocoon{}", i);
      const auto made = kernel.make_directory(path);
      if (made) return TsmEntry(kernel, path);
      if (made.error().code != EEXIST || i >= 64) return with_advice(made.error());
    }
  }
  ~TsmEntry() {
    if (kernel_) (void)kernel_->remove_directory(path_);
  }
  TsmEntry(TsmEntry&& other) noexcept : kernel_(std::exchange(other.kernel_, nullptr)), path_(std::move(other.path_)) {}
  TsmEntry& operator=(TsmEntry&&) = delete;

  Result<std::string> text(const char* attribute) const {
    TRY_ASSIGN(const auto bytes, kernel_->read(path_ / attribute, 4096));
    return line_of(bytes);
  }
  Result<Bytes> blob(const char* attribute) const { return kernel_->read(path_ / attribute, kMaxOutblob); }
  bool has(const char* attribute) const { return kernel_->exists(path_ / attribute); }
  Result<> set(const char* attribute, BytesView value) const { return kernel_->write(path_ / attribute, value); }

 private:
  TsmEntry(Kernel& kernel, fs::path path) : kernel_(&kernel), path_(std::move(path)) {}
  Kernel* kernel_;
  fs::path path_;
};

struct TsmAnswer {
  std::string provider;
  Bytes report, certificates;
};

// Generations count every write to the entry: when the number is the same before and after, the blobs are the answer to
// what we wrote. A changed one, and a kernel that is busy, mean another try.
Result<std::optional<TsmAnswer>> ask_once(const TsmEntry& entry, const Challenge& challenge, unsigned vmpl) {
  const auto again = [](const Error& error) { return error.code == EBUSY || error.code == EAGAIN; };
  TsmAnswer out;
  TRY_ASSIGN(out.provider, entry.text("provider"));
  if (out.provider == "sev_guest" && entry.has("privlevel"))
    TRY(entry.set("privlevel", as_bytes(fmt::format("{}", vmpl))));
  if (const auto set = entry.set("inblob", challenge.report_data.view()); !set) {
    if (again(set.error())) return std::nullopt;
    return std::unexpected(set.error());
  }
  TRY_ASSIGN(const auto before, entry.text("generation"));
  auto report = entry.blob("outblob");
  if (!report) {
    if (again(report.error())) return std::nullopt;
    return std::unexpected(report.error());
  }
  if (entry.has("auxblob")) {
    auto table = entry.blob("auxblob");
    if (table) out.certificates = *std::move(table);
  }
  TRY_ASSIGN(const auto after, entry.text("generation"));
  if (before != after) return std::nullopt;
  out.report = *std::move(report);
  return out;
}

class TsmSource final : public Source {
 public:
  TsmSource(std::shared_ptr<Kernel> kernel, unsigned vmpl) : kernel_(std::move(kernel)), vmpl_(vmpl) {}
  std::string name() const override { return "configfs-tsm"; }

  Result<Collected> collect(const Challenge& challenge) override {
    TRY_ASSIGN(const auto entry, TsmEntry::make(*kernel_));
    for (int i = 0; i < kAttempts; ++i) {
      auto answer = ask_once(entry, challenge, vmpl_);
      if (!answer) return with_advice(answer.error());
      if (!*answer) continue;
      auto& found = **answer;
      if (found.provider == "tdx_guest") return tdx_collected(challenge, std::move(found.report));
      if (found.provider == "sev_guest") return snp_collected(challenge, std::move(found.report), found.certificates);
      return fail("configfs-tsm's provider \"{}\" is not known", found.provider);
    }
    return fail(EBUSY, fmt::format("configfs-tsm was busy or in other hands {} times: try again", kAttempts));
  }

 private:
  std::shared_ptr<Kernel> kernel_;
  unsigned vmpl_;
};

class TdxDeviceSource final : public Source {
 public:
  explicit TdxDeviceSource(std::shared_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}
  std::string name() const override { return "/dev/tdx_guest"; }

  Result<Collected> collect(const Challenge& challenge) override {
    auto report = kernel_->tdx_report(kTdxDevice, challenge.report_data);
    if (!report) return with_advice(report.error());
    const auto parsed = tee::parse_td_report(*report);
    if (!parsed) return std::unexpected(parsed.error());
    auto answer = kernel_->ask_quote_service(quote_request(*report));
    if (!answer) return with_advice(answer.error());
    TRY_ASSIGN(auto quote, quote_of_answer(*answer));
    return tdx_collected(challenge, std::move(quote));
  }

 private:
  std::shared_ptr<Kernel> kernel_;
};

class SnpDeviceSource final : public Source {
 public:
  SnpDeviceSource(std::shared_ptr<Kernel> kernel, unsigned vmpl) : kernel_(std::move(kernel)), vmpl_(vmpl) {}
  std::string name() const override { return "/dev/sev-guest"; }

  Result<Collected> collect(const Challenge& challenge) override {
    auto answer = kernel_->snp_report(kSnpDevice, challenge.report_data, vmpl_);
    if (!answer) return with_advice(answer.error());
    TRY_ASSIGN(auto report, tee::parse_snp_response(answer->response));
    return snp_collected(challenge, std::move(report), answer->certificates);
  }

 private:
  std::shared_ptr<Kernel> kernel_;
  unsigned vmpl_;
};

class SimulatedSource final : public Source {
 public:
  SimulatedSource(tee::SimulatedPlatform platform, const tee::TdxMeasurements& measured)
      : platform_(std::move(platform)), measured_(measured) {}
  std::string name() const override { return "the simulated TEE"; }
  Result<Collected> collect(const Challenge& challenge) override {
    return tdx_collected(challenge, platform_.quote(measured_, challenge.report_data));
  }

 private:
  tee::SimulatedPlatform platform_;
  tee::TdxMeasurements measured_;
};

}  // namespace

std::unique_ptr<Source> tsm_source(std::shared_ptr<Kernel> kernel, unsigned vmpl) {
  return std::make_unique<TsmSource>(std::move(kernel), vmpl);
}
std::unique_ptr<Source> tdx_device_source(std::shared_ptr<Kernel> kernel) {
  return std::make_unique<TdxDeviceSource>(std::move(kernel));
}
std::unique_ptr<Source> snp_device_source(std::shared_ptr<Kernel> kernel, unsigned vmpl) {
  return std::make_unique<SnpDeviceSource>(std::move(kernel), vmpl);
}
std::unique_ptr<Source> simulated_source(tee::SimulatedPlatform platform, tee::TdxMeasurements measured) {
  return std::make_unique<SimulatedSource>(std::move(platform), measured);
}

tee::Attester attest_with(std::shared_ptr<Source> source) {
  return [source = std::move(source)](const crypto::PublicKey& key) -> Result<tee::Evidence> {
    Challenge challenge;
    challenge.report_data = tee::report_data(key);
    auto found = source->collect(challenge);
    if (!found) return std::unexpected(std::move(found).error().within(source->name()));
    if (auto* tdx = std::get_if<tee::TdxEvidence>(&found->cpu)) tdx->user_claims = to_bytes(key.view());
    if (const auto* snp = std::get_if<tee::SnpEvidence>(&found->cpu); snp && snp->vcek.empty())
      return fail(
          "the host hands out no VCEK or VLEK: have it load its certificates (SNP_SET_EXT_CONFIG), or set "
          "tee.amd_collateral_service");
    return std::move(found->cpu);
  };
}

tee::SessionAttester attest_sessions_with(std::shared_ptr<Source> cpu, std::shared_ptr<Source> gpus) {
  return [cpu = std::move(cpu),
          gpus = std::move(gpus)](const tee::SessionChallenge& asked) -> Result<tee::SessionEvidence> {
    tee::SessionEvidence out;
    if (gpus) {
      auto shown = gpus->collect({.report_data = {}, .gpu_nonce = asked.gpu_nonce()});
      if (shown)
        out.gpus = std::move(shown->gpus);
      else
        log::warn("tee", "the GPUs show no evidence: {}: {}", gpus->name(), shown.error().what);
    }
    auto found = cpu->collect({.report_data = asked.report_data(out.gpus), .gpu_nonce = {}});
    if (!found) return std::unexpected(std::move(found).error().within(cpu->name()));
    out.machine = std::move(found->cpu);
    return out;
  };
}

Result<std::unique_ptr<Source>> detect_cpu_source(std::shared_ptr<Kernel> kernel) {
  if (kernel->exists(kTsm)) return tsm_source(std::move(kernel));
  if (kernel->exists(kTdxDevice)) return tdx_device_source(std::move(kernel));
  if (kernel->exists(kSnpDevice)) return snp_device_source(std::move(kernel));
  return fail("this machine has no confidential CPU that the kernel shows: neither {} nor {} nor {}", kTsm.string(),
              kTdxDevice.string(), kSnpDevice.string());
}

}  // namespace cocoon::evidence
