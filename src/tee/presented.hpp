// Evidence as people hand it over: a certificate (PEM or DER) of any variant, an Intel quote, an SNP report, what
// NVIDIA's tools write about GPUs, or the JSON that nodes serve at /attestation.
#pragma once
#include <optional>

#include "tee/collateral.hpp"
#include "tee/ratls.hpp"
#include "tee/session_binding.hpp"

namespace cocoon::tee {

// What vendors publish, as it travels in one file.
struct Bundle {
  std::optional<IntelCollateralFiles> intel;
  std::optional<AmdCollateral> amd;
  std::optional<NvidiaFiles> nvidia;
};

// Shown inside a TLS session, and what it was asked there. Whoever knows the exporter cannot make another session that
// has it: it is no secret (RFC 8446 7.5).
struct ShownSession {
  SessionEvidence evidence;
  SessionChallenge challenge;
};

// Evidence of a GPU that stands alone, over the nonce that it is said to answer.
struct LoneGpu {
  GpuEvidence evidence;
  Bits256 nonce;
};

struct Presented {
  std::string form;  // "Cocoon certificate", "Intel quote", ...: for people
  Evidence evidence;
  std::optional<crypto::PublicKey> key;     // of a Cocoon certificate: the evidence must be made for it
  std::optional<RatlsCertificate> foreign;  // a certificate of another profile, with its own binding
  std::optional<ShownSession> session;      // of a Cocoon certificate
  std::vector<LoneGpu> gpus;                // nothing else is set then
  Bundle collateral;                        // what came along
};

// At most kMaxPresented bytes. Tells the form by the bytes themselves; an error says what was expected. `now`:
// certificates of Cocoon must be valid then. `peer`: whom an answer of /attestation is asked about, by the address that
// it names; empty: the node itself. Forms in JSON:
//   {"self": ONE, "peers": [ONE and "address"]} or ONE = {certificate (base64 of DER), collateral: BUNDLE, session}
//   [{nonce (hex), evidence, certificate (base64: SPDM messages; PEM)}] of GPUs, at most kMaxGpus
//   BUNDLE = {"intel": {tcb_info, qe_identity (base64 of the signed JSON), tcb_signer, qe_signer, pck_crl, root_crl
//   (base64 of DER)}, "amd": {ask, ark, crl}, "nvidia": {rims: {NAME: XML}, ocsp: [DER]}}, all base64; any may be
//   absent session = as write_session() writes it
inline constexpr std::size_t kMaxPresented = 16 * 1024 * 1024;
Result<Presented> read_presented(BytesView file, Time now, std::string_view peer = {});

Result<Bundle> read_bundle(std::string_view json);
std::string write_bundle(const Bundle&);
// {side of the prover: "client" or "server", exporter, verifier_nonce (hex), evidence (base64)}
std::string write_session(const SessionEvidence&, const SessionChallenge&);

// The bundle as verifiers take it.
Collateral collateral_of(Bundle);

// The verdict on all of it: what a session proves counts only beside a certificate that is accepted, and of the same
// kind and image. GPUs alone are held against the policy's demands on GPUs.
Verdict judge_presented(const Presented&, const Policy&, const Trust&, Time now, const Collateral&);

}  // namespace cocoon::tee
