// Evidence that belongs to one TLS session (attestation.md 5): made after the handshake over the session's exporter
// value, the verifier's nonce and the certificate's key, so that whoever holds a stolen key but no machine has nothing
// to show. No session, no socket here: values only.
#pragma once
#include "tee/certificate.hpp"

namespace cocoon::tee {

// What both sides take from the session (RFC 8446 7.5): 32 bytes, empty context.
inline constexpr std::string_view kSessionExporterLabel = "EXPORTER-Cocoon-attestation-1";
inline constexpr std::size_t kMaxSessionEvidence = 64 * 1024;

// Evidence over report data that is given: what a session asks of the platform.
using SessionAttester = std::function<Result<Evidence>(const Bits512& report_data)>;
SessionAttester attest_session_simulated(SimulatedPlatform platform, TdxMeasurements measured);

// SHA-512(label, side of the prover, exporter, verifier's nonce, prover's key). The side keeps a verifier's own
// evidence from being sent back to it.
Bits512 session_report_data(Side prover, const Bits256& exporter, const Bits256& verifier_nonce,
                            const crypto::PublicKey& prover_key);

// CBOR: ["none"], ["tdx", quote] or ["snp", report, VCEK as PEM].
Bytes encode_session_evidence(const Evidence&);
Result<Evidence> decode_session_evidence(BytesView);

}  // namespace cocoon::tee
