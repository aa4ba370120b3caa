#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "engine/api_request.hpp"
#include "engine/feed.hpp"
#include "engine/server_state.hpp"

namespace cocoon::engine {
namespace {

using net::HttpHeaders;
using net::HttpRequest;
using net::HttpResponder;
using net::Task;
using State = std::shared_ptr<ServerState>;
using Clock = std::chrono::steady_clock;

constexpr const char* kJson = "application/json";

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// One request on its way through a handler: what it is called in the metrics, and one way to answer.
struct Exchange {
  State state;
  const HttpRequest& request;
  HttpResponder& responder;
  std::string_view route;
  std::string_view allow = {};  // the method of a 405
  Clock::time_point began = Clock::now();

  Task<> send(int status, std::string body, const char* type = kJson) {
    state->metrics.request(route, status);
    auto headers = HttpHeaders::content_type(type);
    if (status == 503) headers.add("Retry-After", "1");
    if (!allow.empty()) headers.add("Allow", std::string(allow));
    // Fails only when the caller is gone: nobody is left to tell.
    co_await responder.respond(status, std::move(headers), std::move(body));
  }
  Task<> refuse(const ApiError& error) { co_await send(error.status, error.to_json()); }
};

ApiError unavailable(std::string message, std::string code) {
  return {503, std::move(message), "server_error", {}, std::move(code)};
}

ApiError from_scheduler(const Error& error, std::string_view param) {
  switch (error.code) {
    case engine_too_long:
      return invalid(param, error.what, "context_length_exceeded");
    case engine_busy:
      return unavailable(error.what, "engine_busy");
    case engine_stopped:
      return unavailable(error.what, "engine_stopping");
    default:
      return {500, error.what, "server_error", {}, {}};
  }
}

std::optional<ApiError> check_model(const ServerState& state, const std::string& asked) {
  if (asked.empty() || asked == state.name) return {};
  return ApiError{404, fmt::format("the model '{}' does not exist; this engine serves '{}'", asked, state.name),
                  "invalid_request_error", "model", "model_not_found"};
}

ApiError too_long(std::uint32_t limit, std::string_view param, std::string_view how_many) {
  return invalid(param,
                 fmt::format("This model's maximum context length is {} tokens. However, your request has {} tokens. "
                             "Please reduce its length.",
                             limit, how_many),
                 "context_length_exceeded");
}

// The tokens of a text that has to fit into `limit` with at least one to spare.
ApiResult<std::vector<Token>> tokenize(const ServerState& state, std::string_view text, std::uint32_t limit,
                                       std::string_view param) {
  // Texts far beyond the limit are refused before they cost the time of being tokenized.
  if (const auto least = state.model->at_least_tokens(text); least > std::size_t{4} * limit)
    return std::unexpected(too_long(limit, param, fmt::format("more than {}", least)));
  auto tokens = state.model->tokenize(text, true, true);
  if (!tokens) return std::unexpected(ApiError{500, tokens.error().what});
  if (tokens->size() > limit) return std::unexpected(too_long(limit, param, std::to_string(tokens->size())));
  if (tokens->empty()) return std::unexpected(invalid(param, fmt::format("'{}' is empty", param)));
  return std::move(*tokens);
}

ApiResult<std::vector<Token>> tokens_of(const ServerState& state, const Prompt& prompt, std::uint32_t limit,
                                        std::string_view param) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return tokenize(state, *text, limit, param);
  const auto& tokens = std::get<std::vector<Token>>(prompt);
  if (tokens.size() > limit) return std::unexpected(too_long(limit, param, std::to_string(tokens.size())));
  for (const auto token : tokens)
    if (!state.model->is_valid(token))
      return std::unexpected(invalid(param, fmt::format("token {} is not in the model's vocabulary", token)));
  return tokens;
}

// Requests with a seed repeat; the choices of one request differ.
std::uint32_t seed_of(ServerState& state, const AnswerParams& params, std::uint32_t choice) {
  std::uint64_t x = params.seed ? *params.seed : state.random();
  x += 0x9E3779B97F4A7C15ULL * (std::uint64_t{choice} + 1);
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  // llama.cpp takes the largest value for "any".
  return std::min<std::uint32_t>(static_cast<std::uint32_t>(x ^ (x >> 31)), 0xFFFFFFFE);
}

// What a request asks of the scheduler: `per_prompt` choices for each prompt, in order.
struct Plan {
  AnswerHead head;
  std::vector<Generation> choices;
  std::vector<std::string> prefixes;  // of each choice's text (echo)
  std::uint32_t per_prompt = 1;
  bool reads_calls = false;  // of tools
  bool stream = false, usage_at_end = false, usage_in_each = false;
  std::string_view param;  // the field that holds the prompt
};

ApiResult<void> add_choices(ServerState& state, const AnswerParams& params, const std::vector<Token>& prompt,
                            const std::string& prefix, Plan& plan) {
  for (const auto& [token, weight] : params.sampling.logit_bias)
    if (!state.model->is_valid(token))
      return std::unexpected(invalid("logit_bias", fmt::format("token {} is not in the model's vocabulary", token)));
  for (std::uint32_t i = 0; i < params.choices; ++i) {
    Generation g{prompt, params.sampling, params.stops, params.max_tokens, params.cache_salt};
    g.sampling.seed = seed_of(state, params, static_cast<std::uint32_t>(plan.choices.size()));
    plan.choices.push_back(std::move(g));
    plan.prefixes.push_back(prefix);
  }
  return {};
}

Plan plan_for(ServerState& state, const AnswerParams& params, AnswerKind kind) {
  const bool chat = kind == AnswerKind::chat;
  Plan plan;
  plan.head = {kind, state.new_id(chat ? "chatcmpl" : "cmpl"), state.name, unix_time(wall_clock())};
  plan.per_prompt = params.choices;
  plan.stream = params.stream;
  plan.usage_at_end = params.usage_at_end;
  plan.usage_in_each = params.usage_in_each;
  plan.param = chat ? "messages" : "prompt";
  return plan;
}

ApiResult<Plan> plan_chat(ServerState& state, const std::string& body) {
  auto request = parse_chat(body, state.config.defaults);
  if (!request) return std::unexpected(std::move(request.error()));
  if (auto wrong = check_model(state, request->model)) return std::unexpected(std::move(*wrong));
  auto plan = plan_for(state, *request, AnswerKind::chat);
  plan.reads_calls = request->reads_calls;
  const auto text = state.model->chat_prompt(request->messages);
  if (!text) return std::unexpected(ApiError{500, text.error().what});
  // One token less than the context: an answer has at least one.
  auto tokens = tokenize(state, *text, state.scheduler->context_length() - 1, plan.param);
  if (!tokens) return std::unexpected(std::move(tokens.error()));
  if (auto added = add_choices(state, *request, *tokens, {}, plan); !added)
    return std::unexpected(std::move(added.error()));
  return plan;
}

ApiResult<Plan> plan_completion(ServerState& state, const std::string& body) {
  auto request = parse_completion(body, state.config.defaults);
  if (!request) return std::unexpected(std::move(request.error()));
  if (auto wrong = check_model(state, request->model)) return std::unexpected(std::move(*wrong));
  auto plan = plan_for(state, *request, AnswerKind::completion);
  for (const auto& prompt : request->prompts) {
    auto tokens = tokens_of(state, prompt, state.scheduler->context_length() - 1, plan.param);
    if (!tokens) return std::unexpected(std::move(tokens.error()));
    std::string prefix;
    if (request->echo) {
      const auto* text = std::get_if<std::string>(&prompt);
      prefix = text ? *text : state.model->detokenize(*tokens).value_or("");
    }
    if (auto added = add_choices(state, *request, *tokens, prefix, plan); !added)
      return std::unexpected(std::move(added.error()));
  }
  return plan;
}

// The choices of one request while they are computed.
class Answering {
 public:
  Answering(Exchange& exchange, Plan plan)
      : exchange_(exchange),
        plan_(std::move(plan)),
        event_(exchange.state->executor),
        feed_(std::make_shared<Feed>(exchange.state->executor, [this] { event_.notify(); })),
        choices_(plan_.choices.size()),
        readers_(plan_.choices.size()),
        usages_(plan_.choices.size()) {
    for (std::size_t i = 0; i < choices_.size(); ++i)
      if (plan_.choices[i].sampling.logprobs >= 0) choices_[i].tokens.emplace();
    exchange_.responder.on_client_gone([this] { event_.notify(); });
  }
  ~Answering() {
    exchange_.responder.on_client_gone(nullptr);
    feed_->close();
  }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

