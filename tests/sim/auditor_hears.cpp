// What the auditor makes of what processes say.
#include <algorithm>

#include "auditor.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/wallet.hpp"
#include "wire/messages.hpp"

namespace cocoon::sim {
namespace {

// The bag of cells in a message's payment; nothing if it has none.
std::optional<ton::Cell> body_of(const wire::proxy::AnySignedPayment& payment) {
  const auto* given = std::get_if<wire::proxy::SignedPayment>(&payment);
  if (given == nullptr) return std::nullopt;
  const auto cell = ton::read_boc(given->data);
  return cell ? std::optional(*cell) : std::nullopt;
}

// A message that carries a signed payment and the counters told with it.
struct Told {
  std::optional<ton::Cell> body;
  std::int64_t db = 0, max = 0;
  bool counters = false;
};

template <class M>
std::optional<Told> told_by(BytesView object) {
  const auto m = wire::decode<M>(object);
  if (!m) return std::nullopt;
  Told out{body_of(m->signed_payment)};
  if constexpr (requires { m->db_tokens; }) out.db = m->db_tokens, out.max = m->max_tokens, out.counters = true;
  if constexpr (requires { m->tokens_committed_to_db; })
    out.db = m->tokens_committed_to_db, out.max = m->max_tokens, out.counters = true;
  return out;
}

std::optional<Told> told(BytesView object) {
  switch (wire::peek_id(object)) {
    case wire::client::ConnectedToProxy::kId:
      return told_by<wire::client::ConnectedToProxy>(object);
    case wire::client::AuthorizationWithProxySuccess::kId:
      return told_by<wire::client::AuthorizationWithProxySuccess>(object);
    case wire::client::PaymentStatus::kId:
      return told_by<wire::client::PaymentStatus>(object);
    case wire::worker::CompareBalanceWithProxyResult::kId:
      return told_by<wire::worker::CompareBalanceWithProxyResult>(object);
    case wire::worker::PaymentStatus::kId:
      return told_by<wire::worker::PaymentStatus>(object);
    case wire::proxy::RunQuery::kId:
      return told_by<wire::proxy::RunQuery>(object);
    case wire::proxy::RunQueryEx::kId:
      return told_by<wire::proxy::RunQueryEx>(object);
    case wire::proxy::ClientRequestPayment::kId:
      return told_by<wire::proxy::ClientRequestPayment>(object);
    case wire::proxy::WorkerRequestPayment::kId:
      return told_by<wire::proxy::WorkerRequestPayment>(object);
    default:
      return std::nullopt;
  }
}

}  // namespace

ProcessId Auditor::proxy_started(std::size_t proxy, std::uint64_t image) {
  const auto id = next_process_++;
  Process p;
  p.proxy = proxy;
  p.counted = images_[image].counted;
  p.durable = image;
  for (const auto& [other, process] : processes_)
    if (process.alive && process.proxy == proxy) ++p.others;
  processes_.emplace(id, std::move(p));
  return id;
}

void Auditor::proxy_ended(ProcessId id) { processes_.at(id).alive = false; }

void Auditor::proxy_writes(ProcessId id, std::uint64_t image, BytesView data) {
  images_[image] = {to_bytes(data), processes_.at(id).counted, id};
}

// A commit is of the first snapshot that holds its hash: it must be known to the very snapshot that it commits.
std::optional<std::uint64_t> Auditor::image_of(ProcessId by, const ton::ProxySaveState& commit) const {
  for (const auto& [number, image] : images_)
    if (image.by == by &&
        std::search(image.data.begin(), image.data.end(), commit.hash.begin(), commit.hash.end()) != image.data.end())
      return number;
  return std::nullopt;
}

void Auditor::image_is_durable(ProcessId id, std::uint64_t image) {
  durable_.insert(image);
  processes_.at(id).durable = image;
}

std::uint64_t Auditor::counted(ProcessId id, const ton::Address& contract) const {
  const auto& counted = processes_.at(id).counted;
  const auto it = counted.find(contract);
  return it == counted.end() ? 0 : it->second;
}

// A signed payment of one of our proxies for one of our contracts; nothing for any other cell.
std::optional<Auditor::Seen> Auditor::read_signed(const ton::Cell& body) {
  const auto message = ton::parse_signed_message(body);
  if (!message) return std::nullopt;
  const auto payload = ton::parse_payment_payload(message->payload);
  if (!payload) return std::nullopt;
  std::size_t book = 0;
  if (const auto c = clients_.find(payload->contract); c != clients_.end())
    book = c->second.book;
  else if (const auto w = workers_.find(payload->contract); w != workers_.end())
    book = w->second.book;
  else
    return std::nullopt;
  if (!known_bodies_.contains(message->payload.hash()) &&
      !ton::signature_is_valid(*message, books_[book].instance.proxy_key()))
    return std::nullopt;
  Seen seen{payload->contract, body, payload->tokens};
  seen.fresh = known_bodies_.insert(message->payload.hash()).second;
  if (seen.fresh) seen_.push_back(seen);
  return seen;
}

// Only what is committed on chain is signed, one amount per commit, and never less than before.
void Auditor::check_signed(const Seen& seen, ProcessId by) {
  auto& process = processes_.at(by);
  const auto& allowed = committed_[seen.contract];
  if (seen.tokens != 0 && !allowed.contains(seen.tokens))
    complain(fmt::format("I5: signed {} tokens for {}, which no commit on chain holds", seen.tokens,
                         ton::to_raw_text(seen.contract)));
  auto& last = process.signed_last[seen.contract];
  if (seen.tokens < last)
    complain(fmt::format("I2: signed {} tokens for {} after {}", seen.tokens, ton::to_raw_text(seen.contract), last));
  last = std::max(last, seen.tokens);
  auto& most = signed_most_[seen.contract];
  // A copy that ran at the same time may have been ahead; who starts after everybody else has died may not be behind.
  if (seen.tokens < most && process.others == 0) {
    const bool alone = std::none_of(processes_.begin(), processes_.end(), [&](const auto& other) {
      return other.first > by && other.second.proxy == process.proxy;
    });
    if (alone)
      complain(fmt::format("I2: after a restart signed {} tokens for {}, an earlier process had signed {}", seen.tokens,
                           ton::to_raw_text(seen.contract), most));
  }
  most = std::max(most, seen.tokens);
}

// Counters told to peers are what we counted ourselves, and db no more than what is on disk.
void Auditor::check_told(const Process& p, const ton::Address& contract, std::int64_t db, std::int64_t max,
                         std::uint64_t more) {
  const auto of = [&](const Tokens& tokens) {
    const auto it = tokens.find(contract);
    return it == tokens.end() ? 0 : it->second;
  };
  const auto counted = of(p.counted) + more;
  if (max < 0 || static_cast<std::uint64_t>(max) != counted)
    complain(
        fmt::format("I3: told max {} for {}, the payments so far make {}", max, ton::to_raw_text(contract), counted));
  if (const auto durable = of(images_[p.durable].counted); db < 0 || static_cast<std::uint64_t>(db) > durable)
    complain(fmt::format("I1: told {} tokens in the database for {}, on disk are {}", db, ton::to_raw_text(contract),
                         durable));
}

void Auditor::proxy_says(ProcessId id, BytesView object) {
  const auto heard = told(object);
  if (!heard) return;
  auto& p = processes_.at(id);
  const auto seen = heard->body ? read_signed(*heard->body) : std::nullopt;
  if (heard->body && !seen) return complain("a payment that the proxy's key has not signed, or for a foreign contract");
  if (seen) check_signed(*seen, id);
  const auto kind = wire::peek_id(object);
  std::uint64_t more = 0;
  if (kind == wire::proxy::ClientRequestPayment::kId) {
    // The worker is told next, and that is when we count.
    const auto m = wire::decode<wire::proxy::ClientRequestPayment>(object);
    more = static_cast<std::uint64_t>(std::max<std::int64_t>(m->request_tokens, 0));
  } else if (kind == wire::proxy::WorkerRequestPayment::kId) {
    const auto m = wire::decode<wire::proxy::WorkerRequestPayment>(object);
    const auto claim = claims_.find(m->request_id);
    const auto claimed = claim == claims_.end() ? 0 : std::max<std::int64_t>(claim->second, 0);
    if (m->request_tokens < 0 || m->request_tokens > claimed)
      complain(fmt::format("I4: {} tokens charged for a request whose worker claims {}", m->request_tokens, claimed));
    const auto owner = ton::address_from_text(m->request_client_owner);
    if (m->request_tokens > 0 && (!seen || !owner || !workers_.contains(seen->contract)))
      return complain("tokens counted before anything may be signed");
    if (m->request_tokens > 0) {
      const auto t = static_cast<std::uint64_t>(m->request_tokens);
      p.counted[seen->contract] += t;
      p.counted[books_[workers_.at(seen->contract).book].instance.client_address(*owner)] += t;
    }
    if (seen && owner && workers_.contains(seen->contract))
      check_paid(*m, clients_.at(books_[workers_.at(seen->contract).book].instance.client_address(*owner)));
  }
  if (heard->counters && seen) check_told(p, seen->contract, heard->db, heard->max, more);
}

// What reached a client is paid for, however its answer ended: unless the worker wants nothing, or the client's money
// is on its way back to its owner.
void Auditor::check_paid(const wire::proxy::WorkerRequestPayment& m, const Client& client) {
  const auto delivered = delivered_.find(m.request_id);
  if (delivered == delivered_.end() || delivered->second <= 0 || m.request_tokens > 0) return;
  if (disowned_.contains(m.request_id)) return;
  if (client.state == 0 && client.forced == 0 && client.balance > 0)
    complain(fmt::format("I9: nothing is paid for a request of which {} tokens were delivered", delivered->second));
}

void Auditor::proxy_carries(BytesView object) {
  if (const auto part = wire::decode<wire::proxy::QueryAnswerPartCounted>(object))
    delivered_[part->request_id] = part->tokens_used.total_tokens_used;
}

// Externals of the proxy's wallet: which commit belongs to which snapshot, and no commit before its snapshot is on
// disk. Signatures for contracts count as signed when they leave.
void Auditor::proxy_sends(ProcessId id, BytesView external) {
  const auto cell = ton::read_boc(external);
  const auto message = cell ? ton::parse_message(*cell) : Result<ton::Message>(fail("no cell"));
  if (!message) return complain("an external that cannot be read");
  const auto body = ton::parse_wallet_body(message->body);
  if (!body) return complain("an external that no wallet would read");
  for (const auto& order : body->request.orders) {
    const auto inner = ton::parse_message(order.message);
    if (!inner) continue;
    if (const auto commit = ton::parse_body<ton::ProxySaveState>(inner->body)) {
      const std::tuple name(inner->internal()->dest, commit->seqno, commit->hash);
      if (sent_commits_.contains(name)) continue;
      const auto image = image_of(id, *commit);
      if (!image) {
        complain(fmt::format("commit {} is of no snapshot of this process", commit->seqno));
        continue;
      }
      if (!durable_.contains(*image))
        complain(fmt::format("I5: commit {} leaves before its snapshot is on disk", commit->seqno));
      sent_commits_.emplace(name, *image);
    } else if (const auto seen = read_signed(inner->body); seen && seen->fresh) {
      check_signed(*seen, id);  // an external that is sent again may hold what was newest then
    }
  }
}

void Auditor::worker_says(BytesView object) {
  // A request may have been given to several workers, one after the other.
  const auto claim = [&](const Bits256& request, std::int64_t tokens) {
    auto& most = claims_[request];
    most = std::max(most, tokens);
  };
  const auto end = [&](const Bits256& request, std::int64_t tokens) {
    claim(request, tokens);
    if (tokens <= 0) disowned_.insert(request);
  };
  const auto take = [&](const auto& m) {
    if (m && m->is_final()) end(m->request_id, m->final_info.tokens_used.total_tokens_used);
  };
  const auto take_old = [&](const auto& m) {
    if (m && m->is_completed) end(m->request_id, m->tokens_used.total_tokens_used);
  };
  // A broken answer costs what was delivered.
  const auto take_error = [&](const auto& m) {
    if (m) end(m->request_id, m->tokens_used.total_tokens_used);
  };
  switch (wire::peek_id(object)) {
    case wire::proxy::QueryAnswerEx::kId:
      return take(wire::decode<wire::proxy::QueryAnswerEx>(object));
    case wire::proxy::QueryAnswerPartEx::kId:
      return take(wire::decode<wire::proxy::QueryAnswerPartEx>(object));
    case wire::proxy::QueryAnswerPartCounted::kId:
      if (const auto m = wire::decode<wire::proxy::QueryAnswerPartCounted>(object))
        claim(m->request_id, m->tokens_used.total_tokens_used);
      return;
    case wire::proxy::QueryAnswerErrorEx::kId:
      return take(wire::decode<wire::proxy::QueryAnswerErrorEx>(object));
    case wire::proxy::QueryAnswerError::kId:
      return take_error(wire::decode<wire::proxy::QueryAnswerError>(object));
    case wire::proxy::QueryAnswerPartError::kId:
      return take_error(wire::decode<wire::proxy::QueryAnswerPartError>(object));
    case wire::proxy::QueryAnswer::kId:
      return take_old(wire::decode<wire::proxy::QueryAnswer>(object));
    case wire::proxy::QueryAnswerPart::kId:
      return take_old(wire::decode<wire::proxy::QueryAnswerPart>(object));
    default:
      return;
  }
}

std::optional<Auditor::Seen> Auditor::payment_in(BytesView object) {
  const auto heard = told(object);
  return heard && heard->body ? read_signed(*heard->body) : std::nullopt;
}

void Auditor::worker_hears(std::size_t worker, BytesView object) {
  const auto seen = payment_in(object);
  if (!seen) return;
  if (const auto w = workers_.find(seen->contract); w != workers_.end() && w->second.index == worker)
    w->second.holds = std::max(w->second.holds, seen->tokens);
}

void Auditor::client_hears(std::size_t client, BytesView object) {
  const auto seen = payment_in(object);
  if (!seen) return;
  if (const auto c = clients_.find(seen->contract); c != clients_.end() && c->second.owner == client_owners_[client])
    c->second.holds = std::max(c->second.holds, seen->tokens);
}

void Auditor::client_forgets(std::size_t client) {
  for (auto& [contract, c] : clients_)
    if (c.owner == client_owners_[client]) c.holds = 0;
}

void Auditor::worker_forgets(std::size_t worker) {
  for (auto& [contract, w] : workers_)
    if (w.index == worker) w.holds = 0;
}

}  // namespace cocoon::sim
