// The proof of a proxy's books against the chain: every account of the newest snapshot against its contract, the
// committed tokens against the hash that the proxy's wallet put on chain (contracts.md 6.1, 6.2, 6.4).
//
// The chain is looked at after the books were read, so it may be ahead of them. What the proxy contract's history since
// the snapshot's anchor says is applied to the accounts first; a difference that remains is one that nothing explains.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/chain.hpp"
#include "ledger/snapshot.hpp"
#include "ton/contracts/notices.hpp"
#include "ton/contracts/state.hpp"

namespace cocoon::cli {

struct AuditedAccount {
  bool worker = false;
  ton::Address owner, contract;
  std::uint64_t tokens = 0, committed = 0;                              // in the books: M, K
  std::uint64_t settled_books = 0;                                      // X as the snapshot has it
  std::uint64_t settled_chain = 0;                                      // X in the contract now
  std::uint64_t balance_books = 0, balance_chain = 0, stake_chain = 0;  // nanoTON; clients
  ton::ContractState state = ton::ContractState::normal;                // in the contract now
  std::string explanation;  // of what differs between snapshot and contract; empty: nothing does
  std::string problem;      // what nothing explains; empty: proved
};

// Of one proxy contract: that of the day, or one before it that is being settled.
struct Books {
  ton::ProxyInstance instance;  // as the books say it; its address was found to follow
  ledger::Snapshot snapshot;
  bool sealed = false;  // the seal is this machine's
};

struct Audit {
  struct Check {
    std::string name;  // "seal", "commit", ...
    bool ok = false;
    std::string finding;  // one line
  };
  std::vector<Check> checks;
  std::vector<AuditedAccount> accounts;
  ton::Address proxy;                    // contract
  std::uint32_t params_version = 0;      // its
  std::int32_t seqno = 0;                // of the snapshot
  std::uint64_t transactions_since = 0;  // of the proxy contract, since the snapshot's anchor

  bool proved() const;
};

// All books in the proxy's newest snapshot, those of the contract of the day first. Errors: they cannot be read, or do
// not lead to the contracts that they name.
Result<std::vector<Books>> read_books(ledger::Snapshot newest, const crypto::Seed& machine);

// One look. Errors: the chain could not be read.
Result<Audit> audit_books(Chain&, const Books&);
// The same of each, again with newer books at the next blocks while something is not proved: a node that runs moves on
// between the reading of its books and that of the chain.
Result<std::vector<Audit>> audit_books_patiently(Chain&, const std::function<Result<std::vector<Books>>()>& read);

// Applies what a transaction of the proxy contract says to the records, as a node would.
void apply_notice(ledger::Snapshot&, const ton::Notice&);

}  // namespace cocoon::cli
