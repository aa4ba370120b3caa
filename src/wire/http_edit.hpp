// http.request and http.response (wire.md 3) on their way: looked at and added to without being taken apart.
#pragma once
#include <span>

#include "wire/messages.hpp"

namespace cocoon::wire {

// The value of the first header of that name (given in lower case) of a boxed http.request; empty without one. A view
// into `object`. An error if these are not exactly one http.request.
Result<std::string_view> request_header(BytesView object, std::string_view name);

// The status of a boxed http.response, of which no more is looked at than stands before it.
Result<int> response_status(BytesView object);

// The boxed http.response `object` with `more` behind its own headers; everything else stays as it was encoded.
Result<Bytes> with_headers(BytesView object, std::span<const http::Header> more);

// Seconds since the Unix epoch as the headers with times spell them: "1764112345.000250".
std::string seconds_text(double unix_seconds);

}  // namespace cocoon::wire
