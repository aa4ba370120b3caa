// What a worker answers a proxy, in the form its version understands (wire.md 4.7.3, 4.7.4): the Ex family, or to a
// proxy of version 0 the old one.
#pragma once
#include <string>

#include "market/prices.hpp"
#include "wire/messages.hpp"
#include "worker/core/events.hpp"

namespace cocoon::worker {

struct ReplyForm {
  Bits256 request_id;
  bool ex = true;
};

// What stands in the last message of a request.
struct Ending {
  market::AdjustedUsage tokens;
  bool with_debug = false;
  std::string debug;          // JSON text
  bool with_times = false;    // from version 2
  double start = 0, end = 0;  // unix seconds
};

wire::TokensUsed tokens_used(const market::AdjustedUsage&);

// The first message: a boxed http.response; with an ending it is also the last.
Bytes first_answer(const ReplyForm&, Bytes http_response, const Ending* ending);
Bytes part(const ReplyForm&, BytesView body);
// `so_far`: of all parts, this one included. Only to a proxy that wants counts.
Bytes counted_part(const Bits256& request_id, BytesView body, const market::AdjustedUsage& so_far);
Bytes last_part(const ReplyForm&, Bytes body, const Ending&);
// `after_first`: the first answer has been sent (the old family has a form for each case).
Bytes error(const ReplyForm&, int code, std::string text, bool after_first, const Ending&);

// A boxed http.response as workers send it (5.4.5): headers of one connection taken out, a content type always there,
// the worker's times and the framing headers added.
Bytes http_response(int status, const Headers& from_engine, BytesView payload, bool complete, double start, double end);

}  // namespace cocoon::worker
