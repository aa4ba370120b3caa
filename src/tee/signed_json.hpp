// Intel's signed JSON: {"<name>": {...}, "signature": "<hex>"}. The signature is over the exact bytes of the inner
// value as they stand in the document (attestation.md 2).
#pragma once
#include "tee/x509.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxSignedJson = 1024 * 1024;

struct SignedJson {
  BytesView body;  // the inner object, byte for byte; points into the document
  Signed is_signed;
};

// Exactly these two members in either order; total on any bytes.
Result<SignedJson> open_signed_json(BytesView document, std::string_view name);

}  // namespace cocoon::tee
