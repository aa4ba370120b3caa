// What the client core hears and asks beyond the common vocabulary (role/events.hpp).
#pragma once
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "role/events.hpp"
#include "role/operator.hpp"
#include "wire/messages.hpp"

namespace cocoon::client {

using ApiId = std::uint64_t;  // one request of the HTTP API, chosen by the shell
using Headers = std::vector<std::pair<std::string, std::string>>;

// --- events of the API side

// A request whose body the shell has parsed once (openai room) and rewritten for the worker (wire.md 5.3).
struct ApiRequest {
  ApiId id = 0;
  std::string path;   // "/v1/chat/completions"
  Headers headers;    // as received; the core drops what must not travel
  Bytes body;         // for the worker
  std::string model;  // base name
  std::int32_t max_tokens = 0;
  std::int32_t max_coefficient = 0;  // 1/1000
  Duration timeout{};                // T of wire.md 5.8
  bool enable_debug = false;
  Bits256 public_key;  // receiver of an encrypted request; zero otherwise
};
struct ApiModels {  // GET /v1/models
  ApiId id = 0;
};
struct ApiGone {  // the caller left; nothing more is wanted for this id
  ApiId id = 0;
};

// A contract of ours is on disk, or could not be written there.
struct Remembered {
  ton::Address contract;
  Result<> result;
};

using Event = std::variant<role::Tick, role::LinkUp, role::LinkDown, role::DialFailed, role::PacketIn, role::QueryDone,
                           role::QueryIn, role::AccountObserved, role::ExternalResult, role::Order, Remembered,
                           ApiRequest, ApiModels, ApiGone>;

// --- effects

// What must outlive this process, however it ends: a contract of ours (contract_record.hpp). Answered by Remembered.
struct Remember {
  ton::Address contract;
  Bytes record;  // empty: it is over, and forgotten
};

// --- effects of the API side; for each id: ApiHead, ApiPart*, ApiEnd - or ApiFailed at any point - or ApiModelList.

struct ApiHead {
  ApiId id = 0;
  int status = 0;
  Headers headers;
  Bytes body;  // first bytes, may be empty
};
struct ApiPart {
  ApiId id = 0;
  Bytes body;
};
struct ApiEnd {
  ApiId id = 0;
  Bytes body;  // last bytes, may be empty
  wire::TokensUsed tokens;
  std::string worker_debug;  // JSON text or empty
  std::string proxy_debug;
};
struct ApiFailed {
  enum class Why {
    peer,           // a proxy or worker said so, or did not answer
    not_connected,  // no proxy is ready: it was not sent, and may be in a moment
    no_funds,       // refused for money, and by what the chain shows rightly so
  };
  ApiId id = 0;
  int code = 0;  // wire.md 2.7
  std::string message;
  Why why = Why::peer;
};
struct ApiModelList {
  ApiId id = 0;
  std::vector<wire::client::WorkerTypeV2> types;
};
// From now on the shell carries non-final parts of this request from the link to the caller by itself; all else still
// comes to the core.
struct OpenRoute {
  role::LinkId link = 0;
  Bits256 request_id;
  ApiId id = 0;
};
struct CloseRoute {
  role::LinkId link = 0;
  Bits256 request_id;
};

using Effect =
    std::variant<role::Dial, role::Undial, role::CloseLink, role::SendPacket, role::SendQuery, role::Answer,
                 role::AnswerError, role::Watch, role::Unwatch, role::SendExternal, role::Log, role::OrderAnswer,
                 role::OrderDone, Remember, ApiHead, ApiPart, ApiEnd, ApiFailed, ApiModelList, OpenRoute, CloseRoute>;
using Effects = std::vector<Effect>;

}  // namespace cocoon::client
