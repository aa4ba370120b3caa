// Parts of certificates and revocation lists (RFC 5280) that Intel's profile (x509.cpp) and other vendors'
// (vendor_pki.cpp) have in common. Inside this room only.
#pragma once
#include <optional>

#include "base/time.hpp"
#include "tee/der.hpp"

namespace cocoon::tee::x509 {

// id-ce, the standard extensions: 55 1d and one of
enum Standard : std::uint8_t {
  key_identifier = 14,
  key_usage = 15,
  basic_constraints = 19,
  crl_number = 20,
  distribution_points = 31,
  authority_key_identifier = 35,
  extended_key_usage = 37,
};
inline constexpr std::uint8_t kExplicit0 = 0xa0, kExplicit3 = 0xa3;

BytesView without_zeros(BytesView number);
// UTCTime and GeneralizedTime as RFC 5280 wants them: seconds, "Z".
Result<Time> read_time(der::Reader&);

struct Extension {
  BytesView id, value;
  bool critical = false;
  // The last byte of a standard extension's identifier, 0 for others.
  std::uint8_t standard() const { return id.size() == 3 && id[0] == 0x55 && id[1] == 0x1d ? id[2] : std::uint8_t{0}; }
};

Result<Extension> read_extension(der::Reader&);

struct BasicConstraints {
  bool ca = false;
  std::optional<std::uint32_t> path_len;
};
Result<BasicConstraints> read_basic_constraints(BytesView value);

// What the key may sign. All of it when the extension is absent.
struct KeyUsage {
  bool data = true, certificates = true, lists = true;
};
Result<KeyUsage> read_key_usage(BytesView value);

}  // namespace cocoon::tee::x509
