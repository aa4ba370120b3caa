#include "ledger/wallet_queue.hpp"

#include <algorithm>

#include "ton/boc.hpp"

namespace cocoon::ledger {
namespace {

constexpr std::uint64_t kFeePerMessage = ton::kTon / 10;
constexpr int kMaxFailures = 3;
// A wallet that is not deployed yet pays its deployment from the first external too.
constexpr std::uint64_t kStartBalance = ton::kWalletMinimum + kFeePerMessage;

// Whether this left the wallet for our message. Fees may have been taken from its value.
bool is_message(const ton::TransactionMessage& out, const ton::OutgoingMessage& m) {
  const auto* info = out.message ? out.message->internal() : nullptr;
  return info != nullptr && info->dest == m.to && info->value.coins <= m.value &&
         m.value - info->value.coins < kFeePerMessage &&
         out.message->body.hash() == m.body.value_or(ton::Cell{}).hash();
}

}  // namespace

WalletQueue::WalletQueue(Config config)
    : config_(std::move(config)),
      key_(config_.seed),
      init_(ton::wallet_state_init(config_.code, key_.public_key(), config_.owner)),
      address_(ton::address_of(init_)) {}

std::optional<WalletQueue::MessageId> WalletQueue::send(ton::OutgoingMessage message) {
  if (waiting_.size() >= config_.limit) return std::nullopt;
  waiting_.push_back({next_id_, std::move(message)});
  if (flying_.empty()) next_send_ = Time::min();
  return next_id_++;
}

void WalletQueue::observe(std::span<const ton::Transaction> transactions) {
  for (const auto& t : transactions) {
    if (!t.in_msg || !t.in_msg->message || t.in_msg->message->external_in() == nullptr) continue;
    const auto hash = t.in_msg->message->body.hash();
    const auto mine =
        std::find_if(attempts_.begin(), attempts_.end(), [&](const auto& a) { return a.body_hash == hash; });
    if (mine != attempts_.end()) settle(t, *mine);
  }
}

void WalletQueue::observe(const std::optional<ton::Account>& account, std::span<const ton::Transaction> transactions,
                          std::int64_t chain_time) {
  observe(transactions);

  const auto old_seqno = seqno_;
  observed_ = true;
  chain_time_ = std::max(chain_time_, chain_time);
  balance_.reset();
  deployed_ = blocked_ = false;
  seqno_ = 0;
  if (account) {
    balance_ = account->balance.coins;
    if (const auto* init = account->active(); init != nullptr && init->data) {
      if (auto state = ton::parse_wallet_state(*init->data)) {
        deployed_ = true;
        blocked_ = state->blocked();
        seqno_ = state->seqno;
      }
    }
  }
  // Externals for another seqno can never be included, nor can those that have expired: then a new one is made.
  std::erase_if(attempts_, [&](const auto& a) {
    return seqno_ != old_seqno || chain_time_ > static_cast<std::int64_t>(a.valid_until);
  });
  if (attempts_.empty()) put_back();
  if (flying_.empty() && !waiting_.empty()) next_send_ = Time::min();
}

// Our external was included. What it sent is done; what failed is tried again alone, a few times. The wallet leaves out
// what it cannot send: only what left it in this transaction counts as sent (W-25).
void WalletQueue::settle(const ton::Transaction& t, const Attempt& attempt) {
  const bool succeeded = t.succeeded();
  const bool complete = succeeded && t.description.action->skipped == 0;
  auto left = t.out_msgs.begin();
  const auto ids = attempt.ids;
  // Without success the seqno stays, and anybody may bring the same external again until it expires (W-8): it remains
  // one of the attempts, whatever is tried next.
  put_back();
  for (const auto id : ids) {
    const auto it = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& w) { return w.id == id; });
    if (it == waiting_.end()) continue;
    const auto out = std::find_if(left, t.out_msgs.end(), [&](const auto& m) { return is_message(m, it->message); });
    const bool sent = complete || (succeeded && out != t.out_msgs.end());
    if (sent && out != t.out_msgs.end()) left = out + 1;
    if (sent) {
      done_.push_back({id, true, t.lt, {}});
      waiting_.erase(it);
    } else if (++it->failures >= kMaxFailures) {
      const auto code = t.description.action ? t.description.action->result_code : t.description.compute.exit_code;
      done_.push_back({id, false, t.lt,
                       succeeded ? "the wallet could not send it"
                                 : fmt::format("the wallet's transaction failed with code {}", code)});
      waiting_.erase(it);
    }
  }
}

