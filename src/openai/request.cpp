#include "openai/request.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace cocoon::openai {
namespace {

constexpr int kProtocolViolation = 621;  // wire.md 2.7

// Read by the client and not for the worker (wire.md 5.3).
constexpr std::string_view kClientOnly[] = {"max_coefficient", "timeout", "enable_debug", "request_guid"};
// Besides those, what the network adds and no engine knows (wire.md 6.4).
constexpr std::string_view kNetworkOnly[] = {"is_encrypted", "sender_public_key", "receiver_public_key",
                                             "encryption_nonce", "debug"};

struct StreamFields {
  bool stream = false;
  bool include_usage = false;
  std::optional<JsonObject> options;
};

Result<StreamFields> stream_fields(const JsonObject& body) {
  StreamFields out;
  TRY_ASSIGN(const auto stream, body.boolean("stream"));
  out.stream = stream.value_or(false);
  TRY_ASSIGN(out.options, body.object("stream_options"));
  if (out.options) {
    TRY_ASSIGN(const auto usage, out.options->boolean("include_usage"));
    out.include_usage = out.stream && usage.value_or(false);
  }
  return out;
}

Result<double> timeout_of(const JsonObject& body, const RequestDefaults& defaults) {
  TRY_ASSIGN(const auto asked, body.number("timeout"));
  if (asked && *asked <= 0) return fail(kProtocolViolation, "timeout is not positive");
  return std::min(asked.value_or(defaults.timeout), defaults.max_timeout);
}

// Nulls would shadow what we add under the other name.
void drop_nulls(JsonObject& body, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (const auto* m = body.find(name); m != nullptr && m->kind == JsonKind::null) body.remove(name);
}

// How many answers one request makes: each may be as long as the limit. What is no count is refused here: some engines
// read "3" and 3.0 as three, and more would be used than is reserved.
Result<std::int64_t> choices_of(const JsonObject& body) {
  std::int64_t most = 1;
  for (const auto* name : {"n", "best_of"}) {
    TRY_ASSIGN(const auto count, body.unsigned_int(name));
    most = std::max(most, count.value_or(1));
  }
  return most;
}

Result<std::int64_t> client_token_limit(JsonObject& body, const RequestDefaults& defaults) {
  drop_nulls(body, {"max_tokens", "max_completion_tokens"});
  TRY_ASSIGN(const auto completion, body.unsigned_int("max_completion_tokens"));
  TRY_ASSIGN(const auto plain, body.unsigned_int("max_tokens"));
  TRY_ASSIGN(const auto choices, choices_of(body));
  if (!completion && !plain) body.set("max_tokens", std::to_string(defaults.max_tokens));
  // The newer name wins, as at OpenAI's; with workers the older one does, so they get to see one.
  if (completion && plain && *completion != *plain) body.remove("max_tokens");
  const auto one = completion ? *completion : plain.value_or(defaults.max_tokens);
  return std::min<std::int64_t>(one * choices, std::numeric_limits<std::int32_t>::max());
}

void list_the_stop(JsonObject& body) {
  if (const auto* stop = body.find("stop"); stop != nullptr && stop->kind == JsonKind::string)
    body.set("stop", "[" + std::string(stop->value) + "]");
}

constexpr std::pair<Endpoint, std::string_view> kPaths[] = {
    {Endpoint::chat_completions, "/v1/chat/completions"},
    {Endpoint::completions, "/v1/completions"},
    {Endpoint::embeddings, "/v1/embeddings"},
    {Endpoint::audio_transcriptions, "/v1/audio/transcriptions"},
};

}  // namespace

std::string_view path_of(Endpoint endpoint) {
  return std::ranges::find(kPaths, endpoint, &std::pair<Endpoint, std::string_view>::first)->second;
}

std::optional<Endpoint> endpoint_of(std::string_view url) {
  url = url.substr(std::min(url.find('/'), url.size()));
  url = url.substr(0, url.find('?'));
  for (const auto& [endpoint, path] : kPaths)
    if (url == path) return endpoint;
  return std::nullopt;
}

