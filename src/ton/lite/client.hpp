// The lite client's head: requests in, bytes out, answers matched to requests by id, deadlines by the time passed in.
//
// Pure: the shell (src/ton_client) moves bytes and calls tick(). Every function of the liteserver only reads, or (like
// sendMessage) does the same when done twice, so a request that was under way when a connection broke is sent again on
// the next one, until its own deadline.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "tl/tl.hpp"
#include "ton/lite/adnl.hpp"
#include "ton/lite/schema.hpp"

namespace cocoon::ton::lite {

struct LiteClientLimits {
  std::size_t pending = 1024;                      // requests at once
  Duration handshake = std::chrono::seconds(5);    // from open() to the server's proof
  Duration ping_after = std::chrono::seconds(5);   // of silence
  Duration dead_after = std::chrono::seconds(15);  // of silence
};

// The bytes of one function as a liteserver takes them: inside liteServer.query, perhaps behind a wait.
template <class F>
Bytes encode_request(const F& function, std::optional<WaitMasterchainSeqno> wait = std::nullopt) {
  Bytes data;
  if (wait) data = tl::encode_boxed(*wait);
  append(data, tl::encode_boxed(function));
  return tl::encode_boxed(LiteQuery{std::move(data)});
}

// What a liteserver answered: the value, or its liteServer.error as an Error with the server's code.
template <class F>
Result<typename F::Answer> decode_answer(BytesView bytes) {
  auto answer = tl::decode_boxed<std::variant<typename F::Answer, LiteError>>(bytes);
  if (!answer) return std::unexpected(std::move(answer).error().within("liteserver answer"));
  if (auto* error = std::get_if<LiteError>(&*answer)) return fail(error->code, "liteserver: {}", error->message);
  return std::get<typename F::Answer>(std::move(*answer));
}

// One request as a server sees it.
struct Request {
  std::optional<WaitMasterchainSeqno> wait;
  Function function;
};
Result<Request> decode_request(BytesView query);

class LiteClient {
 public:
  using Ticket = std::uint64_t;
  enum class State { closed, opening, open };
  struct Completion {
    Ticket ticket = 0;
    Result<Bytes> answer;  // boxed: for decode_answer()
  };

  LiteClient(const crypto::PublicKey& server, const crypto::Random& random, LiteClientLimits limits = {});

  // A transport stands: begin a session on it. Fails if the server's key cannot be one.
  Result<> open(Time now);
  // The transport is gone. Requests wait for the next open().
  void close();
  // What the transport brought. After an error (a broken or lying peer) the session is closed.
  Result<> receive(BytesView bytes, Time now);
  // Deadlines and pings. An error says that the session is dead and has been closed.
  Result<> tick(Time now);
  // When tick() wants to be called at the latest.
  std::optional<Time> next_tick() const;

  // `request` as encode_request() makes it. Ends with exactly one completion, at `deadline` at the latest.
  Ticket ask(Bytes request, Time deadline);
  // The caller has lost interest: no completion will come.
  void forget(Ticket ticket);

  Bytes take_output();
  std::vector<Completion> take_completions();
  State state() const { return state_; }
  std::size_t pending() const { return pending_.size(); }

 private:
  struct Pending {
    Bytes request;
    Time deadline;
    std::optional<Bits256> sent_as;
  };

  Result<> take(const Payload& payload);
  void send(Ticket ticket, Pending& pending);
  void send_waiting();
  Result<> check_silence(Time now);

  crypto::PublicKey server_;
  crypto::Random random_;
  LiteClientLimits limits_;
  State state_ = State::closed;
  std::optional<AdnlConnection> connection_;
  Time opened_at_{}, heard_at_{}, pinged_at_{};
  Ticket last_ticket_ = 0;
  std::map<Ticket, Pending> pending_;
  std::map<Bits256, Ticket> by_query_id_;
  std::vector<Completion> completions_;
};

}  // namespace cocoon::ton::lite
