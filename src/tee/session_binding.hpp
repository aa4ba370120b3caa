// Evidence that belongs to one TLS session (attestation.md 5): made after the handshake over the session's exporter
// value, the verifier's nonce and the certificate's key, so that whoever holds a stolen key but no machine has nothing
// to show. No session, no socket here: values only.
#pragma once
#include "tee/certificate.hpp"
#include "tee/nvidia_verify.hpp"
#include "tee/verify.hpp"

namespace cocoon::tee {

// What both sides take from the session (RFC 8446 7.5): 32 bytes, empty context.
inline constexpr std::string_view kSessionExporterLabel = "EXPORTER-Cocoon-attestation-1";
inline constexpr std::size_t kMaxSessionEvidence = 256 * 1024;

// What the evidence of one side of one session is made over.
struct SessionChallenge {
  Side prover{};
  Bits256 exporter;
  Bits256 verifier_nonce;
  crypto::PublicKey prover_key;

  Bits256 gpu_nonce() const;  // what each GPU of the prover is asked (attestation.md 4)
  // Of the CPU: SHA-512(label, side of the prover, exporter, verifier's nonce, prover's key) and, where there are GPUs,
  // the hash of their evidence behind the key. The side keeps a verifier's own evidence from being sent back to it.
  Bits512 report_data(const std::vector<GpuEvidence>& gpus) const;

  friend bool operator==(const SessionChallenge&, const SessionChallenge&) = default;
};

struct SessionEvidence {
  Evidence machine = NoEvidence{};
  std::vector<GpuEvidence> gpus;
  friend bool operator==(const SessionEvidence&, const SessionEvidence&) = default;
};

// Asks the platform. May take seconds (GPUs); called on a thread of its own.
using SessionAttester = std::function<Result<SessionEvidence>(const SessionChallenge&)>;
SessionAttester attest_session_simulated(SimulatedPlatform platform, TdxMeasurements measured);

// CBOR: ["none"], ["tdx", quote] or ["snp", report, VCEK as PEM]; with GPUs one more: [[report, chain as PEM], ...].
Bytes encode_session_evidence(const SessionEvidence&);
Result<SessionEvidence> decode_session_evidence(BytesView);

// What the policy asks of each GPU.
NvidiaDemands gpu_demands(const Policy&, const Bits256& nonce);
// The policy without what only a session shows: for the certificate of a peer that will also prove its session.
Policy at_certificate(Policy);

// As verify(), for evidence that was made for a session by a peer whose certificate earned `certificate`: it must be of
// the same kind and image. Sets Verdict::session_bound when accepted. The GPUs' evidence must answer the session's
// challenge, pass verify_nvidia() as the policy demands and be named in the machine's report data; then Verdict::gpu is
// set. One that is not good counts as none, and is said in the check "gpus".
Verdict verify_session(const SessionEvidence&, const SessionChallenge&, const Verdict& certificate, const Policy&,
                       const Trust&, Time now, const Collateral& = {}, SignatureMemo* memo = nullptr);

}  // namespace cocoon::tee
