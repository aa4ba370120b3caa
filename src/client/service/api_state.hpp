// What the files of the HTTP API share: one exchange with a caller, and the server's state. Private to this folder.
#pragma once
#include <deque>
#include <expected>
#include <memory>
#include <string>
#include <unordered_map>

#include "client/service/api.hpp"
#include "client/service/api_answer.hpp"
#include "client/service/api_failure.hpp"
#include "client/service/api_gate.hpp"
#include "crypto/crypto.hpp"
#include "openai/translation.hpp"

namespace cocoon::client {

// One exchange with a caller.
struct Exchange {
  const net::HttpRequest& request;
  net::HttpResponder& responder;
  Time received = wall_clock();
  std::string request_id{};   // the caller's, or ours
  net::HttpHeaders common{};  // on every answer: the request's id, permissions for web pages
  // Of API requests, once read:
  std::unique_ptr<openai::Translation> translation{};  // of a route that is answered through chat
  std::string model{};
  std::string guid{};  // request_guid
  bool debug = false;
  Time head_at{};                      // when the answer began
  std::optional<store::ApiKey> key{};  // that the caller has shown, where keys are asked for
};

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::size_t kMaxForeignError = 16 * 1024;  // bytes of an engine's message that go on
// For /request/debuglogentry.
inline constexpr std::size_t kDebugEntries = 64;
inline constexpr std::size_t kMaxDebugEntry = 16 * 1024;

// An error in the shape that the request's route has.
std::string error_text(const Exchange&, const openai::ApiError&);
// {"proxy":...,"worker":...,"client":...}
std::string debug_text(const ApiEnd&, Time received, Time head_at);

struct ApiServer::State : std::enable_shared_from_this<State> {
  State(net::Executor e, ApiConfig c, Submit s, StatusSource src, std::shared_ptr<node::OperatorApi> op)
      : executor(e), config(std::move(c)), submit(std::move(s)), status(std::move(src)), operator_api(std::move(op)) {}

  net::Executor executor;
  ApiConfig config;
  Submit submit;
  StatusSource status;
  std::shared_ptr<node::OperatorApi> operator_api;
  std::function<std::string()> attestation;  // empty: there is none to show
  std::unique_ptr<net::HttpServer> server;
  std::unordered_map<ApiId, std::shared_ptr<ApiAnswer>> answers;
  ApiId next_id = 1;
  ApiStats stats;
  ApiGate gate{std::nullopt};
  crypto::Random random = crypto::Random::from_os();
  // openai::kCacheSaltHeader of requests without a key. Where keys are asked for it never leaves: theirs are made from
  // it.
  std::string shared_salt = to_hex(BytesView(random.bits256()).first(16));
  std::deque<std::pair<std::string, std::string>> debug_log;  // request_guid, text; the newest last

  // api.cpp: every request's way in, and the small answers
  static net::Task<> handle(std::shared_ptr<State>, const net::HttpRequest&, net::HttpResponder&);
  net::Task<> dispatch(Exchange&);
  net::Task<> options(Exchange&);
  net::Task<> operators(Exchange&, const std::string& path);
  std::string debug_entry(const Exchange&) const;
  void name_request(Exchange&);
  bool admit_origin(Exchange&) const;
  net::Task<> page(Exchange&, int status, std::string type, std::string body);
  net::Task<> refuse(Exchange&, Failure);
  net::Task<> not_allowed(Exchange&, std::string allow);

  // api_requests.cpp: from the caller to the core
  std::shared_ptr<ApiAnswer> open(ApiId, Exchange&);
  void close(ApiId, Exchange&, const ApiAnswer&);
  ApiAnswer* find(ApiId id) {
    const auto it = answers.find(id);
    return it == answers.end() ? nullptr : it->second.get();
  }
  net::Task<> complete(Exchange&);
  Result<ApiRequest> read(Exchange&) const;
  std::string cache_salt(const Exchange&) const;
  net::Task<Failure> explain(Exchange&, const ApiFailed&);
  std::int64_t price() const;  // nanoTON per adjusted token; 0: not known yet
  void remember_debug(const std::string& guid, std::string text);

  // api_carry.cpp: and back
  net::Task<bool> carry(Exchange&, ApiAnswer&);
  net::Task<bool> whole(Exchange&, ApiAnswer&, net::HttpHeaders, std::string body);
  net::Task<bool> stream(Exchange&, ApiAnswer&, net::HttpHeaders, std::string first);
  void count_first_byte(Exchange&, int status);

  // api_models.cpp
  net::Task<> models(Exchange&, std::string id);
  net::Task<std::expected<ApiModelList, ApiFailed>> ask_models(Exchange&);
};

}  // namespace cocoon::client
