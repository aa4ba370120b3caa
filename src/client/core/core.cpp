#include "client/core/core.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {
namespace {

constexpr auto kChoiceInterval = std::chrono::seconds(1);
constexpr auto kStatusTimeout = std::chrono::seconds(60);

}  // namespace

Core::Core(Config config, const crypto::Random& random)
    : config_(std::move(config)),
      random_(random),
      secret_hash_(crypto::sha256(as_bytes(config_.secret))),
      proxies_(role::ProxyList::Side::clients, config_),
      money_(
          [&] {
            auto money = config_.money;
            money.secret_hash = secret_hash_;
            return money;
          }(),
          crypto::Random(random_.bits256())) {}

void Core::handle(const Event& event, Time now, Effects& out) {
  std::visit([&](const auto& e) { on(e, now, out); }, event);
  money_.advance(now, out);
  // What waits for the chain goes on as soon as the money side says so.
  for (auto& [id, s] : sessions_)
    if (s.stage == Stage::registering) continue_registration(s, now, out);
}

Time Core::wake_at() const {
  Time at = std::min(next_choice_, money_.wake_at());
  for (const auto& [id, s] : sessions_)
    if (s.stage == Stage::ready) at = std::min(at, s.next_status);
  if (!deadlines_.empty()) at = std::min(at, deadlines_.begin()->first);
  if (!waiting_.empty()) at = std::min(at, waiting_.begin()->first);
  return at;
}

void Core::on(const role::Tick&, Time now, Effects& out) {
  if (!std::exchange(watching_, true)) out.emplace_back(role::Watch{config_.root, 0});
  money_.start(out);
  if (now >= next_choice_) {
    next_choice_ = now + kChoiceInterval;
    choose_targets(now, out);
  }
  for (auto& [id, s] : sessions_) {
    if (s.stage != Stage::ready || now < s.next_status) continue;
    s.next_status = now + config_.status_interval +
                    Duration(random_.below(static_cast<std::uint64_t>(config_.status_interval.count()) + 1));
    ask(s, Asked::status, wire::encode(wire::client::UpdatePaymentStatus{}), kStatusTimeout, out);
  }
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto id = deadlines_.begin()->second;
    cancel(id, out);
    failed(id, wire::kErrorTimeout, "no complete answer within the request's timeout", out);
  }
  send_again(now, out);
}

// Why this proxy may not serve us any more, by the root contract; empty if it may.
std::string Core::why_unlisted(const Session& s, Time now) const {
  return proxies_.why_refused(s.address, s.link != 0 ? &s.peer : nullptr, now);
}

void Core::choose_targets(Time now, Effects& out) {
  if (!proxies_.root()) return;
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    auto& s = it->second;
    // While we register, it is our own money that is waited for: another proxy would not help.
    const bool waits_for_us = s.stage == Stage::ready || s.stage == Stage::registering;
    const bool stale = !waits_for_us && now - s.not_ready_since > config_.give_up_target;
    const auto unlisted = why_unlisted(s, now);
    const bool listed = unlisted.empty();
    if (listed && !stale) {
      ++it;
      continue;
    }
    drop_session(s, wire::kErrorNotReady, listed ? "the proxy was given up" : unlisted, now, out);
    out.emplace_back(role::Undial{s.target});
    proxies_.give_up(s.address);
    it = sessions_.erase(it);
  }
  std::vector<std::string> in_use;
  in_use.reserve(sessions_.size());
  for (const auto& [id, s] : sessions_) in_use.push_back(s.address);
  for (auto& address : proxies_.choose(in_use, random_)) {
    Session s;
    s.target = next_target_++;
    s.address = std::move(address);
    s.not_ready_since = now;
    out.emplace_back(role::Dial{s.target, s.address});
    sessions_.emplace(s.target, std::move(s));
  }
}

void Core::on(const role::LinkUp& e, Time now, Effects& out) {
  const auto it = sessions_.find(e.target);
  if (it == sessions_.end()) {
    out.emplace_back(role::CloseLink{e.link, "no longer wanted"});
    return;
  }
  auto& s = it->second;
  if (s.link != 0) drop_session(s, wire::kErrorNotReady, "the connection was replaced", now, out);
  s.link = e.link;
  s.peer = e.peer;
  greet(s, now, out);
}

void Core::on(const role::LinkDown& e, Time now, Effects& out) {
  if (auto* s = session_of(e.link))
    drop_session(*s, wire::kErrorNotReady, "connection to the proxy lost: " + e.reason, now, out);
}

void Core::on(const role::DialFailed& e, Time, Effects&) {
  if (const auto it = sessions_.find(e.target); it != sessions_.end()) it->second.last_error = e.reason;
}

void Core::on(const role::QueryIn& e, Time, Effects& out) {
  out.emplace_back(role::AnswerError{e.link, e.id, wire::kErrorGeneric, "a client answers no queries"});
}

