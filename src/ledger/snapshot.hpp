// What of a ledger must survive (contracts.md 6.4): one value, written and read as a whole.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "crypto/crypto.hpp"
#include "ton/contracts/state.hpp"

namespace cocoon::ledger {

// The newest transaction of the proxy contract that the ledger has taken in. After a restart the chain is replayed from
// here (invariant I7).
struct Anchor {
  std::uint64_t lt = 0;  // 0: none seen
  Bits256 hash;
  friend bool operator==(const Anchor&, const Anchor&) = default;
};

// A state commit that may be on its way to the chain.
struct PendingCommit {
  std::int32_t seqno = 0;
  Bits256 hash;
  friend bool operator==(const PendingCommit&, const PendingCommit&) = default;
};

struct ClientRecord {
  ton::Address owner, contract;
  ton::ClientState chain;         // as the contract last told it; tokens_used is X
  std::uint64_t tokens = 0;       // M: adjusted tokens, cumulative
  std::uint64_t committed = 0;    // K: of these, in the newest commit that was seen on chain; see CommitProof
  std::int64_t last_request = 0;  // unix seconds; 0: never
  friend bool operator==(const ClientRecord&, const ClientRecord&) = default;
};

struct WorkerRecord {
  ton::Address owner, contract;
  ton::ContractState state = ton::ContractState::normal;
  std::uint64_t paid = 0;       // X
  std::uint64_t tokens = 0;     // M
  std::uint64_t committed = 0;  // K
  std::int64_t last_request = 0;
  friend bool operator==(const WorkerRecord&, const WorkerRecord&) = default;
};

// What proves to anybody who looks at the proxy contract's history that `committed` of all accounts is what the newest
// commit seen there holds: hash on chain = SHA-256(session || SHA-256(accounts || rest)), where accounts is
// committed_root() and rest stands for everything else in the snapshot that was committed.
struct CommitProof {
  std::int32_t seqno = 0;
  std::uint64_t lt = 0;  // of the proxy contract's transaction that holds it
  Bits256 session, accounts, rest;
  friend bool operator==(const CommitProof&, const CommitProof&) = default;
};

struct Snapshot {
  ton::Address proxy, root;  // which instance this is about
  ton::Address wallet;       // the node's own, which sends the commits
  std::uint32_t params_version = 0;
  bool clean = false;      // the last one of a session that ended in order: nothing was left in memory
  std::int32_t seqno = 0;  // of this snapshot; strictly rising over all sessions of an instance
  Anchor anchor;
  std::optional<CommitProof> proof;    // of the newest commit seen on chain
  std::vector<PendingCommit> pending;  // by seqno
  std::vector<ClientRecord> clients;   // by owner
  std::vector<WorkerRecord> workers;   // by owner
  Bytes extra;                         // of the core that keeps the ledger; carried and bound, not read
  Bits256 seal;                        // over all of the above: see seal()

  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

// Binds all records to each other and to the machine: HMAC-SHA-256 of the canonical bytes under a key of its own
// (W-7, W-20: derive it, do not use the machine key). A host that changes, swaps or drops single records breaks it.
Bits256 seal(const Snapshot&, const Bits256& key);

// What a commit of this snapshot puts on chain (W-7), as the parts of its proof; `lt` is 0.
CommitProof commit_parts(const Snapshot&, const Bits256& session);
Bits256 commit_hash(const CommitProof&);

// Over owner, contract and committed tokens of every account that has any.
Bits256 committed_root(const Snapshot&);
// Does the snapshot's `committed` follow from its proof, and the proof from the hash that the chain shows? An error
// says what differs.
Result<> verify_proof(const Snapshot&, const Bits256& hash_on_chain);

// The canonical bytes, for whoever wants to keep a snapshot as one string, with and without the seal at their end.
// Reading is total and refuses what writing would not produce.
Bytes encode(const Snapshot&);
Result<Snapshot> decode(BytesView);

}  // namespace cocoon::ledger
