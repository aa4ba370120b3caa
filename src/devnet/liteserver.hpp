// What the devnet's liteserver answers: a function of the chain and the time, without sockets.
#pragma once
#include "devnet/chain.hpp"
#include "ton/lite/client.hpp"

namespace cocoon::devnet {

// Codes of liteServer.error, as mainnet's liteservers use them.
enum LiteErrorCode : int {
  lite_failure = 0,
  lite_bad_request = 621,  // protocol violation
  lite_not_ready = 651,    // no such block, or its state is not kept any more
  lite_timeout = 652,
};

// The faucet, for clients that can only reach the liteserver: not part of TON's schema, so its id (the CRC-32 of its
// line, like all ids there) belongs to no function of it.
struct FaucetRequest {
  // cocoon.devnet.faucet account:liteServer.accountId nano:long = liteServer.SendMsgStatus
  static constexpr std::uint32_t kId = 0xadd7df42;
  using Answer = ton::lite::SendMsgStatus;
  ton::lite::AccountId account;
  std::uint64_t nano = 0;
  static void fields(auto& a, auto& m) { a(m.account, m.nano); }
};

// A request of the devnet: TON's functions and the faucet.
struct DevnetRequest {
  std::optional<ton::lite::WaitMasterchainSeqno> wait;
  std::variant<ton::lite::Function, FaucetRequest> function;
};
Result<DevnetRequest> decode_devnet_request(BytesView query);

// The boxed answer: the function's, or liteServer.error.
Bytes answer_request(Chain& chain, const std::variant<ton::lite::Function, FaucetRequest>& function, Time now);
Bytes lite_error(int code, std::string_view message);

}  // namespace cocoon::devnet
