#include "worker/core/core.hpp"

#include <algorithm>

#include "wire/error_codes.hpp"

namespace cocoon::worker {
namespace {

constexpr auto kChoiceInterval = std::chrono::seconds(1);
constexpr auto kStatusTimeout = std::chrono::seconds(60);
constexpr std::int32_t kMaxCoefficient = 1'000'000'000;  // proxies refuse from here on (wire.md 4.5)

}  // namespace

Core::Core(Config config, crypto::Random random)
    : config_(std::move(config)),
      base_model_(config_.model.substr(0, config_.model.find('@'))),
      random_(random),
      money_(config_.money),
      proxies_(role::ProxyList::Side::workers, config_),
      enabled_(config_.enabled) {}

void Core::handle(const Event& event, Time now, Effects& out) {
  std::visit([&](const auto& e) { on(e, now, out); }, event);
  money_.advance(now, out);
}

Time Core::wake_at() const {
  Time at = std::min(next_choice_, money_.wake_at());
  for (const auto& [id, s] : sessions_)
    if (s.stage == Stage::ready) at = std::min(at, s.next_status);
  if (!deadlines_.empty()) at = std::min(at, deadlines_.begin()->first);
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
    ask(s, Asked::status, wire::encode(wire::worker::UpdatePaymentStatus{}), kStatusTimeout, out);
  }
  expire_jobs(now, out);
}

bool Core::model_listed() const {
  return !config_.check_images || proxies_.root()->model_hashes.contains(crypto::sha256(as_bytes(config_.model)));
}

// Why this proxy may not use us any more, by the root contract; empty if it may.
std::string Core::why_unlisted(const Session& s, Time now) const {
  if (!model_listed()) return "the root contract does not list our model " + config_.model;
  return proxies_.why_refused(s.address, s.link != 0 ? &s.peer : nullptr, now);
}

void Core::choose_targets(Time now, Effects& out) {
  if (!proxies_.root()) return;
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    auto& s = it->second;
    const bool stale = s.stage != Stage::ready && now - s.not_ready_since > config_.give_up_target;
    const auto unlisted = why_unlisted(s, now);
    const bool wanted = unlisted.empty();
    if (wanted && !stale) {
      ++it;
      continue;
    }
    drop_session(s, wanted ? "the proxy was given up" : unlisted, now, out);
    out.emplace_back(role::Undial{s.target});
    proxies_.give_up(s.address);
    it = sessions_.erase(it);
  }
  if (!model_listed()) return;
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
  if (s.link != 0) drop_session(s, "the connection was replaced", now, out);
  s.link = e.link;
  s.peer = e.peer;
  greet(s, now, out);
}

void Core::on(const role::LinkDown& e, Time now, Effects& out) {
  if (auto* s = session_of(e.link)) drop_session(*s, "connection to the proxy lost: " + e.reason, now, out);
}

void Core::on(const role::DialFailed& e, Time, Effects&) {
  if (const auto it = sessions_.find(e.target); it != sessions_.end()) it->second.last_error = e.reason;
}

void Core::on(const role::PacketIn& e, Time now, Effects& out) {
  auto* s = session_of(e.link);
  if (s == nullptr || s->stage != Stage::ready || !wire::handles<wire::PacketToWorker>(wire::peek_id(e.data))) return;
  auto packet = wire::decode_any<wire::PacketToWorker>(e.data);
  if (!packet) {
    out.emplace_back(role::Log{3, fmt::format("proxy {}: unreadable message: {}", s->address, packet.error().what)});
    return;
  }
  if (const auto* query = std::get_if<wire::proxy::RunQueryEx>(&*packet)) return run(*s, *query, now, out);
  if (auto* old = std::get_if<wire::proxy::RunQuery>(&*packet)) {
    wire::proxy::RunQueryEx query;
    query.query = std::move(old->query);
    query.signed_payment = std::move(old->signed_payment);
    query.coefficient = old->coefficient;
    query.timeout = old->timeout;
    query.request_id = old->request_id;
    return run(*s, query, now, out);
  }
  if (const auto* gone = std::get_if<wire::proxy::CancelQuery>(&*packet)) {
    if (const auto job = s->jobs.find(gone->request_id); job != s->jobs.end()) out.emplace_back(StopJob{job->second});
    return;
  }
  if (const auto* due = std::get_if<wire::proxy::WorkerRequestPayment>(&*packet)) return payment(*s, *due, now, out);
  if (auto* alone = std::get_if<wire::proxy::SignedPayment>(&*packet))
    money_.take(*s->proxy_contract, std::move(*alone), now);
}

