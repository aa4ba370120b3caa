// Which strings of a JSON message are encrypted (wire.md 6.4); how is wire/encryption.hpp's business.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cocoon::openai {

// Every string value at any depth goes through `transform`, except members - at any depth - whose names travel in the
// clear. Member names, numbers, booleans and null stay. The result is compact with sorted keys. Bodies beyond 8 MiB or
// depth 64 are refused (621), as is what `transform` refuses.
Result<std::string> transform_strings(std::string_view json,
                                      const std::function<Result<std::string>(std::string_view)>& transform);

}  // namespace cocoon::openai
