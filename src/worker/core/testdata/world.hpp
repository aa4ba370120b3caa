// For tests: a worker core among a root contract, a wallet, its contract and one proxy, all played by hand.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "contract_code/contract_code.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/bodies.hpp"
#include "wire/error_codes.hpp"
#include "worker/core/core.hpp"

namespace cocoon::worker::testdata {

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
template <class T>
T only_packet(const Effects& effects) {
  auto found = packets<T>(effects);
  EXPECT_EQ(found.size(), 1U);
  return found.empty() ? T{} : found.front();
}

inline constexpr const char* kModel = "m@commit:hash";

inline ton::RootState make_root() {
  ton::RootState r;
  r.version = 3;
  r.owner = {0, filled(0x0e)};
  r.registered_proxies = {{1, "10.0.0.1:7001 10.0.0.1:7002"}};
  r.last_proxy_seqno = 1;
  r.proxy_hashes = {filled(0xaa)};
  r.model_hashes = {crypto::sha256(as_bytes(kModel))};
  r.params.params_version = 5;
  r.params.unique_id = 77;
  r.params.is_test = true;
  r.params.price_per_token = 20;
  r.params.worker_fee_per_token = 18;
  r.params.multipliers = {10000, 1000, 40000, 40000};
  r.params.proxy_code = contract_code::proxy();
  r.params.client_code = contract_code::client();
  r.params.worker_code = contract_code::worker();
  return r;
}

struct World {
  ton::RootState root = make_root();
  crypto::KeyPair proxy_key{filled(0x51)};
  ton::Address proxy_owner{0, filled(0x52)};
  Config config = make_config();
  Time now = from_unix(1'800'000'000);
  Core core{config, crypto::Random(filled(1))};
  role::LinkId link = 0;  // the last one

  static Config make_config() {
    Config c;
    c.root = {0, filled(0x77)};
    c.is_test = true;
    c.model = kModel;
    c.max_active_requests = 3;
    c.money.wallet_seed = filled(0x33);
    c.money.wallet_owner = {0, filled(0x34)};
    c.money.owner = {0, filled(0x35)};
    c.money.wallet_code = contract_code::wallet();
    return c;
  }
  ton::ProxyInstance instance() const {
    return *ton::ProxyInstance::make(root.params, proxy_owner, proxy_key.public_key(), config.root);
  }
  ton::Address contract() const { return instance().worker_address(config.money.owner); }

  Effects handle(const Event& e) {
    Effects out;
    core.handle(e, now, out);
    return out;
  }
  Effects tick(Duration later = {}) {
    now += later;
    return handle(role::Tick{});
  }

  // --- chain
  Effects observe_root() {
    ton::Account a;
    a.state = ton::StateInit{.data = *ton::build_root_state(root)};
    return handle(role::AccountObserved{config.root, a, {}, true, unix_time(now)});
  }
  Effects observe_wallet(std::uint64_t balance) {
    ton::Account a;
    a.address = core.status().money.wallet;
    a.balance.coins = balance;
    return handle(role::AccountObserved{a.address, a, {}, true, unix_time(now)});
  }
  // Our contract with so many tokens paid, after `transactions`.
  Effects observe_contract(std::optional<std::uint64_t> paid, std::vector<ton::Transaction> transactions = {}) {
    std::optional<ton::Account> account;
    if (paid) {
      ton::WorkerState s;
      s.owner = config.money.owner;
      s.proxy = instance().address();
      s.proxy_key = proxy_key.public_key();
      s.tokens = *paid;
      account.emplace();
      account->address = contract();
      account->state = ton::StateInit{.code = contract_code::worker(), .data = ton::build_worker_data(s, ton::Cell())};
    }
    return handle(role::AccountObserved{contract(), account, std::move(transactions), true, unix_time(now)});
  }

  // --- links
  role::Peer proxy_peer() const {
    role::Peer p;
    p.public_key = filled(0x51);
    p.image_hash = filled(0xaa);
    p.attested = true;
    p.tee = "tdx";
    p.verdict = "accepted";
    p.address = "10.0.0.1:7001";
    return p;
  }
  // Start, engine up, read the root, dial. Gives the target.
  role::TargetId dialled() {
    EXPECT_EQ(all<role::Watch>(tick()).size(), 2U);
    handle(EngineHealth{true, ""});
    return only<role::Dial>(observe_root()).target;
  }
  Effects link_up(role::TargetId target) { return link_up(target, proxy_peer()); }
  Effects link_up(role::TargetId target, role::Peer peer) {
    return handle(role::LinkUp{++link, target, 0, std::move(peer)});
  }

  // --- the proxy's side
  wire::worker::ConnectedToProxy hello(int proto) const {
    wire::worker::ConnectedToProxy m;
    m.params.flags = 1;
    m.params.proxy_public_key = proxy_key.public_key();
    m.params.proxy_owner_address = ton::to_friendly_text(proxy_owner);
    m.params.proxy_sc_address = ton::to_friendly_text(instance().address());
    m.params.is_test = true;
    m.params.set_proto_version(proto);
    m.worker_sc_address = ton::to_friendly_text(contract());
    return m;
  }
  wire::proxy::SignedPayment payment(std::uint64_t tokens) const {
    const auto payload =
        ton::build_signed_payload(ton::PaymentPayload{ton::op::worker_payout_signed, 991, tokens, contract()});
    return {ton::write_boc(ton::build_signed_message(ton::sign_payload(payload, proxy_owner, proxy_key)))};
  }
  wire::worker::CompareBalanceWithProxyResult compared(std::uint64_t chain, std::int64_t db, std::int64_t max,
                                                       std::int32_t code = 0) const {
    return {payment(chain), db, max, code};
  }
  wire::proxy::WorkerRequestPayment request_payment(std::uint64_t chain, std::int64_t db, std::int64_t max) const {
    wire::proxy::WorkerRequestPayment m;
    m.signed_payment = payment(chain);
    m.db_tokens = db;
    m.max_tokens = max;
    return m;
  }
  template <class T>
  Effects answer(role::QueryToken token, const T& message) {
    return handle(role::QueryDone{link, token, wire::encode(message)});
  }
  template <class T>
  Effects packet(const T& message) {
    return handle(role::PacketIn{link, wire::encode(message)});
  }
  static role::QueryToken token_of(const Effects& effects) { return only<role::SendQuery>(effects).token; }

  Effects finish_handshake(Effects effects, int proto) {
    effects = answer(token_of(effects), hello(proto));
    effects = answer(token_of(effects), compared(0, 0, 0));
    return answer(token_of(effects), wire::worker::ProxyHandshakeCompleted{});
  }
  void become_ready(int proto = 4) {
    finish_handshake(link_up(dialled()), proto);
    EXPECT_TRUE(core.status().ready) << core.status().waiting_for;
  }

  // --- requests
  static wire::http::Request http_request(std::string_view body) {
    wire::http::Request r;
    r.method = "POST";
    r.url = "/v1/chat/completions";
    r.http_version = "HTTP/1.0";
    r.headers = {{"Authorization", "Bearer secret"}};
    r.payload = to_bytes(body);
    return r;
  }
  static wire::proxy::RunQueryEx query(std::uint8_t id = 1, std::string_view body = R"({"model":"m"})") {
    wire::proxy::RunQueryEx q;
    q.query = wire::encode(http_request(body));
    q.signed_payment = wire::proxy::SignedPaymentEmpty{};
    q.coefficient = 1500;
    q.timeout = 100;
    q.request_id = filled(id);
    q.set_debug(false);
    q.set_private_key({});
    return q;
  }
  StartJob start(std::uint8_t id = 1) { return only<StartJob>(packet(query(id))); }
};

}  // namespace cocoon::worker::testdata
