// A connection to a liteserver: the only way nodes see a chain, devnet or mainnet. The protocol is ton/lite's; here are
// the socket, the reconnects (sub-second backoff) and the waiting.
//
// One executor that runs one thing at a time drives an instance. Requests outlive a lost connection: they are asked
// again on the next one until their own deadline.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/asio.hpp"
#include "ton/account.hpp"
#include "ton/lite/client.hpp"
#include "ton/lite/proof.hpp"
#include "ton/transaction.hpp"

namespace cocoon::ton_client {

using net::Task;

struct Options {
  std::string address;    // "ip:port"
  crypto::PublicKey key;  // of the liteserver
  Duration request_time = std::chrono::seconds(10);
  Duration connect_time = std::chrono::seconds(5);
};

// An account as proved at a block, parsed.
struct AccountView {
  ton::lite::BlockIdExt block;
  std::int64_t time = 0;  // unix seconds of that state
  std::optional<ton::Account> account;
  std::uint64_t last_lt = 0;
  Bits256 last_hash;
};

class TonClient {
 public:
  TonClient(net::Executor executor, Options options, crypto::Random random);
  ~TonClient();  // outstanding requests end with an error
  TonClient(const TonClient&) = delete;
  TonClient& operator=(const TonClient&) = delete;

  bool connected() const;
  const std::string& last_error() const;  // of the connection; empty when there was none

  Task<Result<ton::lite::MasterchainInfo>> masterchain_info();
  // Returns when that masterchain block exists, with the newest block; an error after `timeout`.
  Task<Result<ton::lite::MasterchainInfo>> wait_for(std::int32_t seqno, Duration timeout);
  // At the newest block, or at a given masterchain block.
  Task<Result<AccountView>> account(const ton::Address&, std::optional<ton::lite::BlockIdExt> at = std::nullopt);
  // Up to `count` transactions (at most 16 a call) from the one named, going back; newest first.
  Task<Result<std::vector<ton::Transaction>>> transactions(const ton::Address&, std::uint64_t lt, const Bits256& hash,
                                                           std::uint32_t count);
  // Accepted by the liteserver, which is not yet included.
  Task<Result<>> send_message(Bytes external_boc);
  Task<Result<ton::lite::RunMethodResult>> run_method(const ton::Address&, std::string_view name, Bytes stack_boc);

  // Any function of the liteserver.
  template <class F>
  Task<Result<typename F::Answer>> ask(F function, std::optional<ton::lite::WaitMasterchainSeqno> wait = std::nullopt) {
    CO_TRY_ASSIGN(auto bytes, co_await exchange(ton::lite::encode_request(function, wait), wait_time(wait)));
    co_return ton::lite::decode_answer<F>(bytes);
  }

 private:
  struct State;
  Duration wait_time(const std::optional<ton::lite::WaitMasterchainSeqno>& wait) const;
  Task<Result<Bytes>> exchange(Bytes request, Duration patience);
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::ton_client
