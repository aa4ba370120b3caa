// API requests as they come from applications: read once, handed to the core, their ends counted (wire.md 5.3).
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/text.hpp"
#include "client/service/api_state.hpp"
#include "market/prices.hpp"
#include "market/selection.hpp"
#include "openai/request.hpp"
#include "openai/transcription.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {

using net::Task;

namespace {

// wire.md 5.3: 64 hex digits, 44 characters of base64, or 32 raw ones; nothing: zero.
Result<Bits256> parse_receiver_key(const std::string& text) {
  if (text.empty()) return Bits256{};
  Result<Bytes> bytes = text.size() == 64 ? from_hex(text) : text.size() == 32 ? to_bytes(text) : from_base64(text);
  if (!bytes || bytes->size() != 32) return fail(wire::kErrorProtocolViolation, "receiver_public_key is not a key");
  return Bits256::from(*bytes);
}

// What a request's body says, and the type of the body that goes on.
struct ReadBody {
  openai::ClientRequest request;
  std::string content_type{kJson};
};

Result<ReadBody> read_form(const net::HttpRequest& http, const openai::RequestDefaults& defaults) {
  TRY_ASSIGN(auto form, openai::parse_transcription_request(http.headers.get("content-type"), http.body, defaults));
  return ReadBody{std::move(form.request), std::move(form.content_type)};
}

// What our own headers and the envelope may add to a request's bytes, each of which is reserved like a token.
constexpr std::int64_t kEnvelope = 1024;

// nanoTON that a request can cost: a proxy charges at most what it has reserved (wire.md 5.6).
std::int64_t most_of(const ApiRequest& r, std::int64_t price) {
  auto bytes = static_cast<std::int64_t>(r.body.size()) + kEnvelope;
  for (const auto& [name, value] : r.headers) bytes += static_cast<std::int64_t>(name.size() + value.size()) + 16;
  return market::costs_of({.total = market::tokens_to_reserve(r.max_tokens, bytes, r.max_coefficient)}, price).total;
}

// What it did cost. Of an answer that began and whose end nobody saw that is not known: its caller left, and is charged
// what it could have cost, or leaving early would be a way around every budget.
std::int64_t cost_of(const ApiAnswer& answer, std::int64_t price, std::int64_t most) {
  if (answer.end()) return market::costs_of({.total = answer.end()->tokens.total_tokens_used}, price).total;
  return answer.head() && (answer.gone() || answer.overflown()) ? most : 0;
}

}  // namespace

std::shared_ptr<ApiAnswer> ApiServer::State::open(ApiId id, Exchange& x) {
  auto answer = std::make_shared<ApiAnswer>(executor, config.max_unread);
  answers.emplace(id, answer);
  x.responder.on_client_gone([weak = std::weak_ptr(answer)] {
    if (const auto a = weak.lock()) a->caller_gone();
  });
  return answer;
}

void ApiServer::State::close(ApiId id, Exchange& x, const ApiAnswer& answer) {
  x.responder.on_client_gone(nullptr);
  answers.erase(id);
  if (!answer.over_in_core()) submit(ApiGone{id});
}

// Who has a key shares with nobody else. New at each start: what is remembered of a prompt is worth minutes.
std::string ApiServer::State::cache_salt(const Exchange& x) const {
  if (!x.key) return shared_salt;
  const auto tenant = crypto::hmac_sha256(as_bytes(shared_salt), as_bytes(std::to_string(x.key->id)));
  return to_hex(BytesView(tenant).first(shared_salt.size() / 2));
}

