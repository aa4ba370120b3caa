#include "tee/openssl_x509.hpp"

#include <ctime>

#include <openssl/err.h>

namespace cocoon::tee {

Result<X509Ptr> read_openssl_x509(BytesView der) {
  const unsigned char* at = der.data();
  X509Ptr out(der.empty() ? nullptr : d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!out || at != der.data() + der.size()) return fail("the certificate is malformed");
  return out;
}

Result<Time> time_of(const ASN1_TIME* text) {
  std::tm parts{};
  const bool good = text != nullptr && ASN1_TIME_to_tm(text, &parts) == 1;
  ERR_clear_error();
  if (!good) return fail("a certificate or list has a time that is not readable");
  // Certificates that never expire say the year 9999, which microseconds since 1970 still carry.
  return from_unix(timegm(&parts));
}

}  // namespace cocoon::tee
