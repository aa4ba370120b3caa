// RA-TLS certificates: self-signed Ed25519 with evidence inside (wire.md 2.3, 2.4).
#pragma once
#include <functional>

#include "tee/evidence.hpp"
#include "tee/simulated.hpp"

namespace cocoon::tee {

inline constexpr std::string_view kTdxQuoteOid = "1.3.6.1.4.1.12345.1";
inline constexpr std::string_view kTdxClaimsOid = "1.3.6.1.4.1.12345.2";
inline constexpr std::string_view kSnpReportDataOid = "1.3.6.1.4.1.12345.100";
inline constexpr std::string_view kSnpReportOid = "1.3.6.1.4.1.12345.101";
inline constexpr std::string_view kSnpVcekOid = "1.3.6.1.4.1.12345.102";

inline constexpr std::size_t kMaxCertificate = 64 * 1024;
inline constexpr auto kCertificateLifetime = std::chrono::hours(24);
inline constexpr auto kCertificateRenewal = std::chrono::hours(1);

// --- Making them

// Evidence for a certificate key; called once per certificate.
using Attester = std::function<Result<Evidence>(const crypto::PublicKey&)>;
Attester attest_nothing();
// What a plain client shows so that every generation of proxies takes it (wire.md 2.4.6).
Attester attest_plain_client();
// The content that the reference's own fake TDX node shows: measures nothing, proves nothing.
Attester attest_fake_tdx();
Attester attest_fake_snp();
Attester attest_simulated(SimulatedPlatform platform, TdxMeasurements measured);

// v3, valid from a minute before `now` for 24 hours.
Bytes make_certificate(const crypto::KeyPair& key, const Evidence&, const FixedBytes<16>& serial, Time now);

// A key made for one certificate, and the certificate.
struct Identity {
  crypto::KeyPair key;
  Bytes certificate;  // DER
  Time renew_at;
};
Result<Identity> make_identity(const Attester&, crypto::Random&, Time now);

// --- Reading them

enum class Side { server, client };  // whose certificate it is

struct CertificateFacts {
  crypto::PublicKey public_key;
  Evidence evidence;
  Time not_before, not_after;
  Bits256 sha256;  // of the DER
};

// The profile of wire.md 2.3, whatever the policy: one self-signed Ed25519 certificate, valid at `now`, right purpose,
// a server's name is the DNS name "127.0.0.1", no unknown critical extension, not both families. Version 1 with
// extensions is taken. Attestation extensions that are not critical are ignored. Total on any bytes.
Result<CertificateFacts> read_certificate(BytesView der, Side whose, Time now);

}  // namespace cocoon::tee
