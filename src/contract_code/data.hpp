// Bags of cells written by the build (embed.cmake).
#pragma once
#include "base/bytes.hpp"

namespace cocoon::contract_code::data {
extern const BytesView root, proxy, client, worker, wallet;
}  // namespace cocoon::contract_code::data
