// The chain for commands: blocking questions over one liteserver connection.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/amount.hpp"
#include "ledger/wallet_queue.hpp"
#include "ton/contracts/root.hpp"
#include "ton_client/ton_client.hpp"

namespace cocoon::cli {

class Chain {
 public:
  // `liteserver`: "ip:port"; `key_base64`: its public key.
  static Result<Chain> connect(const std::string& liteserver, const crypto::PublicKey& key);
  Chain(Chain&&) noexcept;
  Chain& operator=(Chain&&) noexcept;
  ~Chain();

  Result<ton_client::AccountView> account(const ton::Address&);
  // nanoTON; 0 for an account that does not exist.
  Result<std::uint64_t> balance(const ton::Address&);
  // Transactions of an account after `since_lt`, oldest first, at most `limit` (the newest of them).
  Result<std::vector<ton::Transaction>> history(const ton::Address&, std::uint64_t since_lt, std::size_t limit = 1000);
  Result<ton::RootState> root(const ton::Address&);
  // Accepted by the liteserver, which is not yet included.
  Result<> send_external(Bytes boc);

  // Sends messages from a Cocoon wallet and waits until its transactions have succeeded.
  Result<> send_from_wallet(ledger::WalletQueue::Config wallet, std::vector<ton::OutgoingMessage> messages,
                            Duration patience);
  // Looks again at each new block until `done` says so. Errors of `done` end the wait.
  Result<> wait_until(const std::function<Result<bool>()>& done, Duration patience, const std::string& what);

 private:
  struct State;
  explicit Chain(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cocoon::cli
