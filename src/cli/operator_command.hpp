// Commands that give a running node an order: `cocoon client topup`, `cocoon worker payout`, `cocoon proxy retire`.
// They ask through the node's operator API (node/operator_api.hpp) with the node's secret.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace CLI {
class App;
}

namespace cocoon::cli {

// Exit statuses of these commands.
namespace order_status {
inline constexpr int done = 0;         // the chain shows the effect; with --dry-run: planned
inline constexpr int failed = 1;       // refused, failed on chain, or the node does not answer
inline constexpr int unconfirmed = 3;  // under way, its effect was not seen within --wait
}  // namespace order_status

void add_client_orders(CLI::App& client, int& status);
void add_proxy_orders(CLI::App& proxy, int& status);
void add_worker_orders(CLI::App& worker, int& status);

// A node's answer to an order (JSON of node/operator_api.hpp), laid out for people.
Result<std::string> order_in_words(std::string_view reply_json);

}  // namespace cocoon::cli
