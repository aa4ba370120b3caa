// An API request's body: what the client reads from it (wire.md 5.3) and what the worker makes of it for its engine
// (wire.md 5.4). The body is parsed once on each side; what is not ours passes through as it was written.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "openai/json_object.hpp"

namespace cocoon::openai {

// What clients ask workers for. The other routes of the API are translated into these by the client.
enum class Endpoint { chat_completions, completions, embeddings, audio_transcriptions };

std::string_view path_of(Endpoint);
// By path, everything before the first slash and any query string cut; nothing when it is no API path.
std::optional<Endpoint> endpoint_of(std::string_view url);

struct RequestDefaults {
  std::int64_t max_tokens = 10000;
  std::int64_t max_coefficient = 4000;  // 1/1000
  double timeout = 120;                 // seconds
  double max_timeout = 3600;
  JsonLimits limits;
};

struct ClientRequest {
  std::string model;
  // Raw tokens the answer may have: max_completion_tokens, else max_tokens, else the default, times the choices asked
  // for (n, best_of). Embeddings: 0, their bytes are reserved anyway.
  std::int64_t max_tokens = 0;
  std::int64_t max_coefficient = 0;  // highest acceptable worker coefficient, 1/1000
  double timeout = 0;                // seconds, > 0
  bool enable_debug = false;
  std::string request_guid;         // empty: none
  std::string receiver_public_key;  // as written (64 hex, 44 base64 or 32 raw characters); empty: none
  bool encrypted = false;           // the body says is_encrypted
  bool stream = false;
  bool include_usage = false;  // the application asked for the usage chunk
  // For the worker: client-level members removed, a token limit always present (but for embeddings), `stop` a list as
  // existing workers insist (wire.md 5.4). All else is as the application wrote it.
  std::string body;
};

// For JSON bodies; forms: transcription.hpp. Error 621 says which member is wrong. Null counts as absent.
Result<ClientRequest> parse_client_request(Endpoint, std::string_view body, const RequestDefaults& defaults = {});

struct EngineRequest {
  std::string body;        // for the engine
  bool encrypted = false;  // the body said is_encrypted
  bool stream = false;
  bool include_usage = false;              // the application asked for it; otherwise drop the usage chunk again
  std::optional<std::int64_t> max_tokens;  // the limit the engine was given
};

// Names, on its way from the client to the worker, whose requests may share what an engine has computed of a prompt:
// text that others cannot guess (is_cache_salt).
inline constexpr std::string_view kCacheSaltHeader = "x-cocoon-cache-salt";
bool is_cache_salt(std::string_view text);  // 16 to 128 letters and digits

// For the worker: the model must be `model` (621); a stream always reports usage; without a stream there are no
// stream_options; one token limit stands under both names; members that are Cocoon's own do not reach the engine.
// `cache_salt`, if not empty, is what the engine's member of that name gets, before the application's own.
Result<EngineRequest> rewrite_for_engine(Endpoint, std::string_view body, std::string_view model,
                                         const JsonLimits& limits = {}, std::string_view cache_salt = {});

}  // namespace cocoon::openai
