#include "engine/echo_backend.hpp"

#include <array>

#include <fmt/core.h>

#include "engine/api_response.hpp"
#include "engine/echo_answers.hpp"
#include "engine/json_fields.hpp"
#include "net/http_server.hpp"

namespace cocoon::engine {

using net::HttpHeaders;
using net::HttpRequest;
using net::HttpResponder;
using net::Task;

struct EchoBackend::State {
  net::Executor executor;
  EchoConfig config;
  std::unique_ptr<net::HttpServer> server;
  std::uint64_t requests = 0, cancelled = 0, running = 0;
  int health = 200;
};

namespace {

namespace json = boost::json;

constexpr const char* kJson = "application/json";
constexpr std::string_view kContent = "Hello there.";

enum class Mode {
  normal,
  echo,
  slow,
  stall,
  stall_mid,
  die,
  die_mid,
  half_json,
  garbage,
  error,
  flat_error,
  plain_error,
  no_usage,
  huge_usage,
};

struct ModeName {
  std::string_view name;
  Mode mode;
  int status;
};
constexpr std::array kModes = {
    ModeName{"echo", Mode::echo, 200},
    ModeName{"slow", Mode::slow, 200},
    ModeName{"stall", Mode::stall, 200},
    ModeName{"stall-mid", Mode::stall_mid, 200},
    ModeName{"die", Mode::die, 200},
    ModeName{"die-mid", Mode::die_mid, 200},
    ModeName{"half-json", Mode::half_json, 200},
    ModeName{"garbage", Mode::garbage, 200},
    ModeName{"error", Mode::error, 500},
    ModeName{"flat-error", Mode::flat_error, 400},
    ModeName{"plain-error", Mode::plain_error, 502},
    ModeName{"no-usage", Mode::no_usage, 200},
    ModeName{"huge-usage", Mode::huge_usage, 200},
};

struct Script {
  Mode mode = Mode::normal;
  AnswerKind kind = AnswerKind::chat;
  bool stream = false;
  bool usage_at_end = false;
  std::string model;
  std::string content{kContent};
  std::vector<ToolCall> calls;
  bool exemplary = false;  // calls or content are what the request asks for
  std::uint32_t chunks = 0;
  std::uint32_t delay_ms = 0;
  int status = 200;
};

const ModeName* find_mode(std::string_view name) {
  for (const auto& one : kModes)
    if (one.name == name) return &one;
  return nullptr;
}

bool set_mode(Script& script, std::string_view name) {
  const auto* const mode = find_mode(name);
  if (!mode) return false;
  script.mode = mode->mode;
  script.status = mode->status;
  if (mode->mode == Mode::slow) script.delay_ms = 20;
  return true;
}

std::string last_message(Fields& fields) {
  const auto* messages = fields.array("messages");
  if (!messages || messages->empty() || !messages->back().is_object()) return {};
  const auto* content = messages->back().get_object().if_contains("content");
  return content && content->is_string() ? std::string(content->get_string()) : std::string();
}

void read_fixture(Fields& fields, Script& script) {
  const auto* object = fields.object("fixture");
  if (!object) return;
  Fields f(*object, "fixture.");
  if (const auto mode = f.text("mode", 64); mode && !mode->empty() && !set_mode(script, *mode))
    f.wrong("mode", "a known mode");
  if (const auto n = f.integer("chunks", 1, 1'000'000)) script.chunks = static_cast<std::uint32_t>(*n);
  if (const auto n = f.integer("delay_ms", 0, 600'000)) script.delay_ms = static_cast<std::uint32_t>(*n);
  if (const auto n = f.integer("status", 200, 599)) script.status = static_cast<int>(*n);
  if (auto text = f.text("content", 1 << 24)) script.content = std::move(*text);
  if (f.fault()) fields.fault(*f.fault());
}

ApiResult<Script> read_script(const EchoConfig& config, const HttpRequest& request) {
  const auto object = parse_object(request.body);
  if (!object) return std::unexpected(object.error());
  Fields fields(*object);
  Script script;
  script.kind = request.path() == "/v1/completions" ? AnswerKind::completion : AnswerKind::chat;
  script.chunks = config.chunks;
  script.model = fields.text("model", 1024).value_or(config.model);
  if (const auto dash = script.model.find('-'); dash != std::string::npos)
    set_mode(script, script.model.substr(dash + 1));
  script.stream = fields.boolean("stream").value_or(false);
  if (const auto* options = fields.object("stream_options"))
    script.usage_at_end = Fields(*options).boolean("include_usage").value_or(false);
  read_fixture(fields, script);
  if (script.mode == Mode::echo) script.content = last_message(fields);
  if (script.mode == Mode::normal && script.kind == AnswerKind::chat) {
    script.calls = example_calls(*object);
    auto content = example_content(*object);
    script.exemplary = content || !script.calls.empty();
    if (content) script.content = std::move(*content);
  }
  if (fields.fault()) return std::unexpected(*fields.fault());
  return script;
}

// One answer under way.
class Playing {
 public:
  Playing(EchoBackend::State& state, HttpResponder& responder, Script script)
      : state_(state), responder_(responder), script_(std::move(script)), event_(state.executor) {
    ++state_.requests;
    ++state_.running;
    responder_.on_client_gone([this] { event_.notify(); });
  }
  ~Playing() {
    responder_.on_client_gone(nullptr);
    --state_.running;
  }
  Playing(const Playing&) = delete;
  Playing& operator=(const Playing&) = delete;

  Task<> run() {
    if (script_.mode == Mode::die) co_return responder_.abort();
    auto body = canned();
    if (script_.mode == Mode::stall)
      co_await stall();
    else if (!body.empty())
      co_await respond(script_.status, std::move(body));
    else if (script_.stream)
      co_await stream();
    else
      co_await whole();
  }

 private:
  AnswerHead head() const {
    return {script_.kind, script_.kind == AnswerKind::chat ? "chatcmpl-fixture" : "cmpl-fixture", script_.model,
            1'700'000'000};
  }

  // The body of modes whose answer is always the same; empty for the others.
  std::string canned() const {
    switch (script_.mode) {
      case Mode::half_json:
        return R"({"id":"chatcmpl-1","object":"chat.completion","choi)";
      case Mode::garbage:
        return "\xFF\xFE{]\x01";
      case Mode::error:
        return ApiError{script_.status, "the fixture fails", "server_error", {}, "fixture"}.to_json();
      case Mode::flat_error:
        return fmt::format(
            R"({{"object":"error","message":"the fixture refuses","type":"BadRequest","param":null,"code":{}}})",
            script_.status);
      case Mode::plain_error:
        return "the fixture is out of order\n";
      default:
        return {};
    }
  }

  Task<> respond(int status, std::string body) {
    auto headers = HttpHeaders::content_type(script_.mode == Mode::plain_error ? "text/plain" : kJson);
    const auto sent = co_await responder_.respond(status, std::move(headers), std::move(body));
    if (!sent) give_up();
  }

  void give_up() {
    ++state_.cancelled;
    responder_.abort();
  }

  // Waits for the caller to lose patience.
  Task<> stall() {
    while (!responder_.client_gone()) co_await event_.wait();
    give_up();
  }

  // False: the caller went away meanwhile.
  Task<bool> pause() {
    if (script_.delay_ms == 0) co_return !responder_.client_gone();
    net::Watchdog bell(state_.executor, [this] { event_.notify(); });
    const auto until = std::chrono::steady_clock::now() + net::Millis(script_.delay_ms);
    bell.set(until);
    while (!responder_.client_gone() && std::chrono::steady_clock::now() < until) co_await event_.wait();
    co_return !responder_.client_gone();
  }

  std::string whole_json() const {
    Choice choice{script_.calls.empty() ? script_.content : std::string(), FinishReason::stop};
    choice.calls = script_.calls;
    auto out = answer_json(head(), {&choice, 1}, {state_.config.prompt_tokens, 0, 2});
    const auto usage = out.rfind(R"(,"usage":)");
    if (script_.mode == Mode::no_usage) out = out.substr(0, usage) + "}";
    if (script_.mode == Mode::huge_usage)
      out = out.substr(0, usage) +
            R"(,"usage":{"prompt_tokens":9007199254740993,"completion_tokens":1e30,"total_tokens":-1}})";
    return out;
  }

  Task<> whole() {
    const bool there = co_await pause();
    if (!there) co_return give_up();
    auto body = whole_json();
    if (script_.mode == Mode::die_mid || script_.mode == Mode::stall_mid) {
      auto headers = HttpHeaders::content_type("application/json");
      body.resize(body.size() / 2);
      co_await responder_.start(200, std::move(headers), std::move(body));
      if (script_.mode == Mode::stall_mid) co_return co_await stall();
      co_return responder_.abort();
    }
    co_await respond(script_.status, std::move(body));
  }

  // What the request's own tools or format ask for, and nothing that misbehaves.
  Task<> stream_example(const EventWriter& writer) {
    auto out = writer.first(0);
    for (std::size_t i = 0; i < script_.calls.size(); ++i) out += writer.call(0, i, script_.calls[i], nullptr);
    if (script_.calls.empty()) out += writer.text(0, script_.content, nullptr);
    out += writer.last(0, FinishReason::stop, nullptr, !script_.calls.empty());
    if (script_.usage_at_end) out += writer.usage({state_.config.prompt_tokens, 0, 2});
    out += kEventsDone;
    auto headers = HttpHeaders::content_type("text/event-stream");
    const auto sent = co_await responder_.respond(200, std::move(headers), std::move(out));
    if (!sent) give_up();
  }

  std::string piece(const EventWriter& writer, std::uint32_t index) const {
    if (script_.mode == Mode::echo) return writer.text(0, script_.content, nullptr);
    return writer.text(0, fmt::format(" word{}", index), nullptr);
  }

  Task<> stream() {
    const EventWriter writer(head(), script_.usage_at_end);
    if (script_.exemplary) co_return co_await stream_example(writer);
    const auto chunks = script_.mode == Mode::echo ? 1 : script_.chunks;
    auto headers = HttpHeaders::content_type("text/event-stream");
    auto head = writer.first(0);
    auto sent = co_await responder_.start(200, std::move(headers), std::move(head));
    for (std::uint32_t i = 0; i < chunks && sent; ++i) {
      if (i >= chunks / 2 && script_.mode == Mode::stall_mid) co_return co_await stall();
      if (i >= chunks / 2 && script_.mode == Mode::die_mid) co_return responder_.abort();
      const bool there = co_await pause();
      if (!there) co_return give_up();
      auto one = piece(writer, i);
      sent = co_await responder_.write(std::move(one));
    }
    if (!sent) co_return give_up();
    std::string end = writer.last(0, FinishReason::stop, nullptr);
    if (script_.usage_at_end && script_.mode != Mode::no_usage)
      end += writer.usage({state_.config.prompt_tokens, 0, chunks});
    end += kEventsDone;
    co_await responder_.finish(std::move(end));
  }

  EchoBackend::State& state_;
  HttpResponder& responder_;
  Script script_;
  net::Event event_;
};

Task<> respond(HttpResponder& responder, int status, std::string body) {
  auto headers = HttpHeaders::content_type("application/json");
  co_await responder.respond(status, std::move(headers), std::move(body));
}

Task<> play(EchoBackend::State& state, const HttpRequest& request, HttpResponder& responder) {
  auto script = read_script(state.config, request);
  if (!script) {
    auto body = script.error().to_json();
    co_await respond(responder, script.error().status, std::move(body));
    co_return;
  }
  Playing playing(state, responder, std::move(*script));
  co_await playing.run();
}

ApiResult<int> wanted_health(const std::string& body) {
  const auto object = parse_object(body);
  if (!object) return std::unexpected(object.error());
  Fields fields(*object);
  const auto status = fields.integer("status", 200, 599);
  if (!status) fields.wrong("status", "an HTTP status");
  if (fields.fault()) return std::unexpected(*fields.fault());
  return static_cast<int>(*status);
}

Task<> serve_fixture(std::shared_ptr<EchoBackend::State> state, const HttpRequest& request, HttpResponder& responder) {
  const auto path = request.path();
  const bool post = request.method == "POST";
  std::string body;
  int status = 200;
  if (post && (path == "/v1/chat/completions" || path == "/v1/completions"))
    co_return co_await play(*state, request, responder);
  if (post && (path == "/v1/embeddings" || path == "/v1/audio/transcriptions")) {
    ++state->requests;
    const auto made = path == "/v1/embeddings" ? example_embeddings(request.body) : example_transcription(request);
    status = made ? 200 : made.error().status;
    body = made ? *made : made.error().to_json();
  } else if (post && path == "/fixture/health") {
    const auto wanted = wanted_health(request.body);
    if (wanted) state->health = *wanted;
    status = wanted ? 200 : wanted.error().status;
    body = wanted ? "{}" : wanted.error().to_json();
  } else if (path == "/v1/models") {
    body = json::serialize(json::object{
        {"object", "list"},
        {"data",
         {{{"id", state->config.model}, {"object", "model"}, {"created", 1'700'000'000}, {"owned_by", "cocoon"}}}}});
  } else if (path == "/health") {
    status = state->health;
    body = "{}";
  } else if (path == "/fixture/stats") {
    body = fmt::format(R"({{"requests":{},"running":{},"cancelled":{}}})", state->requests, state->running,
                       state->cancelled);
  } else {
    const ApiError nothing{404, "there is nothing here", "invalid_request_error", {}, "not_found"};
    status = nothing.status;
    body = nothing.to_json();
  }
  co_await respond(responder, status, std::move(body));
}

}  // namespace

EchoBackend::EchoBackend(std::shared_ptr<State> state) : state_(std::move(state)) {}
EchoBackend::~EchoBackend() { stop(); }

Result<std::unique_ptr<EchoBackend>> EchoBackend::start(net::Executor executor, EchoConfig config) {
  auto state = std::make_shared<State>();
  state->executor = executor;
  state->config = std::move(config);
  const std::weak_ptr<State> weak = state;
  state->server = std::make_unique<net::HttpServer>(
      executor, net::HttpServerOptions{}, [weak](const HttpRequest& request, HttpResponder& responder) -> Task<> {
        auto self = weak.lock();
        if (self) co_await serve_fixture(std::move(self), request, responder);
      });
  TRY(state->server->listen(state->config.listen));
  return std::unique_ptr<EchoBackend>(new EchoBackend(std::move(state)));
}

std::uint16_t EchoBackend::port() const { return state_->server->port(); }
void EchoBackend::stop() { state_->server->close(); }
std::uint64_t EchoBackend::requests() const { return state_->requests; }
std::uint64_t EchoBackend::cancelled() const { return state_->cancelled; }
std::uint64_t EchoBackend::running() const { return state_->running; }
void EchoBackend::set_health(int status) { state_->health = status; }

}  // namespace cocoon::engine
