// What this room's files that read certificates through OpenSSL have in common. Inside this room's .cpp files only.
#pragma once
#include <openssl/x509.h>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "tee/openssl_ptr.hpp"

namespace cocoon::tee {

using X509Ptr = OpensslPtr<X509, X509_free>;

// One certificate and nothing behind it.
Result<X509Ptr> read_openssl_x509(BytesView der);
Result<Time> time_of(const ASN1_TIME*);

}  // namespace cocoon::tee
