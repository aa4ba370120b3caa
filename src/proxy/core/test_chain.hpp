// For tests: a root contract, a wallet, and proxy, client and worker contracts, as far as the proxy core looks at them.
// It executes wallet externals by the book of contracts.md and shows what a liteserver would: accounts and
// transactions.
#pragma once
#include <deque>
#include <map>
#include <set>

#include "contract_code/contract_code.hpp"
#include "role/events.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/notices.hpp"
#include "ton/contracts/root.hpp"
#include "ton/contracts/signed.hpp"
#include "ton/contracts/wallet.hpp"

namespace cocoon::proxy::testing {

// One proxy contract with its client and worker contracts.
struct TestContracts {
  struct Client {
    ton::ClientState state;
    std::uint64_t charges = 0;
    std::uint64_t refunds = 0;   // messages that granted one
    std::uint64_t refunded = 0;  // nanoTON
  };
  struct Worker {
    std::uint64_t tokens = 0;
    std::uint64_t payouts = 0;
    bool deployed = false;
    ton::ContractState state = ton::ContractState::normal;
  };
  std::map<ton::Address, Client> clients;  // by owner
  std::map<ton::Address, Worker> workers;  // by owner
  std::uint64_t commission = 0, stake = 0;
  ton::ContractState proxy_state = ton::ContractState::normal;
  std::uint32_t unlock_ts = 0;
  std::uint64_t taken_home = 0;  // by the proxy's owner when it closed
  bool proxy_deployed = false;
  ton::Params params;
  std::optional<ton::ProxyInstance> instance_;
};

class TestChain : public TestContracts {
 public:
  ton::RootState root;
  ton::Address root_address{0, crypto::sha256(as_bytes("root"))};
  std::uint64_t wallet_coins = 100 * ton::kTon;
  bool wallet_fails = false;    // externals are included, but their actions fail
  bool lose_externals = false;  // nothing is included
  bool ignore_charges = false;  // client and worker contracts abort
  std::vector<ton::ProxySaveState> commits;
  std::vector<std::uint32_t> log;      // opcodes that arrived, in order
  std::vector<TestContracts> earlier;  // of parameters before the present ones

  TestChain(const ton::Address& proxy_owner, const crypto::Seed& machine, const crypto::Seed& wallet)
      : owner_(proxy_owner), machine_(crypto::KeyPair(machine).public_key()) {
    root.owner = {0, crypto::sha256(as_bytes("root owner"))};
    root.version = 5;
    root.params.params_version = 1;
    root.params.is_test = true;
    root.params.price_per_token = 20;
    root.params.worker_fee_per_token = 19;
    root.params.proxy_code = contract_code::proxy();
    root.params.worker_code = contract_code::worker();
    root.params.client_code = contract_code::client();
    wallet_init_ = ton::wallet_state_init(contract_code::wallet(), crypto::KeyPair(wallet).public_key(), owner_);
    wallet_ = ton::address_of(wallet_init_);
    derive();
  }

  // New parameters: new contracts; what there was stays where it is.
  void derive() {
    if (instance_) earlier.push_back(std::exchange(static_cast<TestContracts&>(*this), {}));
    params = root.params;
    instance_ = *ton::ProxyInstance::make(root.params, owner_, machine_, root_address);
  }
  const ton::ProxyInstance& instance() const { return *instance_; }
  const ton::Address& wallet() const { return wallet_; }

  // --- what a liteserver shows
  role::AccountObserved show(const ton::Address& address, std::uint64_t from_lt) const {
    role::AccountObserved out;
    out.address = address;
    out.account = account(address);
    out.chain_time = now;
    if (const auto it = history_.find(address); it != history_.end())
      for (const auto& t : it->second)
        if (t.lt > from_lt) out.transactions.push_back(t);
    return out;
  }
  std::uint64_t last_lt(const ton::Address& address) const {
    const auto it = history_.find(address);
    return it == history_.end() || it->second.empty() ? 0 : it->second.back().lt;
  }

