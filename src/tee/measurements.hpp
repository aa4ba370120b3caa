// What evidence measures, and the image hash that the registry lists (wire.md 2.4.1, 2.4.5).
#pragma once
#include <array>

#include "base/bytes.hpp"
#include "crypto/crypto.hpp"

namespace cocoon::tee {

using Bits384 = FixedBytes<48>;

// The fields of a TD report that make up an image.
struct TdxMeasurements {
  Bits384 mrtd, mrconfigid, mrowner, mrownerconfig;
  std::array<Bits384, 4> rtmr;
  friend bool operator==(const TdxMeasurements&, const TdxMeasurements&) = default;
};

struct SnpMeasurements {
  Bits384 measurement;
  friend bool operator==(const SnpMeasurements&, const SnpMeasurements&) = default;
};

struct SgxMeasurements {
  Bits256 mrenclave, mrsigner;
  std::uint16_t isvprodid = 0, isvsvn = 0;
  friend bool operator==(const SgxMeasurements&, const SgxMeasurements&) = default;
};

Bits256 image_hash(const TdxMeasurements&);
Bits256 image_hash(const SnpMeasurements&);
// What a peer without attestation counts as: the hash of an all-zero TDX report.
Bits256 image_hash_of_nothing();

// R = SHA-512 of the certificate's 32 raw key bytes: what evidence must carry as report data.
Bits512 report_data(const crypto::PublicKey&);

}  // namespace cocoon::tee
