#include "tee/intel.hpp"

#include <algorithm>

#include "tee/utc.hpp"

namespace cocoon::tee {
namespace {

constexpr std::string_view kRenew = "fetch fresh collateral, and check this machine's clock";
constexpr std::string_view kFakeCollateral = "do not use this collateral: fetch it again from Intel's service";
constexpr std::string_view kUpdatePlatform = "update the platform's firmware and TDX module, then take a fresh quote";

std::string span_of(Time from, Time until) { return fmt::format("{} .. {}", to_utc(from), to_utc(until)); }

// One quote under judgement: the chain, then the collateral, then what both say together.
class Appraisal {
 public:
  Appraisal(Verdict& v, const Quote& quote, const IntelContext& context) : v_(v), quote_(quote), context_(context) {}

  void run() {
    describe();
    v_.require(quote_.header.qe_vendor == kIntelQeVendor, "vendor", "UNSUPPORTED_QE_VENDOR",
               "the quoting enclave is not Intel's", kForged);
    const bool chained = check_chain();
    check_quote(chained);
    if (quote_.td)
      v_.require((quote_.td->td_attributes[0] & 0xfe) == 0, "attributes", "TD_ATTRIBUTES",
                 "reserved TD attributes are set", "start the machine without them");
    if (!chained) return v_.skip_check("collateral", "there is no certificate chain to judge");
    if (v_.simulated) return v_.skip_check("collateral", "a simulated root publishes none");
    if (!context_.collateral) return v_.skip_check("collateral", "none is at hand for this platform");
    check_revocation();
    const bool info = check_tcb_info();
    const bool identity = check_qe_identity();
    if (info && identity && sgx_) judge_tcb();
  }

 private:
  // --- The quote and its chain

  void describe() {
    v_.report_data = quote_.report_data();
    if (quote_.td) {
      v_.kind = TeeKind::tdx;
      v_.tdx = quote_.td->measured;
      v_.image_hash = image_hash(v_.tdx);
      v_.debug = quote_.td->debug();
      v_.service_td = quote_.td->mrservicetd && !quote_.td->mrservicetd->is_zero();
    } else {
      v_.kind = TeeKind::sgx;
      v_.sgx = quote_.enclave->measured;
      v_.image_hash = v_.sgx.mrenclave;
      v_.debug = quote_.enclave->debug();
    }
  }

  bool signed_by(const X509Certificate& issuer, const Signed& what) const {
    if (context_.memo) return context_.memo->verify(issuer.key, what.digest, what.signature);
    return p256_verify_digest(issuer.key, what.digest, what.signature);
  }

  // Signatures of leaf and CA, names, purposes. The root is pinned by its hash: its own signature proves nothing more.
  Result<> check_path() const {
    TRY(check_issued(chain_->root(), chain_->ca(), 1));
    TRY(check_issued(chain_->ca(), chain_->leaf(), 0));
    if (chain_->leaf().is_ca) return fail("the PCK certificate is a CA");
    if (!signed_by(chain_->root(), chain_->ca().is_signed)) return fail("the CA is not signed by the root");
    const auto& leaf = chain_->leaf().is_signed;
    if (!p256_verify_digest(chain_->ca().key, leaf.digest, leaf.signature))
      return fail("the PCK certificate is not signed by its CA");
    return {};
  }

  bool check_chain() {
    auto chain = PckChain::read(quote_.pck_chain);
    if (!chain) {
      v_.fail_check("chain", "CHAIN_MALFORMED", chain.error().what, kForged);
      for (const char* name : {"root", "validity", "platform"}) v_.skip_check(name, "there is no certificate chain");
      return false;
    }
    chain_.emplace(*std::move(chain));
    check_root();
    const auto path = check_path();
    v_.require(path.has_value(), "chain", "CHAIN", path ? "" : path.error().what, kForged,
               fmt::format("{} <- {} <- {}", chain_->leaf().common_name(), chain_->ca().common_name(),
                           chain_->root().common_name()));
    const auto from = chain_->not_before(), until = chain_->not_after();
    v_.narrow(from, until);
    v_.require(from <= context_.now && context_.now <= until, "validity",
               context_.now < from ? "PCK_NOT_YET_VALID" : "PCK_EXPIRED",
               fmt::format("a certificate of the chain is not valid at {}", to_utc(context_.now)),
               "renew the platform's PCK certificate, and check this machine's clock", span_of(from, until));
    check_platform();
    return true;
  }

