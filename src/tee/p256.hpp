// ECDSA on P-256 with SHA-256, as quotes and PCK certificates use it. Inside this room only.
#pragma once
#include <string>
#include <unordered_set>

#include "base/bytes.hpp"
#include "crypto/crypto.hpp"

namespace cocoon::tee {

using P256Point = FixedBytes<64>;      // x, y
using P256Signature = FixedBytes<64>;  // r, s, big-endian

class P256Key {
 public:
  static P256Key generate(crypto::Random&);
  static Result<P256Key> from_scalar(const Bits256&);  // an error unless 1 <= scalar < order
  P256Key(const P256Key&) = default;
  P256Key& operator=(const P256Key&) = default;
  ~P256Key();

  const Bits256& scalar() const { return scalar_; }
  const P256Point& point() const { return point_; }
  P256Signature sign(BytesView message) const;

 private:
  P256Key() = default;
  Bits256 scalar_;
  P256Point point_;
};

bool p256_verify(const P256Point&, BytesView message, const P256Signature&);
// The same for the SHA-256 of the message. Not on the curve, zero, out of range: false.
bool p256_verify_digest(const P256Point&, const Bits256& digest, const P256Signature&);

// Remembers which signatures were found right, so that what stays the same between two quotes (CA, collateral) is
// verified once. It changes no result: an entry is the hash of key, digest and signature together. Bounded; not for use
// by several threads at once.
class SignatureMemo {
 public:
  bool verify(const P256Point&, const Bits256& digest, const P256Signature&);
  std::size_t size() const { return right_.size(); }

 private:
  std::unordered_set<Bits256> right_;
};
// r and s as the SEQUENCE of two INTEGERs that certificates carry.
Bytes p256_signature_der(const P256Signature&);

FixedBytes<48> sha384(BytesView);

}  // namespace cocoon::tee
