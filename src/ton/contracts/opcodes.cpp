#include "ton/contracts/opcodes.hpp"

#include <array>
#include <utility>

namespace cocoon::ton {

std::string_view op::name(std::uint32_t opcode) {
  using Row = std::pair<std::uint32_t, std::string_view>;
#define ROW(x) \
  Row { op::x, #x }
  static constexpr std::array rows{ROW(excesses),
                                   ROW(payout),
                                   ROW(do_not_process),
                                   ROW(wallet_send_message),
                                   ROW(client_top_up),
                                   ROW(client_change_secret_and_top_up),
                                   ROW(client_register),
                                   ROW(client_change_secret),
                                   ROW(client_increase_stake),
                                   ROW(client_withdraw),
                                   ROW(client_request_refund),
                                   ROW(client_charge_signed),
                                   ROW(client_grant_refund_signed),
                                   ROW(worker_register),
                                   ROW(worker_payout_signed),
                                   ROW(worker_last_payout_signed),
                                   ROW(client_proxy_request),
                                   ROW(worker_proxy_request),
                                   ROW(proxy_increase_stake),
                                   ROW(proxy_payout_request),
                                   ROW(proxy_close),
                                   ROW(proxy_close_request_signed),
                                   ROW(proxy_close_complete_signed),
                                   ROW(proxy_save_state),
                                   ROW(payload_top_up),
                                   ROW(payload_register),
                                   ROW(payload_refund_granted),
                                   ROW(payload_refund_force),
                                   ROW(payload_payout),
                                   ROW(root_add_worker_hash),
                                   ROW(root_delete_worker_hash),
                                   ROW(root_add_model_hash),
                                   ROW(root_delete_model_hash),
                                   ROW(root_add_proxy_hash),
                                   ROW(root_delete_proxy_hash),
                                   ROW(root_register_proxy),
                                   ROW(root_unregister_proxy),
                                   ROW(root_update_proxy),
                                   ROW(root_change_price),
                                   ROW(root_change_params),
                                   ROW(root_upgrade_contracts),
                                   ROW(root_upgrade_code),
                                   ROW(root_reset),
                                   ROW(root_upgrade_full),
                                   ROW(root_change_owner),
                                   ROW(root_change_key_manager),
                                   ROW(root_add_public_key),
                                   ROW(root_add_public_key_signed)};
#undef ROW
  for (const auto& [code, text] : rows)
    if (code == opcode) return text;
  return "";
}

std::string_view exit_code::meaning(int code) {
  switch (code) {
    case 0:
    case 1:
      return "ok";
    case 5:
      return "an amount out of range: more is to be paid than there is";
    case 9:
      return "the message is too short or too long";
    case 37:
      return "not enough funds to send the messages";
    case 1000:
      return "old message: its counter is not newer, or the key has expired";
    case 1001:
      return "the contract's own balance is too low, or there is nothing to withdraw";
    case 1003:
      return "the attached value is too low";
    case 1004:
      return "malformed network address";
    case 1005:
      return "the signed payload and its wrapper disagree";
    case 1006:
      return "the contract is closed or in another state";
    case 1007:
      return "bad signature";
    case 1008:
      return "parameters of another generation";
    case 1009:
    case 1010:
      return "only the owner may do this";
    case 1011:
      return "not unlocked yet";
    case 1012:
      return "unknown opcode";
    case 1013:
      return "unknown text command";
    case 1014:
      return "the sender is not the contract that it should be";
    case 1015:
      return "the signed payload names another contract";
    case 1030:
      return "wallet: the message has expired";
    case 1031:
      return "wallet: external messages are blocked";
    case 1032:
      return "wallet: wrong seqno";
    case 1033:
      return "wallet: wrong subwallet";
    case 1034:
      return "wallet: bad signature";
    case 1035:
      return "wallet: its balance is below 2 TON";
    case 1040:
      return "wallet: only the owner may do this";
    case 1041:
      return "wallet: unknown command";
    case 2000:
      return "no such proxy entry";
    default:
      return "";
  }
}

}  // namespace cocoon::ton