  void check_root() {
    const auto& roots = context_.trust.roots;
    const auto at = std::ranges::find(roots, chain_->root_sha256(), &TrustedRoot::sha256);
    const auto name = chain_->root().common_name();
    v_.signer = at == roots.end() ? name : at->name;
    v_.simulated = at != roots.end() && at->simulated;
    v_.root_key_id = chain_->root_key_id();
    v_.require(at != roots.end(), "root", "UNTRUSTED_ROOT", fmt::format("the quote ends in an unknown root ({})", name),
               "trust that root in the configuration if this is the right network",
               fmt::format("{}, SHA-256 {}", name, to_hex(chain_->root_sha256().view())));
  }

  void check_platform() {
    auto sgx = chain_->leaf().sgx_extensions.empty() ? Result<SgxExtensions>(fail("there are no SGX extensions"))
                                                     : read_sgx_extensions(chain_->leaf().sgx_extensions);
    v_.require(sgx.has_value(), "platform", "PCK_EXTENSIONS", sgx ? "" : "PCK certificate: " + sgx.error().what,
               kForged,
               sgx ? fmt::format("FMSPC {}, PCE {}, PCESVN {}", to_hex(sgx->fmspc.view()), to_hex(sgx->pceid.view()),
                                 sgx->pcesvn)
                   : "");
    if (!sgx) return;
    sgx_ = *sgx;
    v_.fmspc = sgx->fmspc;
    v_.platform_id = to_bytes(sgx->ppid.view());
  }

  void check_quote(bool chained) {
    if (chained)
      v_.require(p256_verify(chain_->leaf().key, quote_.qe_report_bytes, quote_.qe_signature), "qe-signature",
                 "QE_REPORT_SIG_INVALID", "the quoting enclave's report is not signed by the platform", kForged);
    else
      v_.skip_check("qe-signature", "there is no certificate chain");
    Bytes bound = to_bytes(quote_.attestation_key.view());
    append(bound, quote_.qe_auth_data);
    Bits512 expected;
    std::ranges::copy(crypto::sha256(bound), expected.begin());
    v_.require(quote_.qe_report.report_data == expected, "qe-binding", "QE_REPORT_DATA_MISMATCH",
               "the quoting enclave's report names another attestation key", kForged);
    v_.require(p256_verify(quote_.attestation_key, quote_.signed_part, quote_.signature), "quote-signature",
               "QUOTE_SIG_INVALID", "the quote's signature is wrong", kForged);
  }

  // --- Collateral

  Time with_grace(Time until) const { return until + context_.grace; }

  // Requires that something dated is valid now; narrows the window by it.
  bool in_time(const std::string& name, std::string_view prefix, Time from, Time until, const std::string& input) {
    v_.narrow(from, until);
    const bool early = context_.now < from;
    return v_.require(!early && context_.now <= until, name,
                      fmt::format("{}_{}", prefix, early ? "NOT_YET_VALID" : "EXPIRED"),
                      fmt::format("{} is not current at {}", name, to_utc(context_.now)), kRenew,
                      fmt::format("{}{}{}", input, input.empty() ? "" : ", ", span_of(from, until)));
  }

  const Crl* check_crl(const std::string& name, std::string_view prefix, const Result<Crl>& crl,
                       const X509Certificate& issuer) {
    const auto wrong = [&](std::string_view code, std::string why) {
      v_.fail_check(name, fmt::format("{}_{}", prefix, code), std::move(why), kFakeCollateral);
      return nullptr;
    };
    if (!crl) return wrong("MALFORMED", fmt::format("{}: {}", name, crl.error().what));
    if (!std::ranges::equal(crl->issuer, issuer.subject) || !issuer.signs_crls)
      return wrong("WRONG_ISSUER", fmt::format("the revocation list is not one of {}", issuer.common_name()));
    if (!signed_by(issuer, crl->is_signed)) return wrong("SIG_INVALID", "the revocation list's signature is wrong");
    const auto input = fmt::format("of {}, {} entries", issuer.common_name(), crl->revoked.size());
    return in_time(name, prefix, crl->this_update, with_grace(crl->next_update), input) ? &*crl : nullptr;
  }

