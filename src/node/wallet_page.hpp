// A node's wallet on its status page, the member "wallet" of /jsonstats: as every role writes it and `cocoon wallet
// show` reads it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "ton/address.hpp"

namespace cocoon::node {

struct WalletPage {
  ton::Address address;
  std::uint64_t balance = 0;  // nanoTON; also 0 where there is no such account yet
  std::uint32_t seqno = 0;
  std::uint64_t pending = 0;                // messages that wait to be sent
  std::string waiting_for, last_refusal{};  // in words; empty: nothing
};

// One JSON object.
std::string wallet_json(const WalletPage&);
// Of a whole status page. What is not there reads as nothing.
Result<WalletPage> wallet_of_status(std::string_view jsonstats);

}  // namespace cocoon::node
