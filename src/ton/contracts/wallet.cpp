#include "ton/contracts/wallet.hpp"

namespace cocoon::ton {

Cell build_outgoing(const OutgoingMessage& m) {
  Message out;
  out.info = InternalInfo{.bounce = !m.init, .dest = m.to, .value = {m.value, std::nullopt}};
  out.init = m.init;
  if (m.body) out.body = *m.body;
  auto made = build_message(out);
  COCOON_ASSERT(made.has_value());
  return *made;
}

Cell build_wallet_unsigned(const WalletRequest& r) {
  COCOON_ASSERT(r.orders.size() <= kMaxWalletMessages);
  CellBuilder b;
  b.store_uint(r.subwallet, 32).store_uint(r.valid_until, 32).store_uint(r.seqno, 32);
  for (const auto& order : r.orders) b.store_uint(order.mode, 8).store_ref(order.message);
  return b.must_finish();
}

Cell build_wallet_body(const WalletRequest& r, const crypto::KeyPair& key) {
  const Cell request = build_wallet_unsigned(r);
  return CellBuilder().store_bytes(key.sign(request.hash().view())).store_cell(request).must_finish();
}

Result<ParsedWalletBody> parse_wallet_body(const Cell& body) {
  CellSlice s(body);
  ParsedWalletBody out;
  out.signature = s.load_fixed<64>();
  CellSlice request = s;
  out.signed_hash = request.load_rest().hash();
  out.request.subwallet = s.load_u32();
  out.request.valid_until = s.load_u32();
  out.request.seqno = s.load_u32();
  while (s.ok() && s.refs_left() > 0) {
    const auto mode = s.load_u8();
    out.request.orders.push_back({mode, s.load_ref()});
  }
  TRY(s.end());
  return out;
}

Cell build_wallet_external(const Address& wallet, const Cell& body, const std::optional<StateInit>& init) {
  Message out;
  out.info = ExternalInInfo{.dest = wallet};
  out.init = init;
  out.body = body;
  auto made = build_message(out);
  COCOON_ASSERT(made.has_value());
  return *made;
}

}  // namespace cocoon::ton
