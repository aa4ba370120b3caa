// What an operator may see of a proxy (wire.md 5.9): plain values.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/core/config.hpp"
#include "role/events.hpp"
#include "ton/contracts/root.hpp"

namespace cocoon::proxy {

struct Status {
  struct Worker {  // one link
    role::LinkId link = 0;
    role::Peer peer;
    ton::Address owner, contract;
    std::string model;  // full name
    std::string description;
    std::int32_t version = 0, coefficient = 0, running = 0, limit = 0;
    std::uint64_t requests = 0, succeeded = 0;
    double average_seconds = 0;
    bool ready = false, enabled = false;
  };
  struct ClientAccount {
    ton::Address owner, contract;
    std::uint64_t max = 0, db = 0, chain = 0, charged = 0;  // adjusted tokens: M, D, K, X of contracts.md 6.1
    std::int64_t available = 0;                             // adjusted tokens
    std::uint64_t reserved = 0;                             // adjusted tokens
    std::uint64_t balance = 0, stake = 0;                   // nanoTON
    std::size_t running = 0;
    bool closing = false, closed = false, charging_now = false;
  };
  struct WorkerAccount {
    ton::Address owner, contract;
    std::uint64_t max = 0, db = 0, chain = 0, paid = 0;  // adjusted tokens
    std::size_t running = 0;
    bool paying_now = false;
  };
  struct Contract {
    ton::Address address;
    std::string state;                                   // "unknown", "not deployed", "normal", "closing", "closed"
    std::uint64_t coins = 0, commission = 0, stake = 0;  // nanoTON
  };
  struct Wallet {
    ton::Address address;
    std::optional<std::uint64_t> balance;  // nanoTON; nothing: no such account yet
    std::uint32_t seqno = 0;
    std::size_t pending = 0;
    std::string waiting_for;  // why messages wait, in words; empty: nothing is in the way
  };
  struct Commits {
    std::uint64_t snapshots = 0;                // made durable since the start
    std::int64_t last_sent = 0, last_seen = 0;  // seqno of commits of this session
  };

  bool serving = false;
  bool enabled = true;
  std::string start_up;     // how the session before ended, by its database: "fresh" (none), "clean", "crashed"
  std::string waiting_for;  // why it does not serve, in words; empty when it does
  std::optional<ton::RootState> root;
  std::optional<Contract> contract;
  Wallet wallet;
  Commits commits;
  std::size_t retired_contracts = 0;                           // earlier ones that are not settled and closed yet
  std::vector<std::pair<ton::Address, std::string>> retiring;  // contracts that are being left, and how far that is
  Bits256 public_key;
  std::size_t client_links = 0;
  std::size_t running = 0;
  std::vector<Worker> workers;
  std::vector<ClientAccount> client_accounts;
  std::vector<WorkerAccount> worker_accounts;
  std::vector<std::pair<std::string, std::array<double, 7>>> stats;  // by name: total, then decayed rates (rates.hpp)
};

}  // namespace cocoon::proxy
