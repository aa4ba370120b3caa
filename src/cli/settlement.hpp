// What one conversation did on chain: the accounts that take part, before and after, and their transactions in between.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "cli/chain.hpp"
#include "cli/local_network.hpp"
#include "ton/contracts/state.hpp"

namespace cocoon::cli {

struct Settlement {
  // One transaction as the chain saw it.
  struct Entry {
    std::string account;  // our name for it: "client contract"
    std::uint64_t lt = 0;
    Bits256 hash;
    std::uint32_t time = 0;   // unix seconds
    std::string from;         // name or address; "outside" for an external message
    std::string operation;    // name of the opcode
    std::uint64_t value = 0;  // nanoTON that came with the message
    std::uint64_t fees = 0;   // nanoTON
    int exit_code = 0;
    bool success = false;
  };
  struct Balance {
    std::string account;
    std::string address;
    std::uint64_t before = 0, after = 0;  // nanoTON
  };

  std::uint64_t charged_nano = 0;  // taken from the client's balance by the client contract
  std::uint64_t paid_nano = 0;     // received by the workers' owners
  std::vector<Balance> balances;
  std::vector<Entry> transactions;  // in order of logical time
};

// Takes note of where everything stands, waits for the money of a conversation, tells what happened.
class SettlementWatch {
 public:
  static Result<SettlementWatch> begin(const LocalNetwork&, Chain&);
  // Until at least `tokens` adjusted tokens more are charged and paid out, and the owner's coins have arrived.
  Result<Settlement> wait(Chain&, std::uint64_t tokens, Duration patience);

  // Addresses by the names used in a report.
  const std::map<std::string, ton::Address>& accounts() const { return accounts_; }

 private:
  struct Standing {
    std::uint64_t coins = 0;
    std::uint64_t last_lt = 0;
    std::uint64_t tokens = 0;  // client and worker contracts
  };
  explicit SettlementWatch(ton::ProxyInstance instance) : instance_(std::move(instance)) {}
  Result<std::map<std::string, Standing>> look(Chain&) const;
  Result<std::vector<Settlement::Entry>> transactions(Chain&) const;
  std::string name_of(const std::optional<ton::Address>&) const;

  ton::ProxyInstance instance_;
  std::map<std::string, ton::Address> accounts_;
  std::map<std::string, Standing> before_;
};

}  // namespace cocoon::cli
