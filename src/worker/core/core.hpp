// The worker role, pure: keeps sessions with proxies (wire.md 4.1, 4.5, 4.6), runs their requests on an engine (4.7.3,
// 5.4, 5.5, 5.8), and keeps account of what it is owed (4.8; contracts.md 3.7).
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "openai/json_object.hpp"
#include "role/proxy_list.hpp"
#include "worker/core/events.hpp"
#include "worker/core/money.hpp"
#include "worker/core/replies.hpp"

namespace cocoon::worker {

struct Config : role::ProxyList::Config {
  std::string model;                       // full name, "base" or "base@commit:hash" (wire.md 0)
  std::int32_t coefficient = 1000;         // price factor, 1/1000
  std::int32_t max_active_requests = 200;  // running at once, all proxies together
  bool enabled = true;                     // the operator's switch at the start
  std::int32_t context_length = 0;         // tokens, told to proxies; 0: what the engine says
  bool cache_salt = true;                  // the engine is told whose prompts may share its cache
  std::string machine_description;         // JSON text or empty; told to proxies only if min_version is 4
  std::int32_t min_version = 0, max_version = 4;
  Duration handshake_timeout = std::chrono::seconds(30);
  Duration status_interval = std::chrono::seconds(10);  // payment status is asked every 1 to 2 times this
  // The client may have added a few members to what it takes from applications.
  openai::JsonLimits body_limits{.max_members = openai::JsonLimits{}.max_members + 8};
  Money::Config money;
};

class Core {
 public:
  Core(Config config, crypto::Random random);

  void handle(const Event& event, Time now, Effects& out);
  Time wake_at() const;

  // What an operator may ask (wire.md 5.9); plain values.
  struct Status {
    struct Connection {
      std::string address;
      std::string stage;  // "dialling", "connecting", "comparing", "finishing", "ready"
      std::string last_error;
      role::Peer peer;
      int proto = 0;
      std::size_t running = 0;
      std::optional<ton::Address> proxy_contract;
    };
    std::optional<std::uint32_t> root_version, params_version;
    std::string model;
    std::int32_t coefficient = 0;
    bool enabled = true;  // the operator's switch
    bool engine_up = false;
    std::string engine_why_not;
    std::int32_t context_length = 0;  // tokens; 0: not known
    std::vector<Connection> connections;
    Money::Status money;
    std::size_t running = 0, running_limit = 0;
    std::uint64_t requests = 0, succeeded = 0, failed = 0;
    market::AdjustedUsage tokens;  // of all requests since the start, as reported
    bool ready = false;            // at least one proxy may send requests now
    std::string waiting_for;       // in words, when not ready
  };
  Status status() const;

 private:
  enum class Stage { dialling, connecting, comparing, finishing, ready };

  struct Session {
    role::TargetId target = 0;
    std::string address;
    Stage stage = Stage::dialling;
    std::string last_error;
    Time not_ready_since{};
    // while a link is up
    role::LinkId link = 0;
    role::Peer peer;
    int proto = 0;
    std::optional<ton::Address> proxy_contract;  // set once it has said who it is and that was found right
    bool told_disabled = true;                   // what the proxy last heard
    std::int32_t told_context = 0;               // likewise
    Time next_status{};
    std::unordered_map<Bits256, JobId> jobs;  // by the proxy's request id
  };

  struct Job {
    role::LinkId link = 0;
    ReplyForm form;
    bool times = false;  // the proxy's version carries them
    bool debug = false;
    std::int64_t coefficient = 0;
    market::Multipliers multipliers;
    Time started{}, head_at{}, deadline{};
    bool head_sent = false;
  };

  enum class Asked { connect, compare, extended, complete, status };
  struct Question {
    Asked what;
    role::LinkId link;
  };

