#include "ton/message.hpp"

namespace cocoon::ton {

namespace {

std::optional<ExternalAddress> load_external_address(CellSlice& s) {
  switch (s.load_uint(2)) {
    case 0:
      return std::nullopt;
    case 1: {
      const auto length = static_cast<unsigned>(s.load_uint(9));
      return ExternalAddress{s.load_bits(length)};
    }
    default:
      s.reject("an address outside of the chain was expected");
      return std::nullopt;
  }
}

void store_external_address(CellBuilder& b, const std::optional<ExternalAddress>& a) {
  if (!a) {
    b.store_uint(0, 2);
    return;
  }
  b.store_uint(1, 2).store_uint(a->bits.size(), 9).store_bits(a->bits);
}

InternalInfo load_internal(CellSlice& s) {
  InternalInfo out;
  out.ihr_disabled = s.load_bit();
  out.bounce = s.load_bit();
  out.bounced = s.load_bit();
  out.src = s.load_maybe_address();
  out.dest = s.load_address();
  out.value = load_currency(s);
  out.ihr_fee = s.load_coins();
  out.fwd_fee = s.load_coins();
  out.created_lt = s.load_u64();
  out.created_at = s.load_u32();
  return out;
}

void store_info(CellBuilder& b, const InternalInfo& m) {
  b.store_bit(false).store_bit(m.ihr_disabled).store_bit(m.bounce).store_bit(m.bounced);
  b.store_maybe_address(m.src).store_address(m.dest);
  store_currency(b, m.value);
  b.store_coins(m.ihr_fee).store_coins(m.fwd_fee).store_uint(m.created_lt, 64).store_uint(m.created_at, 32);
}

void store_info(CellBuilder& b, const ExternalInInfo& m) {
  b.store_uint(0b10, 2);
  store_external_address(b, m.src);
  b.store_address(m.dest).store_coins(m.import_fee);
}

void store_info(CellBuilder& b, const ExternalOutInfo& m) {
  b.store_uint(0b11, 2).store_maybe_address(m.src);
  store_external_address(b, m.dest);
  b.store_uint(m.created_lt, 64).store_uint(m.created_at, 32);
}

void load_info(CellSlice& s, Message& out) {
  if (!s.load_bit()) {
    out.info = load_internal(s);
  } else if (!s.load_bit()) {
    ExternalInInfo in;
    in.src = load_external_address(s);
    in.dest = s.load_address();
    in.import_fee = s.load_coins();
    out.info = in;
  } else {
    ExternalOutInfo to;
    to.src = s.load_maybe_address();
    to.dest = load_external_address(s);
    to.created_lt = s.load_u64();
    to.created_at = s.load_u32();
    out.info = to;
  }
}

}  // namespace

Result<Message> parse_message(const Cell& c) {
  CellSlice s(c);
  Message out;
  load_info(s, out);
  if (s.load_bit()) {
    if (s.load_bit()) {
      TRY_ASSIGN(out.init, parse_state_init(s.load_ref()));
    } else {
      out.init = load_state_init(s);
    }
  }
  out.body = s.load_bit() ? s.load_ref() : s.load_rest();
  TRY(s.end());
  return out;
}

Result<Cell> build_message(const Message& m, Place init, Place body) {
  CellBuilder b;
  std::visit([&](const auto& info) { store_info(b, info); }, m.info);
  b.store_bit(m.init.has_value());
  if (m.init) {
    b.store_bit(init == Place::ref);
    if (init == Place::ref)
      b.store_ref(build_state_init(*m.init));
    else
      store_state_init(b, *m.init);
  }
  const bool empty = m.body.bit_count() == 0 && m.body.ref_count() == 0;
  const bool as_ref = body == Place::ref && !empty;
  b.store_bit(as_ref);
  if (as_ref)
    b.store_ref(m.body);
  else
    b.store_cell(m.body);
  return b.finish();
}

}  // namespace cocoon::ton
