// Certificates, revocation lists and keys of AMD's, NVIDIA's and clouds' chains. Certificates are read here, like
// Intel's (x509.hpp) and for the same reason; the rest by OpenSSL, which stays in vendor_pki.cpp.
// Inside this room only.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "tee/p384.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxCertificateDer = 16 * 1024;
inline constexpr std::size_t kMaxCrlDer = 1024 * 1024;

// How a certificate or list must be signed.
enum class SignedWith {
  rsa_pss_sha384,  // AMD
  ecdsa_sha384,    // NVIDIA
};

// One parsed certificate; immutable, cheap to copy. Total on any bytes.
class Certificate {
 public:
  // At most kMaxCertificateDer bytes, nothing behind the certificate.
  static Result<Certificate> read(BytesView der);

  const Bytes& der() const;
  const Bits256& sha256() const;           // of the DER
  const std::string& common_name() const;  // of the subject, printable; empty when there is none
  const std::string& issuer_name() const;  // the issuer's common name
  const Bytes& serial() const;             // big-endian, without sign
  Time not_before() const;
  Time not_after() const;
  bool self_issued() const;  // subject = issuer
  bool is_ca() const;        // basicConstraints CA, and keyUsage (if any) lets it sign certificates
  std::optional<std::size_t> path_length() const;
  bool may_sign_crl() const;
  bool unknown_critical() const;  // it has a critical extension that nobody here understands

  // The content of the extension's OCTET STRING; none when absent; an error when it is there twice.
  Result<std::optional<Bytes>> extension(std::string_view oid) const;
  // x and y; an error unless the key is an uncompressed point of P-384.
  Result<P384Point> p384_key() const;
  // The names fit and the signature holds, made in that way.
  Result<> issued_by(const Certificate& issuer, SignedWith) const;
  Result<> valid_at(Time now) const;

 private:
  friend class RevocationList;
  struct State;
  static Result<> read_body(State&, BytesView outer_algorithm);
  static Result<> read_extensions(State&, BytesView sequence);
  bool signed_by(const Certificate& issuer) const;
  explicit Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// A signed list of serials.
class RevocationList {
 public:
  static Result<RevocationList> read(BytesView der);
  // Issuer's name and signature: who does not check both accepts anybody's list (attestation.md 1.5).
  Result<> issued_by(const Certificate& issuer, SignedWith) const;
  Result<> valid_at(Time now) const;
  bool revokes(const Certificate&) const;
  Time this_update() const;
  Time next_update() const;

 private:
  struct State;
  explicit RevocationList(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// One step of leaf, CA.., root: certificate `i` is signed by the next one (the last by itself) and has the role of its
// place: the leaf is no CA, the others are, with path lengths that reach, and nobody has critical extensions that are
// not understood. Says nothing about time, nor about whether the root is trusted.
Result<> check_link(const std::vector<Certificate>& leaf_to_root, std::size_t i, SignedWith);

// Is `subject` good by this OCSP response (RFC 6960), signed by `issuer` or by a responder that it delegated to, in its
// window? The result is when to ask again.
Result<Time> check_ocsp(BytesView response, const Certificate& subject, const Certificate& issuer, Time now);

// Is the response about that certificate, whatever it says?
bool names_subject(BytesView response, const Certificate& subject, const Certificate& issuer);

// "CERTIFICATE" blocks, at most `limit`, at least one.
Result<std::vector<Certificate>> read_certificates(std::string_view pem, std::size_t limit);

}  // namespace cocoon::tee
