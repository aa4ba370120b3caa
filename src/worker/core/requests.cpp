// Requests of proxies on the engine (wire.md 4.7.3, 5.4, 5.5, 5.8).
#include <algorithm>
#include <limits>

#include "base/text.hpp"
#include "market/timeouts.hpp"
#include "openai/error.hpp"
#include "openai/request.hpp"
#include "openai/transcription.hpp"
#include "wire/error_codes.hpp"
#include "worker/core/core.hpp"

namespace cocoon::worker {
namespace {

constexpr std::int64_t kCoefficientLimit = 1'000'000'000;

Duration seconds(double s) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s)); }

market::Multipliers multipliers_of(const ton::Params& p) {
  const auto& m = p.multipliers;
  return {m.prompt, m.cached, m.completion, m.reasoning};
}

constexpr std::size_t kMaxRequestId = 128;

// What reaches the engine: it is asked by us, not by the application.
struct EngineCall {
  std::string path;
  Headers headers;
  openai::EngineRequest body;
  bool needs_usage = true;
};

// The first header of that name.
std::string_view header(const wire::http::RequestView& request, std::string_view name) {
  for (const auto& h : request.headers)
    if (equal_ignoring_case(h.name, name)) return h.value;
  return {};
}

// The application's name for its request, so that the engine's log can be read beside its own.
void carry_request_id(const wire::http::RequestView& request, EngineCall& to) {
  const auto id = header(request, "x-request-id");
  const bool good =
      !id.empty() && id.size() <= kMaxRequestId && std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7f; });
  if (good) to.headers.emplace_back("X-Request-Id", id);
}

// Clients that do not say who may share with whom share with nobody, not even with themselves.
std::string cache_salt(const wire::http::RequestView& request, const Bits256& request_id) {
  const auto told = header(request, openai::kCacheSaltHeader);
  return openai::is_cache_salt(told) ? std::string(told) : to_hex(BytesView(request_id));
}

Result<EngineCall> engine_call(const wire::proxy::RunQueryEx& q, std::string_view model, const Config& config) {
  const auto request = wire::decode<wire::http::RequestView>(q.query);
  if (!request) return fail(wire::kErrorProtocolViolation, "the request cannot be read: {}", request.error().what);
  if (request->method != "POST") return fail(wire::kErrorProtocolViolation, "only POST requests are served");
  const auto endpoint = openai::endpoint_of(request->url);
  if (!endpoint) return fail(wire::kErrorProtocolViolation, "this path is not served");
  const auto& limits = config.body_limits;
  EngineCall call;
  call.path = std::string(openai::path_of(*endpoint));
  std::string content_type = "application/json";
  if (*endpoint == openai::Endpoint::audio_transcriptions) {
    TRY_ASSIGN(auto form, openai::rewrite_transcription(header(*request, "content-type"), as_text(request->payload),
                                                        model, limits));
    call.body.body = std::move(form.form.body);
    call.body.stream = call.body.include_usage = form.stream;
    content_type = std::move(form.form.content_type);
    call.needs_usage = false;  // many engines that hear count no tokens, only seconds
  } else {
    const auto salt = config.cache_salt ? cache_salt(*request, q.request_id) : std::string();
    TRY_ASSIGN(call.body, openai::rewrite_for_engine(*endpoint, as_text(request->payload), model, limits, salt));
  }
  call.headers.emplace_back("Content-Type", std::move(content_type));
  carry_request_id(*request, call);
  return call;
}

}  // namespace

