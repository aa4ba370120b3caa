// What the proxy says to a client about a request, in the form of the client's protocol version (wire.md 4.7.2, 4.7.4).
#pragma once
#include <string>

#include "base/bytes.hpp"
#include "wire/messages_client.hpp"
#include "wire/messages_common.hpp"

namespace cocoon::proxy {

// To whom, and in which form.
struct Addressee {
  Bits256 request;  // the client's id
  std::int32_t version = 0;
  bool debug = false;

  bool ex() const { return version >= 1; }
};

// What stands in the final message. Times are unix seconds, 0 where unknown.
struct Final {
  wire::TokensUsed tokens;
  std::string worker_debug;
  std::string proxy_debug;
  double proxy_start = 0;
  double proxy_end = 0;
  double worker_start = 0;
  double worker_end = 0;
};

// The first answer; `final` when it is the whole answer.
Bytes reply_head(const Addressee&, Bytes http_response, const Final* final);
Bytes reply_part(const Addressee&, Bytes body, const Final* final);
// `after_head`: matters to the old forms only.
Bytes reply_error(const Addressee&, int code, std::string text, bool after_head, const Final& final);

}  // namespace cocoon::proxy
