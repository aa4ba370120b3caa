// The common vocabulary of role cores: what can happen to any role (events) and what any role can ask of its shell
// (effects). A role's own Event and Effect are variants of these and a few of its own. See docs/design-notes.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "ton/account.hpp"
#include "ton/address.hpp"
#include "ton/transaction.hpp"

namespace cocoon::role {

using LinkId = std::uint64_t;      // one established connection; never reused within a process
using TargetId = std::uint64_t;    // one address we keep a connection to; chosen by the core
using QueryToken = std::uint64_t;  // one query of ours; chosen by the core, unique among its outstanding ones

// Who is at the other end, as far as TLS and attestation told (wire.md 2.3, 2.4). A value: the verdict was reached
// before the core hears of the link.
struct Peer {
  Bits256 public_key;      // of its certificate
  Bits256 image_hash;      // wire.md 2.4.5; the hash of the all-zero TDX report when not attested
  bool attested = false;   // evidence was present and passed the policy of the port
  std::string tee;         // "tdx", "sev", "none"
  std::string verdict;     // one line for people
  std::string address;     // "ip:port" of the remote side
  bool additions = false;  // both sides have shown that they know what we add to the protocol; others are sent none
};

// --- events

struct Tick {};  // wake_at() has been reached

struct LinkUp {  // tcp.connected has been exchanged
  LinkId link = 0;
  TargetId target = 0;  // of our Dial; 0 for a link we accepted
  int port = 0;         // which of our listening ports accepted it (role-specific number); 0 for a link we dialled
  Peer peer;
};

struct LinkDown {  // also after our own CloseLink; outstanding queries on it have failed with 653 before
  LinkId link = 0;
  std::string reason;
};

struct DialFailed {  // one attempt; the shell goes on trying with backoff until Undial
  TargetId target = 0;
  std::string reason;
};

struct PacketIn {  // one-way message: boxed object, undecoded
  LinkId link = 0;
  Bytes data;
};

struct QueryIn {  // the peer asks: boxed function, undecoded; to be answered by Answer or AnswerError with the same id
  LinkId link = 0;
  std::int64_t id = 0;
  Bytes data;
};

struct QueryDone {  // the end of a SendQuery: the boxed result, or the peer's error, 652 (timeout), 653 (link lost)
  LinkId link = 0;
  QueryToken token = 0;
  Result<Bytes> result;
};

// A watched account was read. Delivered once after Watch, then each time its last transaction has moved, and every few
// seconds without transactions, so that the core knows how far the chain's clock has come.
struct AccountObserved {
  ton::Address address;
  std::optional<ton::Account> account;         // after the last transaction; nothing if the chain knows no such account
  std::vector<ton::Transaction> transactions;  // those not delivered before, oldest first; bounded at first sight
  bool complete = true;                        // false: older transactions exist that were not fetched (first sight)
  std::int64_t chain_time = 0;                 // unix seconds of the block it was read at
  // Part of a long history: later transactions follow in events of their own; the last of them brings `account`.
  bool more = false;
};

struct ExternalResult {  // what the liteserver said to SendExternal; acceptance is not inclusion
  Bits256 body_hash;
  Result<> result;
};

// --- effects

struct Dial {  // keep a link to address ("ip:port") until Undial
  TargetId target = 0;
  std::string address;
};
struct Undial {  // and close the link, if there is one
  TargetId target = 0;
};
struct CloseLink {
  LinkId link = 0;
  std::string reason;
};
struct SendPacket {
  LinkId link = 0;
  Bytes data;
};
struct SendQuery {
  LinkId link = 0;
  QueryToken token = 0;
  Bytes data;
  Duration timeout{};
};
struct Answer {
  LinkId link = 0;
  std::int64_t id = 0;
  Bytes data;
};
struct AnswerError {
  LinkId link = 0;
  std::int64_t id = 0;
  int code = 0;
  std::string message;
};
struct Watch {  // idempotent
  ton::Address address;
  std::uint64_t from_lt = 0;  // deliver transactions after this logical time; 0: from the latest on
};
struct Unwatch {
  ton::Address address;
};
struct SendExternal {  // a serialised external message, for the liteserver
  Bytes boc;
  Bits256 body_hash;
};
struct Log {      // what an operator should read; never secrets, prompts or answers
  int level = 2;  // as log::Level
  std::string text;
};

}  // namespace cocoon::role