  void check_revocation() {
    const auto& collateral = *context_.collateral;
    root_crl_ = check_crl("root-crl", "ROOT_CRL", collateral.root_crl(), chain_->root());
    const auto* pck_crl = check_crl("pck-crl", "PCK_CRL", collateral.pck_crl(), chain_->ca());
    if (!root_crl_ || !pck_crl) return v_.skip_check("revocation", "a revocation list cannot be used");
    constexpr std::string_view replace = "do not trust this platform: its certificate was withdrawn";
    if (root_crl_->lists(chain_->ca().serial))
      v_.fail_check("revocation", "PCK_CA_REVOKED", "the platform's CA is revoked", replace);
    else
      v_.require(!pck_crl->lists(chain_->leaf().serial), "revocation", "PCK_REVOKED",
                 "the platform's certificate is revoked", replace, "PCK certificate and its CA");
  }

  // Who signs TCB info and identities: a certificate that the root issued for signing data.
  const X509Certificate* check_signer(const std::string& name, const Result<X509Certificate>& signer) {
    const auto wrong = [&](std::string_view code, std::string why) {
      v_.fail_check(name, fmt::format("TCB_SIGNING_{}", code), std::move(why), kFakeCollateral);
      return nullptr;
    };
    if (!signer) return wrong("CERT_MALFORMED", signer.error().what);
    const auto issued = check_issued(chain_->root(), *signer, 0);
    if (!issued) return wrong("CHAIN", issued.error().what);
    if (signer->is_ca || !signer->signs_data)
      return wrong("CHAIN", "the signing certificate is not made for signing data");
    if (!signed_by(chain_->root(), signer->is_signed))
      return wrong("CHAIN", "the signing certificate is not the root's");
    if (root_crl_ && root_crl_->lists(signer->serial)) return wrong("REVOKED", "the signing certificate is revoked");
    const bool current =
        in_time(name, "TCB_SIGNING_CERT", signer->not_before, signer->not_after, signer->common_name());
    return current ? &*signer : nullptr;
  }

  bool check_tcb_info() {
    const auto& collateral = *context_.collateral;
    const auto* signer = check_signer("tcb-signer", collateral.tcb_signer());
    const auto& info = collateral.tcb_info();
    if (!info) {
      v_.fail_check("tcb-info", "TCBINFO_MALFORMED", info.error().what, kFakeCollateral);
      return false;
    }
    if (!signer) {
      v_.skip_check("tcb-info", "its signer is not accepted");
      return false;
    }
    if (!signed_by(*signer, info->is_signed)) {
      v_.fail_check("tcb-info", "TCBINFO_SIG_INVALID", "the TCB info's signature is wrong", kFakeCollateral);
      return false;
    }
    const auto input = fmt::format("version {}, FMSPC {}, evaluation number {}", info->version,
                                   to_hex(info->fmspc.view()), info->evaluation_number);
    const bool current = in_time("tcb-info", "TCBINFO", info->issued, with_grace(info->next_update), input);
    return check_subject(*info) && current;
  }

  // Is the TCB info about this platform?
  bool check_subject(const TcbInfo& info) {
    if (!sgx_) {
      v_.skip_check("tcb-info-subject", "the platform is not known");
      return false;
    }
    constexpr std::string_view other = "fetch the TCB info of this platform";
    if (info.tdx != quote_.td.has_value()) {
      v_.fail_check("tcb-info-subject", "TCBINFO_TEE_MISMATCH", "the TCB info is of another TEE", other);
      return false;
    }
    if (info.fmspc != sgx_->fmspc) {
      v_.fail_check("tcb-info-subject", "FMSPC_MISMATCH", "the TCB info is of another platform family", other);
      return false;
    }
    return v_.require(info.pceid == sgx_->pceid, "tcb-info-subject", "PCEID_MISMATCH", "the TCB info is of another PCE",
                      other);
  }

