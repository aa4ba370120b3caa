#include "ton/state_init.hpp"

#include "crypto/crypto.hpp"

namespace cocoon::ton {

StateInit load_state_init(CellSlice& s) {
  StateInit out;
  if (s.load_bit()) out.split_depth = static_cast<std::uint8_t>(s.load_uint(5));
  if (s.load_bit()) out.special = static_cast<std::uint8_t>(s.load_uint(2));
  out.code = s.load_maybe_ref();
  out.data = s.load_maybe_ref();
  out.libraries = s.load_maybe_ref();
  return out;
}

void store_state_init(CellBuilder& b, const StateInit& s) {
  b.store_bit(s.split_depth.has_value());
  if (s.split_depth) b.store_uint(*s.split_depth & 31u, 5);
  b.store_bit(s.special.has_value());
  if (s.special) b.store_uint(*s.special & 3u, 2);
  b.store_maybe_ref(s.code).store_maybe_ref(s.data).store_maybe_ref(s.libraries);
}

Result<StateInit> parse_state_init(const Cell& c) {
  CellSlice s(c);
  StateInit out = load_state_init(s);
  TRY(s.end());
  return out;
}

Cell build_state_init(const StateInit& s) {
  CellBuilder b;
  store_state_init(b, s);
  return b.must_finish();
}

Address address_of(const StateInit& s, std::int8_t workchain) { return {workchain, build_state_init(s).hash()}; }

Address address_from_hashes(const CellId& code, const CellId& data, std::int8_t workchain) {
  Bytes rep{0x02, 0x01, 0x34};
  for (const auto* c : {&code, &data}) {
    rep.push_back(static_cast<std::uint8_t>(c->depth >> 8));
    rep.push_back(static_cast<std::uint8_t>(c->depth & 0xff));
  }
  append(rep, code.hash.view());
  append(rep, data.hash.view());
  return {workchain, crypto::sha256(rep)};
}

}  // namespace cocoon::ton
