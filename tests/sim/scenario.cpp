#include "scenario.hpp"

#include <algorithm>

#include "ton/contracts/bodies.hpp"

namespace cocoon::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ton::kTon;

constexpr auto kModelName = "m";
constexpr auto kLongestDrain = std::chrono::minutes(40);

}  // namespace

bool Scenario::step() { return schedule_.step() && auditor_.violations().empty(); }

void Scenario::run_for(Duration time) {
  const auto until = schedule_.now() + time;
  while (schedule_.now() < until && step()) {
  }
}

Outcome Scenario::run() {
  found_network();
  draw_faults();
  plan_life();
  const auto last = schedule_.steps() + settings_.steps;
  while (schedule_.steps() < last && step()) {
  }
  if (auditor_.violations().empty()) drain();
  return outcome();
}

Outcome Scenario::outcome() {
  Outcome o;
  o.steps = schedule_.steps();
  o.hash = trace_.hash();
  o.events = trace_.count();
  o.faults = faults_.counts();
  o.transactions = chain_.transaction_count();
  for (const auto& c : clients_) o.answered += c.node->answered();
  o.paid_nano = auditor_.paid_nano();
  o.lost_proxies = lost_;
  o.kills = kills_;
  o.simulated_seconds = unix_seconds(schedule_.now()) - Trace::kEpoch;
  o.violations = auditor_.violations();
  if (!o.violations.empty()) {
    o.violation_step = schedule_.steps();
    o.last = trace_.last();
  }
  return o;
}

// --- the chain's clock

void Scenario::plan_block() {
  Duration wait = dice_.duration(milliseconds(900), milliseconds(3000));
  if (faults_.strikes(Fault::block_late)) wait = dice_.duration(seconds(5), seconds(60));
  schedule_.in(wait, [this] {
    block();
    plan_block();
  });
}

void Scenario::block() {
  chain_.make_block();
  auditor_.block_made();
  operator_->chain_moved();
  cheat_->chain_moved();
  for (auto& p : proxies_) {
    p.wallet->chain_moved();
    p.node->chain_moved();
    if (p.clone) p.clone->chain_moved();
  }
  for (auto& c : clients_) {
    c.wallet->chain_moved();
    c.node->chain_moved();
  }
  for (auto& w : workers_) w.node->chain_moved();
}

// --- what people do

void Scenario::plan_life() {
  for (std::size_t i = 0; i < clients_.size(); ++i)
    schedule_.in(dice_.duration(seconds(1), seconds(10)), [this, i] { client_life(i); });
  schedule_.in(seconds(5), [this] { mischief(); });
}

