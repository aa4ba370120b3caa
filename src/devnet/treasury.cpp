#include "devnet/treasury.hpp"

#include "base/assert.hpp"
#include "ton/boc.hpp"

namespace cocoon::devnet {
namespace {

// treasury.tolk, as tolk-js 1.3.0 compiles it.
constexpr std::string_view kCode =
    "te6ccgEBBgEAZAABFP8A9KQT9LzyyAsBAgEgAgMCAUgEBQBq8oMI1xjtRNDTH9P/0SLIzvkWVB"
    "BE+RDy4ZEB0x9RErry4ZL4AAGkyMsfEsv/ye1U10xx+wAADNAw+JHyQAAXoJkv2omhpj+n/mOj";

ton::Cell treasury_code() {
  static const ton::Cell code = [] {
    const auto boc = from_base64(kCode);
    COCOON_ASSERT(boc.has_value());
    const auto cell = ton::read_boc(*boc);
    COCOON_ASSERT(cell.has_value());
    return *cell;
  }();
  return code;
}

}  // namespace

ton::StateInit treasury_state_init(const crypto::PublicKey& owner) {
  ton::StateInit init;
  init.code = treasury_code();
  init.data = ton::CellBuilder().store_uint(0, 32).store_bytes(owner).must_finish();
  return init;
}

Result<std::uint32_t> treasury_seqno(const ton::Account& treasury) {
  const auto* state = treasury.active();
  if (!state || !state->data) return fail("the treasury is not active");
  ton::CellSlice data(*state->data);
  const auto seqno = data.load_u32();
  TRY(data.status());
  return seqno;
}

Result<ton::Cell> treasury_payment(const crypto::KeyPair& owner, const ton::Address& treasury, std::uint32_t seqno,
                                   const ton::Address& to, std::uint64_t nano) {
  ton::Message payment;
  ton::InternalInfo info;
  info.dest = to;
  info.value.coins = nano;
  payment.info = info;
  TRY_ASSIGN(const auto payment_cell, ton::build_message(payment));
  const auto order = ton::CellBuilder().store_uint(seqno, 32).store_ref(payment_cell).must_finish();
  ton::Message external;
  external.info = ton::ExternalInInfo{std::nullopt, treasury, 0};
  TRY_ASSIGN(external.body, ton::CellBuilder().store_bytes(owner.sign(order.hash().view())).store_cell(order).finish());
  return ton::build_message(external);
}

}  // namespace cocoon::devnet
