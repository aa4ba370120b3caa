#include "worker/service/engine_runner.hpp"

#include <charconv>
#include <unordered_map>

#include "openai/answer_body.hpp"
#include "openai/context_length.hpp"
#include "worker/core/replies.hpp"

namespace cocoon::worker {
namespace {

// One message stays far below what any client takes as a frame (wire.md 2.6.1).
constexpr std::size_t kLargestPart = 256 * 1024;
constexpr std::size_t kLargestPage = std::size_t{1} << 20;
constexpr int kFirstError = 400;  // HTTP status
constexpr const char* kNoUsage = "the engine's answer has no usage";
// How often a job that waits for room on its link looks by itself.
constexpr auto kLookAgain = std::chrono::milliseconds(20);

market::AdjustedUsage adjusted(const openai::Usage& u, const Pricing& pricing) {
  return market::adjust_usage({u.prompt, u.cached, u.completion, u.reasoning}, pricing.coefficient,
                              pricing.multipliers);
}

openai::AnswerBody::Options body_options(const StartJob& job, std::string_view content_type) {
  openai::AnswerBody::Options o;
  o.form = openai::form_of_content_type(content_type);
  o.drop_usage_event = job.drop_usage_event;
  o.annotate = [pricing = job.pricing](const openai::Usage& u) {
    const auto costs = market::costs_of(adjusted(u, pricing), pricing.price_per_token);
    return fmt::format(R"("prompt_total_cost":{},"completion_total_cost":{},"total_cost":{})", costs.prompt,
                       costs.completion, costs.total);
  };
  return o;
}

// How long an engine may think is a request's own deadline to say.
net::HttpClientOptions client_options() {
  net::HttpClientOptions o;
  o.header_time = o.body_gap = std::chrono::hours(2);
  return o;
}

Headers headers_of(const net::HttpHeaders& from) {
  Headers out;
  for (const auto& h : from) out.emplace_back(h.name, h.value);
  return out;
}

std::size_t announced_length(const net::HttpHeaders& headers) {
  const auto text = headers.get("Content-Length");
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && !text.empty() && end == text.data() + text.size() ? n : std::string::npos;
}

// Of an answer that broke off: what the engine has said it cost, or else what went out of it (contracts.md 6.3: "as
// known so far").
openai::Usage delivered(const openai::AnswerBody& body) {
  auto usage = body.usage();
  if (usage.completion == 0) usage.completion = static_cast<std::int64_t>(body.texts());
  return usage;
}

// An engine that does not say what its answer cost would work for nothing, and nobody would notice.
bool lacks_usage(const StartJob& job, int status, const openai::AnswerBody& body) {
  return job.needs_usage && status < kFirstError && !body.counted();
}

EngineFailed::How how(const Error& e, bool answer_began) {
  if (e.code == net::net_timeout) return EngineFailed::How::timeout;
  return answer_began || e.code != net::net_refused ? EngineFailed::How::broken : EngineFailed::How::unreachable;
}

}  // namespace

struct EngineRunner::State {
  State(net::Executor ex, Options o, Hooks h)
      : executor(std::move(ex)), options(std::move(o)), hooks(std::move(h)), client(executor, client_options()) {}

  struct Job {
    std::shared_ptr<net::Cancellation> cancel = std::make_shared<net::Cancellation>();
    std::shared_ptr<bool> stopping = std::make_shared<bool>(false);  // cancelled, but its end is to be told
    std::shared_ptr<net::Event> room;                                // on the link
  };

  net::Executor executor;
  Options options;
  Hooks hooks;
  net::HttpClient client;
  std::unordered_map<JobId, Job> jobs;
  bool stopped = false;
  std::shared_ptr<net::Event> health_pause;

  bool wanted(const Job& job) const { return !stopped && !job.cancel->requested(); }
  // Nothing may be told of a job that was cancelled.
  void tell(const Job& job, Event event) {
    if (!stopped && (wanted(job) || *job.stopping)) hooks.event(std::move(event));
  }
  void tell_failure(const Job& job, EngineFailed failed) {
    if (*job.stopping) failed.how = EngineFailed::How::stopped;
    tell(job, std::move(failed));
  }

