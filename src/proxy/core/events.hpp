// What can happen to the proxy core, and what it can ask of its shell.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "role/events.hpp"
#include "role/operator.hpp"

namespace cocoon::proxy {

// LinkUp.port of the two listening ports (wire.md 0).
inline constexpr int kWorkerPort = 1;
inline constexpr int kClientPort = 2;

// --- events

// The snapshot with this number has reached the disk (contracts.md 6.3, 6.4). Snapshots become durable in order.
struct SnapshotDurable {
  std::uint64_t number = 0;
};
// It has not. The core asks again with newer values.
struct SnapshotFailed {
  std::uint64_t number = 0;
  std::string reason;
};
// The shell cannot go on with what it carried past the core: the client takes parts too slowly, and they pile up.
struct ReaderTooSlow {
  Bits256 request;  // Carried::request
};
// Keys for encrypted requests, as the key manager gave them (wire.md 4.6): Ed25519 seeds. Replaces expired ones only.
struct GroupKeys {
  struct Key {
    Bits256 seed;
    std::int64_t expires_at = 0;  // unix seconds
  };
  std::vector<Key> keys;
};
// The operator leaves or rejoins service (wire.md 5.2).
struct SetEnabled {
  bool enabled = true;
};
// The process is about to end: no new links and requests, what runs may finish, everything goes to the disk at once.
// Core::drained() says when that is so.
struct Drain {};
// The operator asks a worker to change its model (wire.md 4.6).
struct ChangeWorkerModel {
  role::LinkId worker = 0;
  std::string model;
};

using Event = std::variant<role::Tick, role::LinkUp, role::LinkDown, role::PacketIn, role::QueryIn, role::QueryDone,
                           role::AccountObserved, role::ExternalResult, role::Order, SnapshotDurable, SnapshotFailed,
                           ReaderTooSlow, GroupKeys, SetEnabled, Drain, ChangeWorkerModel>;

// --- effects

// Make this durable, replacing the snapshot before it; answered by SnapshotDurable or SnapshotFailed. `data` is private
// to the core: what Core's constructor takes back after a restart.
struct WriteSnapshot {
  std::uint64_t number = 0;
  Bytes data;
};

using Effect =
    std::variant<role::CloseLink, role::SendPacket, role::SendQuery, role::Answer, role::AnswerError, role::Watch,
                 role::Unwatch, role::SendExternal, role::Log, role::OrderAnswer, role::OrderDone, WriteSnapshot>;

}  // namespace cocoon::proxy