  Task<> run() {
    for (std::uint32_t i = 0; i < plan_.choices.size(); ++i) {
      auto ticket = exchange_.state->scheduler->submit(std::move(plan_.choices[i]), feed_->listener(i));
      if (!ticket) {
        const auto error = from_scheduler(ticket.error(), plan_.param);
        co_await exchange_.refuse(error);
        co_return;
      }
      tickets_.push_back(std::move(*ticket));
    }
    if (plan_.stream)
      co_await stream();
    else
      co_await whole();
    exchange_.state->metrics.answer(seconds_since(exchange_.began));
  }

 private:
  // Items until there are none any more; nothing when the caller has gone.
  Task<std::vector<Feed::Item>> next() {
    std::vector<Feed::Item> items;
    while (items.empty() && !exchange_.responder.client_gone()) {
      items = feed_->take();
      if (items.empty()) co_await event_.wait();
    }
    note(items);
    co_return items;
  }

  TokenInWords in_words(const ChosenToken& token) const {
    const auto one = [&](const TokenLogprob& t) {
      TokenInWords::One out{{}, t.logprob};
      exchange_.state->model->append_piece(t.token, out.bytes);
      return out;
    };
    TokenInWords out{one(token.chosen), {}};
    for (const auto& t : token.top) out.top.push_back(one(t));
    return out;
  }