// The body as it goes on; of a translated route, with the translation in `x`.
Result<ApiRequest> ApiServer::State::read(Exchange& x) const {
  ReadBody body;
  auto endpoint = openai::endpoint_of(x.request.path());
  if (openai::is_translated(x.request.path())) {
    endpoint = openai::Endpoint::chat_completions;
    const std::string id(x.request_id.starts_with("req_") ? x.request_id.substr(4) : x.request_id);
    TRY_ASSIGN(x.translation, openai::translate(x.request.path(), x.request.body, {id, unix_time(x.received)}));
    TRY_ASSIGN(body.request, openai::parse_client_request(*endpoint, x.translation->chat_body(), config.defaults));
  } else if (*endpoint == openai::Endpoint::audio_transcriptions) {
    TRY_ASSIGN(body, read_form(x.request, config.defaults));
  } else {
    TRY_ASSIGN(body.request, openai::parse_client_request(*endpoint, x.request.body, config.defaults));
  }
  auto& parsed = body.request;
  ApiRequest r;
  TRY_ASSIGN(r.public_key, parse_receiver_key(parsed.receiver_public_key));
  r.path = std::string(openai::path_of(*endpoint));
  for (const auto& h : x.request.headers)
    if (!equal_ignoring_case(h.name, "x-request-id") && !equal_ignoring_case(h.name, "content-type") &&
        !equal_ignoring_case(h.name, openai::kCacheSaltHeader))
      r.headers.emplace_back(h.name, h.value);
  r.headers.emplace_back("Content-Type", std::move(body.content_type));
  r.headers.emplace_back("X-Request-Id", x.request_id);
  r.headers.emplace_back(openai::kCacheSaltHeader, cache_salt(x));
  if (!config.policy.empty() && !x.request.headers.has(market::kPolicyHeader))
    r.headers.emplace_back(market::kPolicyHeader, config.policy);
  r.body = to_bytes(parsed.body);
  r.model = std::move(parsed.model);
  r.max_tokens = static_cast<std::int32_t>(parsed.max_tokens);
  r.max_coefficient = static_cast<std::int32_t>(parsed.max_coefficient);
  r.timeout = Duration(static_cast<Duration::rep>(parsed.timeout * 1e6));
  r.enable_debug = parsed.enable_debug;
  x.debug = parsed.enable_debug;
  x.guid = std::move(parsed.request_guid);
  x.model = r.model;
  return r;
}

Task<> ApiServer::State::complete(Exchange& x) {
  stats.queries.add(1, x.received);
  stats.bytes_received.add(static_cast<double>(x.request.body.size()), x.received);
  auto r = read(x);
  bool success = false;
  const auto nano = x.key ? price() : 0;
  const auto most = x.key && r ? most_of(*r, nano) : 0;
  if (!r) {
    co_await refuse(x, failure(openai::http_status_of(r.error().code), r.error().code, r.error().what));
  } else if (auto refused = x.key ? gate.enter(*x.key, x.model, most, x.received) : std::nullopt) {
    co_await refuse(x, std::move(*refused));
  } else {
    const auto id = r->id = next_id++;
    const auto answer = open(id, x);
    submit(std::move(*r));
    success = co_await carry(x, *answer);
    close(id, x, *answer);
    if (x.key) gate.leave(*x.key, most, cost_of(*answer, nano, most));
    if (!x.guid.empty() && answer->end()) remember_debug(x.guid, debug_text(*answer->end(), x.received, x.head_at));
  }
  const auto now = wall_clock();
  const auto taken = to_seconds(now - x.received);
  (success ? stats.success : stats.failed).add(1, now);
  stats.time.add(taken, now);
  stats.whole.add(taken);
}

std::int64_t ApiServer::State::price() const {
  const auto now = status();
  return now.core.root ? static_cast<std::int64_t>(std::min<std::uint64_t>(now.core.root->params.price_per_token,
                                                                           std::numeric_limits<std::int64_t>::max()))
                       : 0;
}

// For /request/debuglogentry.
void ApiServer::State::remember_debug(const std::string& guid, std::string text) {
  if (text.size() > kMaxDebugEntry) return;
  std::erase_if(debug_log, [&](const auto& entry) { return entry.first == guid; });
  debug_log.emplace_back(guid, std::move(text));
  if (debug_log.size() > kDebugEntries) debug_log.pop_front();
}

// A proxy calls unknown models a malformed request. Who asked for one is told so: the names that there are, are cheap.
Task<Failure> ApiServer::State::explain(Exchange& x, const ApiFailed& failed) {
  auto out = failure_of(failed);
  if (failed.code != wire::kErrorProtocolViolation || failed.why != ApiFailed::Why::peer) co_return out;
  const auto known = co_await ask_models(x);
  if (!known) co_return out;
  for (const auto& type : known->types)
    if (type.name == x.model) co_return out;
  co_return failure(404, failed.code, "the model '" + x.model + "' does not exist", "model_not_found", "model");
}

}  // namespace cocoon::client