Result<StartJob> Core::prepare(const Session& s, const wire::proxy::RunQueryEx& q) const {
  if (jobs_.size() >= static_cast<std::size_t>(config_.max_active_requests))
    return fail(wire::kErrorRequest, "the worker is busy");
  if (!(q.timeout > 0)) return fail(wire::kErrorTimeout, "no time was given");
  if (q.coefficient < 0 || q.coefficient >= kCoefficientLimit)
    return fail(wire::kErrorProtocolViolation, "impossible coefficient");
  if (!q.private_key.is_zero()) return fail(wire::kErrorRequest, "this worker does not serve encrypted requests");
  TRY_ASSIGN(auto call, engine_call(q, base_model_, config_));
  if (call.body.encrypted) return fail(wire::kErrorRequest, "this worker does not serve encrypted requests");
  const auto& params = money_.params_of(*s.proxy_contract);
  StartJob job;
  job.link = s.link;
  job.request_id = q.request_id;
  job.ex = s.proto > 0;
  job.counts = q.wants_counts();
  job.path = std::move(call.path);
  job.headers = std::move(call.headers);
  job.body = to_bytes(call.body.body);
  job.deadline = seconds(market::inner_timeout(std::min(q.timeout, market::kMaxTimeout)));
  job.drop_usage_event = call.body.stream && !call.body.include_usage;
  job.needs_usage = call.needs_usage;
  job.pricing = {q.coefficient, multipliers_of(params),
                 static_cast<std::int64_t>(std::min<std::uint64_t>(params.price_per_token, INT64_MAX))};
  return job;
}

void Core::run(Session& s, const wire::proxy::RunQueryEx& q, Time now, Effects& out) {
  // An id that is running cannot be answered twice; the proxy that sent it again is the one to suffer.
  if (s.jobs.contains(q.request_id)) return;
  ++count_requests_;
  money_.take(*s.proxy_contract, q.signed_payment, now);
  auto start = prepare(s, q);
  if (!start) {
    count(false, {});
    return refuse(s, q, start.error().code, start.error().what, now, out);
  }
  start->job = next_job_++;
  Job job;
  job.link = s.link;
  job.form = {q.request_id, start->ex};
  job.times = s.proto >= 2;
  job.debug = q.enable_debug;
  job.coefficient = q.coefficient;
  job.multipliers = start->pricing.multipliers;
  job.started = now;
  job.deadline = now + seconds(std::min(q.timeout, market::kMaxTimeout));
  s.jobs.emplace(q.request_id, start->job);
  deadlines_.emplace(job.deadline, start->job);
  jobs_.emplace(start->job, job);
  out.emplace_back(std::move(*start));
}

void Core::refuse(const Session& s, const wire::proxy::RunQueryEx& q, int code, std::string why, Time now,
                  Effects& out) {
  Job job;
  job.times = s.proto >= 2;
  job.debug = q.enable_debug;
  job.started = job.head_at = now;
  out.emplace_back(
      role::SendPacket{s.link, error({q.request_id, s.proto > 0}, code, std::move(why), false, ending(job, {}, now))});
}

market::AdjustedUsage Core::usage_of(const Job& job, const openai::Usage& u) const {
  return market::adjust_usage({u.prompt, u.cached, u.completion, u.reasoning}, job.coefficient, job.multipliers);
}

Ending Core::ending(const Job& job, const market::AdjustedUsage& tokens, Time now) const {
  Ending e;
  e.tokens = tokens;
  e.with_times = job.times;
  e.start = unix_seconds(job.started);
  e.end = unix_seconds(now);
  e.with_debug = job.debug;
  if (job.debug) {
    e.debug = fmt::format(
        R"({{"type":"worker","start_time":{:.6f},"answer_receive_start_at":{:.6f},"answer_receive_end_at":{:.6f}}})",
        e.start, unix_seconds(job.head_sent ? job.head_at : now), e.end);
  }
  return e;
}

void Core::whole_answer(JobId id, int status, const Headers& headers, BytesView body,
                        const market::AdjustedUsage& tokens, Time now, Effects& out) {
  const Job& job = jobs_.at(id);
  const auto last = ending(job, tokens, now);
  auto response = http_response(status, headers, body, true, unix_seconds(job.started), unix_seconds(now));
  out.emplace_back(role::SendPacket{job.link, first_answer(job.form, std::move(response), &last)});
  forget(id);
}

void Core::on(const EngineAnswer& e, Time now, Effects& out) {
  const auto it = jobs_.find(e.job);
  if (it == jobs_.end() || it->second.head_sent) return;
  const auto tokens = usage_of(it->second, e.usage);
  count(true, tokens);
  whole_answer(e.job, e.status, e.headers, e.body, tokens, now, out);
}