  // Where calls of tools are looked for, they leave the text here.
  void read_calls(Feed::Item& item) {
    auto& reader = readers_[item.choice];
    item.text = reader.push(item.text);
    if (item.end) item.text += reader.finish();
    for (auto& call : reader.take_calls()) choices_[item.choice].calls.push_back(std::move(call));
  }

  void note(std::vector<Feed::Item>& items) {
    for (auto& item : items) {
      if (item.token) choices_[item.choice].tokens->push_back(in_words(*item.token));
      if (plan_.reads_calls && !item.token) read_calls(item);
      if (!item.text.empty() && !std::exchange(seen_text_, true))
        exchange_.state->metrics.first_text(seconds_since(exchange_.began));
      usages_[item.choice] = item.usage;
      if (!item.end) continue;
      ++ended_;
      if (*item.end)
        choices_[item.choice].reason = **item.end;
      else if (!error_)
        error_ = from_scheduler(item.end->error(), plan_.param);
    }
  }

  bool done() const { return error_ || ended_ == choices_.size(); }

  Usage total() const {
    Usage sum;
    for (std::size_t i = 0; i < usages_.size(); ++i) {
      sum.completion_tokens += usages_[i].completion_tokens;
      if (i % plan_.per_prompt != 0) continue;
      sum.prompt_tokens += usages_[i].prompt_tokens;
      sum.cached_tokens += usages_[i].cached_tokens;
    }
    return sum;
  }

  Task<> whole() {
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      choices_[i].text = plan_.prefixes[i];
      choices_[i].offset = characters(plan_.prefixes[i]);
    }
    while (!done()) {
      const auto items = co_await next();
      if (items.empty()) co_return exchange_.responder.abort();
      for (const auto& item : items) choices_[item.choice].text += item.text;
    }
    if (error_) {
      co_await exchange_.refuse(*error_);
      co_return;
    }
    co_await exchange_.send(200, answer_json(plan_.head, choices_, total()));
  }

  // The events that `items` make; `usages_` holds what came last, so each event tells the usage of its own item.
  std::string events_of(const EventWriter& writer, const std::vector<Feed::Item>& items) {
    std::string out;
    for (const auto& item : items) {
      const Usage* usage = plan_.usage_in_each ? &item.usage : nullptr;
      auto& choice = choices_[item.choice];
      if (!item.text.empty()) {
        out += writer.text(item.choice, item.text, usage, choice.tokens ? &*choice.tokens : nullptr, choice.offset);
        choice.offset += characters(item.text);
        if (choice.tokens) choice.tokens->clear();
      }
      auto& told = told_calls_[item.choice];
      for (; told < choice.calls.size(); ++told) out += writer.call(item.choice, told, choice.calls[told], usage);
      if (item.end && *item.end) out += writer.last(item.choice, **item.end, usage, told > 0);
    }
    return out;
  }

