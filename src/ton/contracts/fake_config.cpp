#include "ton/contracts/fake_config.hpp"

#include "crypto/crypto.hpp"
#include "ton/boc.hpp"

namespace cocoon::ton {

namespace {

Result<Bits256> hash(std::string_view member, std::string_view text) {
  const auto raw = from_base64(text);
  if (!raw || raw->size() != 32) return fail("{}: 256 bits in base64 were expected", member);
  return Bits256::from(*raw);
}

Result<std::set<Bits256>> hashes(std::string_view member, const std::vector<std::string>& texts) {
  std::set<Bits256> out;
  for (const auto& text : texts) {
    TRY_ASSIGN(const auto h, hash(member, text));
    out.insert(h);
  }
  return out;
}

Result<Cell> code(std::string_view member, std::string_view hex) {
  if (hex.empty()) return Cell();
  const auto raw = from_hex(hex);
  if (!raw) return fail("{}: a bag of cells in hex was expected", member);
  auto cell = read_boc(*raw);
  if (!cell) return std::unexpected(std::move(cell).error().within(member));
  return cell;
}

Result<> read_lists(const FakeConfig& c, RootState& out) {
  TRY_ASSIGN(out.proxy_hashes, hashes("proxy_hashes", c.proxy_hashes));
  TRY_ASSIGN(out.worker_hashes, hashes("worker_hashes", c.worker_hashes));
  TRY_ASSIGN(out.model_hashes, hashes("model_hashes", c.model_hashes));
  for (const auto& name : c.model_types)
    out.model_hashes.insert(crypto::sha256(as_bytes(std::string_view(name).substr(0, name.find('@')))));
  for (const auto& proxy : c.registered_proxies) {
    TRY(parse_proxy_endpoints(proxy.address));
    out.registered_proxies[proxy.seqno] = proxy.address;
  }
  for (const auto& key : c.registered_public_keys) {
    TRY_ASSIGN(const auto public_key, hash("registered_public_keys", key.public_key));
    out.key_manager.public_keys[public_key] = {key.key_type, key.expire_at};
  }
  return {};
}

Result<Params> params_of(const FakeConfig& c) {
  Params out;
  out.struct_version = 1;
  out.unique_id = 13;
  out.is_test = true;
  out.params_version = c.params_version;
  out.price_per_token = c.price_per_token;
  out.worker_fee_per_token = c.worker_fee_per_token;
  out.proxy_delay_before_close = 600;
  out.client_delay_before_close = 300;
  TRY_ASSIGN(out.proxy_code, code("proxy_sc_code", c.proxy_sc_code));
  TRY_ASSIGN(out.worker_code, code("worker_sc_code", c.worker_sc_code));
  TRY_ASSIGN(out.client_code, code("client_sc_code", c.client_sc_code));
  return out;
}

}  // namespace

Result<RootState> fake_root_state(const FakeConfig& c) {
  RootState out;
  TRY(read_lists(c, out));
  TRY_ASSIGN(out.params, params_of(c));
  out.version = c.version;
  out.last_proxy_seqno = c.last_proxy_seqno;
  out.key_manager.address = c.key_manager_address;
  const auto owner = address_from_friendly(c.root_owner_address);
  if (!owner) return fail("root_owner_address: {}", owner.error().what);
  out.owner = owner->address;
  return out;
}

}  // namespace cocoon::ton
