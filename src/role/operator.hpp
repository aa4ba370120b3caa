// What an operator orders of a node (`cocoon client topup`, `cocoon proxy retire`), the same for every role: an event
// into the core, and what the core answers. A dry run is the same order with `dry_run` set: the core plans with the
// same code, and sends nothing.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ton/address.hpp"

namespace cocoon::role {

using OrderId = std::uint64_t;  // chosen by the shell, never reused within a process

enum class OrderKind {
  // client; `contract`: of the proxy, nothing: the one in use, an error if there are several
  client_top_up,    // `amount` nanoTON into our client contract; 0: the usual top-up
  client_stake,     // `amount` nanoTON: the client contract's new stake, larger than the one before
  client_withdraw,  // what the client contract holds above its stake, back to the wallet
  client_close,     // ask for a refund; the second time, after the delay, force it (contracts.md 3.9)
  client_charge,    // bring the newest signed payment to the chain
  // worker; `contract`: of the proxy, nothing: every proxy that owes something
  worker_payout,
  // proxy
  proxy_charge,    // `contract`: a client contract; nothing: every client with committed, uncharged tokens
  proxy_payout,    // `contract`: a worker contract; nothing: every worker with committed, unpaid tokens
  proxy_withdraw,  // commission to the proxy's owner
  proxy_stake,     // `amount` nanoTON more for the proxy contract's stake
  proxy_retire,    // close the instance: settle with everybody, then take the stake home (contracts.md 3.9)
};

// --- event

struct Order {
  OrderId id = 0;
  OrderKind kind{};
  std::optional<ton::Address> contract;
  std::uint64_t amount = 0;  // nanoTON
  bool dry_run = false;
};

// --- effects

// One message that the node's wallet sends. attached = moved + fees + what comes back to the wallet as excesses.
struct PlannedMessage {
  std::string operation;       // name of the opcode: "client_top_up"
  ton::Address to;             // a contract
  std::uint64_t attached = 0;  // nanoTON that leave the wallet
  std::uint64_t moved = 0;     // nanoTON of `attached` that stay where the operation puts them
  std::uint64_t fees = 0;      // nanoTON, estimated
  std::uint64_t arrives = 0;   // nanoTON that the operation makes contracts pay out: refund, payout, commission
  std::optional<ton::Address> arrives_at;
  std::string effect;  // one line for people: "charges 1200 tokens, 0.0012 TON"
};

struct Plan {
  std::vector<PlannedMessage> messages;  // in the order of sending; empty: nothing to do
  std::string note;                      // what follows later, or why there is nothing to do
};

// Exactly one for each Order, in the same handle(): the plan, or why the order is refused. Without dry_run the plan is
// under way from here on and OrderDone follows.
struct OrderAnswer {
  OrderId id = 0;
  Result<Plan> plan;
};

// The chain shows the effect (one line for people), or that there will be none.
struct OrderDone {
  OrderId id = 0;
  Result<std::string> outcome;
};

}  // namespace cocoon::role