Result<ClientRequest> parse_client_request(Endpoint endpoint, std::string_view text, const RequestDefaults& defaults) {
  TRY_ASSIGN(JsonObject body, JsonObject::parse(text, defaults.limits));
  ClientRequest out;
  TRY_ASSIGN(auto model, body.string("model"));
  if (!model || model->empty()) return fail(kProtocolViolation, "model is missing");
  out.model = std::move(*model);
  if (endpoint != Endpoint::embeddings) {
    TRY_ASSIGN(out.max_tokens, client_token_limit(body, defaults));
    list_the_stop(body);
    TRY_ASSIGN(const auto stream, stream_fields(body));
    out.stream = stream.stream;
    out.include_usage = stream.include_usage;
  }
  TRY_ASSIGN(const auto coefficient, body.unsigned_int("max_coefficient"));
  out.max_coefficient = coefficient.value_or(defaults.max_coefficient);
  TRY_ASSIGN(out.timeout, timeout_of(body, defaults));
  TRY_ASSIGN(const auto debug, body.boolean("enable_debug"));
  out.enable_debug = debug.value_or(false);
  TRY_ASSIGN(auto guid, body.string("request_guid"));
  out.request_guid = std::move(guid).value_or("");
  TRY_ASSIGN(auto key, body.string("receiver_public_key"));
  out.receiver_public_key = std::move(key).value_or("");
  out.encrypted = body.find("is_encrypted") != nullptr;
  for (const auto name : kClientOnly) body.remove(name);
  out.body = body.text();
  return out;
}

namespace {

Result<> stream_for_engine(JsonObject& body, EngineRequest& out) {
  TRY_ASSIGN(auto stream, stream_fields(body));
  out.stream = stream.stream;
  out.include_usage = stream.include_usage;
  if (!out.stream) {
    body.remove("stream_options");
    return {};
  }
  JsonObject options = std::move(stream.options).value_or(JsonObject());
  options.set("include_usage", "true");
  body.set("stream_options", options.text());
  return {};
}

Result<> limit_for_engine(JsonObject& body, EngineRequest& out) {
  drop_nulls(body, {"max_tokens", "max_completion_tokens"});
  TRY_ASSIGN(const auto plain, body.unsigned_int("max_tokens"));
  TRY_ASSIGN(const auto completion, body.unsigned_int("max_completion_tokens"));
  out.max_tokens = plain ? plain : completion;
  if (out.max_tokens.value_or(0) == 0) return {};
  body.set("max_tokens", std::to_string(*out.max_tokens));
  body.set("max_completion_tokens", std::to_string(*out.max_tokens));
  return {};
}

// Engines that keep prompts share them among requests of one salt only: otherwise the time to the first token tells
// anybody which prompts others have sent. An application may divide its own share further.
Result<> salt_for_engine(JsonObject& body, std::string_view salt) {
  TRY_ASSIGN(const auto own, body.string("cache_salt"));
  const std::string_view rest = own ? body.find("cache_salt")->value.substr(1) : "\"";
  std::string text = "\"" + std::string(salt);
  if (own) text += '.';
  text += rest;
  body.set("cache_salt", std::move(text));
  return {};
}

}  // namespace

bool is_cache_salt(std::string_view text) {
  constexpr std::size_t kShortest = 16;
  constexpr std::size_t kLongest = 128;
  return text.size() >= kShortest && text.size() <= kLongest && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

Result<EngineRequest> rewrite_for_engine(Endpoint endpoint, std::string_view text, std::string_view model,
                                         const JsonLimits& limits, std::string_view cache_salt) {
  TRY_ASSIGN(JsonObject body, JsonObject::parse(text, limits));
  TRY_ASSIGN(const auto asked, body.string("model"));
  if (!asked || *asked != model) return fail(kProtocolViolation, "this worker does not serve the model of the request");
  EngineRequest out;
  out.encrypted = body.find("is_encrypted") != nullptr;
  if (endpoint != Endpoint::embeddings) {
    TRY(stream_for_engine(body, out));
    TRY(limit_for_engine(body, out));
  }
  for (const auto name : kClientOnly) body.remove(name);
  for (const auto name : kNetworkOnly) body.remove(name);
  if (!cache_salt.empty()) TRY(salt_for_engine(body, cache_salt));
  out.body = body.text();
  return out;
}

}  // namespace cocoon::openai