  // --- what others do
  void execute(BytesView external) {
    const auto cell = ton::read_boc(external);
    const auto message = ton::parse_message(*cell);
    if (lose_externals || !message || message->external_in()->dest != wallet_) return;
    const auto body = ton::parse_wallet_body(message->body);
    if (!body || body->request.seqno != seqno_ || static_cast<std::int64_t>(body->request.valid_until) <= now) return;
    ton::Transaction t = transaction();
    t.in_msg = ton::TransactionMessage{*cell, *message};
    if (wallet_fails) {
      t.description.aborted = true;
      t.description.action = ton::ActionPhase{.success = false, .result_code = 37};
      add(wallet_, t);
      return;
    }
    ++seqno_;
    add(wallet_, t);
    for (const auto& order : body->request.orders) {
      const auto sent = ton::parse_message(order.message);
      if (sent) deliver(*sent);
    }
  }
  // A client contract tells the proxy contract its state, perhaps with a nonce.
  void client_notice(const ton::Address& client_owner, std::optional<std::uint64_t> nonce = {}) {
    ton::ClientRequest request;
    request.owner = client_owner;
    request.state = clients[client_owner].state;
    if (nonce) request.payload = ton::RegisterPayload{*nonce};
    notice(instance_->client_address(client_owner), ton::build_client_request(request));
  }
  void client_deposits(const ton::Address& client_owner, std::uint64_t nano, const Bits256& secret_hash) {
    auto& c = clients[client_owner];
    c.state.balance += nano;
    c.state.stake = root.params.min_client_stake;
    c.state.secret_hash = secret_hash;
    client_notice(client_owner);
  }
  // A commit by somebody who has our wallet key: another copy of this proxy.
  void foreign_commit(std::int32_t seqno, const Bits256& hash) {
    ton::ProxySaveState commit;
    commit.seqno = seqno;
    commit.hash = hash;
    receive(wallet_, instance_->address(), 1, ton::build_body(commit));
  }

  std::int64_t now = 1'700'000'000;
  std::set<ton::Address> changed;  // accounts with news since the last look

 private:
  ton::Transaction transaction() {
    ton::Transaction t;
    t.lt = lt_ += 10;
    t.hash = crypto::sha256(as_bytes(std::to_string(t.lt)));
    t.now = static_cast<std::uint32_t>(now);
    t.status_before = t.status_after = ton::AccountStatus::active;
    t.description.compute.success = true;
    t.description.action = ton::ActionPhase{.success = true, .valid = true};
    return t;
  }
  void add(const ton::Address& to, ton::Transaction t) {
    auto& before = history_[to];
    t.account = to.hash;
    if (!before.empty()) {
      t.prev_lt = before.back().lt;
      t.prev_hash = before.back().hash;
    }
    before.push_back(std::move(t));
    changed.insert(to);
  }
  void receive(const ton::Address& from, const ton::Address& to, std::uint64_t value, const ton::Cell& body) {
    ton::InternalInfo info;
    info.src = from;
    info.dest = to;
    info.value.coins = value;
    ton::Message message{info, {}, body};
    ton::Transaction t = transaction();
    if (value <= 1) {  // no gas: recorded, not computed
      t.description.aborted = true;
      t.description.compute = {.skipped = ton::SkipReason::no_gas};
      t.description.action.reset();
    }
    t.in_msg = ton::TransactionMessage{*ton::build_message(message), message};
    add(to, std::move(t));
  }
  void notice(const ton::Address& from, const ton::Cell& body) { receive(from, instance_->address(), 1, body); }

