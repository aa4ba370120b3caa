// What nodes attach to their messages, and what of it is used up (contracts.md 1.5). The rest comes back as excesses.
// nanoTON; the fee is what was measured on the contracts that were live in April 2026, of which ours use less.
#pragma once
#include <cstdint>

#include "ton/contracts/params.hpp"

namespace cocoon::ledger {

struct Cost {
  std::uint64_t attached = 0;
  std::uint64_t fee = 0;
};

namespace cost {
inline constexpr std::uint64_t kMilliTon = ton::kTon / 1000;

// client
inline constexpr Cost client_register{1000 * kMilliTon, 58 * kMilliTon / 10};
inline constexpr Cost change_secret{700 * kMilliTon, 58 * kMilliTon / 10};
inline constexpr Cost top_up{700 * kMilliTon, 102 * kMilliTon / 10};  // on top of the amount
inline constexpr Cost increase_stake{700 * kMilliTon, 58 * kMilliTon / 10};
inline constexpr Cost request_refund{700 * kMilliTon, 12 * kMilliTon};
inline constexpr Cost withdraw{700 * kMilliTon, 12 * kMilliTon};
// client or proxy
inline constexpr Cost charge{700 * kMilliTon, 76 * kMilliTon / 10};
// proxy
inline constexpr Cost deploy_proxy{300 * kMilliTon, 3 * kMilliTon / 10};
inline constexpr Cost commit{1, 5 * kMilliTon};  // fees apart from the value
inline constexpr Cost grant_refund{700 * kMilliTon, 12 * kMilliTon};
inline constexpr Cost payout{700 * kMilliTon, 107 * kMilliTon / 10};
inline constexpr Cost withdraw_commission{200 * kMilliTon, 38 * kMilliTon / 10};
inline constexpr Cost add_stake{200 * kMilliTon, 38 * kMilliTon / 10};  // on top of the stake
inline constexpr Cost close_step{1000 * kMilliTon, 12 * kMilliTon};     // each step of a retirement
// worker
inline constexpr Cost own_payout{500 * kMilliTon, 107 * kMilliTon / 10};
}  // namespace cost

}  // namespace cocoon::ledger
