// One question to a service that hands out collateral.
#pragma once
#include <string>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"

namespace cocoon::node {

struct ServiceAnswer {
  std::string body;
  Bytes signer;  // where a header names one
};

// `signer_header`: names the header with the chain of the body's signer; empty: none is expected. `patience`: for the
// whole answer. `wait`: set when the service asks not to be asked again for so long. An error says what else than 200
// came, and where a service that moved has moved to: that is not followed, because who runs the service says where it
// is, not the service.
net::Task<Result<ServiceAnswer>> ask_service(net::HttpClient& http, std::string url, std::string signer_header,
                                             net::Millis patience, Duration& wait);

// The certificate that signed, from a header that carries its chain as URL-encoded PEM, leaf first.
Result<Bytes> signer_of_header(std::string_view header);

}  // namespace cocoon::node
