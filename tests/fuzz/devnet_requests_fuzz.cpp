// Requests to the devnet's liteserver, as bytes, against a chain that lives: every one gets an answer that a client can
// read, and the chain goes on.
#include <cstdlib>

#include "devnet/liteserver.hpp"
#include "devnet/treasury.hpp"
#include "ton/boc.hpp"

namespace {

using namespace cocoon;

constexpr Time kNow{std::chrono::seconds(1'800'000'000)};

devnet::Chain& chain() {
  static devnet::Chain one = [] {
    devnet::BlockDelta first;
    auto made = devnet::Chain::create({}, kNow, first);
    if (!made) std::abort();
    return *std::move(made);
  }();
  return one;
}

// Block names and accounts are hashes that no mutation guesses: requests that name nothing get ones that exist.
template <class F>
void complete(F& f) {
  const auto& head = chain().head();
  if constexpr (requires { f.id.root_hash; }) {
    if (f.id.root_hash.is_zero()) f.id = f.id.workchain == 0 ? head.shard : head.masterchain;
  }
  if constexpr (requires { f.account.id; }) {
    if (f.account.id.is_zero()) f.account.id = chain().treasury().hash;
  }
}

template <class F>
void check(const Bytes& answer) {
  const auto read = ton::lite::decode_answer<F>(answer);
  if (!read && !read.error().what.starts_with("liteserver: ")) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  // As it came, and as the content of a liteServer.query.
  auto request = devnet::decode_devnet_request(input);
  if (!request) request = devnet::decode_devnet_request(tl::encode_boxed(ton::lite::LiteQuery{to_bytes(input)}));
  if (!request) return 0;
  const auto before = chain().head().step.seqno;
  if (auto* known = std::get_if<ton::lite::Function>(&request->function)) {
    std::visit(
        [&](auto& f) {
          complete(f);
          check<std::decay_t<decltype(f)>>(devnet::answer_request(chain(), *known, kNow));
        },
        *known);
  } else {
    check<devnet::FaucetRequest>(devnet::answer_request(chain(), request->function, kNow));
  }
  if (chain().waiting_externals() > 0 || size % 64 == 0) chain().make_block(kNow);
  if (chain().head().step.seqno < before) std::abort();
  return 0;
}
