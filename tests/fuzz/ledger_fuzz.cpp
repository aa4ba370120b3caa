// Everything that the chain and peers can make a ledger do: notices of any content from the contracts that they must
// come from, commits true and false, answers of any size, in any order, with restarts. The ledger's own assertions ask
// the questions; nothing may reach them.
#include <cstdlib>

#include "ledger/ledger.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/notices.hpp"

namespace {

using namespace cocoon;

struct Input {
  BytesView left;
  std::uint8_t u8() {
    if (left.empty()) return 0;
    const auto v = left.front();
    left = left.subspan(1);
    return v;
  }
  // Small numbers and those at the edges, which random bytes seldom give.
  std::uint64_t number() {
    const auto kind = u8();
    if (kind < 128) return kind;
    if (kind < 192) return UINT64_MAX >> (kind & 63U);
    std::uint64_t v = 0;
    for (int i = 0; i < 8; ++i) v = v << 8U | u8();
    return v;
  }
};

Bits256 bits(std::uint8_t n) { return Bits256::from(Bytes(32, n)); }
ton::Address address(std::uint8_t n) { return {0, bits(n)}; }

ton::ProxyInstance make_instance() {
  ton::Params p;
  p.price_per_token = 20;
  p.worker_fee_per_token = 19;
  p.proxy_code = p.worker_code = p.client_code = ton::Cell();
  auto made = ton::ProxyInstance::make(p, address(1), crypto::KeyPair(bits(2)).public_key(), address(3));
  if (!made) std::abort();
  return *made;
}

const ton::ProxyInstance& instance() {
  static const ton::ProxyInstance one = make_instance();
  return one;
}

struct World {
  Input in;
  std::optional<ledger::Ledger> ledger;
  std::optional<ledger::Snapshot> writing, durable;
  crypto::Random random{bits(9)};
  ton::Address contracts[4] = {instance().client_address(address(20)), instance().client_address(address(21)),
                               instance().worker_address(address(30)), instance().worker_address(address(31))};
  std::uint8_t session = 50;
  std::int64_t now = 1'800'000'000;

  ton::Address client() { return address(in.u8() % 2 == 0 ? 20 : 21); }
  ton::Address worker() { return address(in.u8() % 2 == 0 ? 30 : 31); }

  bool open() {
    auto opened = ledger::Ledger::open({.wallet = address(4), .charge_client_at = 100, .pay_worker_at = 100},
                                       instance(), crypto::KeyPair(bits(2)), bits(session++), bits(5), durable);
    if (!opened) return false;
    ledger.emplace(*std::move(opened));
    return true;
  }

  void arrive(const ton::Address& from, const ton::Cell& body) {
    ton::Transaction tx;
    tx.account = instance().address().hash;
    tx.prev_lt = ledger->anchor().lt;
    tx.prev_hash = ledger->anchor().hash;
    tx.lt = tx.prev_lt + 1 + in.u8() % 3;
    tx.hash = crypto::sha256(body.hash().view());
    ton::Message m;
    m.info = ton::InternalInfo{.src = from, .dest = instance().address(), .value = {in.u8() % 3U, std::nullopt}};
    m.body = body;
    tx.in_msg = ton::TransactionMessage{body, m};
    const auto how = in.u8();
    tx.description.aborted = how % 3 == 0;
    tx.description.compute.skipped = how % 3 == 0 ? ton::SkipReason::no_gas : ton::SkipReason::none;
    tx.description.compute.success = how % 3 == 1;
    tx.description.action = ton::ActionPhase{.success = true, .valid = true};
    (void)ledger->apply(tx);
  }

  void client_notice() {
    ton::ClientRequest r{.query_id = 1, .owner = client(), .state = {}, .payload = {}};
    r.state.state = static_cast<ton::ContractState>(in.u8() & 3U);
    r.state.balance = in.number();
    r.state.stake = in.number();
    r.state.tokens_used = in.number();
    const auto body = ton::build_client_request(r);
    arrive(contracts[in.u8() % 2], body);
  }
  void worker_notice() {
    const ton::WorkerRequest r{.query_id = 1,
                               .owner = worker(),
                               .state = static_cast<ton::ContractState>(in.u8() & 3U),
                               .tokens = in.number(),
                               .payload = {}};
    arrive(contracts[2 + in.u8() % 2], ton::build_worker_request(r));
  }
  void commit() {
    auto commit = ledger->commit_to_send().value_or(ledger::PendingCommit{static_cast<std::int32_t>(in.u8()), bits(1)});
    if (in.u8() % 8 == 0) commit.hash = bits(in.u8());
    arrive(in.u8() % 8 == 0 ? address(77) : address(4), ledger->commit_body(commit));
  }
  void anything() {
    const std::size_t wanted = in.u8() * 4U;
    const auto size = std::min(wanted, in.left.size());
    const auto cell = ton::read_boc(in.left.first(size), {.bytes = 1024, .cells = 16});
    in.left = in.left.subspan(size);
    if (cell) arrive(contracts[in.u8() % 4], *cell);
  }
  void request() {
    const auto owner = client();
    const auto reserved = in.number();
    if (ledger->reserve(owner, reserved)) ledger->finish(owner, worker(), reserved, in.number(), from_unix(now));
  }
  void snapshot() {
    if (!ledger->writing()) {
      writing = ledger->snapshot(!ledger->committing() && in.u8() % 2 == 0);
    } else if (in.u8() % 4 != 0) {
      durable = writing;
      ledger->snapshot_durable(writing->seqno);
    } else {
      ledger->snapshot_failed(writing->seqno);
    }
  }
  void settle() {
    now += in.u8();
    for (const auto& s : ledger->due(from_unix(now), random)) switch (in.u8() % 4) {
        case 0:
          ledger->settlement_failed(s.kind, s.owner, from_unix(now));
          break;
        case 1:
          break;
        default:
          ledger->settlement_sent(s.kind, s.owner, from_unix(now));
      }
    (void)ledger->sign_for_client(client(), random);
    (void)ledger->sign_for_worker(worker(), random);
  }

  void step() {
    switch (in.u8() % 11) {
      case 0:
        return client_notice();
      case 1:
        return worker_notice();
      case 2:
        return commit();
      case 3:
        return anything();
      case 4:
        return request();
      case 5:
      case 6:
        return snapshot();
      case 7:
        return settle();
      case 8:
        return static_cast<void>(ledger->settle_now(in.u8() % 2 == 0, std::nullopt));
      case 9:
        if (in.u8() % 16 == 0) ledger->retire();
        return;
      default:
        // A restart finds what was durable, and our own seal on it.
        if (in.u8() % 8 == 0 && !open()) std::abort();
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  if (const auto snapshot = ledger::decode(input)) {
    if (ledger::encode(*snapshot) != to_bytes(input)) std::abort();
  }
  World world{.in = {input}};
  if (!world.open()) std::abort();
  for (int i = 0; i < 2000 && !world.in.left.empty(); ++i) world.step();
  return 0;
}