void Core::on(const role::QueryIn& e, Time, Effects& out) {
  const bool known = wire::handles<wire::QueryToWorker>(wire::peek_id(e.data));
  if (!known) {
    out.emplace_back(role::AnswerError{e.link, e.id, wire::kErrorGeneric, "a worker does not answer this query"});
  } else if (auto query = wire::decode_any<wire::QueryToWorker>(e.data); !query) {
    out.emplace_back(role::AnswerError{e.link, e.id, wire::kErrorGeneric, query.error().what});
  } else {
    out.emplace_back(role::AnswerError{e.link, e.id, wire::kErrorRequest, "the model of this worker is fixed"});
  }
}

void Core::on(const role::QueryDone& e, Time now, Effects& out) {
  const auto it = questions_.find(e.token);
  if (it == questions_.end()) return;
  const auto question = it->second;
  questions_.erase(it);
  auto* s = session_of(question.link);
  if (s == nullptr) return;
  if (!e.result) {
    if (question.what == Asked::status) return;  // the next one may do better; silence is the link's affair
    const auto& error = e.result.error();
    return close_session(*s, fmt::format("the proxy did not let us in: {} (code {})", error.what, error.code), now,
                         out);
  }
  switch (question.what) {
    case Asked::connect:
      return connected(*s, *e.result, now, out);
    case Asked::compare:
      return compared(*s, *e.result, now, out);
    case Asked::extended:
      return compared_further(*s, *e.result, now, out);
    case Asked::complete:
      return completed(*s, *e.result, now, out);
    case Asked::status:
      return payment_status(*s, *e.result, now);
  }
}

void Core::on(const role::AccountObserved& e, Time now, Effects& out) {
  if (e.address == config_.root)
    adopt_root(e, now, out);
  else
    money_.observe(e, now, out);
}

void Core::on(const role::ExternalResult& e, Time, Effects&) { money_.external_result(e); }

void Core::on(const role::Order& e, Time now, Effects& out) { money_.order(e, now, out); }

void Core::on(const EngineHealth& e, Time, Effects& out) {
  if (e.up != engine_up_)
    out.emplace_back(e.up ? role::Log{2, "the engine is up"} : role::Log{3, "the engine is down: " + e.why_not});
  engine_up_ = e.up;
  engine_why_not_ = e.up ? "" : e.why_not;
  for (auto& [id, s] : sessions_) tell_if_disabled(s, out);
}

void Core::on(const EngineContext& e, Time, Effects& out) {
  engine_context_ = e.tokens;
  for (auto& [id, s] : sessions_) tell_context(s, out);
}

void Core::on(const SetEnabled& e, Time, Effects& out) {
  enabled_ = e.enabled;
  for (auto& [id, s] : sessions_) tell_if_disabled(s, out);
}

void Core::on(const SetCoefficient& e, Time, Effects& out) {
  if (e.coefficient < 0 || e.coefficient >= kMaxCoefficient || e.coefficient == config_.coefficient) return;
  config_.coefficient = e.coefficient;
  for (const auto& [id, s] : sessions_)
    if (s.stage == Stage::ready)
      out.emplace_back(role::SendPacket{s.link, wire::encode(wire::worker::NewCoefficient{e.coefficient})});
}

// Whenever it differs from what the proxy last heard; also for what changed while the handshake ran.
void Core::tell_if_disabled(Session& s, Effects& out) {
  if (s.stage != Stage::ready || s.told_disabled == disabled()) return;
  s.told_disabled = disabled();
  out.emplace_back(role::SendPacket{s.link, wire::encode(wire::worker::EnabledDisabled{disabled() ? 1 : 0})});
}