  void deliver(const ton::Message& message) {
    const auto& info = *message.internal();
    wallet_coins -= std::min(wallet_coins, info.value.coins);
    if (const auto header = ton::read_body_header(message.body)) log.push_back(header->opcode);
    if (deliver_here(message)) return;
    for (auto& one : earlier) {
      std::swap(static_cast<TestContracts&>(*this), one);
      const bool here = deliver_here(message);
      std::swap(static_cast<TestContracts&>(*this), one);
      if (here) return;
    }
  }
  bool deliver_here(const ton::Message& message) {
    const auto& info = *message.internal();
    if (info.dest == instance_->address()) {
      to_proxy(message);
      return true;
    }
    for (auto& [owner, c] : clients) {
      if (info.dest != instance_->client_address(owner)) continue;
      charge(owner, c, message.body);
      refund(owner, c, message.body);
      return true;
    }
    if (message.init && message.init->data) {
      const auto state = ton::parse_worker_state(*message.init->data);
      if (state && instance_->worker_address(state->owner) == info.dest) workers[state->owner].deployed = true;
    }
    for (auto& [owner, w] : workers) {
      if (info.dest != instance_->worker_address(owner) || !w.deployed) continue;
      pay(owner, w, message.body);
      return true;
    }
    return false;
  }
  void to_proxy(const ton::Message& message) {
    const auto& info = *message.internal();
    if (message.init) proxy_deployed = true;
    receive(wallet_, info.dest, info.value.coins, message.body);
    if (const auto commit = ton::parse_body<ton::ProxySaveState>(message.body)) commits.push_back(*commit);
    if (ton::parse_body<ton::ProxyPayoutRequest>(message.body)) commission = 0;
    if (const auto more = ton::parse_body<ton::ProxyIncreaseStake>(message.body)) stake += more->amount;
    close(message.body);
  }
  void close(const ton::Cell& body) {
    const auto wrapper = ton::parse_signed_message(body);
    if (!wrapper || !ton::signature_is_valid(*wrapper, machine_)) return;
    const auto payload = ton::parse_close_payload(wrapper->payload);
    if (!payload || payload->contract != instance_->address()) return;
    if (payload->opcode == ton::op::proxy_close_request_signed && proxy_state == ton::ContractState::normal)
      proxy_state = ton::ContractState::closing;
    if (payload->opcode == ton::op::proxy_close_complete_signed && proxy_state == ton::ContractState::closing) {
      proxy_state = ton::ContractState::closed;
      taken_home = std::exchange(commission, 0) + std::exchange(stake, 0);
    }
  }
  // The client contract is charged the rest, closes, and has the rest of its balance paid out.
  void refund(const ton::Address& owner, Client& c, const ton::Cell& body) {
    const auto payment =
        ton::verify_payment(body, ton::op::client_grant_refund_signed, instance_->client_address(owner), machine_);
    if (ignore_charges || !payment || payment->payload.tokens < c.state.tokens_used ||
        c.state.state == ton::ContractState::closed)
      return;
    const std::uint64_t cost = (payment->payload.tokens - c.state.tokens_used) * params.price_per_token;
    c.state.tokens_used = payment->payload.tokens;
    c.refunded = c.state.balance - std::min(c.state.balance, cost);
    c.state.balance = 0;
    c.state.state = ton::ContractState::closed;
    ++c.refunds;
    client_notice(owner);
  }
  void charge(const ton::Address& owner, Client& c, const ton::Cell& body) {
    const auto payment =
        ton::verify_payment(body, ton::op::client_charge_signed, instance_->client_address(owner), machine_);
    if (ignore_charges || !payment || payment->payload.tokens <= c.state.tokens_used) return;
    const std::uint64_t cost = (payment->payload.tokens - c.state.tokens_used) * params.price_per_token;
    c.state.balance -= std::min(c.state.balance, cost);
    c.state.tokens_used = payment->payload.tokens;
    ++c.charges;
    client_notice(owner);
  }
  void pay(const ton::Address& owner, Worker& w, const ton::Cell& body) {
    const auto verified = [&](std::uint32_t opcode) {
      return ton::verify_payment(body, opcode, instance_->worker_address(owner), machine_);
    };
    const auto last = verified(ton::op::worker_last_payout_signed);
    const auto payment = last ? last : verified(ton::op::worker_payout_signed);
    if (ignore_charges || !payment || payment->payload.tokens <= w.tokens || w.state != ton::ContractState::normal)
      return;
    const std::uint64_t delta = payment->payload.tokens - w.tokens;
    w.tokens = payment->payload.tokens;
    ++w.payouts;
    if (last) w.state = ton::ContractState::closed;
    commission += delta * (params.price_per_token - params.worker_fee_per_token);
    ton::WorkerRequest request;
    request.owner = owner;
    request.state = w.state;
    request.tokens = w.tokens;
    request.payload = ton::PayoutPayload{delta * params.worker_fee_per_token, 0, wallet_};
    receive(instance_->worker_address(owner), instance_->address(), ton::kTon, ton::build_worker_request(request));
  }

  std::optional<ton::Account> account(const ton::Address& address) const {
    ton::Account out;
    out.address = address;
    out.last_trans_lt = last_lt(address);
    ton::StateInit state;
    if (address == root_address) {
      state.data = *ton::build_root_state(root);
    } else if (address == wallet_) {
      out.balance.coins = wallet_coins;
      if (seqno_ == 0) {
        out.state = ton::AccountUninit{};
        return out;
      }
      auto data = ton::parse_wallet_state(*wallet_init_.data);
      data->seqno = seqno_;
      state = wallet_init_;
      state.data = ton::build_wallet_data(*data);
    } else if (const auto made = contract_state(*this, address)) {
      state = *made;
      out.balance.coins = ton::kTon;
    } else {
      for (const auto& one : earlier) {
        if (const auto old = contract_state(one, address)) state = *old;
      }
      if (!state.data) return std::nullopt;
      out.balance.coins = ton::kTon;
    }
    out.state = state;
    return out;
  }
  static std::optional<ton::StateInit> contract_state(const TestContracts& c, const ton::Address& address) {
    if (address != c.instance_->address() || !c.proxy_deployed) return std::nullopt;
    auto data = ton::parse_proxy_state(*c.instance_->state_init().data);
    data->state = c.proxy_state;
    data->balance = c.commission;
    data->stake = c.stake;
    data->unlock_ts = c.unlock_ts;
    auto state = c.instance_->state_init();
    state.data = ton::build_proxy_data(*data, ton::CellSlice(*state.data).load_ref());
    return state;
  }

  ton::Address owner_, wallet_;
  Bits256 machine_;
  ton::StateInit wallet_init_;
  std::uint32_t seqno_ = 0;
  std::uint64_t lt_ = 1000;
  std::map<ton::Address, std::vector<ton::Transaction>> history_;
};

}  // namespace cocoon::proxy::testing
