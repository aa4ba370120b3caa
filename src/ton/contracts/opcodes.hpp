// Opcodes and exit codes of Cocoon's contracts (contracts.md 2.2, 2.3).
#pragma once
#include <cstdint>
#include <string_view>

namespace cocoon::ton::op {

// to users and wallets
inline constexpr std::uint32_t excesses = 0x2565934c, payout = 0xc59a7cd3, do_not_process = 0x9a1247c0;
inline constexpr std::uint32_t wallet_send_message = 0x9c69f376;

// to client contracts
inline constexpr std::uint32_t client_top_up = 0xf172e6c2, client_change_secret_and_top_up = 0x8473b408,
                               client_register = 0xc45f9f3b, client_change_secret = 0xa9357034,
                               client_increase_stake = 0x6a1f6a60, client_withdraw = 0xda068e78,
                               client_request_refund = 0xfafa6cc1, client_charge_signed = 0xbb63ff93,
                               client_grant_refund_signed = 0xefd711e1;

// to worker contracts
inline constexpr std::uint32_t worker_register = 0x26ed7f65, worker_payout_signed = 0xa040ad28,
                               worker_last_payout_signed = 0xf5f26a36;

// to proxy contracts
inline constexpr std::uint32_t client_proxy_request = 0x65448ff4, worker_proxy_request = 0x4d725d2c,
                               proxy_increase_stake = 0x9713f187, proxy_payout_request = 0x7610e6eb,
                               proxy_close = 0xb51d5a01, proxy_close_request_signed = 0x636a4391,
                               proxy_close_complete_signed = 0xe511abc7, proxy_save_state = 0x53109c0f;

// payloads of requests to proxy contracts
inline constexpr std::uint32_t payload_top_up = 0x5cfc6b87, payload_register = 0xa35cb580,
                               payload_refund_granted = 0xc68ebc7b, payload_refund_force = 0xf4c354c9,
                               payload_payout = 0x08e7d036;

// to the root contract
inline constexpr std::uint32_t root_add_worker_hash = 0xe34b1c60, root_delete_worker_hash = 0x8d94a79a,
                               root_add_model_hash = 0xc146134d, root_delete_model_hash = 0x92b11c18,
                               root_add_proxy_hash = 0x71860e80, root_delete_proxy_hash = 0x3c41d0b2,
                               root_register_proxy = 0x927c7cb5, root_unregister_proxy = 0x6d49eaf2,
                               root_update_proxy = 0x9c7924ba, root_change_price = 0xc52ed8d4,
                               root_change_params = 0x022fa189, root_upgrade_contracts = 0xa2370f61,
                               root_upgrade_code = 0x11aefd51, root_reset = 0x563c1d96, root_upgrade_full = 0x4f7c5789,
                               root_change_owner = 0xc4a1ae54, root_change_key_manager = 0xb01c0fe9,
                               root_add_public_key = 0x6e5a646a, root_add_public_key_signed = 0x9e0e1821;

// "client_register", or "" for an opcode that is none of these: for logs and tables.
std::string_view name(std::uint32_t opcode);

}  // namespace cocoon::ton::op

namespace cocoon::ton::exit_code {

inline constexpr int cell_underflow = 9, old_message = 1000, header_mismatch = 1005, bad_signature = 1007,
                     another_contract = 1015;

// What a contract's exit code means, for people; "" if unknown.
std::string_view meaning(int code);

}  // namespace cocoon::ton::exit_code
