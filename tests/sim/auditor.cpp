// What the auditor makes of the chain.
#include "auditor.hpp"

#include <algorithm>

#include "ton/boc.hpp"

namespace cocoon::sim {
namespace {

__extension__ typedef __int128 Wide;  // sums of nanoTON with a sign

std::string in_words(Wide nano) { return fmt::format("{}", static_cast<std::int64_t>(nano)); }

}  // namespace

void Auditor::add_book(std::size_t proxy, const ton::ProxyInstance& instance, const ton::Address& wallet) {
  book_of_[instance.address()] = books_.size();
  books_.push_back({.proxy = proxy, .instance = instance, .wallet = wallet});
  for (const auto& owner : client_owners_) open_client(books_.size() - 1, owner);
  for (std::size_t i = 0; i < worker_owners_.size(); ++i) open_worker(books_.size() - 1, i);
}

void Auditor::add_client(const ton::Address& owner) {
  client_owners_.push_back(owner);
  for (std::size_t i = 0; i < books_.size(); ++i) open_client(i, owner);
}

void Auditor::add_worker(const ton::Address& owner) {
  worker_owners_.push_back(owner);
  for (std::size_t i = 0; i < books_.size(); ++i) open_worker(i, worker_owners_.size() - 1);
}

void Auditor::open_client(std::size_t book, const ton::Address& owner) {
  const auto contract = books_[book].instance.client_address(owner);
  clients_.emplace(contract, Client{.contract = contract, .owner = owner, .book = book});
}

void Auditor::open_worker(std::size_t book, std::size_t index) {
  const auto& owner = worker_owners_[index];
  const auto contract = books_[book].instance.worker_address(owner);
  workers_.emplace(contract, Worker{.contract = contract, .owner = owner, .book = book, .index = index});
}

void Auditor::complain(std::string what) {
  trace_.note(schedule_.now(), "AUDITOR", "{}", what);
  violations_.push_back(std::move(what));
}

void Auditor::block_made() {
  for (const auto* h : chain_.latest()) look_at_transaction(*h);
  check_coins();
  read_states();
  if (!chain_.messages_wait())
    for (std::size_t i = 0; i < books_.size(); ++i) check_solvency(i);
}

void Auditor::look_at_transaction(const Happened& h) {
  const auto& t = h.transaction;
  for (const auto& out : t.out_msgs)
    if (out.message && out.message->internal() != nullptr) ++on_their_way_[out.cell.hash()];
  if (t.in_msg && t.in_msg->message && t.in_msg->message->internal() != nullptr) {
    const auto it = on_their_way_.find(t.in_msg->cell.hash());
    if (it == on_their_way_.end())
      complain("coins: a message arrives that nobody sent");
    else if (--it->second == 0)
      on_their_way_.erase(it);
  }
  const ton::Address self{0, t.account};
  if (t.in_msg && t.in_msg->message && (clients_.contains(self) || workers_.contains(self)))
    static_cast<void>(read_signed(t.in_msg->message->body));
  if (const auto it = book_of_.find(self); it != book_of_.end()) proxy_transaction(books_[it->second], t);
}

void Auditor::proxy_transaction(Book& book, const ton::Transaction& t) {
  const auto* message = t.in_msg && t.in_msg->message ? &*t.in_msg->message : nullptr;
  const auto* info = message != nullptr ? message->internal() : nullptr;
  if (info == nullptr || !info->src || info->bounced) return;
  if (*info->src == book.wallet)
    if (const auto commit = ton::parse_body<ton::ProxySaveState>(message->body)) return commit_arrived(book, *commit);
  if (!t.succeeded()) return;
  const auto paid_to = [&](const ton::Address& who) {
    std::uint64_t sum = 0;
    for (const auto& out : t.out_msgs) {
      const auto* o = out.message ? out.message->internal() : nullptr;
      if (o == nullptr || o->dest != who) continue;
      const auto header = ton::read_body_header(out.message->body);
      if (header && header->opcode == ton::op::payout) sum += o->value.coins;
    }
    return sum;
  };
  if (const auto c = clients_.find(*info->src); c != clients_.end()) {
    const auto request = ton::parse_client_request(message->body);
    if (!request) return complain("a client contract sent what nobody can read");
    if (const auto* top_up = std::get_if<ton::TopUpPayload>(&request->payload)) c->second.deposited += top_up->amount;
    if (const auto* refund = std::get_if<ton::RefundPayload>(&request->payload)) {
      const auto paid = paid_to(c->second.owner);
      c->second.refunded += paid;
      if (refund->forced) c->second.forced += paid;
    }
  } else if (const auto w = workers_.find(*info->src); w != workers_.end()) {
    w->second.received += paid_to(w->second.owner);
  } else {
    book.commission_paid += paid_to(book.instance.owner());
  }
}

// A commit on chain makes the counts of its snapshot the amounts that may be signed.
void Auditor::commit_arrived(const Book& book, const ton::ProxySaveState& commit) {
  const auto sent = sent_commits_.find({book.instance.address(), commit.seqno, commit.hash});
  if (sent == sent_commits_.end())
    return complain(fmt::format("commit {} on chain that no process sent", commit.seqno));
  const auto index = book_of_.at(book.instance.address());
  for (const auto& [contract, tokens] : images_[sent->second].counted) {
    const auto client = clients_.find(contract);
    const auto of = client != clients_.end() ? client->second.book : workers_.at(contract).book;
    if (of == index) committed_[contract].insert(tokens);
  }
}

void Auditor::read_states() {
  const auto data_of = [&](const ton::Address& address) -> std::optional<ton::Cell> {
    const auto* view = chain_.account(address.hash);
    if (view == nullptr || !view->account) return std::nullopt;
    const auto* active = view->account->active();
    return active != nullptr ? active->data : std::nullopt;
  };
  for (auto& [address, c] : clients_) {
    const auto data = data_of(address);
    if (!data) continue;
    const auto state = ton::parse_client_state(*data);
    if (!state) {
      complain("a client contract holds what nobody can read");
      continue;
    }
    if (state->tokens_used < c.tokens)
      complain(fmt::format("I2: a client contract counts {} after {}", state->tokens_used, c.tokens));
    if (state->tokens_used > c.tokens && !committed_[address].contains(state->tokens_used))
      complain(fmt::format("I1: a client contract counts {} tokens, which were never committed", state->tokens_used));
    c.deployed = true;
    c.state = static_cast<std::uint8_t>(state->state);
    c.balance = state->balance;
    c.tokens = state->tokens_used;
  }
  for (auto& [address, w] : workers_) {
    const auto data = data_of(address);
    if (!data) continue;
    const auto state = ton::parse_worker_state(*data);
    if (!state) {
      complain("a worker contract holds what nobody can read");
      continue;
    }
    if (state->tokens < w.tokens)
      complain(fmt::format("I2: a worker contract counts {} after {}", state->tokens, w.tokens));
    if (state->tokens > w.tokens && !committed_[address].contains(state->tokens))
      complain(fmt::format("I1: a worker contract counts {} tokens, which were never committed", state->tokens));
    w.deployed = true;
    w.state = static_cast<std::uint8_t>(state->state);
    w.tokens = state->tokens;
  }
}

// What an account has after a block is what it had, and what came, less what went and what it cost. A message's ihr_fee
// is no money: the TVM of today reads it as flags of the bounce.
void Auditor::check_coins() {
  std::map<Bits256, Wide> change;
  for (const auto* h : chain_.latest()) {
    const auto& t = h->transaction;
    auto& sum = change[t.account];
    if (t.in_msg && t.in_msg->message)
      if (const auto* in = t.in_msg->message->internal()) sum += in->value.coins;
    sum -= t.total_fees.coins;
    for (const auto& out : t.out_msgs)
      if (const auto* o = out.message ? out.message->internal() : nullptr)
        sum -= static_cast<Wide>(o->value.coins) + o->fwd_fee;
  }
  const auto coins_at = [&](const Bits256& id, std::int32_t seqno) -> Wide {
    const auto* view = chain_.account(id, seqno);
    return view != nullptr && view->account ? view->account->balance.coins : 0;
  };
  for (const auto& [id, sum] : change) {
    if (id == chain_.treasury().hash && chain_.account(id, chain_.head() - 1) == nullptr) continue;  // its birth
    const auto before = coins_at(id, chain_.head() - 1), after = coins_at(id, chain_.head());
    if (before + sum != after)
      complain(fmt::format("coins: account {} had {}, moved {}, has {}", to_hex(id), in_words(before), in_words(sum),
                           in_words(after)));
  }
}

// I9, and that no worker was paid with anything but what clients have deposited.
void Auditor::check_solvency(std::size_t index) {
  auto& book = books_[index];
  const auto* view = chain_.account(book.instance.address().hash);
  const auto* active = view != nullptr && view->account ? view->account->active() : nullptr;
  if (active == nullptr || !active->data) return;
  const auto state = ton::parse_proxy_state(*active->data);
  if (!state) return complain("the proxy contract holds what nobody can read");
  book.deployed = true;
  book.state = static_cast<std::uint8_t>(state->state);
  book.stake = state->stake;
  const Wide price = book.instance.params().price_per_token;
  Wide deposits = 0, worked = 0, forced = 0;
  for (const auto& [address, c] : clients_) {
    if (c.book != index) continue;
    deposits += static_cast<Wide>(c.deposited) - c.refunded;
    forced += c.forced;
    if (price * c.tokens > static_cast<Wide>(c.deposited) - c.refunded + c.forced)
      complain(fmt::format("I4: a client was charged for {} tokens, its deposits do not cover them", c.tokens));
  }
  for (const auto& [address, w] : workers_)
    if (w.book == index) worked += price * w.tokens;
  if (worked > deposits + forced)
    complain(fmt::format("I9: workers and proxy were paid {} nanoTON, of clients' deposits {} are there",
                         in_words(worked), in_words(deposits)));
  const Wide coins = view->account->balance.coins;
  const Wide owed = static_cast<Wide>(state->balance) + state->stake + deposits - worked;
  if (coins < owed)
    complain(fmt::format("I9: the proxy contract holds {} nanoTON and owes {}", in_words(coins), in_words(owed)));
}

std::uint64_t Auditor::paid_nano() const {
  std::uint64_t sum = 0;
  for (const auto& [address, w] : workers_) sum += w.received;
  return sum;
}

// --- at the end

void Auditor::at_rest(std::size_t book, ProcessId process) {
  std::uint64_t charged = 0, worked = 0;
  const auto price = books_[book].instance.params().price_per_token;
  for (const auto& [contract, w] : workers_) {
    if (w.book != book) continue;
    const auto due = counted(process, contract);
    worked += w.tokens;
    if (w.tokens != due) complain(fmt::format("due: worker {} was paid for {} tokens of {}", w.index, w.tokens, due));
    check_received(w);
  }
  for (const auto& [contract, c] : clients_) {
    if (c.book != book || !c.deployed) continue;
    const auto used = counted(process, contract);
    charged += c.tokens;
    if (c.tokens != used)
      complain(
          fmt::format("due: client {} was charged for {} tokens of {}", ton::to_raw_text(c.owner), c.tokens, used));
    if (c.deposited != c.refunded + c.balance + c.tokens * price)
      complain(fmt::format("due: client {} deposited {}, used {} tokens, got {} back and has {}",
                           ton::to_raw_text(c.owner), c.deposited, c.tokens, c.refunded, c.balance));
  }
  if (charged != worked) complain(fmt::format("I3: {} tokens charged, {} paid", charged, worked));
}

void Auditor::at_rest_without(std::size_t book) {
  for (const auto& [contract, w] : workers_) {
    if (w.book != book) continue;
    if (w.tokens < w.holds)
      complain(
          fmt::format("due: worker {} holds a payment for {} tokens and was paid for {}", w.index, w.holds, w.tokens));
    check_received(w);
  }
  // A client whom nobody charged in time takes all that it deposited; what workers were paid for its requests is
  // missing from the deposits of those who come later, as far as the proxy's stake does not cover it.
  Wide charged = 0, worked = 0, missing = 0;
  const Wide price = books_[book].instance.params().price_per_token;
  for (const auto& [contract, w] : workers_)
    if (w.book == book) worked += price * w.tokens;
  std::string who;
  for (const auto& [contract, c] : clients_) {
    if (c.book != book || !c.deployed) continue;
    charged += price * c.tokens;
    if (c.tokens < c.holds)
      complain(fmt::format("due: client {} holds a payment for {} tokens, was charged for {} and took the rest",
                           ton::to_raw_text(c.owner), c.holds, c.tokens));
    const auto due = static_cast<Wide>(c.deposited) - price * c.tokens;
    const auto has = static_cast<Wide>(c.refunded) + c.balance;
    if (has >= due) continue;
    missing += due - has;
    who += fmt::format(" {} deposited {}, was charged for {} tokens, got {} back and has {};",
                       ton::to_raw_text(c.owner), c.deposited, c.tokens, c.refunded, c.balance);
  }
  if (missing > 0 && (missing > worked - charged || books_[book].stake > 0))
    complain(fmt::format("due: {} nanoTON are missing,{} workers were paid {} beyond what was charged, the stake is {}",
                         in_words(missing), who, in_words(worked - charged), books_[book].stake));
}

void Auditor::check_received(const Worker& w) {
  if (w.received != w.tokens * books_[w.book].instance.params().worker_fee_per_token)
    complain(
        fmt::format("due: the owner of worker {} received {} nanoTON for {} tokens", w.index, w.received, w.tokens));
}

}  // namespace cocoon::sim
