// What a liteserver sends, and what a lite client sends to ours: payloads, requests, answers, proofs.
#include <cstdlib>

#include "ton/boc.hpp"
#include "ton/lite/adnl.hpp"
#include "ton/lite/block.hpp"
#include "ton/lite/client.hpp"
#include "ton/lite/merkle.hpp"
#include "ton/lite/schema.hpp"

namespace {

using namespace cocoon;
using namespace cocoon::ton;

template <class F>
void answer(BytesView bytes) {
  const auto result = lite::decode_answer<F>(bytes);
  if (!result && result.error().what.empty()) std::abort();
}

void look_at(BytesView bytes) {
  if (const auto request = lite::decode_request(bytes); !request && request.error().what.empty()) std::abort();
  answer<lite::GetMasterchainInfo>(bytes);
  answer<lite::GetAccountState>(bytes);
  answer<lite::RunSmcMethod>(bytes);
  answer<lite::GetTransactions>(bytes);
  answer<lite::LookupBlock>(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  look_at(input);
  if (const auto payload = lite::decode_payload(input)) {
    const Bytes once = lite::encode_payload(*payload);
    const auto again = lite::decode_payload(once);
    if (!again || lite::encode_payload(*again) != once) std::abort();
    if (const auto* query = std::get_if<lite::Query>(&*payload)) look_at(query->data);
    if (const auto* reply = std::get_if<lite::QueryAnswer>(&*payload)) look_at(reply->data);
  }
  const auto cell = read_boc(input, {.bytes = 1U << 16U, .cells = 4096, .roots = 1});
  if (!cell) return 0;
  // A proof of the wrong thing is an error, never a crash.
  if (lite::open_merkle_proof(*cell, Bits256{})) std::abort();
  if (const auto info = lite::read_block_info(*cell); !info && info.error().what.empty()) std::abort();
  if (const auto state = lite::read_shard_state(*cell); !state && state.error().what.empty()) std::abort();
  if (const auto after = lite::state_hash_after(*cell); !after && after.error().what.empty()) std::abort();
  return 0;
}
