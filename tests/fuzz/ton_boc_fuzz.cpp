// Bags of cells from a stranger, and every layout that may be read out of one.
#include <cstdlib>

#include "ton/account.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/bodies.hpp"
#include "ton/contracts/params.hpp"
#include "ton/contracts/root.hpp"
#include "ton/contracts/signed.hpp"
#include "ton/contracts/state.hpp"
#include "ton/contracts/wallet.hpp"
#include "ton/dict.hpp"
#include "ton/message.hpp"
#include "ton/state_init.hpp"
#include "ton/transaction.hpp"

namespace {

using namespace cocoon;
using namespace cocoon::ton;

constexpr BocLimits limits{.bytes = 1U << 16U, .cells = 4096, .roots = 4};

// What is parsed is looked at no further than whether it parsed: the parsers' own walks are what is asked here.
template <class T>
bool parsed(const Result<T>& result) {
  if (!result && result.error().what.empty()) std::abort();
  return result.has_value();
}

void read_layouts(const Cell& cell) {
  parsed(parse_account(cell));
  parsed(parse_shard_account(cell));
  parsed(parse_message(cell));
  parsed(parse_state_init(cell));
  parsed(parse_transaction(cell));
  parsed(parse_params(cell));
  parsed(parse_root_state(cell));
  parsed(parse_client_state(cell));
  parsed(parse_worker_state(cell));
  parsed(parse_proxy_state(cell));
  parsed(parse_wallet_state(cell));
  parsed(parse_wallet_body(cell));
  parsed(parse_client_request(cell));
  parsed(parse_worker_request(cell));
  parsed(parse_text_command(cell));
  parsed(parse_signed_message(cell));
  parsed(parse_payment_payload(cell));
  parsed(parse_close_payload(cell));
  for (const unsigned bits : {1U, 8U, 32U, 256U}) {
    const Dict dict(bits, cell);
    parsed(dict.entries(64));
    parsed(dict.find(BitString::of_bytes(Bytes(bits / 8, 0x5a))));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto roots = read_boc_roots(BytesView(data, size), limits);
  if (!roots) return 0;
  const Bytes canonical = write_boc(*roots);
  const auto again = read_boc_roots(canonical, limits);
  if (!again || again->size() != roots->size() || write_boc(*again) != canonical) std::abort();
  for (std::size_t i = 0; i < roots->size(); ++i) {
    if ((*again)[i].hash() != (*roots)[i].hash()) std::abort();
    read_layouts((*roots)[i]);
  }
  return 0;
}
