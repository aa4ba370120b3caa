// ECDSA on P-384 with SHA-384, as SNP reports, SPDM responses and their certificates use it. Inside this room only.
#pragma once
#include "base/bytes.hpp"
#include "crypto/crypto.hpp"

namespace cocoon::tee {

using P384Point = FixedBytes<96>;      // x, y
using P384Signature = FixedBytes<96>;  // r, s, big-endian

// False also for points that are not on the curve, and for r or s of 0 or beyond the order.
bool p384_verify(const P384Point&, BytesView message, const P384Signature&);

// RSASSA-PKCS1-v1_5 with SHA-256 over `message`, as Azure's vTPM signs its quotes. `modulus` and `exponent` big-endian;
// an error says that the key is none (2048 to 4096 bits).
Result<bool> rsa_sha256_verify(BytesView modulus, BytesView exponent, BytesView message, BytesView signature);

}  // namespace cocoon::tee