  // core.cpp
  void on(const role::Tick&, Time, Effects&);
  void on(const role::LinkUp&, Time, Effects&);
  void on(const role::LinkDown&, Time, Effects&);
  void on(const role::DialFailed&, Time, Effects&);
  void on(const role::PacketIn&, Time, Effects&);
  void on(const role::QueryIn&, Time, Effects&);
  void on(const role::QueryDone&, Time, Effects&);
  void on(const role::AccountObserved&, Time, Effects&);
  void on(const role::ExternalResult&, Time, Effects&);
  void on(const role::Order&, Time, Effects&);
  void on(const EngineHealth&, Time, Effects&);
  void on(const EngineContext&, Time, Effects&);
  void on(const SetEnabled&, Time, Effects&);
  void on(const SetCoefficient&, Time, Effects&);
  void adopt_root(const role::AccountObserved&, Time, Effects&);
  bool model_listed() const;
  std::string why_unlisted(const Session&, Time now) const;
  void choose_targets(Time, Effects&);
  void close_session(Session&, const std::string& why, Time, Effects&);
  void drop_session(Session&, const std::string& why, Time, Effects&);
  Session* session_of(role::LinkId);
  void ask(Session&, Asked, Bytes, Duration timeout, Effects&);
  bool disabled() const { return !enabled_ || !engine_up_; }
  void tell_if_disabled(Session&, Effects&);
  std::int32_t context_length() const { return config_.context_length > 0 ? config_.context_length : engine_context_; }
  void tell_context(Session&, Effects&);
  std::string why_not_ready() const;

  // handshake.cpp
  void greet(Session&, Time, Effects&);
  void connected(Session&, BytesView answer, Time, Effects&);
  void compared(Session&, BytesView answer, Time, Effects&);
  void compared_further(Session&, BytesView answer, Time, Effects&);
  void complete(Session&, Effects&);
  void completed(Session&, BytesView answer, Time, Effects&);
  void payment_status(Session&, BytesView answer, Time);
  void payment(Session&, const wire::proxy::WorkerRequestPayment&, Time, Effects&);

  // requests.cpp
  void run(Session&, const wire::proxy::RunQueryEx&, Time, Effects&);
  Result<StartJob> prepare(const Session&, const wire::proxy::RunQueryEx&) const;
  void refuse(const Session&, const wire::proxy::RunQueryEx&, int code, std::string why, Time, Effects&);
  void on(const EngineAnswer&, Time, Effects&);
  void on(const EngineHead&, Time, Effects&);
  void on(const EngineDone&, Time, Effects&);
  void on(const EngineFailed&, Time, Effects&);
  Ending ending(const Job&, const market::AdjustedUsage&, Time) const;
  market::AdjustedUsage usage_of(const Job&, const openai::Usage&) const;
  void whole_answer(JobId, int status, const Headers&, BytesView body, const market::AdjustedUsage&, Time, Effects&);
  void fail_job(JobId, int code, const std::string& why, const market::AdjustedUsage&, Time, Effects&);
  void forget(JobId);
  void expire_jobs(Time, Effects&);
  void cancel_jobs(Session&, Effects&);
  void count(bool success, const market::AdjustedUsage&);

  Config config_;
  std::string base_model_;
  crypto::Random random_;
  Money money_;
  role::ProxyList proxies_;
  std::map<role::TargetId, Session> sessions_;
  role::TargetId next_target_ = 1;
  role::QueryToken next_token_ = 1;
  JobId next_job_ = 1;
  Time next_choice_{};
  bool watching_ = false;
  bool enabled_ = true;
  bool engine_up_ = false;
  std::int32_t engine_context_ = 0;
  std::string engine_why_not_ = "the engine has not answered yet";
  std::map<role::QueryToken, Question> questions_;
  std::unordered_map<JobId, Job> jobs_;
  std::set<std::pair<Time, JobId>> deadlines_;
  std::uint64_t count_requests_ = 0, count_succeeded_ = 0, count_failed_ = 0;
  market::AdjustedUsage total_;
};

}  // namespace cocoon::worker