void Core::on(const role::QueryDone& e, Time now, Effects& out) {
  const auto it = questions_.find(e.token);
  if (it == questions_.end()) return;
  const auto question = it->second;
  questions_.erase(it);
  auto* s = session_of(question.link);
  if (question.what == Asked::models || question.what == Asked::models_ex) {
    if (e.result) return models(question.api, *e.result, out);
    const auto& error = e.result.error();
    // An older node of our kind: it knows additions, but not this one.
    if (s != nullptr && question.what == Asked::models_ex && error.code == wire::kErrorGeneric)
      return ask_models(*s, Asked::models, question.api, out);
    out.emplace_back(ApiFailed{question.api, error.code, error.what});
    return;
  }
  if (s == nullptr) return;
  if (!e.result) {
    if (question.what == Asked::status) return;  // the next one may do better; silence is the link's affair
    const auto& error = e.result.error();
    return close_session(*s, wire::kErrorNotReady,
                         fmt::format("the proxy did not let us in: {} (code {})", error.what, error.code), now, out);
  }
  switch (question.what) {
    case Asked::connect:
      return connected(*s, *e.result, now, out);
    case Asked::authorise:
      return authorised(*s, *e.result, now, out);
    case Asked::status:
      return payment_status(*s, *e.result, now, out);
    case Asked::models:
    case Asked::models_ex:
      return;
  }
}

void Core::on(const role::AccountObserved& e, Time now, Effects& out) {
  if (e.address == config_.root)
    adopt_root(e, now, out);
  else
    money_.observe(e, now, out);
}

void Core::on(const role::ExternalResult& e, Time now, Effects&) { money_.external_result(e, now); }

void Core::on(const role::Order& e, Time now, Effects& out) { money_.order(e, now, out); }

void Core::on(const Remembered& e, Time now, Effects& out) { money_.remembered(e, now, out); }

void Core::adopt_root(const role::AccountObserved& e, Time now, Effects& out) {
  auto news = proxies_.observe(e, now);
  if (!news.trouble.empty()) out.emplace_back(role::Log{3, std::move(news.trouble)});
  if (!news.root) return;
  root_changed_ = now;
  money_.adopt_root(config_.root, *proxies_.root(), now, out);
  for (auto& [id, s] : sessions_) {
    if (s.link == 0) continue;
    if (auto warning = proxies_.warning(s.address, s.peer, now); !warning.empty())
      out.emplace_back(role::Log{3, std::move(warning)});
    const auto why = news.contracts ? "the network's parameters changed: connecting anew" : why_unlisted(s, now);
    if (!why.empty()) close_session(s, wire::kErrorNotReady, why, now, out);
  }
  choose_targets(now, out);
}

void Core::close_session(Session& s, int code, const std::string& why, Time now, Effects& out) {
  out.emplace_back(role::CloseLink{s.link, why});
  out.emplace_back(role::Log{3, fmt::format("proxy {}: {}", s.address, why)});
  drop_session(s, code, why, now, out);
}

// Back to dialling: what ran over the link has failed, what the chain was to do for it is no longer wanted.
void Core::drop_session(Session& s, int code, const std::string& why, Time now, Effects& out) {
  if (s.link == 0) return;
  fail_requests_of(s, code, why, out);
  std::erase_if(questions_, [&](const auto& q) {
    if (q.second.link != s.link) return false;
    if (q.second.api != 0) out.emplace_back(ApiFailed{q.second.api, code, why});
    return true;
  });
  if (s.proxy_contract) {
    if (s.nonce) money_.forget_register(*s.proxy_contract, *s.nonce);
    money_.leave_proxy(*s.proxy_contract);
  }
  if (s.stage == Stage::ready || s.stage == Stage::registering) s.not_ready_since = now;
  s.proxy_contract.reset();
  s.nonce.reset();
  s.link = 0;
  s.stage = Stage::dialling;
  s.last_error = why;
}

Core::Session* Core::session_of(role::LinkId link) {
  if (link == 0) return nullptr;
  for (auto& [id, s] : sessions_)
    if (s.link == link) return &s;
  return nullptr;
}

role::QueryToken Core::ask(Session& s, Asked what, Bytes data, Duration timeout, Effects& out, ApiId api) {
  const auto token = next_token_++;
  questions_.emplace(token, Question{what, s.link, api});
  out.emplace_back(role::SendQuery{s.link, token, std::move(data), timeout});
  return token;
}

Core::Status Core::status(Time) const {
  constexpr const char* kStages[] = {"dialling", "connecting", "registering", "authorising", "ready"};
  Status st;
  st.root = proxies_.root();
  for (const auto& [id, s] : sessions_)
    st.connections.push_back(
        {s.address, kStages[static_cast<int>(s.stage)], s.last_error, s.peer, s.proto, s.proxy_contract});
  st.money = money_.status();
  st.requests = count_requests_;
  st.succeeded = count_succeeded_;
  st.failed = count_failed_;
  st.running = requests_.size();
  st.waiting_for = why_not_ready();
  st.ready = st.waiting_for.empty();
  return st;
}

}  // namespace cocoon::client
