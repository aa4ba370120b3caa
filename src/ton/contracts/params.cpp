#include "ton/contracts/params.hpp"

namespace cocoon::ton {

Result<Params> parse_params(const Cell& c) {
  CellSlice s(c);
  Params out;
  out.struct_version = s.load_u8();
  if (out.struct_version > kMaxStructVersion)
    return fail("parameters of struct version {}, at most {} is known", out.struct_version, kMaxStructVersion);
  out.params_version = s.load_u32();
  out.unique_id = s.load_u32();
  out.is_test = s.load_bit();
  out.price_per_token = s.load_coins();
  out.worker_fee_per_token = s.load_coins();
  if (out.struct_version >= 3) out.multipliers.prompt = s.load_u32();
  if (out.struct_version >= 2) out.multipliers.cached = s.load_u32();
  if (out.struct_version >= 3) out.multipliers.completion = s.load_u32();
  if (out.struct_version >= 2) out.multipliers.reasoning = s.load_u32();
  out.proxy_delay_before_close = s.load_u32();
  out.client_delay_before_close = s.load_u32();
  if (out.struct_version >= 1) {
    out.min_proxy_stake = s.load_coins();
    out.min_client_stake = s.load_coins();
  }
  out.proxy_code = s.load_maybe_ref();
  out.worker_code = s.load_maybe_ref();
  out.client_code = s.load_maybe_ref();
  TRY(s.end());
  return out;
}

Result<Cell> build_params(const Params& p) {
  if (p.struct_version > kMaxStructVersion)
    return fail("parameters of struct version {}, at most {} is known", p.struct_version, kMaxStructVersion);
  CellBuilder b;
  b.store_uint(p.struct_version, 8).store_uint(p.params_version, 32).store_uint(p.unique_id, 32).store_bit(p.is_test);
  b.store_coins(p.price_per_token).store_coins(p.worker_fee_per_token);
  if (p.struct_version >= 3) b.store_uint(p.multipliers.prompt, 32);
  if (p.struct_version >= 2) b.store_uint(p.multipliers.cached, 32);
  if (p.struct_version >= 3) b.store_uint(p.multipliers.completion, 32);
  if (p.struct_version >= 2) b.store_uint(p.multipliers.reasoning, 32);
  b.store_uint(p.proxy_delay_before_close, 32).store_uint(p.client_delay_before_close, 32);
  if (p.struct_version >= 1) b.store_coins(p.min_proxy_stake).store_coins(p.min_client_stake);
  return b.store_maybe_ref(p.proxy_code).store_maybe_ref(p.worker_code).store_maybe_ref(p.client_code).finish();
}

Result<Cell> build_params(const Params& p, Flavour flavour) {
  Params kept = p;
  const bool codes = flavour != Flavour::leaf;
  if (codes && (!p.worker_code || !p.client_code || (flavour == Flavour::root && !p.proxy_code)))
    return fail("the network's parameters lack the code of a contract");
  if (flavour != Flavour::root) kept.proxy_code.reset();
  if (!codes) {
    kept.worker_code.reset();
    kept.client_code.reset();
  }
  return build_params(kept);
}

}  // namespace cocoon::ton
