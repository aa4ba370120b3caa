// For tests: a client core among a root contract, a wallet, its contract and one proxy, all played by hand.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "client/core/core.hpp"
#include "contract_code/contract_code.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/bodies.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client::testdata {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ton::kTon;

inline Bits256 filled(std::uint8_t byte) {
  Bits256 out;
  out.fill(byte);
  return out;
}

// The effects of one kind, in order.
template <class T>
std::vector<T> all(const Effects& effects) {
  std::vector<T> out;
  for (const auto& e : effects)
    if (const auto* one = std::get_if<T>(&e)) out.push_back(*one);
  return out;
}

// The one effect of that kind.
template <class T>
T only(const Effects& effects) {
  auto found = all<T>(effects);
  EXPECT_EQ(found.size(), 1U);
  return found.empty() ? T{} : found.front();
}

// Packets sent, decoded.
template <class T>
std::vector<T> packets(const Effects& effects) {
  std::vector<T> out;
  for (const auto& p : all<role::SendPacket>(effects))
    if (auto message = wire::decode<T>(p.data)) out.push_back(std::move(*message));
  return out;
}

inline ton::RootState make_root() {
  ton::RootState r;
  r.version = 3;
  r.owner = {0, filled(0x0e)};
  r.registered_proxies = {{1, "10.0.0.1:7001 10.0.0.1:7002"}};
  r.last_proxy_seqno = 1;
  r.proxy_hashes = {filled(0xaa)};
  r.params.params_version = 5;
  r.params.unique_id = 77;
  r.params.is_test = true;
  r.params.price_per_token = 20;
  r.params.worker_fee_per_token = 18;
  r.params.min_client_stake = kTon;
  r.params.proxy_code = contract_code::proxy();
  r.params.client_code = contract_code::client();
  r.params.worker_code = contract_code::worker();
  return r;
}

// What the test of a core needs of a chain: externals are executed at once and without fees.
class Chain {
 public:
  Chain(const Money::Config& money, ton::Address wallet) : wallet_(wallet), config_(money) {}

  std::uint64_t balance = 0;  // of the wallet
  int failures = 0;           // so many messages to the client contract fail from now on
  std::map<ton::Address, ton::ClientState> clients;
  std::uint64_t stake = kTon;
  std::uint32_t client_delay = 300;
  std::int64_t time = 1'800'000'000;
  ton::Address proxy;               // its contract, which pays what client contracts order
  std::uint64_t proxy_stake = 0;    // all that a forced refund may take
  bool proxy_pays = true;

  role::AccountObserved wallet(std::vector<ton::Transaction> transactions = {}) const {
    ton::Account a;
    a.address = wallet_;
    a.balance.coins = balance;
    if (seqno_ > 0) {
      ton::WalletState s;
      s.seqno = seqno_;
      s.public_key = crypto::KeyPair(config_.node_seed).public_key();
      s.owner = config_.owner;
      a.state = ton::StateInit{.code = config_.wallet_code, .data = ton::build_wallet_data(s)};
    }
    auto account = balance == 0 && seqno_ == 0 ? std::nullopt : std::optional(a);
    return {wallet_, account, std::move(transactions), true, time};
  }

  role::AccountObserved contract(const ton::Address& self, std::vector<ton::Transaction> transactions = {}) const {
    std::optional<ton::Account> account;
    if (const auto it = clients.find(self); it != clients.end()) {
      account.emplace();
      account->address = self;
      const ton::Cell empty;
      account->state =
          ton::StateInit{.code = contract_code::client(), .data = ton::build_client_data(it->second, empty, empty)};
    }
    return {self, account, std::move(transactions), true, time};
  }

