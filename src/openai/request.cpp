#include "openai/request.hpp"

#include <algorithm>

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

Result<std::int64_t> client_token_limit(JsonObject& body, const RequestDefaults& defaults) {
  drop_nulls(body, {"max_tokens", "max_completion_tokens"});
  TRY_ASSIGN(const auto completion, body.unsigned_int("max_completion_tokens"));
  TRY_ASSIGN(const auto plain, body.unsigned_int("max_tokens"));
  if (!completion && !plain) body.set("max_tokens", std::to_string(defaults.max_tokens));
  return completion ? *completion : plain.value_or(defaults.max_tokens);
}

}  // namespace

std::string_view path_of(Endpoint endpoint) {
  return endpoint == Endpoint::chat_completions ? "/v1/chat/completions" : "/v1/completions";
}

std::optional<Endpoint> endpoint_of(std::string_view url) {
  url = url.substr(std::min(url.find('/'), url.size()));
  url = url.substr(0, url.find('?'));
  for (const auto endpoint : {Endpoint::chat_completions, Endpoint::completions})
    if (url == path_of(endpoint)) return endpoint;
  return std::nullopt;
}

Result<ClientRequest> parse_client_request(std::string_view text, const RequestDefaults& defaults) {
  TRY_ASSIGN(JsonObject body, JsonObject::parse(text, defaults.limits));
  ClientRequest out;
  TRY_ASSIGN(auto model, body.string("model"));
  if (!model || model->empty()) return fail(kProtocolViolation, "model is missing");
  out.model = std::move(*model);
  TRY_ASSIGN(out.max_tokens, client_token_limit(body, defaults));
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
  TRY_ASSIGN(const auto stream, stream_fields(body));
  out.stream = stream.stream;
  out.include_usage = stream.include_usage;
  for (const auto name : kClientOnly) body.remove(name);
  out.body = body.text();
  return out;
}

Result<EngineRequest> rewrite_for_engine(std::string_view text, std::string_view model, const JsonLimits& limits) {
  TRY_ASSIGN(JsonObject body, JsonObject::parse(text, limits));
  TRY_ASSIGN(const auto asked, body.string("model"));
  if (!asked || *asked != model) return fail(kProtocolViolation, "this worker does not serve the model of the request");
  EngineRequest out;
  out.encrypted = body.find("is_encrypted") != nullptr;
  TRY_ASSIGN(auto stream, stream_fields(body));
  out.stream = stream.stream;
  out.include_usage = stream.include_usage;
  if (out.stream) {
    JsonObject options = std::move(stream.options).value_or(JsonObject());
    options.set("include_usage", "true");
    body.set("stream_options", options.text());
  } else {
    body.remove("stream_options");
  }
  drop_nulls(body, {"max_tokens", "max_completion_tokens"});
  TRY_ASSIGN(const auto plain, body.unsigned_int("max_tokens"));
  TRY_ASSIGN(const auto completion, body.unsigned_int("max_completion_tokens"));
  out.max_tokens = plain ? plain : completion;
  if (out.max_tokens.value_or(0) > 0) {
    body.set("max_tokens", std::to_string(*out.max_tokens));
    body.set("max_completion_tokens", std::to_string(*out.max_tokens));
  }
  for (const auto name : kClientOnly) body.remove(name);
  for (const auto name : kNetworkOnly) body.remove(name);
  out.body = body.text();
  return out;
}

}  // namespace cocoon::openai