void Scenario::client_life(std::size_t index) {
  if (draining_) return;
  auto& node = *clients_[index].node;
  if (faults_.strikes(Fault::wild_request)) {
    static constexpr std::int32_t kWild[] = {-1, 0, INT32_MAX, INT32_MIN, 1'000'000};
    node.ask(kModelName, kWild[dice_.below(std::size(kWild))], kWild[dice_.below(std::size(kWild))], false, UINT32_MAX);
  } else {
    const auto tokens = static_cast<std::int32_t>(dice_.between(10, 500));
    const auto coefficient = static_cast<std::int32_t>(dice_.between(1000, 3000));
    // The most that it may cost: every token and every byte of the request at the dearest price.
    const auto bound =
        (static_cast<std::uint64_t>(tokens) + 2'000) * static_cast<std::uint64_t>(coefficient) / 1000 * 8;
    node.ask(kModelName, tokens, coefficient, dice_.percent(50), bound);
  }
  schedule_.in(dice_.duration(milliseconds(200), seconds(6)), [this, index] { client_life(index); });
}

void Scenario::mischief() {
  if (draining_) return;
  schedule_.in(dice_.duration(seconds(1), seconds(6)), [this] { mischief(); });
  const auto& seen = auditor_.signed_payments();
  if (!seen.empty() && faults_.strikes(Fault::stale_payment)) {
    const auto& old = seen[dice_.below(seen.size())];
    const auto& to = dice_.percent(80) ? old.contract : seen[dice_.below(seen.size())].contract;
    cheat_->send({.to = to, .value = kTon * 7 / 10, .body = old.body, .init = {}});
  }
  if (!params_changed_ && faults_.strikes(Fault::params_change)) change_params();
  auto& client = dice_.pick(clients_);
  auto& proxy = dice_.pick(proxies_);
  const auto contract = [&] {
    for (const auto& [address, c] : auditor_.clients())
      if (c.owner == client.wallet->address() && c.deployed) return address;
    return ton::Address{};
  }();
  if (contract != ton::Address{} && faults_.strikes(Fault::foreign_register)) {
    ton::ClientRegister body;
    body.query_id = dice_.u64();
    body.nonce = overheard_nonces_.empty() ? dice_.u64() : overheard_nonces_[dice_.below(overheard_nonces_.size())];
    body.excesses_to = client.wallet->address();
    client.wallet->send({.to = contract, .value = kTon, .body = ton::build_body(body), .init = {}});
  }
  if (contract != ton::Address{} && !client.leaving && faults_.strikes(Fault::client_leaves)) {
    client.leaving = true;
    client.node->order(role::OrderKind::client_close, contract);
  }
  if (!proxy.clone && proxy.node->alive() && faults_.strikes(Fault::proxy_cloned)) start_clone(proxy);
}

// Prices change: every proxy leaves its contract for a new one, and settles the old one to the end.
void Scenario::change_params() {
  params_changed_ = true;
  auto& p = root_.params;
  p.price_per_token += 1'000;
  p.worker_fee_per_token += 900;
  ++p.params_version;
  ton::RootChangePrice body;
  body.query_id = dice_.u64();
  body.price_per_token = p.price_per_token;
  body.worker_fee_per_token = p.worker_fee_per_token;
  operator_->send({.to = root_address_, .value = kTon / 5, .body = ton::build_body(body), .init = {}});
  for (std::size_t i = 0; i < proxies_.size(); ++i) {
    const auto& c = proxies_[i].node->config;
    const auto key = crypto::KeyPair(c.machine_seed).public_key();
    auditor_.add_book(i, *ton::ProxyInstance::make(p, c.owner, key, root_address_), proxies_[i].wallet->address());
  }
}

// --- databases

// Somebody copies the machine, disk and all, and starts the copy.
void Scenario::start_clone(Proxy& p) {
  const auto index = static_cast<std::size_t>(&p - proxies_.data());
  p.tampered = true;
  p.clone = make_proxy(index, fmt::format("clone{}", index + 1),
                       ((index + 1) << 40) + (1ULL << 39) + (graveyard_.size() << 20));
  p.clone->config = p.node->config;
  p.clone->disk.replace(p.node->disk.durable());
  p.clone->boot();
  schedule_.in(dice_.duration(seconds(10), seconds(120)), [this, &p] { end_clone(p); });
}

// One of them goes: from now on the other's database is the only one in use, the operator keeps both.
void Scenario::end_clone(Proxy& p) {
  if (!p.clone) return;
  p.spare.push_back(p.clone->disk.durable());
  p.clone->kill();
  // Its tasks on the schedule hold no reference to it once it is dead and gone: they name its incarnation.
  graveyard_.push_back(std::move(p.clone));
}

void Scenario::restart(std::size_t index) {
  auto& p = proxies_[index];
  schedule_.in(dice_.duration(seconds(1), draining_ ? seconds(2) : seconds(40)), [this, index, &p] {
    if (p.node->alive()) return;
    if (p.node->disk.torn()) {
      // Half of one and half of the other: it must not start with that.
      if (p.node->boot()) auditor_.complain("a torn database was accepted");
      p.node->disk.repair();
      p.node->forgive();
      return restart(index);
    }
    if (p.node->disk.history() > 0 && faults_.strikes(Fault::disk_rolled_back)) {
      p.tampered = true;
      p.spare.push_back(p.node->disk.durable());
      p.node->disk.replace(p.node->disk.older(dice_.between(1, std::min<std::size_t>(p.node->disk.history(), 12))));
    } else if (faults_.strikes(Fault::disk_lost)) {
      p.tampered = true;
      p.spare.push_back(p.node->disk.durable());
      p.node->disk.replace({});
    }
    p.node->boot();
  });
}

// Every twenty seconds: does the proxy say that it must not go on? Then the operator tries the databases he has, one
// after the other, newest first.
void Scenario::operator_looks(std::size_t index) {
  schedule_.in(seconds(20), [this, index] { operator_looks(index); });
  auto& p = proxies_[index];
  if (p.lost || p.node->disk.torn()) return;
  if (p.node->alive() && !p.node->faulted()) {
    if (p.node->core()->serving()) p.tried = 0;
    return;
  }
  if (!p.node->faulted()) return;
  if (!p.tampered)
    return auditor_.complain("due: " + p.node->base_name() + " gave up a database that nobody had touched");
  if (p.clone && p.clone->alive()) return;
  if (p.tried > p.spare.size()) {
    p.lost = true;
    ++lost_;
    trace_.note(schedule_.now(), p.node->base_name(), "is lost: no database agrees with the chain");
    if (p.node->alive()) p.node->kill_for_good();
    return;
  }
  ++p.tried;
  if (!p.spare.empty()) {
    auto next = std::move(p.spare.front());
    p.spare.erase(p.spare.begin());
    p.spare.push_back(p.node->disk.durable());
    if (p.node->alive()) p.node->kill_for_good();
    p.node->disk.replace(std::move(next));
  } else if (p.node->alive()) {
    p.node->kill_for_good();
  }
  p.node->boot();
}

// --- the end

void Scenario::drain_configs() {
  for (auto& p : proxies_) {
    auto& c = p.node->config;
    c.charge_client_at = c.pay_worker_at = 1;
    c.commit_every = seconds(5);
    c.snapshot_every = seconds(1);
  }
  for (auto& w : workers_) w.node->config.money.payout_at = 1;
}

void Scenario::drain() {
  trace_.note(schedule_.now(), "scenario", "drain: nothing fails any more");
  faults_.be_quiet();
  draining_ = true;
  drain_configs();
  for (auto& p : proxies_) {
    end_clone(p);
    if (p.node->alive()) p.node->kill();
  }
  for (auto& c : clients_)  // some go on: they hold what their proxy has signed
    if (c.node->alive() && dice_.percent(50)) c.node->kill();
  for (auto& w : workers_)
    if (w.node->alive()) w.node->kill();
  run_for(seconds(30));
  const bool everybody_leaves = dice_.percent(50);
  if (everybody_leaves)
    for (auto& c : clients_)
      for (const auto& [address, account] : auditor_.clients()) {
        if (account.owner != c.wallet->address() || !account.deployed || account.state != 0) continue;
        c.node->order(role::OrderKind::client_close, address);
      }
  leave_the_lost();
  const auto until = schedule_.now() + kLongestDrain;
  auto head = chain_.head();
  while (schedule_.now() < until && step()) {
    if (chain_.head() == head) continue;
    head = chain_.head();
    if (settled()) break;
  }
  if (auditor_.violations().empty()) reckon();
}

// Whose proxy will not come back asks for a refund, and forces it after the delay: the client, or by hand its owner.
void Scenario::leave_the_lost() {
  schedule_.in(seconds(20), [this] { leave_the_lost(); });
  for (auto& c : clients_)
    for (const auto& [address, account] : auditor_.clients()) {
      if (!lost(account.book) || account.owner != c.wallet->address() || !account.deployed || account.state == 2)
        continue;
      const bool itself = c.node->knows(address);
      const bool again = (itself || account.state == 1) && dice_.percent(10);
      if (!c.told_to_leave.insert(address).second && !again) continue;
      if (itself)
        c.node->order(role::OrderKind::client_close, address);
      else
        c.wallet->send({.to = address, .value = kTon * 7 / 10, .body = refund_request(c), .init = {}});
    }
}

ton::Cell Scenario::refund_request(const Client& c) {
  ton::ClientRequestRefund body;
  body.query_id = dice_.u64();
  body.excesses_to = c.wallet->address();
  return ton::build_body(body);
}

// Is this the book of a contract that its proxy has moved on from?
bool Scenario::left(std::size_t book) const {
  const auto& books = auditor_.books();
  for (std::size_t later = book + 1; later < books.size(); ++later)
    if (books[later].proxy == books[book].proxy) return true;
  return false;
}

// Its proxy may not know it any more: no database agrees with the chain, or the operator has put one in place that was
// new when the contract was left.
bool Scenario::lost(std::size_t book) const {
  const auto& p = proxies_[auditor_.books()[book].proxy];
  return p.lost || (p.tampered && left(book));
}

bool Scenario::settled() {
  for (const auto& c : clients_)
    if (!c.wallet->idle()) return false;
  for (const auto& p : proxies_)
    if (!p.lost && (!p.node->alive() || p.node->faulted() || !p.node->core()->serving())) return false;
  const auto& books = auditor_.books();
  const auto counted = [&](std::size_t book, const ton::Address& contract) {
    return auditor_.counted(proxies_[books[book].proxy].node->process(), contract);
  };
  for (const auto& [address, c] : auditor_.clients()) {
    if (!c.deployed) continue;
    if ((lost(c.book) || left(c.book)) && c.state != 2) return false;
    if (!lost(c.book) && (c.state == 1 || c.tokens != counted(c.book, address))) return false;
  }
  for (const auto& [address, w] : auditor_.workers()) {
    if (w.tokens < (lost(w.book) ? w.holds : counted(w.book, address))) return false;
    if (w.received < w.tokens * books[w.book].instance.params().worker_fee_per_token) return false;
  }
  for (std::size_t i = 0; i < books.size(); ++i)
    if (left(i) && !lost(i) && books[i].deployed && books[i].state != 2) return false;
  return !chain_.messages_wait();
}

void Scenario::reckon() {
  for (std::size_t i = 0; i < auditor_.books().size(); ++i) {
    const auto& p = proxies_[auditor_.books()[i].proxy];
    if (lost(i)) {
      auditor_.at_rest_without(i);
    } else if (!p.node->alive() || p.node->faulted() || !p.node->core()->serving()) {
      auditor_.complain("due: " + p.node->base_name() + " does not serve though all is quiet: " +
                        (p.node->core() != nullptr ? p.node->core()->why_not_serving() : std::string("it is dead")));
    } else {
      auditor_.at_rest(i, p.node->process());
    }
  }
  for (const auto& c : clients_) {
    std::uint64_t charged = 0;
    for (const auto& [address, account] : auditor_.clients())
      if (account.owner == c.wallet->address()) charged += account.tokens;
    if (charged > c.node->used_at_most())
      auditor_.complain(fmt::format("due: {} was charged for {} tokens, it used {} at most", c.node->base_name(),
                                    charged, c.node->used_at_most()));
  }
}

}  // namespace cocoon::sim
