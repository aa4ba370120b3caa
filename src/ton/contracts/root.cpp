#include "ton/contracts/root.hpp"

#include <charconv>

#include "ton/contracts/bodies.hpp"
#include "ton/dict.hpp"

namespace cocoon::ton {

namespace {

constexpr std::size_t kMaxEntries = 1u << 16;

Result<std::set<Bits256>> read_set(const Dict& d) {
  TRY_ASSIGN(auto entries, d.entries(kMaxEntries));
  std::set<Bits256> out;
  for (const auto& e : entries) out.insert(e.key.to_bits256());
  return out;
}

Result<Dict> make_set(const std::set<Bits256>& hashes) {
  Dict out(256);
  for (const auto& h : hashes) TRY(out.set(h, Cell()));
  return out;
}

Result<> read_data(CellSlice s, RootState& out) {
  const Dict proxy_hashes = Dict::load(s, 256);
  const Dict proxies = Dict::load(s, 32);
  out.last_proxy_seqno = s.load_u32();
  const Dict worker_hashes = Dict::load(s, 256);
  const Dict model_hashes = Dict::load(s, 256);
  TRY(s.end());
  TRY_ASSIGN(out.proxy_hashes, read_set(proxy_hashes));
  TRY_ASSIGN(out.worker_hashes, read_set(worker_hashes));
  TRY_ASSIGN(out.model_hashes, read_set(model_hashes));
  TRY_ASSIGN(auto entries, proxies.entries(kMaxEntries));
  for (auto& e : entries) {
    NetText net = load_net(e.value);
    if (e.value.ok()) out.registered_proxies[static_cast<std::uint32_t>(e.key.to_uint())] = std::move(net.text);
  }
  return {};
}

Result<Cell> make_data(const RootState& r) {
  TRY_ASSIGN(const Dict proxy_hashes, make_set(r.proxy_hashes));
  TRY_ASSIGN(const Dict worker_hashes, make_set(r.worker_hashes));
  TRY_ASSIGN(const Dict model_hashes, make_set(r.model_hashes));
  Dict proxies(32);
  for (const auto& [seqno, text] : r.registered_proxies) {
    CellBuilder entry;
    store_net(entry, {text});
    TRY_ASSIGN(const Cell value, entry.finish());
    TRY(proxies.set(BitString::of_uint(seqno, 32), value));
  }
  CellBuilder b;
  proxy_hashes.store(b);
  proxies.store(b);
  b.store_uint(r.last_proxy_seqno, 32);
  worker_hashes.store(b);
  model_hashes.store(b);
  return b.finish();
}

Result<> read_key_manager(CellSlice s, KeyManagerState& out) {
  const Dict keys = Dict::load(s, 256);
  out.public_key = s.load_bits256();
  out.image_hash = s.load_bits256();
  out.address = load_net(s).text;
  TRY(s.end());
  TRY_ASSIGN(auto entries, keys.entries(kMaxEntries));
  for (auto& e : entries) {
    RegisteredKey key;
    key.key_type = e.value.load_u8();
    key.expire_at = e.value.load_u32();
    TRY(e.value.end());
    out.public_keys[e.key.to_bits256()] = key;
  }
  return {};
}

Result<Cell> make_key_manager(const KeyManagerState& k) {
  Dict keys(256);
  for (const auto& [hash, key] : k.public_keys)
    TRY(keys.set(hash, CellBuilder().store_uint(key.key_type, 8).store_uint(key.expire_at, 32).must_finish()));
  CellBuilder b;
  keys.store(b);
  b.store_bytes(k.public_key).store_bytes(k.image_hash);
  store_net(b, {k.address});
  return b.finish();
}

Result<> read_verified(CellSlice s, VerifiedKeys& out) {
  const Dict proxy = Dict::load(s, 256), worker = Dict::load(s, 256), key_manager = Dict::load(s, 256);
  TRY(s.end());
  TRY_ASSIGN(out.proxy, read_set(proxy));
  TRY_ASSIGN(out.worker, read_set(worker));
  TRY_ASSIGN(out.key_manager, read_set(key_manager));
  return {};
}

Result<Cell> make_verified(const VerifiedKeys& v) {
  CellBuilder b;
  for (const auto* keys : {&v.proxy, &v.worker, &v.key_manager}) {
    TRY_ASSIGN(const Dict set, make_set(*keys));
    set.store(b);
  }
  return b.finish();
}

template <class Int>
bool parse_number(std::string_view text, Int& out) {
  if (text.empty() || text.size() > 5) return false;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

}  // namespace

Result<RootState> parse_root_state(const Cell& data) {
  CellSlice s(data);
  RootState out;
  out.owner = s.load_address();
  out.version = s.load_u32();
  const Cell lists = s.load_ref();
  const Cell params = s.load_ref();
  TRY(s.status());
  TRY_ASSIGN(out.params, parse_params(params));
  std::optional<Cell> key_manager, verified;
  if (out.params.struct_version >= 4) key_manager = s.load_ref();
  if (out.params.struct_version >= 5) verified = s.load_ref();
  TRY(s.end());
  TRY(read_data(CellSlice(lists), out));
  if (key_manager) TRY(read_key_manager(CellSlice(*key_manager), out.key_manager));
  if (verified) TRY(read_verified(CellSlice(*verified), out.verified_keys));
  return out;
}

Result<Cell> build_root_state(const RootState& r) {
  TRY_ASSIGN(const Cell params, build_params(r.params));
  TRY_ASSIGN(const Cell data, make_data(r));
  CellBuilder b;
  b.store_address(r.owner).store_uint(r.version, 32).store_ref(data).store_ref(params);
  if (r.params.struct_version >= 4) {
    TRY_ASSIGN(const Cell key_manager, make_key_manager(r.key_manager));
    b.store_ref(key_manager);
  }
  if (r.params.struct_version >= 5) {
    TRY_ASSIGN(const Cell verified, make_verified(r.verified_keys));
    b.store_ref(verified);
  }
  return b.finish();
}

std::string Endpoint::text() const { return fmt::format("{}.{}.{}.{}:{}", ip[0], ip[1], ip[2], ip[3], port); }

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto whole = text;
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  const auto bad = [&] { return fail("'{}' is not an address of the form 10.0.0.1:5222", whole); };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  Endpoint out;
  if (!parse_number(text.substr(colon + 1), out.port) || out.port == 0) return bad();
  std::string_view ip = text.substr(0, colon);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto dot = i < 3 ? ip.find('.') : ip.size();
    if (dot == std::string_view::npos || !parse_number(ip.substr(0, dot), out.ip[i])) return bad();
    ip.remove_prefix(std::min(dot + 1, ip.size()));
  }
  return out;
}

Result<ProxyEndpoints> parse_proxy_endpoints(std::string_view text) {
  const auto space = text.find(' ');
  ProxyEndpoints out;
  TRY_ASSIGN(out.for_workers, parse_endpoint(text.substr(0, space)));
  out.for_clients = out.for_workers;
  if (space != std::string_view::npos) {
    TRY_ASSIGN(out.for_clients, parse_endpoint(text.substr(space + 1)));
  }
  return out;
}

}  // namespace cocoon::ton