  bool check_qe_identity() {
    const auto& collateral = *context_.collateral;
    const auto* signer = check_signer("qe-signer", collateral.qe_signer());
    const auto& identity = collateral.qe_identity();
    if (!identity) {
      v_.fail_check("qe-identity", "QEID_MALFORMED", identity.error().what, kFakeCollateral);
      return false;
    }
    if (!signer) {
      v_.skip_check("qe-identity", "its signer is not accepted");
      return false;
    }
    if (!signed_by(*signer, identity->is_signed)) {
      v_.fail_check("qe-identity", "QEID_SIG_INVALID", "the QE identity's signature is wrong", kFakeCollateral);
      return false;
    }
    const auto input = fmt::format("{}, evaluation number {}", identity->id, identity->evaluation_number);
    const bool current = in_time("qe-identity", "QEID", identity->issued, with_grace(identity->next_update), input);
    return check_qe(*identity) && current;
  }

  template <std::size_t N>
  static bool masked_equal(const FixedBytes<N>& value, const FixedBytes<N>& mask, const FixedBytes<N>& expected) {
    for (std::size_t i = 0; i < N; ++i)
      if ((value[i] & mask[i]) != expected[i]) return false;
    return true;
  }

  bool check_qe(const QeIdentity& identity) {
    const auto& qe = quote_.qe_report;
    const auto wrong = [&](std::string_view code, std::string why) {
      v_.fail_check("qe", code, std::move(why), kForged);
      return false;
    };
    if (identity.id != (quote_.td ? "TD_QE" : "QE"))
      return wrong("QE_IDENTITY_MISMATCH", fmt::format("the identity is of \"{}\"", identity.id));
    if (qe.measured.mrsigner != identity.mrsigner)
      return wrong("QE_MRSIGNER", "the quoting enclave has another signer");
    if (qe.measured.isvprodid != identity.isvprodid)
      return wrong("QE_ISVPRODID", "the quoting enclave is another product");
    if (!masked_equal(qe.miscselect, identity.miscselect_mask, identity.miscselect))
      return wrong("QE_MISCSELECT", "the quoting enclave has other MISCSELECT bits");
    if (!masked_equal(qe.attributes, identity.attributes_mask, identity.attributes))
      return wrong("QE_ATTRIBUTES", "the quoting enclave has other attributes: it may be in debug mode");
    qe_level_ = match(identity.levels, qe.measured.isvsvn);
    return v_.require(qe_level_ != nullptr, "qe", "QE_TCB_NOT_SUPPORTED",
                      "no level of the identity fits the quoting enclave", kUpdatePlatform,
                      qe_level_ ? fmt::format("ISVSVN {}, {}", qe.measured.isvsvn, to_string(qe_level_->status)) : "");
  }

  // --- Status

  struct Judged {
    const TcbLevel* platform = nullptr;
    const IsvLevel* module = nullptr;
    TcbStatus status = TcbStatus::not_supported;
  };

  static bool is_module(const TdxModule& module, const TdReport& td) {
    return module.mrsigner == td.mrsignerseam && masked_equal(td.seam_attributes, module.mask, module.attributes);
  }

  // The TDX module's identity and level (attestation.md 1, rule 3); true when nothing is wrong.
  bool check_module(const TcbInfo& info, const IsvLevel** level) {
    const auto& svn = quote_.td->tee_tcb_svn;
    const auto* identity = svn[1] > 0 ? info.module_of(svn[1]) : nullptr;
    const bool known =
        svn[1] > 0 ? identity && is_module(*identity, *quote_.td) : info.module && is_module(*info.module, *quote_.td);
    const auto input = fmt::format("version {}, SVN {}, MRSIGNERSEAM {}", svn[1], svn[0],
                                   to_hex(quote_.td->mrsignerseam.view().first(8)));
    if (!known || !identity)
      return v_.require(known, "tdx-module", "TDX_MODULE_MISMATCH", "the TDX module is none that Intel published",
                        kUpdatePlatform, input);
    *level = match(identity->levels, svn[0]);
    return v_.require(*level != nullptr, "tdx-module", "TDX_MODULE_TCB_NOT_SUPPORTED",
                      "no level of the TDX module's identity fits", kUpdatePlatform,
                      *level ? fmt::format("{}, {}", input, to_string((*level)->status)) : input);
  }

