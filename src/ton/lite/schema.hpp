// The liteserver's messages: the constructors of TON's lite_api.tl that nodes use, as plain values.
//
// Each struct stands under its line of the schema; its id is the CRC-32 of that line (schema_test.cpp checks every
// one). Block times are Unix seconds, logical times count transactions, amounts are nanoTON, "BoC" is a bag of cells.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tl/types.hpp"

namespace cocoon::ton::lite {

inline constexpr std::int32_t kMasterchain = -1;
inline constexpr std::uint64_t kWholeShard = std::uint64_t{1} << 63;  // the one shard of an unsplit workchain

struct BlockId {
  // tonNode.blockId workchain:int shard:long seqno:int = tonNode.BlockId
  static constexpr std::uint32_t kId = 0xb7cdb167;
  std::int32_t workchain = 0;
  std::uint64_t shard = 0;
  std::int32_t seqno = 0;
  static void fields(auto& a, auto& m) { a(m.workchain, m.shard, m.seqno); }
  friend bool operator==(const BlockId&, const BlockId&) = default;
};

struct BlockIdExt {
  // tonNode.blockIdExt workchain:int shard:long seqno:int root_hash:int256 file_hash:int256 = tonNode.BlockIdExt
  static constexpr std::uint32_t kId = 0x6752eb78;
  std::int32_t workchain = 0;
  std::uint64_t shard = 0;
  std::int32_t seqno = 0;
  Bits256 root_hash;
  Bits256 file_hash;
  static void fields(auto& a, auto& m) { a(m.workchain, m.shard, m.seqno, m.root_hash, m.file_hash); }
  BlockId short_id() const { return {workchain, shard, seqno}; }
  friend bool operator==(const BlockIdExt&, const BlockIdExt&) = default;
};

struct ZeroStateIdExt {
  // tonNode.zeroStateIdExt workchain:int root_hash:int256 file_hash:int256 = tonNode.ZeroStateIdExt
  static constexpr std::uint32_t kId = 0x1d7235ae;
  std::int32_t workchain = 0;
  Bits256 root_hash;
  Bits256 file_hash;
  static void fields(auto& a, auto& m) { a(m.workchain, m.root_hash, m.file_hash); }
  friend bool operator==(const ZeroStateIdExt&, const ZeroStateIdExt&) = default;
};

struct AccountId {
  // liteServer.accountId workchain:int id:int256 = liteServer.AccountId
  static constexpr std::uint32_t kId = 0x75a0e2c5;
  std::int32_t workchain = 0;
  Bits256 id;
  static void fields(auto& a, auto& m) { a(m.workchain, m.id); }
  friend bool operator==(const AccountId&, const AccountId&) = default;
};

// --- what travels in ADNL packets

struct TcpPing {
  // tcp.ping random_id:long = tcp.Pong
  static constexpr std::uint32_t kId = 0x4d082b9a;
  std::uint64_t random_id = 0;
  static void fields(auto& a, auto& m) { a(m.random_id); }
};

struct TcpPong {
  // tcp.pong random_id:long = tcp.Pong
  static constexpr std::uint32_t kId = 0xdc69fb03;
  std::uint64_t random_id = 0;
  static void fields(auto& a, auto& m) { a(m.random_id); }
};

struct AdnlQuery {
  // adnl.message.query query_id:int256 query:bytes = adnl.Message
  static constexpr std::uint32_t kId = 0xb48bf97a;
  Bits256 query_id;
  Bytes query;
  static void fields(auto& a, auto& m) { a(m.query_id, m.query); }
};

struct AdnlAnswer {
  // adnl.message.answer query_id:int256 answer:bytes = adnl.Message
  static constexpr std::uint32_t kId = 0x0fac8416;
  Bits256 query_id;
  Bytes answer;
  static void fields(auto& a, auto& m) { a(m.query_id, m.answer); }
};

struct LiteQuery {
  // liteServer.query data:bytes = Object
  static constexpr std::uint32_t kId = 0x798c06df;
  Bytes data;
  static void fields(auto& a, auto& m) { a(m.data); }
};

// --- answers

struct LiteError {
  // liteServer.error code:int message:string = liteServer.Error
  static constexpr std::uint32_t kId = 0xbba9e148;
  std::int32_t code = 0;
  std::string message;
  static void fields(auto& a, auto& m) { a(m.code, m.message); }
};

struct CurrentTime {
  // liteServer.currentTime now:int = liteServer.CurrentTime
  static constexpr std::uint32_t kId = 0xe953000d;
  std::int32_t now = 0;
  static void fields(auto& a, auto& m) { a(m.now); }
};

struct Version {
  // liteServer.version mode:# version:int capabilities:long now:int = liteServer.Version
  static constexpr std::uint32_t kId = 0x5a0491e5;
  std::uint32_t mode = 0;
  std::int32_t version = 0;  // major << 8 | minor
  std::int64_t capabilities = 0;
  std::int32_t now = 0;
  static void fields(auto& a, auto& m) { a(m.mode, m.version, m.capabilities, m.now); }
};

struct MasterchainInfo {
  // liteServer.masterchainInfo last:tonNode.blockIdExt state_root_hash:int256 init:tonNode.zeroStateIdExt =
  // liteServer.MasterchainInfo
  static constexpr std::uint32_t kId = 0x85832881;
  BlockIdExt last;
  Bits256 state_root_hash;
  ZeroStateIdExt init;
  static void fields(auto& a, auto& m) { a(m.last, m.state_root_hash, m.init); }
};

struct MasterchainInfoExt {
  // liteServer.masterchainInfoExt mode:# version:int capabilities:long last:tonNode.blockIdExt last_utime:int now:int
  // state_root_hash:int256 init:tonNode.zeroStateIdExt = liteServer.MasterchainInfoExt
  static constexpr std::uint32_t kId = 0xa8cce0f5;
  std::uint32_t mode = 0;
  std::int32_t version = 0;
  std::int64_t capabilities = 0;
  BlockIdExt last;
  std::int32_t last_utime = 0;
  std::int32_t now = 0;
  Bits256 state_root_hash;
  ZeroStateIdExt init;
  static void fields(auto& a, auto& m) {
    a(m.mode, m.version, m.capabilities, m.last, m.last_utime, m.now, m.state_root_hash, m.init);
  }
};

struct BlockData {
  // liteServer.blockData id:tonNode.blockIdExt data:bytes = liteServer.BlockData
  static constexpr std::uint32_t kId = 0xa574ed6c;
  BlockIdExt id;
  Bytes data;  // BoC of a Block
  static void fields(auto& a, auto& m) { a(m.id, m.data); }
};

struct BlockHeader {
  // liteServer.blockHeader id:tonNode.blockIdExt mode:# header_proof:bytes = liteServer.BlockHeader
  static constexpr std::uint32_t kId = 0x752d8219;
  BlockIdExt id;
  std::uint32_t mode = 0;
  Bytes header_proof;  // BoC: a Merkle proof of the Block with its info
  static void fields(auto& a, auto& m) { a(m.id, m.mode, m.header_proof); }
};

struct SendMsgStatus {
  // liteServer.sendMsgStatus status:int = liteServer.SendMsgStatus
  static constexpr std::uint32_t kId = 0x3950e597;
  std::int32_t status = 0;
  static void fields(auto& a, auto& m) { a(m.status); }
};

struct AccountState {
  // liteServer.accountState id:tonNode.blockIdExt shardblk:tonNode.blockIdExt shard_proof:bytes proof:bytes state:bytes
  // = liteServer.AccountState
  static constexpr std::uint32_t kId = 0x7079c751;
  BlockIdExt id;
  BlockIdExt shard_block;
  Bytes shard_proof;  // BoC, two roots: masterchain block to its state, that state to the shard's description
  Bytes proof;        // BoC, two roots: shard block to its state, that state to the account
  Bytes state;        // BoC of an Account; empty: the account does not exist
  static void fields(auto& a, auto& m) { a(m.id, m.shard_block, m.shard_proof, m.proof, m.state); }
};

struct RunMethodResult {
  // liteServer.runMethodResult mode:# id:tonNode.blockIdExt shardblk:tonNode.blockIdExt shard_proof:mode.0?bytes
  // proof:mode.0?bytes state_proof:mode.1?bytes init_c7:mode.3?bytes lib_extras:mode.4?bytes exit_code:int
  // result:mode.2?bytes = liteServer.RunMethodResult
  static constexpr std::uint32_t kId = 0xa39a616b;
  std::uint32_t mode = 0;
  BlockIdExt id;
  BlockIdExt shard_block;
  Bytes shard_proof;
  Bytes proof;
  Bytes state_proof;
  Bytes init_c7;
  Bytes lib_extras;
  std::int32_t exit_code = 0;
  Bytes result;  // BoC of a VmStack
  static void fields(auto& a, auto& m) {
    a(m.mode, m.id, m.shard_block);
    a.when(m.mode, 0, m.shard_proof, m.proof).when(m.mode, 1, m.state_proof).when(m.mode, 3, m.init_c7);
    a.when(m.mode, 4, m.lib_extras);
    a(m.exit_code).when(m.mode, 2, m.result);
  }
};

struct ShardInfo {
  // liteServer.shardInfo id:tonNode.blockIdExt shardblk:tonNode.blockIdExt shard_proof:bytes shard_descr:bytes =
  // liteServer.ShardInfo
  static constexpr std::uint32_t kId = 0x9fe6cd84;
  BlockIdExt id;
  BlockIdExt shard_block;
  Bytes shard_proof;
  Bytes shard_descr;
  static void fields(auto& a, auto& m) { a(m.id, m.shard_block, m.shard_proof, m.shard_descr); }
};

struct AllShardsInfo {
  // liteServer.allShardsInfo id:tonNode.blockIdExt proof:bytes data:bytes = liteServer.AllShardsInfo
  static constexpr std::uint32_t kId = 0x098fe72d;
  BlockIdExt id;
  Bytes proof;
  Bytes data;  // BoC of ShardHashes
  static void fields(auto& a, auto& m) { a(m.id, m.proof, m.data); }
};

struct TransactionList {
  // liteServer.transactionList ids:vector tonNode.blockIdExt transactions:bytes = liteServer.TransactionList
  static constexpr std::uint32_t kId = 0x6f26c60b;
  std::vector<BlockIdExt> ids;  // the block of each transaction
  Bytes transactions;           // BoC with one root per transaction, newest first; empty for none
  static void fields(auto& a, auto& m) { a(m.ids, m.transactions); }
};

struct ConfigInfo {
  // liteServer.configInfo mode:# id:tonNode.blockIdExt state_proof:bytes config_proof:bytes = liteServer.ConfigInfo
  static constexpr std::uint32_t kId = 0xae7b272f;
  std::uint32_t mode = 0;
  BlockIdExt id;
  Bytes state_proof;   // BoC: masterchain block to its state
  Bytes config_proof;  // BoC: that state to the configuration
  static void fields(auto& a, auto& m) { a(m.mode, m.id, m.state_proof, m.config_proof); }
};

// --- functions; `Answer` is what each is answered with

struct GetTime {
  // liteServer.getTime = liteServer.CurrentTime
  static constexpr std::uint32_t kId = 0x16ad5a34;
  using Answer = CurrentTime;
  static void fields(auto&, auto&) {}
};

struct GetVersion {
  // liteServer.getVersion = liteServer.Version
  static constexpr std::uint32_t kId = 0x232b940b;
  using Answer = Version;
  static void fields(auto&, auto&) {}
};

struct GetMasterchainInfo {
  // liteServer.getMasterchainInfo = liteServer.MasterchainInfo
  static constexpr std::uint32_t kId = 0x89b5e62e;
  using Answer = MasterchainInfo;
  static void fields(auto&, auto&) {}
};

struct GetMasterchainInfoExt {
  // liteServer.getMasterchainInfoExt mode:# = liteServer.MasterchainInfoExt
  static constexpr std::uint32_t kId = 0x70a671df;
  using Answer = MasterchainInfoExt;
  std::uint32_t mode = 0;
  static void fields(auto& a, auto& m) { a(m.mode); }
};

struct GetBlock {
  // liteServer.getBlock id:tonNode.blockIdExt = liteServer.BlockData
  static constexpr std::uint32_t kId = 0x6377cf0d;
  using Answer = BlockData;
  BlockIdExt id;
  static void fields(auto& a, auto& m) { a(m.id); }
};

struct GetBlockHeader {
  // liteServer.getBlockHeader id:tonNode.blockIdExt mode:# = liteServer.BlockHeader
  static constexpr std::uint32_t kId = 0x21ec069e;
  using Answer = BlockHeader;
  BlockIdExt id;
  std::uint32_t mode = 0;
  static void fields(auto& a, auto& m) { a(m.id, m.mode); }
};

struct LookupBlock {
  // liteServer.lookupBlock mode:# id:tonNode.blockId lt:mode.1?long utime:mode.2?int = liteServer.BlockHeader
  static constexpr std::uint32_t kId = 0xfac8f71e;
  using Answer = BlockHeader;
  static constexpr std::uint32_t kBySeqno = 1, kByLt = 2, kByTime = 4;
  std::uint32_t mode = 0;  // exactly one of the above
  BlockId id;
  std::uint64_t lt = 0;
  std::int32_t utime = 0;
  static void fields(auto& a, auto& m) { a(m.mode, m.id).when(m.mode, 1, m.lt).when(m.mode, 2, m.utime); }
};

struct SendMessage {
  // liteServer.sendMessage body:bytes = liteServer.SendMsgStatus
  static constexpr std::uint32_t kId = 0x690ad482;
  using Answer = SendMsgStatus;
  Bytes body;  // BoC of an external message
  static void fields(auto& a, auto& m) { a(m.body); }
};

struct GetAccountState {
  // liteServer.getAccountState id:tonNode.blockIdExt account:liteServer.accountId = liteServer.AccountState
  static constexpr std::uint32_t kId = 0x6b890e25;
  using Answer = AccountState;
  BlockIdExt id;
  AccountId account;
  static void fields(auto& a, auto& m) { a(m.id, m.account); }
};

struct RunSmcMethod {
  // liteServer.runSmcMethod mode:# id:tonNode.blockIdExt account:liteServer.accountId method_id:long params:bytes =
  // liteServer.RunMethodResult
  static constexpr std::uint32_t kId = 0x5cc65dd2;
  using Answer = RunMethodResult;
  static constexpr std::uint32_t kWithProof = 1, kWithStateProof = 2, kWithResult = 4, kWithC7 = 8, kWithLibraries = 16;
  std::uint32_t mode = 0;  // bits: which fields of the answer are wanted
  BlockIdExt id;
  AccountId account;
  std::int64_t method_id = 0;  // crc16 of the name | 0x10000
  Bytes params;                // BoC of a VmStack
  static void fields(auto& a, auto& m) { a(m.mode, m.id, m.account, m.method_id, m.params); }
};

struct GetShardInfo {
  // liteServer.getShardInfo id:tonNode.blockIdExt workchain:int shard:long exact:Bool = liteServer.ShardInfo
  static constexpr std::uint32_t kId = 0x46a2f425;
  using Answer = ShardInfo;
  BlockIdExt id;
  std::int32_t workchain = 0;
  std::uint64_t shard = 0;
  bool exact = false;
  static void fields(auto& a, auto& m) { a(m.id, m.workchain, m.shard, m.exact); }
};

struct GetAllShardsInfo {
  // liteServer.getAllShardsInfo id:tonNode.blockIdExt = liteServer.AllShardsInfo
  static constexpr std::uint32_t kId = 0x74d3fd6b;
  using Answer = AllShardsInfo;
  BlockIdExt id;
  static void fields(auto& a, auto& m) { a(m.id); }
};

struct GetTransactions {
  // liteServer.getTransactions count:# account:liteServer.accountId lt:long hash:int256 = liteServer.TransactionList
  static constexpr std::uint32_t kId = 0x1c40e7a1;
  using Answer = TransactionList;
  std::uint32_t count = 0;
  AccountId account;
  std::uint64_t lt = 0;  // the newest one wanted, with its hash
  Bits256 hash;
  static void fields(auto& a, auto& m) { a(m.count, m.account, m.lt, m.hash); }
};

struct GetConfigAll {
  // liteServer.getConfigAll mode:# id:tonNode.blockIdExt = liteServer.ConfigInfo
  static constexpr std::uint32_t kId = 0x911b26b7;
  using Answer = ConfigInfo;
  std::uint32_t mode = 0;
  BlockIdExt id;
  static void fields(auto& a, auto& m) { a(m.mode, m.id); }
};

struct GetConfigParams {
  // liteServer.getConfigParams mode:# id:tonNode.blockIdExt param_list:vector int = liteServer.ConfigInfo
  static constexpr std::uint32_t kId = 0x2a111c19;
  using Answer = ConfigInfo;
  std::uint32_t mode = 0;
  BlockIdExt id;
  std::vector<std::int32_t> params;
  static void fields(auto& a, auto& m) { a(m.mode, m.id, m.params); }
};

// A prefix, not a function: what follows it is answered once this masterchain block exists.
struct WaitMasterchainSeqno {
  // liteServer.waitMasterchainSeqno seqno:int timeout_ms:int = Object
  static constexpr std::uint32_t kId = 0xbaeab892;
  std::int32_t seqno = 0;
  std::int32_t timeout_ms = 0;
  static void fields(auto& a, auto& m) { a(m.seqno, m.timeout_ms); }
};

using Function = std::variant<GetTime, GetVersion, GetMasterchainInfo, GetMasterchainInfoExt, GetBlock, GetBlockHeader,
                              LookupBlock, SendMessage, GetAccountState, RunSmcMethod, GetShardInfo, GetAllShardsInfo,
                              GetTransactions, GetConfigAll, GetConfigParams>;

}  // namespace cocoon::ton::lite
