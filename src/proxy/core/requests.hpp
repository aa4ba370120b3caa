// Requests of clients (wire.md 4.7). dispatch.cpp: admission, choice of a worker, waiting for one, another try.
// requests.cpp: relay of the answer, cancel, finish.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "proxy/core/ask.hpp"
#include "proxy/core/clients.hpp"
#include "proxy/core/config.hpp"
#include "proxy/core/deadlines.hpp"
#include "proxy/core/instance.hpp"
#include "proxy/core/io.hpp"
#include "proxy/core/money.hpp"
#include "proxy/core/rates.hpp"
#include "proxy/core/replies.hpp"
#include "proxy/core/workers.hpp"
#include "wire/answers.hpp"

namespace cocoon::proxy {

struct Request {
  Bits256 id;                 // ours, towards the worker
  role::LinkId client = 0;    // 0 when the client has gone: the request runs on, its answer goes nowhere
  role::LinkId asked_by = 0;  // the client, also after it has gone
  role::LinkId worker = 0;    // 0 while the request waits for one
  Addressee to;
  ton::Address client_owner;
  ton::Address worker_owner;
  std::string model;
  std::uint64_t reserved = 0;   // adjusted tokens; also the most that is charged
  std::uint64_t max_bytes = 0;  // of the answer's parts: beyond, it is longer than what was reserved
  Time started{};
  Time head_at{};
  bool head_seen = false;
  bool cancelled = false;    // nobody wants the answer: the worker has been told
  std::optional<Error> cut;  // why we broke it off; the client hears it together with what the worker has counted
  bool worker_gone = false;  // its link
  bool troubled = false;     // the worker or its engine is to blame if it fails
  std::uint64_t bytes = 0;   // of the parts so far, as messages
  FixedBytes<40> counted;    // inline tokensUsed: of the parts that went to the client; zeros if the worker counts none
  Time deadline{};
  Time asked_at{};           // when the worker got it
  std::unique_ptr<Ask> ask;  // until the answer begins: what another worker would be asked
  Bits256 private_key;       // for the worker of an encrypted request
  std::vector<role::LinkId> tried;
  std::uint64_t ticket = 0;  // place among the waiting; 0 when it does not wait
};

// How a request ended, towards worker and accounts.
struct Outcome {
  bool success = false;
  wire::TokensUsed tokens;  // already capped; of a failure: what went out before it
};

struct RequestStats {
  Rates queries, success, failed, rejected, bytes_received, bytes_sent, seconds;
  Rates total, prompt, cached, completion, reasoning;  // adjusted tokens
};

// Gives `out` a plain part (not the last one) as the client of its request is to get it. False: the request's state
// forbids it, and the part is for Requests::worker_packet.
bool pass_part(Request&, const wire::AnswerView& part, BytesView packet, Bytes& out);

struct Carried {
  role::LinkId client = 0;
  Bits256 request;  // ours
};

class Requests {
 public:
  Requests(const Config& config, const Instance& instance, Money& money, Workers& workers, crypto::Random& random)
      : config_(config), instance_(instance), money_(money), workers_(workers), random_(random) {}

  // client.runQuery, client.runQueryEx, client.cancelQuery from an authorised client; anything else is ignored.
  void client_packet(Io&, const ClientLink&, BytesView packet);
  // An answer from a worker that is ready; anything else is ignored.
  void worker_packet(Io&, role::LinkId worker, BytesView packet);
  // The shell shows each one-way message of a worker here first. A plain part of a running answer comes out as its
  // client is to get it, in `out`, which the caller keeps for the next one: one copy, no effects. Whatever else it is
  // is an event.
  std::optional<Carried> carry(role::LinkId worker, BytesView packet, Bytes& out);
  std::uint64_t carried_bytes() const { return carried_bytes_; }

  void client_lost(Io&, role::LinkId);
  void worker_lost(Io&, role::LinkId);  // before the worker leaves the table of workers
  // Ends every request with an error (653).
  void fail_all(Io&, const std::string& why);
  // From now on new requests get error 651.
  void refuse_new() { refusing_ = true; }
  void reader_too_slow(Io&, const ReaderTooSlow&);
  void group_keys(const GroupKeys&, Time now);
  void tick(Io&);
  Time wake_at(Time now) const;

  std::size_t running() const { return running_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t running_of(const ton::Address& client_owner) const;
  std::size_t running_for(const ton::Address& worker_owner) const;
  const RequestStats& stats() const { return stats_; }

 private:
  void run(Io&, const ClientLink&, Ask);
  Result<Bits256> admit(const ClientLink&, const Ask&) const;  // the private key for the worker, or zeros
  void reject(Io&, role::LinkId client, const Addressee&, const Error&);
  Request& take(Io&, const ClientLink&, const Ask&, std::uint64_t reserved);
  Bits256 new_id();
  void give_to(Io&, Request&, WorkerLink&);
  void leave_worker(Io&, const Request&, Workers::Left);
  void forward(Io&, Request&);
  // True: another worker has it now, under another id. `lost`: the old one is gone.
  bool try_another(Io&, Request&, const std::string& why, bool lost = false);
  Request& rename(Request&);
  bool has_room_to_wait(const ton::Address& owner, const Ask&) const;
  void wait(Io&, Request&);
  void stop_waiting(Request&);
  void serve_waiting(Io&);
  void forget_ask(Request&);
  void client_cancels(Io&, role::LinkId client, const Bits256& client_request);
  void unwanted(Io&, Request&);
  void head(Io&, Request&, const wire::AnswerView&);
  void part(Io&, Request&, const wire::AnswerView&);
  void error(Io&, Request&, const wire::AnswerView&);
  bool deliver(Io&, Request&, Bytes packet);
  void end_with(Io&, Request&, const wire::proxy::QueryFinalInfo&, bool head, Bytes bytes);
  void cut(Io&, Request&, int code, std::string why);
  void abandon(Io&, Request&, int code, std::string why);
  void finish(Io&, Bits256 id, const Outcome&);  // by value: the request that may hold it goes
  void pay(Io&, const Request&, std::int64_t tokens);
  void pay_worker(Io&, const Request&, std::int64_t tokens);
  wire::TokensUsed capped(const wire::TokensUsed&, std::uint64_t limit) const;
  Final final_of(const Request&, Time now) const;
  void forget_expired_keys(Time now);

  const Config& config_;
  const Instance& instance_;
  Money& money_;
  Workers& workers_;
  crypto::Random& random_;
  bool refusing_ = false;
  std::unordered_map<Bits256, Request> running_;
  std::map<ton::Address, std::size_t> per_client_;
  std::map<ton::Address, std::size_t> per_worker_;
  std::map<std::pair<role::LinkId, Bits256>, Bits256> by_client_;  // by the client's own id
  std::map<std::uint64_t, Bits256> waiting_;                       // by ticket
  std::map<ton::Address, std::size_t> waiting_of_;
  std::uint64_t next_ticket_ = 1;
  std::uint64_t kept_bytes_ = 0;
  std::uint64_t carried_bytes_ = 0;
  std::uint64_t openings_seen_ = 0;
  Time next_opening_ = Time::max();
  Deadlines<Bits256> deadlines_;
  struct GroupKey {
    Bits256 seed;
    std::int64_t expires_at = 0;
  };
  std::unordered_map<Bits256, GroupKey> group_keys_;  // by public key
  RequestStats stats_;
};

}  // namespace cocoon::proxy