  // What the core hears when its external was included and the messages have arrived.
  std::vector<role::AccountObserved> execute(const role::SendExternal& external) {
    const auto message = *ton::parse_message(*ton::read_boc(external.boc));
    const auto body = *ton::parse_wallet_body(message.body);
    ++lt_;
    ++seqno_;
    std::vector<role::AccountObserved> seen{
        wallet({transaction(*ton::read_boc(external.boc), message, /*success=*/true)})};
    for (const auto& order : body.request.orders) {
      auto inner = *ton::parse_message(order.message);
      auto info = *inner.internal();
      info.src = wallet_;
      inner.info = info;
      balance -= info.value.coins;
      log.push_back({info.value.coins, ton::read_body_header(inner.body)->opcode, inner.body, inner.init.has_value()});
      const bool success = failures == 0;
      std::optional<ton::ClientRequest> refund;
      if (success)
        refund = apply(info.dest, inner);
      else
        --failures;
      auto t = transaction(order.message, inner, success);
      if (refund) t.out_msgs.push_back(ask_proxy(info.dest, *refund));
      seen.push_back(contract(info.dest, {t}));
      if (refund && proxy_pays) seen.push_back(wallet({payout(*refund)}));
    }
    seen.front().account->balance.coins = balance;
    return seen;
  }
  // The proxy grants the refund: the client contract is charged, closed, and orders the rest.
  std::vector<role::AccountObserved> grant(const ton::Address& self, std::uint64_t tokens, std::uint64_t price) {
    auto& c = clients.at(self);
    const auto cost = (tokens - c.tokens_used) * price;
    c.tokens_used = tokens;
    ton::ClientRequest refund;
    refund.query_id = 4711;
    refund.payload = ton::RefundPayload{false, c.balance - std::min(c.balance, cost), wallet_};
    c.balance = 0;
    c.unlock_ts = 0;
    c.state = ton::ContractState::closed;
    const auto message = ask_proxy(self, refund);
    auto t = transaction(message.cell, *message.message, true);
    t.in_msg.reset();
    t.out_msgs = {message};
    return {contract(self, {t}), wallet({payout(refund)})};
  }

  struct Arrived {
    std::uint64_t value = 0;
    std::uint32_t opcode = 0;
    ton::Cell body;
    bool deploys = false;
  };
  std::vector<Arrived> log;  // messages that came to client contracts

 private:
  ton::Transaction transaction(const ton::Cell& cell, const ton::Message& m, bool success) {
    ton::Transaction t;
    t.lt = ++lt_;
    t.in_msg = ton::TransactionMessage{cell, m};
    t.description.compute.success = success;
    t.description.compute.exit_code = success ? 0 : 1001;
    t.description.aborted = !success;
    if (success) t.description.action = ton::ActionPhase{.success = true, .valid = true};
    return t;
  }

  ton::TransactionMessage ask_proxy(const ton::Address& self, const ton::ClientRequest& request) const {
    ton::InternalInfo info;
    info.src = self;
    info.dest = proxy;
    const ton::Message m{info, {}, ton::build_client_request(request)};
    return {*ton::build_message(m), m};
  }
  // What the proxy contract does with it.
  ton::Transaction payout(const ton::ClientRequest& request) {
    const auto& refund = std::get<ton::RefundPayload>(request.payload);
    ton::InternalInfo info;
    info.src = proxy;
    info.dest = wallet_;
    info.value.coins = refund.forced ? std::min(refund.amount, proxy_stake) : refund.amount;
    balance += info.value.coins;
    const ton::Message m{info, {}, ton::build_body(ton::Payout{request.query_id})};
    return transaction(*ton::build_message(m), m, true);
  }

  // Gives the refund that the client contract asks of the proxy contract, if any.
  std::optional<ton::ClientRequest> apply(const ton::Address& to, const ton::Message& m) {
    if (!clients.contains(to)) {
      if (!m.init) return std::nullopt;
      EXPECT_EQ(ton::address_of(*m.init), to);
      clients[to].stake = stake;
    }
    auto& c = clients[to];
    if (const auto top_up = ton::parse_body<ton::ClientTopUp>(m.body)) c.balance += top_up->amount;
    if (const auto both = ton::parse_body<ton::ClientChangeSecretAndTopUp>(m.body)) {
      c.balance += both->amount;
      c.secret_hash = both->secret_hash;
    }
    if (const auto secret = ton::parse_body<ton::ClientChangeSecret>(m.body)) c.secret_hash = secret->secret_hash;
    if (const auto wrapper = ton::parse_signed_message(m.body))
      if (const auto payload = ton::parse_payment_payload(wrapper->payload)) c.tokens_used = payload->tokens;
    if (const auto more = ton::parse_body<ton::ClientIncreaseStake>(m.body)) c.stake = more->amount;
    const auto refund = [&](std::uint64_t query_id, std::uint64_t amount, bool forced) {
      c.balance -= amount;
      ton::ClientRequest request;
      request.query_id = query_id;
      request.payload = ton::RefundPayload{forced, amount, wallet_};
      return request;
    };
    const auto surplus = c.balance > c.stake ? c.balance - c.stake : 0;
    if (const auto w = ton::parse_body<ton::ClientWithdraw>(m.body)) return refund(w->query_id, surplus, false);
    if (const auto r = ton::parse_body<ton::ClientRequestRefund>(m.body)) {
      if (c.state == ton::ContractState::closing) {
        c.state = ton::ContractState::closed;
        return refund(r->query_id, c.balance, true);
      }
      c.state = ton::ContractState::closing;
      c.unlock_ts = static_cast<std::uint32_t>(time) + client_delay;
      if (surplus > 0) return refund(r->query_id, surplus, false);
    }
    return std::nullopt;
  }