  Judged judge_platform(const TcbInfo& info, const FixedBytes<16>* svn, const IsvLevel* module) const {
    Judged out;
    out.platform = info.match(sgx_->component_svns, sgx_->pcesvn, svn);
    out.module = module;
    if (out.platform) out.status = out.platform->status;
    if (module) out.status = merge(out.status, module->status);
    return out;
  }

  // A TD launched under an outdated TDX module that has been updated since: as it would be judged if launched now. Null
  // when the module it runs on now is not known.
  std::optional<Judged> judge_relaunched(const TcbInfo& info) const {
    if (!quote_.td || !quote_.td->tee_tcb_svn2) return std::nullopt;
    const auto& svn = *quote_.td->tee_tcb_svn2;
    const IsvLevel* module = nullptr;
    if (svn[1] > 0) {
      const auto* identity = info.module_of(svn[1]);
      module = identity ? match(identity->levels, svn[0]) : nullptr;
      if (!module) return std::nullopt;
    }
    return judge_platform(info, &svn, module);
  }

  void judge_tcb() {
    const auto& info = *context_.collateral->tcb_info();
    const auto& identity = *context_.collateral->qe_identity();
    const IsvLevel* module = nullptr;
    if (quote_.td && !check_module(info, &module)) return v_.skip_check("tcb-level", "the TDX module is not accepted");
    auto judged = judge_platform(info, quote_.td ? &quote_.td->tee_tcb_svn : nullptr, module);
    if (is_out_of_date(judged.status)) {
      const auto now = judge_relaunched(info);
      if (now && severity(now->status) <= severity(TcbStatus::configuration_and_sw_hardening_needed))
        judged.status = relaunch_advised(now->status);
    }
    // A platform below every level has more open than any list says.
    if (judged.platform) {
      v_.add_advisories(judged.platform->advisories);
      if (module) v_.add_advisories(module->advisories);
      v_.add_advisories(qe_level_->advisories);
    }
    v_.tcb = merge(judged.status, qe_level_->status);
    v_.evaluation_number = std::min(info.evaluation_number, identity.evaluation_number);
    v_.pass_check("tcb-level", describe_level(judged));
  }

  std::string describe_level(const Judged& judged) const {
    const auto platform = judged.platform ? fmt::format("platform {} of {}", to_string(judged.platform->status),
                                                        to_utc(judged.platform->date).substr(0, 10))
                                          : std::string("platform below every level");
    const auto module =
        judged.module ? fmt::format(", TDX module {}", to_string(judged.module->status)) : std::string();
    return fmt::format("{}{}, QE {}: together {}", platform, module, to_string(qe_level_->status), to_string(v_.tcb));
  }

  Verdict& v_;
  const Quote& quote_;
  const IntelContext& context_;
  std::optional<PckChain> chain_;
  std::optional<SgxExtensions> sgx_;
  const Crl* root_crl_ = nullptr;  // null: cannot be used
  const IsvLevel* qe_level_ = nullptr;
};

}  // namespace

IntelCollateral::IntelCollateral(IntelCollateralFiles files)
    : files_(std::move(files)),
      tcb_info_(read_tcb_info(files_.tcb_info)),
      qe_identity_(read_qe_identity(files_.qe_identity)),
      tcb_signer_(read_x509(files_.tcb_signer)),
      qe_signer_(read_x509(files_.qe_signer)),
      pck_crl_(read_crl(files_.pck_crl)),
      root_crl_(read_crl(files_.root_crl)) {}

std::shared_ptr<const IntelCollateral> IntelCollateral::read(IntelCollateralFiles files) {
  return std::shared_ptr<const IntelCollateral>(new IntelCollateral(std::move(files)));
}

void verify_intel_quote(Verdict& v, const Quote& quote, const IntelContext& context) {
  Appraisal(v, quote, context).run();
}

Result<IntelCollateralName> collateral_name(const Quote& quote) {
  TRY_ASSIGN(const auto chain, PckChain::read(quote.pck_chain));
  TRY_ASSIGN(const auto sgx, read_sgx_extensions(chain.leaf().sgx_extensions));
  IntelCollateralName out;
  out.tdx = quote.td.has_value();
  out.fmspc = sgx.fmspc;
  out.processor_ca = chain.ca().common_name().find("Processor") != std::string::npos;
  return out;
}

}  // namespace cocoon::tee