void Core::on(const EngineHead& e, Time now, Effects& out) {
  const auto it = jobs_.find(e.job);
  if (it == jobs_.end() || it->second.head_sent) return;
  auto& job = it->second;
  job.head_sent = true;
  job.head_at = now;
  auto response = http_response(e.status, e.headers, {}, false, unix_seconds(job.started), unix_seconds(now));
  out.emplace_back(role::SendPacket{job.link, first_answer(job.form, std::move(response), nullptr)});
}

void Core::on(const EngineDone& e, Time now, Effects& out) {
  const auto it = jobs_.find(e.job);
  if (it == jobs_.end() || !it->second.head_sent) return;
  const auto tokens = usage_of(it->second, e.usage);
  count(true, tokens);
  out.emplace_back(
      role::SendPacket{it->second.link, last_part(it->second.form, e.last, ending(it->second, tokens, now))});
  forget(e.job);
}

// Before the first byte of an answer the application gets an HTTP error with a body; afterwards the request fails.
void Core::on(const EngineFailed& e, Time now, Effects& out) {
  const auto it = jobs_.find(e.job);
  if (it == jobs_.end()) return;
  if (e.how == EngineFailed::How::stopped)
    return fail_job(e.job, wire::kErrorCancelled, "the request was cancelled", usage_of(it->second, e.usage), now, out);
  const bool late = e.how == EngineFailed::How::timeout;
  // The details name machines of ours: they are for the operator.
  out.emplace_back(role::Log{3, fmt::format("job {}: {}", e.job, e.why)});
  if (it->second.head_sent) {
    const auto code = late ? wire::kErrorTimeout : wire::kErrorFailure;
    return fail_job(e.job, code, "the worker's engine failed in the middle of its answer",
                    usage_of(it->second, e.usage), now, out);
  }
  count(false, {});
  const int status = late ? 504 : 502;
  const int code = late ? wire::kErrorTimeout : wire::kErrorNotReady;
  const auto* why = late                                      ? "the worker's engine did not answer in time"
                    : e.how == EngineFailed::How::unreachable ? "the worker's engine cannot be reached"
                                                              : "the worker's engine gave no proper answer";
  whole_answer(e.job, status, {{"Content-Type", "application/json"}}, as_bytes(openai::error_body(status, code, why)),
               {}, now, out);
}

void Core::fail_job(JobId id, int code, const std::string& why, const market::AdjustedUsage& tokens, Time now,
                    Effects& out) {
  const Job& job = jobs_.at(id);
  count(false, tokens);
  out.emplace_back(role::SendPacket{job.link, error(job.form, code, why, job.head_sent, ending(job, tokens, now))});
  forget(id);
}

void Core::forget(JobId id) {
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return;
  if (auto* s = session_of(it->second.link)) s->jobs.erase(it->second.form.request_id);
  deadlines_.erase({it->second.deadline, id});
  jobs_.erase(it);
}

// The engine's own deadline is earlier; this one holds even if the shell forgets.
void Core::expire_jobs(Time now, Effects& out) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const JobId id = deadlines_.begin()->second;
    out.emplace_back(CancelJob{id});
    fail_job(id, wire::kErrorTimeout, "no complete answer within the request's timeout", {}, now, out);
  }
}

void Core::cancel_jobs(Session& s, Effects& out) {
  const auto jobs = std::exchange(s.jobs, {});
  for (const auto& [request, id] : jobs) {
    out.emplace_back(CancelJob{id});
    count(false, {});
    forget(id);
  }
}

void Core::count(bool success, const market::AdjustedUsage& tokens) {
  ++(success ? count_succeeded_ : count_failed_);
  if (!success) return;
  const auto add = [](std::int64_t& to, std::int64_t n) {
    if (__builtin_add_overflow(to, n, &to)) to = std::numeric_limits<std::int64_t>::max();
  };
  add(total_.prompt, tokens.prompt);
  add(total_.cached, tokens.cached);
  add(total_.completion, tokens.completion);
  add(total_.reasoning, tokens.reasoning);
  add(total_.total, tokens.total);
}

}  // namespace cocoon::worker