  ton::Address wallet_;
  Money::Config config_;
  std::uint32_t seqno_ = 0;
  std::uint64_t lt_ = 1000;
};

struct World {
  ton::RootState root = make_root();
  crypto::KeyPair proxy_key{filled(0x51)};
  ton::Address proxy_owner{0, filled(0x52)};
  Config config = make_config();
  Time now = from_unix(1'800'000'000);
  Core core{config, crypto::Random(filled(1))};
  Chain chain{config.money, money_wallet()};
  role::LinkId link = 0;  // the last one
  std::map<ton::Address, Bytes> disk;
  bool disk_full = false;
  bool proxy_additions = false;

  static Config make_config() {
    Config c;
    c.root = {0, filled(0x77)};
    c.is_test = true;
    c.secret = "our secret";
    c.money.node_seed = filled(0x33);
    c.money.owner = {0, filled(0x34)};
    c.money.wallet_code = contract_code::wallet();
    return c;
  }
  ton::Address money_wallet() const { return core.status(now).money.wallet; }
  ton::ProxyInstance instance() const {
    return *ton::ProxyInstance::make(root.params, proxy_owner, proxy_key.public_key(), config.root);
  }
  ton::Address contract() const { return instance().client_address(money_wallet()); }

  Effects handle(const Event& e) {
    Effects out;
    core.handle(e, now, out);
    for (const auto& note : all<Remember>(out)) {
      if (!disk_full && note.record.empty()) disk.erase(note.contract);
      if (!disk_full && !note.record.empty()) disk[note.contract] = note.record;
      core.handle(Remembered{note.contract, disk_full ? Result<>(fail("disk full")) : Result<>()}, now, out);
    }
    return out;
  }
  Effects tick(Duration later = {}) {
    now += later;
    return handle(role::Tick{});
  }

  // The process dies, and starts again with what is on its disk.
  void restart() {
    auto c = config;
    for (const auto& [contract, record] : disk) c.money.remembered.push_back(record);
    core = Core(std::move(c), crypto::Random(filled(2)));
    link = 0;
  }

  // --- chain
  Effects observe_root() {
    ton::Account a;
    a.state = ton::StateInit{.data = *ton::build_root_state(root)};
    return handle(role::AccountObserved{config.root, a, {}, true, chain.time});
  }
  Effects observe_wallet() { return handle(chain.wallet()); }
  Effects observe_contract() { return handle(chain.contract(contract())); }
  Effects observe_proxy() {
    auto state = *ton::parse_proxy_state(*instance().state_init().data);
    state.stake = chain.proxy_stake;
    ton::Account a;
    a.state = ton::StateInit{.code = contract_code::proxy(),
                             .data = ton::build_proxy_data(state, *ton::build_params(root.params, ton::Flavour::proxy))};
    return handle(role::AccountObserved{instance().address(), a, {}, true, chain.time});
  }
  // Externals among the effects are included, what follows from them too, until nothing moves any more.
  Effects settle(Effects effects) {
    Effects out;
    while (!effects.empty()) {
      Effects next;
      for (const auto& external : all<role::SendExternal>(effects))
        for (const auto& seen : chain.execute(external)) {
          for (auto& e : handle(seen)) next.push_back(std::move(e));
        }
      out.insert(out.end(), effects.begin(), effects.end());
      effects = std::move(next);
    }
    return out;
  }

  // --- links
  role::Peer proxy_peer() const {
    role::Peer p;
    p.public_key = filled(0x51);
    p.image_hash = filled(0xaa);
    p.attested = true;
    p.tee = "tdx";
    p.verdict = "accepted";
    p.address = "10.0.0.1:7002";
    p.additions = proxy_additions;
    return p;
  }
  Effects link_up(role::TargetId target) { return link_up(target, proxy_peer()); }
  Effects link_up(role::TargetId target, role::Peer peer) {
    return handle(role::LinkUp{++link, target, 0, std::move(peer)});
  }
  // Start, read the root, dial. Gives the target.
  role::TargetId dialled() {
    auto effects = tick();
    EXPECT_EQ(all<role::Watch>(effects).size(), 2U);
    const auto dial = all<role::Dial>(observe_root());
    EXPECT_EQ(dial.size(), static_cast<std::size_t>(config.proxy_connections));
    return dial.empty() ? 0 : dial.front().target;
  }

  // --- the proxy's answers
  wire::client::ConnectedToProxy hello(const wire::client::AnyProxyConnectionAuth& auth, int proto = 2) const {
    wire::client::ConnectedToProxy m;
    m.params.flags = 1;
    m.params.proxy_public_key = proxy_key.public_key();
    m.params.proxy_owner_address = ton::to_friendly_text(proxy_owner);
    m.params.proxy_sc_address = ton::to_friendly_text(instance().address());
    m.params.is_test = true;
    m.params.set_proto_version(proto);
    m.client_sc_address = ton::to_friendly_text(contract());
    m.auth = auth;
    m.signed_payment = wire::proxy::SignedPaymentEmpty{};
    return m;
  }
  wire::client::ProxyConnectionAuthShort short_auth(std::int64_t nonce = 11) const {
    return {crypto::sha256(as_bytes(config.secret)), nonce};
  }
  template <class T>
  Effects answer(role::QueryToken token, const T& message) {
    return handle(role::QueryDone{link, token, wire::encode(message)});
  }
  Effects answer_error(role::QueryToken token, int code, std::string text = "no") {
    return handle(role::QueryDone{link, token, fail(code, std::move(text))});
  }
  template <class T>
  Effects packet(const T& message) {
    return handle(role::PacketIn{link, wire::encode(message)});
  }
  static wire::client::AuthorizationWithProxySuccess let_in() {
    return {.signed_payment = wire::proxy::SignedPaymentEmpty{}, .tokens_committed_to_db = 0, .max_tokens = 0};
  }
  static role::QueryToken token_of(const Effects& effects) {
    const auto queries = all<role::SendQuery>(effects);
    EXPECT_EQ(queries.size(), 1U);
    return queries.empty() ? 0 : queries.front().token;
  }
  Bytes payment_for(std::uint64_t tokens, std::uint64_t query_id = 991) const {
    const auto payload =
        ton::build_signed_payload(ton::PaymentPayload{ton::op::client_charge_signed, query_id, tokens, contract()});
    return ton::write_boc(ton::build_signed_message(ton::sign_payload(payload, proxy_owner, proxy_key)));
  }

  // A session that was let in by the secret; funded contract.
  void become_ready(int proto = 2) {
    chain.proxy = instance().address();
    chain.clients[contract()] = {.balance = 2 * kTon,
                                 .stake = kTon,
                                 .tokens_used = 0,
                                 .unlock_ts = 0,
                                 .secret_hash = crypto::sha256(as_bytes(config.secret))};
    chain.balance = 20 * kTon;
    const auto target = dialled();
    observe_wallet();
    auto_ready(target, proto);
    observe_contract();
    EXPECT_TRUE(core.status(now).ready) << core.status(now).waiting_for;
  }
  void auto_ready(role::TargetId target, int proto = 2) {
    auto effects = link_up(target);
    effects = answer(token_of(effects), hello(short_auth(), proto));
    answer(token_of(effects), let_in());
  }

  static ApiRequest request(ApiId id = 1) {
    ApiRequest r;
    r.id = id;
    r.path = "/v1/chat/completions";
    r.headers = {{"Host", "localhost"}, {"Content-Type", "application/json"}};
    r.body = to_bytes(R"({"model":"m","messages":[]})");
    r.model = "m";
    r.max_tokens = 100;
    r.max_coefficient = 4000;
    r.timeout = seconds(120);
    return r;
  }
  // The wire id of a request that was just sent.
  static Bits256 id_in(const Effects& effects) {
    if (const auto ex = packets<wire::client::RunQueryEx>(effects); !ex.empty()) return ex.front().request_id;
    if (const auto old = packets<wire::client::RunQuery>(effects); !old.empty()) return old.front().request_id;
    ADD_FAILURE() << "no request was sent";
    return {};
  }
  Bits256 run(const ApiRequest& r) { return id_in(handle(r)); }
  static Bytes response(int status, std::string_view body = {}, std::vector<wire::http::Header> headers = {}) {
    wire::http::Response r;
    r.http_version = "HTTP/1.1";
    r.status_code = status;
    r.reason = "OK";
    r.headers = std::move(headers);
    r.payload = to_bytes(body);
    return wire::encode(r);
  }
};

}  // namespace cocoon::client::testdata
