#include "evidence/source.hpp"

#ifdef COCOON_TPM2

#include <cstring>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

namespace cocoon::evidence {
namespace {

// Where Azure's paravisor keeps its report and its attestation key.
constexpr TPM2_HANDLE kHclIndex = 0x01400001;
constexpr TPM2_HANDLE kAttestationKey = 0x81000003;
constexpr std::size_t kMaxHcl = 16 * 1024;

template <class T>
struct FreeEsys {
  void operator()(T* p) const { Esys_Free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeEsys<T>>;

Result<> called(TSS2_RC rc, std::string_view what) {
  if (rc == TSS2_RC_SUCCESS) return {};
  return fail(static_cast<int>(rc), fmt::format("{}: {}", what, Tss2_RC_Decode(rc)));
}

TPML_PCR_SELECTION all_pcrs() {
  TPML_PCR_SELECTION out{};
  out.count = 1;
  out.pcrSelections[0].hash = TPM2_ALG_SHA256;
  out.pcrSelections[0].sizeofSelect = 3;
  std::memset(out.pcrSelections[0].pcrSelect, 0xff, 3);
  return out;
}

// One connection to a TPM.
class Tpm {
 public:
  static Result<Tpm> open(const std::string& tcti) {
    Tpm out;
    TRY(called(Tss2_TctiLdr_Initialize(tcti.c_str(), &out.tcti_), fmt::format("TPM \"{}\" cannot be reached", tcti)));
    TRY(called(Esys_Initialize(&out.esys_, out.tcti_, nullptr), "TPM"));
    return out;
  }
  ~Tpm() {
    if (esys_) Esys_Finalize(&esys_);
    if (tcti_) Tss2_TctiLdr_Finalize(&tcti_);
  }
  Tpm(Tpm&& other) noexcept : tcti_(std::exchange(other.tcti_, nullptr)), esys_(std::exchange(other.esys_, nullptr)) {}
  Tpm& operator=(Tpm&&) = delete;

  Result<Bytes> read_index(TPM2_HANDLE index) const {
    TRY_ASSIGN(const auto handle, object(index, "NV index with the HCL report"));
    TPM2B_NV_PUBLIC* raw = nullptr;
    TRY(called(Esys_NV_ReadPublic(esys_, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw, nullptr),
               "size of the HCL report"));
    const Owned<TPM2B_NV_PUBLIC> about(raw);
    const std::size_t size = about->nvPublic.dataSize;
    if (size > kMaxHcl) return fail("the HCL report has {} bytes, at most {}", size, kMaxHcl);
    Bytes out;
    while (out.size() < size) {
      const auto part = static_cast<UINT16>(std::min<std::size_t>(size - out.size(), 512));
      TPM2B_MAX_NV_BUFFER* data = nullptr;
      TRY(called(Esys_NV_Read(esys_, handle, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, part,
                              static_cast<UINT16>(out.size()), &data),
                 "HCL report"));
      const Owned<TPM2B_MAX_NV_BUFFER> held(data);
      if (held->size == 0) return fail("the HCL report ends after {} of {} bytes", out.size(), size);
      append(out, {held->buffer, held->size});
    }
    return out;
  }

  struct Quoted {
    Bytes message, signature;
  };
  Result<Quoted> quote(TPM2_HANDLE key_handle, BytesView nonce) const {
    TRY_ASSIGN(const auto key, object(key_handle, "attestation key"));
    TPM2B_DATA data{};
    data.size = static_cast<UINT16>(nonce.size());
    if (!nonce.empty()) std::memcpy(data.buffer, nonce.data(), nonce.size());
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = TPM2_ALG_RSASSA;
    scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
    const auto pcrs = all_pcrs();
    TPM2B_ATTEST* attest = nullptr;
    TPMT_SIGNATURE* signature = nullptr;
    TRY(called(Esys_Quote(esys_, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &scheme, &pcrs, &attest,
                          &signature),
               "quote"));
    const Owned<TPM2B_ATTEST> held(attest);
    const Owned<TPMT_SIGNATURE> signed_by(signature);
    if (signed_by->sigAlg != TPM2_ALG_RSASSA || signed_by->signature.rsassa.hash != TPM2_ALG_SHA256)
      return fail("the TPM signs with algorithm {:#x}", signed_by->sigAlg);
    const auto& sig = signed_by->signature.rsassa.sig;
    return Quoted{Bytes(held->attestationData, held->attestationData + held->size),
                  Bytes(sig.buffer, sig.buffer + sig.size)};
  }

  // All 24 SHA-256 PCRs; a TPM returns up to 8 of what is asked at a time.
  Result<Bytes> read_pcrs() const {
    Bytes out;
    for (unsigned first = 0; first < tee::kPcrs; first += 8) {
      TPML_PCR_SELECTION wanted{};
      wanted.count = 1;
      wanted.pcrSelections[0].hash = TPM2_ALG_SHA256;
      wanted.pcrSelections[0].sizeofSelect = 3;
      wanted.pcrSelections[0].pcrSelect[first / 8] = 0xff;
      UINT32 update = 0;
      TPML_PCR_SELECTION* selected = nullptr;
      TPML_DIGEST* values = nullptr;
      TRY(called(Esys_PCR_Read(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted, &update, &selected, &values),
                 "PCRs"));
      const Owned<TPML_PCR_SELECTION> which(selected);
      const Owned<TPML_DIGEST> held(values);
      if (held->count != 8) return fail("the TPM has {} of 8 SHA-256 PCRs from {}", held->count, first);
      for (UINT32 i = 0; i < held->count; ++i) {
        if (held->digests[i].size != 32) return fail("a PCR of {} bytes", held->digests[i].size);
        append(out, {held->digests[i].buffer, 32});
      }
    }
    return out;
  }

 private:
  Tpm() = default;
  Result<ESYS_TR> object(TPM2_HANDLE handle, std::string_view what) const {
    ESYS_TR out = ESYS_TR_NONE;
    TRY(called(Esys_TR_FromTPMPublic(esys_, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &out),
               fmt::format("the TPM has no {} at {:#x}: is this an Azure confidential VM?", what, handle)));
    return out;
  }

  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* esys_ = nullptr;
};

class VtpmSource final : public Source {
 public:
  explicit VtpmSource(std::string tcti) : tcti_(std::move(tcti)) {}
  std::string name() const override { return "vTPM"; }

  // PCRs are read after the quote: when one moves in between, the digest does not fit and it is done again.
  Result<Collected> collect(const Challenge& challenge) override {
    constexpr int attempts = 3;
    TRY_ASSIGN(const auto tpm, Tpm::open(tcti_));
    tee::VtpmEvidence evidence;
    TRY_ASSIGN(evidence.hcl, tpm.read_index(kHclIndex));
    for (int i = 0; i < attempts; ++i) {
      TRY_ASSIGN(auto quoted, tpm.quote(kAttestationKey, challenge.report_data.view().first(32)));
      TRY_ASSIGN(evidence.pcrs, tpm.read_pcrs());
      evidence.message = std::move(quoted.message);
      evidence.signature = std::move(quoted.signature);
      TRY_ASSIGN(const auto parsed, tee::parse_tpm_quote(evidence.message));
      TRY_ASSIGN(const auto bank, tee::parse_pcrs(evidence.pcrs));
      if (!std::ranges::equal(tee::pcr_digest(bank, parsed.selected), parsed.pcr_digest)) continue;
      Collected out;
      out.vtpm = std::move(evidence);
      return out;
    }
    return fail("the TPM's PCRs moved {} times while they were quoted: try again", attempts);
  }

 private:
  std::string tcti_;
};

}  // namespace

std::unique_ptr<Source> vtpm_source(std::string tcti) { return std::make_unique<VtpmSource>(std::move(tcti)); }

}  // namespace cocoon::evidence

#else

namespace cocoon::evidence {
namespace {

class NoVtpm final : public Source {
 public:
  std::string name() const override { return "vTPM"; }
  Result<Collected> collect(const Challenge&) override {
    return fail("this build has no part that talks to TPMs (COCOON_TPM2)");
  }
};

}  // namespace

std::unique_ptr<Source> vtpm_source(std::string) { return std::make_unique<NoVtpm>(); }

}  // namespace cocoon::evidence

#endif
