#include "wallet_user.hpp"

#include <algorithm>

#include "ton/boc.hpp"

namespace cocoon::sim {

WalletUser::WalletUser(SimChain& chain, const ton::Cell& code, const crypto::Seed& seed, const ton::Address& owner)
    : chain_(chain),
      key_(seed),
      init_(ton::wallet_state_init(code, key_.public_key(), owner)),
      address_(ton::address_of(init_)) {}

std::uint64_t WalletUser::balance() const {
  const auto* view = chain_.account(address_.hash);
  return view != nullptr && view->account ? view->account->balance.coins : 0;
}

void WalletUser::chain_moved() {
  if (waiting_.empty() || balance() < ton::kWalletMinimum) return;
  const auto* view = chain_.account(address_.hash);
  const auto* active = view->account->active();
  const auto state = active != nullptr && active->data ? ton::parse_wallet_state(*active->data)
                                                       : Result<ton::WalletState>(fail("not deployed"));
  const std::uint32_t seqno = state ? state->seqno : 0;
  const auto now = chain_.time_of(chain_.head());
  if (flying_ > 0) {
    if (seqno == flying_seqno_ && now <= valid_until_) return;
    // Another seqno: ours was taken, or that of somebody else with the same key. Who wants to be sure looks at the
    // contract; an operator tries again, and everything sent here does no harm twice.
    if (seqno != flying_seqno_)
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(flying_));
    flying_ = 0;
    if (waiting_.empty()) return;
  }
  ton::WalletRequest request;
  request.valid_until = static_cast<std::uint32_t>(now + 60);
  request.seqno = seqno;
  std::uint64_t left = balance();
  for (const auto& m : waiting_) {
    if (request.orders.size() == ton::kMaxWalletMessages || m.value + ton::kTon / 10 > left) break;
    left -= m.value + ton::kTon / 10;
    request.orders.push_back({ton::send_mode(m), ton::build_outgoing(m)});
  }
  if (request.orders.empty()) return;
  flying_ = request.orders.size();
  flying_seqno_ = seqno;
  valid_until_ = now + 60;
  const auto body = ton::build_wallet_body(request, key_);
  chain_.send(ton::write_boc(
      ton::build_wallet_external(address_, body, state ? std::nullopt : std::optional<ton::StateInit>(init_))));
}

}  // namespace cocoon::sim
