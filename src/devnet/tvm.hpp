// The official TVM: runs transactions and get-methods of TON contracts, exactly as validators do.
//
// An instance owns a thread with a large stack and a sandboxed copy of the emulator (about 6 MB); calls are synchronous
// and one at a time, and the same arguments give the same result. What aborts the emulator costs the copy inside (2 ms
// to replace) and is an error value for the caller.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace cocoon::devnet {

// A snapshot of mainnet's configuration (a BoC with the dictionary of parameters), as the TVM's package carries it.
BytesView mainnet_config_snapshot();

struct TransactionRequest {
  BytesView shard_account;  // BoC of a ShardAccount: what the last transaction of this account returned
  BytesView message;        // BoC of a Message, internal or external
  BytesView libraries;      // BoC, or empty
  std::uint32_t now = 0;    // Unix seconds
  std::uint64_t lt = 0;     // logical time of the transaction
  Bits256 random_seed;
  bool ignore_signatures = false;
};

// Either a transaction (whose compute or action phase may well have failed: the transaction says so) or, with
// `accepted` false, why there is none: an external message that the contract did not accept, or a message nobody could
// process.
struct TransactionOutcome {
  bool accepted = false;
  Bytes transaction;             // BoC of a Transaction
  Bytes shard_account;           // BoC of the account after it
  std::optional<int> exit_code;  // of the contract that refused an external message
  std::string refusal;           // why there is no transaction
  std::string vm_log;            // at most Tvm::kMaxLog bytes
};

struct GetMethodRequest {
  BytesView code;       // BoC
  BytesView data;       // BoC
  BytesView stack;      // BoC of a VmStack
  BytesView libraries;  // BoC, or empty
  std::uint64_t method_id = 0;
  std::int32_t workchain = 0;
  Bits256 account;
  std::uint64_t balance = 0;  // nanoTON
  std::uint32_t now = 0;      // Unix seconds
  Bits256 random_seed;
  std::int64_t gas_limit = 0;  // 0 or more than Tvm::kMaxGetMethodGas: that much
};

struct GetMethodOutcome {
  int exit_code = 0;  // 0 and 1: the method returned
  std::int64_t gas_used = 0;
  Bytes stack;  // BoC of a VmStack
  std::string vm_log;
};

class Tvm {
 public:
  static constexpr std::size_t kMaxBoc = std::size_t{4} << 20;  // bytes of any one argument
  static constexpr std::size_t kMaxLog = std::size_t{64} << 10;
  static constexpr std::int64_t kMaxGetMethodGas = 1'000'000;

  // `config`: BoC of the dictionary of configuration parameters. Small ones are faster: each get-method reads it anew.
  static Result<Tvm> create(BytesView config);
  ~Tvm();
  Tvm(Tvm&&) noexcept;
  Tvm& operator=(Tvm&&) noexcept;

  Result<TransactionOutcome> run_transaction(const TransactionRequest& request);
  Result<GetMethodOutcome> run_get_method(const GetMethodRequest& request);
  Result<> set_config(BytesView config);

  std::uint64_t discarded_instances() const;  // how many emulators were lost to an abort since create()
  Result<std::string> version();              // the emulator's own, JSON

 private:
  class Impl;
  explicit Tvm(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::devnet
