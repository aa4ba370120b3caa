// The client role, pure: keeps a session with one or more proxies (wire.md 4.1, 4.4), runs requests over them (4.7),
// and keeps its money on chain in order (contracts.md 1.6, 3.8).
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "client/core/events.hpp"
#include "client/core/money.hpp"
#include "crypto/crypto.hpp"
#include "role/proxy_list.hpp"

namespace cocoon::client {

struct Config : role::ProxyList::Config {
  bool testnet_addresses = false;  // our own address carries the testnet tag (wire.md 0)
  std::string secret;              // proves to a proxy that we are the same client (contracts.md 3.8)
  Duration handshake_timeout = std::chrono::seconds(30);
  Duration authorise_timeout = std::chrono::seconds(300);
  Duration status_interval = std::chrono::seconds(10);  // payment status is asked every 1 to 2 times this
  // A refusal for want of money or configuration is tried again while the proxy may not have seen yet what we have: for
  // so long after our contract or the root moved.
  Duration settle_time = std::chrono::seconds(20);
  std::size_t max_requests = 4096;  // running at once
  Money::Config money;
};

class Core {
 public:
  Core(Config config, const crypto::Random& random);

  void handle(const Event& event, Time now, Effects& out);
  Time wake_at() const;

  // What an operator may ask (wire.md 5.9); plain values, cheap enough to be taken per request of the status page.
  struct Status {
    struct Connection {
      std::string address;
      std::string stage;  // "dialling", "connecting", "registering", "authorising", "ready"
      std::string last_error;
      role::Peer peer;
      int proto = 0;
      std::optional<ton::Address> proxy_contract;
    };
    std::optional<ton::RootState> root;
    std::vector<Connection> connections;
    Money::Status money;
    std::uint64_t requests = 0, succeeded = 0, failed = 0, running = 0;
    bool ready = false;       // a request sent now would be forwarded and paid for
    std::string waiting_for;  // in words, when not ready
  };
  Status status(Time now) const;

 private:
  enum class Stage { dialling, connecting, registering, authorising, ready };

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
    std::optional<std::uint64_t> nonce;          // to be registered on chain
    Time next_status{};
    std::size_t running = 0;  // requests
  };

  // What is asked of a proxy, whichever it is.
  struct Query {
    Bytes http;  // boxed http.request
    std::string model;
    std::int32_t max_coefficient = 0, max_tokens = 0;
    double timeout = 0;  // seconds
    bool debug = false;
    Bits256 public_key;
    explicit Query(const ApiRequest&);
    Bytes packet(const Bits256& id, int proto, std::uint32_t root_version);
  };

  struct Request {
    ApiId api = 0;
    role::LinkId link = 0;  // 0: refused, waiting to be sent again
    Time deadline{};
    bool head_seen = false;
    std::int64_t reserve = 0;      // adjusted tokens that the proxy sets aside for it
    std::unique_ptr<Query> again;  // kept while a refusal may be for news that the proxy has not seen
    Time again_until{};
    Time send_at{};  // while waiting
  };

  enum class Asked { connect, authorise, status, models, models_ex };
  struct Question {
    Asked what;
    role::LinkId link;
    ApiId api = 0;  // models, models_ex
  };

  // core.cpp
  void on(const role::Tick&, Time, Effects&);
  void on(const role::LinkUp&, Time, Effects&);
  void on(const role::LinkDown&, Time, Effects&);
  void on(const role::DialFailed&, Time, Effects&);
  void on(const role::PacketIn&, Time, Effects&);
  void on(const role::QueryDone&, Time, Effects&);
  void on(const role::QueryIn&, Time, Effects&);
  void on(const role::AccountObserved&, Time, Effects&);
  void on(const role::ExternalResult&, Time, Effects&);
  void on(const role::Order&, Time, Effects&);
  void on(const Remembered&, Time, Effects&);
  void on(const ApiRequest&, Time, Effects&);
  void on(const ApiModels&, Time, Effects&);
  void on(const ApiGone&, Time, Effects&);
  void adopt_root(const role::AccountObserved&, Time, Effects&);
  std::string why_unlisted(const Session&, Time now) const;
  void choose_targets(Time, Effects&);
  void close_session(Session&, int code, const std::string& why, Time, Effects&);
  void drop_session(Session&, int code, const std::string& why, Time, Effects&);
  Session* session_of(role::LinkId);
  role::QueryToken ask(Session&, Asked, Bytes, Duration timeout, Effects&, ApiId api = 0);

  // handshake.cpp
  void greet(Session&, Time, Effects&);
  void connected(Session&, BytesView answer, Time, Effects&);
  void begin_authorisation(Session&, const wire::client::AnyProxyConnectionAuth&, Effects&);
  void continue_registration(Session&, Time, Effects&);
  void authorised(Session&, BytesView answer, Time, Effects&);
  void payment_status(Session&, BytesView answer, Time, Effects&);

  // requests.cpp
  Session* ready_session();
  std::string why_not_ready() const;
  Time news_for(const Session&) const;
  void dispatch(Session&, Query&, const Bits256& id, Request&, Effects&);
  void send_again(Time, Effects&);
  bool postpone(const Bits256& id, int code, Time);
  Request* request_of(const Session&, const Bits256& id);
  void head(Session&, const Bits256& id, BytesView answer, bool final, const wire::client::QueryFinalInfo*, Effects&);
  void part(const Bits256& id, const Request&, Bytes answer, bool final, const wire::client::QueryFinalInfo*, Effects&);
  void refused(Session&, const Bits256& id, int code, const std::string& text, Time, Effects&);
  void failed(const Bits256& id, int code, const std::string& text, Effects&, ApiFailed::Why = ApiFailed::Why::peer);
  void cancel(const Bits256& id, Effects&);  // tells the proxy that nobody waits any more
  void finish(const Bits256& id, bool success, Effects&);
  void fail_requests_of(Session&, int code, const std::string& why, Effects&);
  void ask_models(Session&, Asked, ApiId, Effects&);
  void models(ApiId, BytesView answer, Effects&);
  void packet(Session&, const wire::PacketToClient&, Time, Effects&);

  Config config_;
  crypto::Random random_;
  Bits256 secret_hash_;
  role::ProxyList proxies_;
  Time root_changed_{};
  Money money_;
  std::map<role::TargetId, Session> sessions_;
  role::TargetId next_target_ = 1;
  role::QueryToken next_token_ = 1;
  Time next_choice_{};
  bool watching_ = false;
  std::map<role::QueryToken, Question> questions_;
  std::unordered_map<Bits256, Request> requests_;
  std::map<ApiId, Bits256> by_api_;
  std::set<std::pair<Time, Bits256>> deadlines_;
  std::set<std::pair<Time, Bits256>> waiting_;  // by Request::send_at
  std::uint64_t count_requests_ = 0, count_succeeded_ = 0, count_failed_ = 0;
};

}  // namespace cocoon::client