  // Coroutines hold what they run on from before they first run.
  net::Task<> run(std::shared_ptr<State> self, StartJob order, Job job);
  net::Task<> stream(const StartJob& order, const Job& job, net::HttpAnswer& answer);
  net::Task<> whole(const StartJob& order, const Job& job, net::HttpAnswer& answer);
  net::Task<bool> send_parts(const StartJob& order, const Job& job, const std::string& bytes, openai::Usage so_far);
  net::Task<> wait_for_room(role::LinkId link, const Job& job);
  net::Task<> health(std::shared_ptr<State> self);
  net::Task<Result<std::string>> page(net::HttpCall call);
  net::Task<std::int32_t> context(std::string models);
  net::HttpCall call(const StartJob& order, const Job& job) const;
};

net::HttpCall EngineRunner::State::call(const StartJob& order, const Job& job) const {
  net::HttpCall c;
  c.method = "POST";
  c.url = options.url + order.path;
  for (const auto& [name, value] : order.headers) c.headers.add(name, value);
  c.headers.add("Accept", "application/json, text/event-stream");
  c.headers.add("User-Agent", "cocoon-worker");
  c.body = to_text(order.body);
  c.deadline = std::chrono::duration_cast<net::Millis>(order.deadline);
  c.cancel = job.cancel;
  return c;
}

net::Task<> EngineRunner::State::run(std::shared_ptr<State>, StartJob order, Job job) {
  auto answer = co_await client.send(call(order, job));
  if (!answer) {
    tell_failure(job, {order.job, how(answer.error(), false), answer.error().what, {}});
  } else if (announced_length(answer->headers()) <= options.whole_answer) {
    co_await whole(order, job, *answer);
  } else {
    co_await stream(order, job, *answer);
  }
  if (const auto it = jobs.find(order.job); it != jobs.end() && it->second.cancel == job.cancel) jobs.erase(it);
}

net::Task<> EngineRunner::State::whole(const StartJob& order, const Job& job, net::HttpAnswer& answer) {
  auto bytes = co_await answer.read_all(options.whole_answer);
  if (!bytes) {
    tell_failure(job, {order.job, how(bytes.error(), true), bytes.error().what, {}});
    co_return;
  }
  openai::AnswerBody body(body_options(order, answer.headers().get("Content-Type")));
  std::string out;
  body.push(*bytes, out);
  body.finish(out);
  if (answer.status() < kFirstError && !body.whole()) {
    tell(job, EngineFailed{order.job, EngineFailed::How::broken, "the engine's answer is no whole JSON", {}});
    co_return;
  }
  if (lacks_usage(order, answer.status(), body)) {
    tell(job, EngineFailed{order.job, EngineFailed::How::broken, kNoUsage, {}});
    co_return;
  }
  tell(job, EngineAnswer{order.job, answer.status(), headers_of(answer.headers()), to_bytes(out), body.usage()});
}

net::Task<> EngineRunner::State::stream(const StartJob& order, const Job& job, net::HttpAnswer& answer) {
  const auto type = answer.headers().get("Content-Type");
  openai::AnswerBody body(body_options(order, type));
  tell(job, EngineHead{order.job, answer.status(), headers_of(answer.headers())});
  std::string out;
  while (wanted(job)) {
    auto bytes = co_await answer.read_some();
    if (!bytes) {
      tell_failure(job, {order.job, how(bytes.error(), true), bytes.error().what, delivered(body)});
      co_return;
    }
    if (bytes->empty()) break;
    out.clear();
    body.push(*bytes, out);
    if (!co_await send_parts(order, job, out, delivered(body))) break;
  }
  if (!wanted(job)) {
    if (*job.stopping) tell_failure(job, {order.job, EngineFailed::How::stopped, "stopped", delivered(body)});
    co_return;
  }
  out.clear();
  body.finish(out);
  if (answer.status() < kFirstError && !body.whole()) {
    // An engine that ends its answer early must not be paid for a whole one.
    const auto usage = delivered(body);
    if (!co_await send_parts(order, job, out, usage)) co_return;
    tell(job, EngineFailed{order.job, EngineFailed::How::broken, "the engine ended its answer before its end", usage});
    co_return;
  }
  if (lacks_usage(order, answer.status(), body)) {  // what is in `out` would tell its reader that all is well
    tell(job, EngineFailed{order.job, EngineFailed::How::broken, kNoUsage, delivered(body)});
    co_return;
  }
  tell(job, EngineDone{order.job, to_bytes(out), body.usage()});
}

// False: the link is gone, and with it the reason for this job.
net::Task<bool> EngineRunner::State::send_parts(const StartJob& order, const Job& job, const std::string& bytes,
                                                openai::Usage so_far) {
  for (std::size_t at = 0; at < bytes.size(); at += kLargestPart) {
    if (!wanted(job)) co_return false;
    const auto piece = as_bytes(std::string_view(bytes).substr(at, kLargestPart));
    const bool counted = order.counts && at + piece.size() == bytes.size();
    const auto packet = counted ? counted_part(order.request_id, piece, adjusted(so_far, order.pricing))
                                : part({order.request_id, order.ex}, piece);
    if (!hooks.send(order.link, packet)) {
      job.cancel->request();
      co_return false;
    }
    co_await wait_for_room(order.link, job);
  }
  co_return true;
}

net::Task<> EngineRunner::State::wait_for_room(role::LinkId link, const Job& job) {
  while (wanted(job) && hooks.queued(link) > options.high_water) {
    net::asio::steady_timer look(executor, kLookAgain);
    look.async_wait([room = std::weak_ptr(job.room)](boost::system::error_code) {
      if (const auto r = room.lock()) r->notify();
    });
    co_await job.room->wait();
  }
}

// A page of the engine, read to its end, so that the connection is kept.
net::Task<Result<std::string>> EngineRunner::State::page(net::HttpCall call) {
  const std::string path = call.url.substr(options.url.size());
  auto answer = co_await client.send(std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto body = co_await answer->read_all(kLargestPage);
  if (answer->status() != 200) co_return fail("{} answers {}", path, answer->status());
  co_return body;
}

// Tokens; 0: nothing says it. A page that the engine does not have, or that hangs, costs no more than its time.
net::Task<std::int32_t> EngineRunner::State::context(std::string models) {
  if (const auto said = openai::context_in_models(models, options.model)) co_return *said;
  for (const auto& place : openai::context_pages()) {
    net::HttpCall c;
    c.url = options.url + std::string(place.path);
    c.deadline = std::chrono::duration_cast<net::Millis>(options.context_timeout);
    if (place.post) {
      c.method = "POST";
      c.headers.add("Content-Type", "application/json");
      c.body = openai::context_question(options.model);
    }
    const auto body = co_await page(std::move(c));
    if (stopped) co_return 0;
    if (!body) continue;
    if (const auto said = place.read(*body, options.model)) co_return *said;
  }
  co_return openai::trained_context_in_models(models, options.model).value_or(0);
}

net::Task<> EngineRunner::State::health(std::shared_ptr<State>) {
  const auto pause = health_pause;
  bool was_up = false;
  while (!stopped) {
    net::HttpCall c;
    c.url = options.url + "/v1/models";
    c.deadline = std::chrono::duration_cast<net::Millis>(options.health_timeout);
    auto models = co_await page(std::move(c));
    if (stopped) break;
    const bool up = models.has_value();
    hooks.event(EngineHealth{up, up ? "" : models.error().what});
    // An engine that comes back may have been started with other settings.
    if (up && !was_up && options.ask_context) {
      const auto tokens = co_await context(*std::move(models));
      if (stopped) break;
      hooks.event(EngineContext{tokens});
    }
    was_up = up;
    net::asio::steady_timer next(executor, options.health_every);
    next.async_wait([pause](boost::system::error_code) { pause->notify(); });
    co_await pause->wait();
  }
}

EngineRunner::EngineRunner(net::Executor executor, Options options, Hooks hooks)
    : state_(std::make_shared<State>(std::move(executor), std::move(options), std::move(hooks))) {}

EngineRunner::~EngineRunner() { stop(); }

void EngineRunner::watch_health() {
  state_->health_pause = std::make_shared<net::Event>(state_->executor);
  net::asio::co_spawn(state_->executor, state_->health(state_), net::asio::detached);
}

void EngineRunner::start(StartJob order) {
  if (state_->stopped) return;
  State::Job job;
  job.room = std::make_shared<net::Event>(state_->executor);
  state_->jobs.emplace(order.job, job);
  net::asio::co_spawn(state_->executor, state_->run(state_, std::move(order), job), net::asio::detached);
}

void EngineRunner::cancel(JobId id) {
  const auto it = state_->jobs.find(id);
  if (it == state_->jobs.end()) return;
  const State::Job job = it->second;
  state_->jobs.erase(it);
  job.cancel->request();
  job.room->notify();
}

void EngineRunner::stop(JobId id) {
  const auto it = state_->jobs.find(id);
  if (it == state_->jobs.end()) return;
  const State::Job job = it->second;
  *job.stopping = true;
  job.cancel->request();
  job.room->notify();
}

void EngineRunner::look_again() {
  for (const auto& [id, job] : state_->jobs) job.room->notify();
}

void EngineRunner::stop() {
  if (std::exchange(state_->stopped, true)) return;
  const auto jobs = std::exchange(state_->jobs, {});
  for (const auto& [id, job] : jobs) {
    job.cancel->request();
    job.room->notify();
  }
  if (state_->health_pause) state_->health_pause->notify();
}

std::size_t EngineRunner::running() const { return state_->jobs.size(); }

}  // namespace cocoon::worker
