// http.request and http.response (wire.md 3) on their way: looked at and added to without being taken apart.
#pragma once
#include <span>

#include "wire/messages.hpp"

namespace cocoon::wire {

// An error if these are not exactly one boxed http.request.
Result<> check_http_request(BytesView object);

// The boxed http.response `object` with `more` behind its own headers; everything else stays as it was encoded.
Result<Bytes> with_headers(BytesView object, std::span<const http::Header> more);

// Seconds since the Unix epoch as the headers with times spell them: "1764112345.000250".
std::string seconds_text(double unix_seconds);

}  // namespace cocoon::wire
