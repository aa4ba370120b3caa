#include "tee/certificate.hpp"

#include "tee/der.hpp"
#include "tee/snp.hpp"

namespace cocoon::tee {
namespace {

using namespace der;

// A self-signed P-384 certificate whose key was thrown away: fake nodes show something of the right form.
constexpr std::string_view kFakeVcek =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBvDCCAUKgAwIBAgIUGZQnIyB/wsXTlq4k7+0bbM1add4wCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJZmFrZSBWQ0VLMCAXDTI2MTEyMTIyMTMyM1oYDzIxMjYxMDI4\n"
    "MjIxMzIzWjAUMRIwEAYDVQQDDAlmYWtlIFZDRUswdjAQBgcqhkjOPQIBBgUrgQQA\n"
    "IgNiAAR5Dj6DQboLkqJRBXuxZlGGsrGEtmDRuavmmjNfBERXdHk7FgBueuSx+DDV\n"
    "tx74oVcfr8HsIvM1qVAX93gceQo/zJnoTltrOUiAAQI9fV3x+LlMS4ZloA8vfoLk\n"
    "LJmuqqajUzBRMB0GA1UdDgQWBBQWPhgXdE7yH4WdTFxZlvdBzpudiTAfBgNVHSME\n"
    "GDAWgBQWPhgXdE7yH4WdTFxZlvdBzpudiTAPBgNVHRMBAf8EBTADAQH/MAoGCCqG\n"
    "SM49BAMCA2gAMGUCMQCFZHjx5GOKeKP0hBvXwl3ZrZnt8s3uF7VNc2/laFngCBT3\n"
    "wRKKM3gVUKuZMJv1TOMCMDieTJZ45LQ+SmjiQUJxxC4YacniDuCdxiVemsOdPDI4\n"
    "AeBbtIAXZgEn+qySIz774A==\n"
    "-----END CERTIFICATE-----\n";

Bytes attestation_extensions(const Evidence& evidence) {
  if (const auto* tdx = std::get_if<TdxEvidence>(&evidence))
    return join(
        {write_extension(kTdxQuoteOid, true, tdx->quote), write_extension(kTdxClaimsOid, true, tdx->user_claims)});
  if (const auto* snp = std::get_if<SnpEvidence>(&evidence))
    return join({write_extension(kSnpReportDataOid, true, snp->report_data),
                 write_extension(kSnpReportOid, true, snp->report),
                 write_extension(kSnpVcekOid, true, as_bytes(snp->vcek))});
  return {};
}

Bytes standard_extensions(const crypto::PublicKey& key) {
  const auto purposes = write_sequence({write_oid("1.3.6.1.5.5.7.3.1"), write_oid("1.3.6.1.5.5.7.3.2")});
  FixedBytes<16> loopback6;
  loopback6[15] = 1;
  // The second name is text on purpose: connecting nodes compare it as a DNS name.
  const auto names =
      write_sequence({item(0x82, as_bytes("localhost")), item(0x82, as_bytes("127.0.0.1")), item(0x87, loopback6)});
  const auto key_id = item(octet_string, crypto::sha256(key.view()).view().first(20));
  return join({write_extension("2.5.29.19", true, write_sequence({})),
               write_extension("2.5.29.15", true, write_bits(Bytes{0x80}, 7)),
               write_extension("2.5.29.37", true, purposes), write_extension("2.5.29.14", false, key_id),
               write_extension("2.5.29.17", false, names)});
}

TdxEvidence tdx_evidence(Bytes quote, const crypto::PublicKey& key) {
  TdxEvidence out;
  out.quote = std::move(quote);
  out.user_claims = to_bytes(key.view());
  return out;
}

}  // namespace

Attester attest_nothing() {
  return [](const crypto::PublicKey&) -> Result<Evidence> { return NoEvidence{}; };
}

Attester attest_plain_client() {
  return [](const crypto::PublicKey& key) -> Result<Evidence> {
    return tdx_evidence(to_bytes(report_data(key).view()), key);
  };
}

Attester attest_fake_tdx() {
  return [](const crypto::PublicKey& key) -> Result<Evidence> {
    Bytes quote(384 + 64 + 48);
    std::ranges::copy(report_data(key), quote.begin() + 384);
    return tdx_evidence(std::move(quote), key);
  };
}

Attester attest_fake_snp() {
  return [](const crypto::PublicKey& key) -> Result<Evidence> {
    SnpEvidence out;
    out.report_data = to_bytes(report_data(key).view());
    out.report.resize(kSnpReport);
    std::ranges::copy(out.report_data, out.report.begin() + 0x50);
    out.vcek = kFakeVcek;
    return out;
  };
}

Attester attest_simulated(SimulatedPlatform platform, TdxMeasurements measured) {
  return [platform = std::move(platform), measured](const crypto::PublicKey& key) -> Result<Evidence> {
    return tdx_evidence(platform.quote(measured, report_data(key)), key);
  };
}

Bytes make_certificate(const crypto::KeyPair& key, const Evidence& evidence, const FixedBytes<16>& serial, Time now) {
  const auto algorithm = write_sequence({write_oid("1.3.101.112")});
  const auto name = write_name("cocoon");
  const auto from = now - std::chrono::minutes(1), until = now + kCertificateLifetime;
  const auto validity = write_sequence({write_time(unix_time(from)), write_time(unix_time(until))});
  const auto key_info = write_sequence({algorithm, write_bits(key.public_key())});
  const auto extensions = join({attestation_extensions(evidence), standard_extensions(key.public_key())});
  const auto body = write_sequence({item(0xa0, write_small(2)), write_integer(serial), algorithm, name, validity, name,
                                    key_info, item(0xa3, item(sequence, extensions))});
  return write_sequence({body, algorithm, write_bits(key.sign(body))});
}

Result<Identity> make_identity(const Attester& attester, crypto::Random& random, Time now) {
  const crypto::KeyPair key(random.bits256());
  TRY_ASSIGN(const auto evidence, attester(key.public_key()));
  FixedBytes<16> serial;
  random.fill(serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive, and always 128 bits long
  return Identity{key, make_certificate(key, evidence, serial, now), now + kCertificateRenewal};
}

}  // namespace cocoon::tee