// Proxies of other makes are told nothing that they do not know.
void Core::tell_context(Session& s, Effects& out) {
  if (s.stage != Stage::ready || !s.peer.additions || s.told_context == context_length()) return;
  s.told_context = context_length();
  out.emplace_back(role::SendPacket{s.link, wire::encode(wire::worker::ContextLength{s.told_context})});
}

void Core::adopt_root(const role::AccountObserved& e, Time now, Effects& out) {
  auto news = proxies_.observe(e, now);
  if (!news.trouble.empty()) out.emplace_back(role::Log{3, std::move(news.trouble)});
  if (!news.root) return;
  money_.adopt_root(config_.root, *proxies_.root(), now);
  if (!model_listed()) out.emplace_back(role::Log{4, "the root contract does not list our model " + config_.model});
  for (auto& [id, s] : sessions_) {
    if (s.link == 0) continue;
    if (auto warning = proxies_.warning(s.address, s.peer, now); !warning.empty())
      out.emplace_back(role::Log{3, std::move(warning)});
    const auto why = news.contracts ? "the network's parameters changed: connecting anew" : why_unlisted(s, now);
    if (!why.empty()) close_session(s, why, now, out);
  }
  choose_targets(now, out);
}

void Core::close_session(Session& s, const std::string& why, Time now, Effects& out) {
  out.emplace_back(role::CloseLink{s.link, why});
  out.emplace_back(role::Log{3, fmt::format("proxy {}: {}", s.address, why)});
  drop_session(s, why, now, out);
}

// Back to dialling. What ran for this proxy has nobody to hear it any more.
void Core::drop_session(Session& s, const std::string& why, Time now, Effects& out) {
  if (s.link == 0) return;
  cancel_jobs(s, out);
  std::erase_if(questions_, [&](const auto& q) { return q.second.link == s.link; });
  if (s.stage == Stage::ready) s.not_ready_since = now;
  s.proxy_contract.reset();
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

void Core::ask(Session& s, Asked what, Bytes data, Duration timeout, Effects& out) {
  const auto token = next_token_++;
  questions_.emplace(token, Question{what, s.link});
  out.emplace_back(role::SendQuery{s.link, token, std::move(data), timeout});
}

std::string Core::why_not_ready() const {
  if (!proxies_.root()) return proxies_.waiting_for();
  if (!model_listed()) return "the root contract does not list our model " + config_.model;
  if (!engine_up_) return "the engine: " + engine_why_not_;
  if (!enabled_) return "switched off by the operator";
  if (auto why = proxies_.waiting_for(); !why.empty()) return why;
  for (const auto& [id, s] : sessions_)
    if (s.stage == Stage::ready) return {};
  for (const auto& [id, s] : sessions_)
    return fmt::format("connecting to proxy {}{}", s.address, s.last_error.empty() ? "" : ": " + s.last_error);
  return "choosing a proxy";
}

Core::Status Core::status() const {
  constexpr const char* kStages[] = {"dialling", "connecting", "comparing", "finishing", "ready"};
  Status st;
  if (proxies_.root()) {
    st.root_version = proxies_.root()->version;
    st.params_version = proxies_.root()->params.params_version;
  }
  st.model = config_.model;
  st.coefficient = config_.coefficient;
  st.enabled = enabled_;
  st.engine_up = engine_up_;
  st.engine_why_not = engine_why_not_;
  st.context_length = context_length();
  for (const auto& [id, s] : sessions_)
    st.connections.push_back({s.address, kStages[static_cast<int>(s.stage)], s.last_error, s.peer, s.proto,
                              s.jobs.size(), s.proxy_contract});
  st.money = money_.status();
  st.running = jobs_.size();
  st.running_limit = static_cast<std::size_t>(config_.max_active_requests);
  st.requests = count_requests_;
  st.succeeded = count_succeeded_;
  st.failed = count_failed_;
  st.tokens = total_;
  st.waiting_for = why_not_ready();
  st.ready = st.waiting_for.empty();
  return st;
}

}  // namespace cocoon::worker
