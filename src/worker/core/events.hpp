// What the worker core hears and asks beyond the common vocabulary (role/events.hpp).
#pragma once
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "market/prices.hpp"
#include "openai/usage.hpp"
#include "role/events.hpp"
#include "role/operator.hpp"

namespace cocoon::worker {

using JobId = std::uint64_t;  // one request on the engine; chosen by the core, never reused
using Headers = std::vector<std::pair<std::string, std::string>>;

// --- events of the engine's side

struct EngineHealth {  // of the latest check; told each time it is known anew
  bool up = false;
  std::string why_not;  // in words, when not up
};
struct EngineContext {      // how long a context the engine serves; told when it is known anew
  std::int32_t tokens = 0;  // 0: it does not say
};
// A job's end comes in one of three ways: EngineAnswer; EngineHead, then EngineDone; EngineFailed at any point.
struct EngineAnswer {  // everything at once
  JobId job = 0;
  int status = 0;
  Headers headers;
  Bytes body;
  openai::Usage usage;
};
struct EngineHead {  // an answer begins; its parts go to the link without the core
  JobId job = 0;
  int status = 0;
  Headers headers;
};
struct EngineDone {
  JobId job = 0;
  Bytes last;  // bytes after the parts already sent; may be empty
  openai::Usage usage;
};
struct EngineFailed {
  enum class How { unreachable, timeout, broken, stopped };  // stopped: by StopJob
  JobId job = 0;
  How how = How::broken;
  std::string why;
  openai::Usage usage;  // what was delivered (openai::AnswerBody::delivered)
};

// --- events of the operator

struct SetEnabled {
  bool enabled = true;
};
struct SetCoefficient {
  std::int32_t coefficient = 0;  // 1/1000
};

using Event =
    std::variant<role::Tick, role::LinkUp, role::LinkDown, role::DialFailed, role::PacketIn, role::QueryIn,
                 role::QueryDone, role::AccountObserved, role::ExternalResult, role::Order, EngineHealth, EngineContext,
                 EngineAnswer, EngineHead, EngineDone, EngineFailed, SetEnabled, SetCoefficient>;

// --- effects of the engine's side

// What a job's tokens cost, for the numbers that are added to the answer's usage (wire.md 5.5).
struct Pricing {
  std::int64_t coefficient = 1000;  // 1/1000
  market::Multipliers multipliers;
  std::int64_t price_per_token = 0;  // nanoTON per adjusted token
};

// POST `body` to the engine. After EngineHead the shell sends non-final parts to `link` itself, as
// proxy.queryAnswerPartEx (or as proxy.queryAnswerPartCounted, where counts are wanted; to a proxy of version 0 as
// proxy.queryAnswerPart), until the job ends or is cancelled.
struct StartJob {
  JobId job = 0;
  role::LinkId link = 0;
  Bits256 request_id;
  bool ex = true;
  bool counts = false;  // the proxy wants to know with each part what has gone out
  std::string path;     // "/v1/chat/completions"
  Headers headers;      // for the engine: Content-Type, X-Request-Id
  Bytes body;
  Duration deadline{};            // for the whole exchange
  bool drop_usage_event = false;  // of a stream whose reader did not ask for it
  bool needs_usage = false;       // an answer that does not say what it cost has failed
  Pricing pricing;
};
// Nobody reads the answer any more: the engine is left, and the job ends with EngineFailed, unless it has ended
// already.
struct StopJob {
  JobId job = 0;
};
// Nothing more is wanted of the job; no event of it is expected.
struct CancelJob {
  JobId job = 0;
};

using Effect = std::variant<role::Dial, role::Undial, role::CloseLink, role::SendPacket, role::SendQuery, role::Answer,
                            role::AnswerError, role::Watch, role::Unwatch, role::SendExternal, role::Log,
                            role::OrderAnswer, role::OrderDone, StartJob, StopJob, CancelJob>;
using Effects = std::vector<Effect>;

}  // namespace cocoon::worker