void WalletQueue::put_back() {
  waiting_.insert(waiting_.begin(), flying_.begin(), flying_.end());
  flying_.clear();
}

std::vector<WalletQueue::Waiting> WalletQueue::next_batch() {
  std::vector<Waiting> batch;
  std::uint64_t left = spendable();
  // In order, but what the wallet cannot pay now does not hold up what it can (a commit costs next to nothing). What
  // was part of a failed external goes alone: a bad message must not take good ones with it, again and again.
  for (auto it = waiting_.begin(); it != waiting_.end() && batch.size() < ton::kMaxWalletMessages;) {
    const bool alone = it->failures > 0;
    if (left < kFeePerMessage || it->message.value > left - kFeePerMessage || (alone && !batch.empty())) {
      ++it;
      continue;
    }
    left -= it->message.value + kFeePerMessage;
    batch.push_back(std::move(*it));
    it = waiting_.erase(it);
    if (alone) break;
  }
  return batch;
}

void WalletQueue::make_attempt(Time now, std::vector<Waiting> batch) {
  ton::WalletRequest request;
  // The chain's clock decides about expiry; ours only fills in until we have seen one.
  const auto from = std::max(chain_time_, unix_time(now));
  request.valid_until =
      static_cast<std::uint32_t>(from + std::chrono::duration_cast<std::chrono::seconds>(config_.lifetime).count());
  request.seqno = seqno_;
  Attempt attempt;
  for (const auto& w : batch) {
    request.orders.push_back({ton::send_mode(w.message), ton::build_outgoing(w.message)});
    attempt.ids.push_back(w.id);
  }
  const auto body = ton::build_wallet_body(request, key_);
  attempt.body_hash = body.hash();
  attempt.valid_until = request.valid_until;
  attempt.boc =
      ton::write_boc(ton::build_wallet_external(address_, body, deployed_ ? std::nullopt : std::optional(init_)));
  attempts_.push_back(std::move(attempt));
  flying_ = std::move(batch);
}

std::optional<WalletQueue::External> WalletQueue::poll(Time now) {
  if (now < next_send_) return std::nullopt;
  next_send_ = Time::max();
  if (flying_.empty()) {
    auto batch = next_batch();
    if (batch.empty()) return std::nullopt;  // observe() or send() will wake us
    make_attempt(now, std::move(batch));
  }
  next_send_ = now + config_.resend;
  return External{attempts_.back().boc, attempts_.back().body_hash};
}

Time WalletQueue::wake_at() const { return flying_.empty() && spendable() == 0 ? Time::max() : next_send_; }

std::vector<WalletQueue::Done> WalletQueue::take_done() { return std::exchange(done_, {}); }

std::uint64_t WalletQueue::spendable() const {
  if (!balance_ || blocked_ || *balance_ < (deployed_ ? ton::kWalletMinimum : kStartBalance)) return 0;
  return *balance_;
}

std::string WalletQueue::waiting_for() const {
  if (!observed_) return "the chain has not shown our wallet yet";
  if (blocked_) return "the owner has blocked wallet " + ton::to_friendly_text(address_);
  if (spendable() == 0)
    return fmt::format("wallet {} holds {:.2f} TON; it needs at least {:.2f}", ton::to_friendly_text(address_),
                       static_cast<double>(balance_.value_or(0)) / 1e9, static_cast<double>(kStartBalance) / 1e9);
  if (!waiting_.empty() && flying_.empty())
    return fmt::format("wallet {} holds {:.2f} TON, too little for a message that waits",
                       ton::to_friendly_text(address_), static_cast<double>(*balance_) / 1e9);
  return {};
}

}  // namespace cocoon::ledger