  Task<> stream() {
    const EventWriter writer(plan_.head, plan_.usage_at_end);
    // The status waits for the first item, so that what fails before any text fails with a status of its own.
    auto items = co_await next();
    if (items.empty()) co_return exchange_.responder.abort();
    if (error_) {
      co_await exchange_.refuse(*error_);
      co_return;
    }
    std::string out;
    for (std::uint32_t i = 0; i < choices_.size(); ++i) {
      out += writer.first(i);
      if (!plan_.prefixes[i].empty()) out += writer.text(i, plan_.prefixes[i], nullptr);
      choices_[i].offset = characters(plan_.prefixes[i]);
    }
    out += events_of(writer, items);
    exchange_.state->metrics.request(exchange_.route, 200);
    auto headers = HttpHeaders::content_type("text/event-stream");
    headers.add("Cache-Control", "no-cache");
    // What is complete already travels with the end. (A named value: g++ 12 destroys a conditional's twice here.)
    std::string head;
    if (!done()) head.swap(out);
    const auto started = co_await exchange_.responder.start(200, std::move(headers), std::move(head));
    if (!started) co_return exchange_.responder.abort();
    while (!done()) {
      items = co_await next();
      if (items.empty()) co_return exchange_.responder.abort();
      out = events_of(writer, items);
      if (done()) break;
      const auto written = co_await exchange_.responder.write(std::exchange(out, {}));
      if (!written) co_return exchange_.responder.abort();
    }
    if (error_) {
      out += "data: " + error_->to_json() + "\n\n";
    } else {
      if (plan_.usage_at_end) out += writer.usage(total());
      out += kEventsDone;
    }
    co_await exchange_.responder.finish(std::move(out));
  }

  Exchange& exchange_;
  Plan plan_;
  net::Event event_;
  std::shared_ptr<Feed> feed_;
  std::vector<Scheduler::Ticket> tickets_;
  std::vector<Choice> choices_;
  std::vector<ToolCallReader> readers_;
  std::map<std::uint32_t, std::size_t> told_calls_;  // of a stream
  std::vector<Usage> usages_;
  std::optional<ApiError> error_;
  std::size_t ended_ = 0;
  bool seen_text_ = false;
};

Task<> answer(Exchange& exchange, ApiResult<Plan> plan) {
  if (!plan) {
    co_await exchange.refuse(plan.error());
    co_return;
  }
  Answering answering(exchange, std::move(*plan));
  co_await answering.run();
}

Task<> chat(Exchange& exchange) { co_await answer(exchange, plan_chat(*exchange.state, exchange.request.body)); }

Task<> complete(Exchange& exchange) {
  co_await answer(exchange, plan_completion(*exchange.state, exchange.request.body));
}

// One text's vector, computed on the scheduler's thread.
struct Vector {
  explicit Vector(net::Executor e) : executor(e), event(e) {}
  net::Executor executor;
  net::Event event;
  std::optional<Result<std::vector<float>>> result;  // on the executor
};

Task<Result<std::vector<float>>> embed(State state, std::vector<Token> tokens) {
  if (!state->scheduler) co_return fail(engine_stopped, "the engine is stopping");
  const auto vector = std::make_shared<Vector>(state->executor);
  // The callback passes its hold on: what the coroutine waits on ends on the executor, never on the other thread.
  auto tell = [hold = vector](Result<std::vector<float>> result) mutable {
    const auto to = hold->executor;
    net::asio::post(to, [hold = std::move(hold), result = std::move(result)]() mutable {
      hold->result = std::move(result);
      hold->event.notify();
    });
  };
  const auto accepted = state->scheduler->embed(std::move(tokens), std::move(tell));
  if (!accepted) co_return std::unexpected(accepted.error());
  while (!vector->result) co_await vector->event.wait();
  co_return std::move(*vector->result);
}

Task<> embeddings(Exchange& exchange) {
  auto& state = *exchange.state;
  const auto request = parse_embeddings(exchange.request.body);
  std::optional<ApiError> wrong;
  if (!request)
    wrong = request.error();
  else
    wrong = check_model(state, request->model);
  std::vector<std::vector<float>> vectors;
  std::uint64_t count = 0;
  const auto inputs = wrong ? std::size_t{0} : request->inputs.size();
  for (std::size_t i = 0; i < inputs && !wrong && !exchange.responder.client_gone(); ++i) {
    auto tokens = tokens_of(state, request->inputs[i], state.scheduler->embedding_limit(), "input");
    if (!tokens) {
      wrong = tokens.error();
      break;
    }
    count += tokens->size();
    auto vector = co_await embed(exchange.state, std::move(*tokens));
    if (!vector)
      wrong = from_scheduler(vector.error(), "input");
    else if (!state.ready())
      wrong = unavailable("the engine is stopping", "engine_stopping");
    else
      vectors.push_back(std::move(*vector));
  }
  if (wrong) {
    co_await exchange.refuse(*wrong);
    co_return;
  }
  co_await exchange.send(200, embeddings_json(state.name, vectors, request->base64, count));
}

