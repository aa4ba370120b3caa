#include "tee/measurements.hpp"

namespace cocoon::tee {
namespace {

// The measured fields are followed by 64 zero bytes.
Bits256 hash_with_tail(Bytes fields) {
  fields.resize(fields.size() + 64);
  return crypto::sha256(fields);
}

}  // namespace

Bits256 image_hash(const TdxMeasurements& m) {
  Bytes fields;
  fields.reserve(448);
  for (const auto* field : {&m.mrtd, &m.mrconfigid, &m.mrowner, &m.mrownerconfig}) append(fields, field->view());
  for (const auto& rtmr : m.rtmr) append(fields, rtmr.view());
  return hash_with_tail(std::move(fields));
}

Bits256 image_hash(const SnpMeasurements& m) { return hash_with_tail(to_bytes(m.measurement.view())); }

Bits256 image_hash_of_nothing() { return image_hash(TdxMeasurements{}); }

Bits512 report_data(const crypto::PublicKey& key) { return crypto::sha512(key.view()); }

}  // namespace cocoon::tee
