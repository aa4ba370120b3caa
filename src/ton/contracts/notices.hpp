// What transactions tell a node: requests in the history of a proxy contract, and what became of a node's own messages
// (contracts.md 2.8).
#pragma once
#include "ton/contracts/bodies.hpp"
#include "ton/transaction.hpp"

namespace cocoon::ton {

// A client contract told its proxy contract its state (after every change of it).
struct ClientNotice {
  Address contract;
  ClientRequest request;
};
struct WorkerNotice {
  Address contract;
  WorkerRequest request;
};
// A state commit of this proxy's own wallet arrived (3.6).
struct CommitNotice {
  std::int32_t seqno = 0;
  Bits256 hash;
};
using Notice = std::variant<ClientNotice, WorkerNotice, CommitNotice>;

// The notice in a transaction of `instance`'s contract, if it holds one that counts:
//  * the sender is the contract of the owner it names (requests), or `own_wallet` (commits);
//  * it is not a bounce;
//  * it did what it says: the contract computed and acted without error, or the message carried at most 1 nanoTON and
//    compute was skipped for lack of gas, which is how contracts and nodes send mere notices (W-17).
// Everything else, unreadable messages of strangers above all (W-13), is nothing.
std::optional<Notice> read_notice(const ProxyInstance& instance, const Address& own_wallet, const Transaction&);

// A message of `sender` that a contract received, for nodes that wait for their own requests.
struct ReceivedCall {
  std::uint32_t opcode = 0;
  std::uint64_t query_id = 0;
  bool succeeded = false;
  std::int32_t exit_code = 0;  // 0 if compute was skipped
};
std::optional<ReceivedCall> read_call(const Address& sender, const Transaction&);

}  // namespace cocoon::ton