ApiResult<std::string> tokenized(const ServerState& state, const std::string& body) {
  const auto request = parse_tokenize(body);
  if (!request) return std::unexpected(request.error());
  if (auto wrong = check_model(state, request->model)) return std::unexpected(std::move(*wrong));
  auto text = request->text ? Result<std::string>(*request->text) : state.model->chat_prompt(request->messages);
  if (!text) return std::unexpected(ApiError{500, text.error().what});
  const auto tokens = state.model->tokenize(*text, request->add_special, true);
  if (!tokens) return std::unexpected(ApiError{500, tokens.error().what});
  return tokens_json(*tokens, state.scheduler->context_length());
}

Task<> tokens(Exchange& exchange) {
  const auto answer = tokenized(*exchange.state, exchange.request.body);
  if (answer)
    co_await exchange.send(200, *answer);
  else
    co_await exchange.refuse(answer.error());
}

ModelFacts facts(const ServerState& state) {
  return {state.name, unix_time(state.loaded_at), state.scheduler->context_length(), state.model.get()};
}

Task<> models(Exchange& exchange) { co_await exchange.send(200, models_json(facts(*exchange.state))); }

constexpr std::string_view kOneModel = "/v1/models/";

Task<> one_model(Exchange& exchange) {
  const auto asked = net::url_decode(exchange.request.path().substr(kOneModel.size()));
  const auto wrong = check_model(*exchange.state, asked);
  if (wrong)
    co_await exchange.refuse(*wrong);
  else
    co_await exchange.send(200, model_json(facts(*exchange.state)));
}

ApiError not_ready(const ServerState& state) {
  if (!state.load_error.empty())
    return unavailable("the model could not be loaded: " + state.load_error, "model_failed");
  return unavailable("the model is loading", "model_loading");
}

Task<> health(Exchange& exchange) {
  std::string good = R"({"status":"ok"})";
  if (exchange.state->ready())
    co_await exchange.send(200, std::move(good));
  else
    co_await exchange.refuse(not_ready(*exchange.state));
}

Task<> metrics(Exchange& exchange) {
  auto text = exchange.state->metrics.text(exchange.state->scheduler.get());
  co_await exchange.send(200, std::move(text), "text/plain; version=0.0.4; charset=utf-8");
}

struct Route {
  std::string_view path;
  std::string_view method;
  bool needs_model;
  Task<> (*run)(Exchange&);
};

constexpr std::array kRoutes = {
    Route{"/v1/chat/completions", "POST", true, chat},
    Route{"/v1/completions", "POST", true, complete},
    Route{"/v1/embeddings", "POST", true, embeddings},
    Route{"/tokenize", "POST", true, tokens},
    Route{"/v1/models", "GET", true, models},
    Route{"/v1/models/{id}", "GET", true, one_model},
    Route{"/health", "GET", false, health},
    Route{"/metrics", "GET", false, metrics},
};

const Route* find_route(std::string_view path) {
  if (path.starts_with(kOneModel) && path.size() > kOneModel.size()) path = "/v1/models/{id}";
  const auto* const found = std::ranges::find(kRoutes, path, &Route::path);
  return found == kRoutes.end() ? nullptr : found;
}

}  // namespace

Task<> serve(State state, const HttpRequest& request, HttpResponder& responder) {
  const auto* const route = find_route(request.path());
  Exchange exchange{std::move(state), request, responder, route ? route->path : "other"};
  if (!route) {
    const ApiError wrong{404, "there is nothing here", "invalid_request_error", {}, "not_found"};
    co_await exchange.refuse(wrong);
    co_return;
  }
  const bool allowed = request.method == route->method || (route->method == "GET" && request.method == "HEAD");
  if (!allowed) {
    exchange.allow = route->method;
    const ApiError wrong{
        405, fmt::format("use {} here", route->method), "invalid_request_error", {}, "method_not_allowed"};
    co_await exchange.refuse(wrong);
    co_return;
  }
  if (route->needs_model && !exchange.state->ready()) {
    co_await exchange.refuse(not_ready(*exchange.state));
    co_return;
  }
  co_await route->run(exchange);
}

}  // namespace cocoon::engine
