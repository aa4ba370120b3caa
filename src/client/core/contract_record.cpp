#include "client/core/contract_record.hpp"

#include "base/assert.hpp"
#include "tl/reader.hpp"
#include "tl/writer.hpp"
#include "ton/boc.hpp"

namespace cocoon::client {
namespace {

constexpr std::uint32_t kVersion = 1;

}  // namespace

Bytes encode_contract_record(const ton::ProxyInstance& proxy) {
  const auto params = ton::build_params(proxy.params());
  COCOON_ASSERT(params.has_value());  // they came from a contract
  Bytes out;
  tl::Writer w(out);
  w.u32(kVersion);
  w.bytes(ton::write_boc(*params));
  w.bytes(as_bytes(ton::to_raw_text(proxy.root())));
  w.bytes(as_bytes(ton::to_raw_text(proxy.owner())));
  w.raw(proxy.proxy_key().view());
  return out;
}

Result<ton::ProxyInstance> decode_contract_record(BytesView bytes) {
  tl::Reader r(bytes);
  if (r.u32() != kVersion) r.error("a version that this program does not know");
  const auto params = to_bytes(r.bytes());
  const auto root = to_bytes(r.bytes());
  const auto owner = to_bytes(r.bytes());
  const auto key = r.fixed<32>();
  TRY(r.finish());
  TRY_ASSIGN(const auto cell, ton::read_boc(params));
  TRY_ASSIGN(const auto parsed, ton::parse_params(cell));
  TRY_ASSIGN(const auto root_address, ton::address_from_text(as_text(root)));
  TRY_ASSIGN(const auto owner_address, ton::address_from_text(as_text(owner)));
  return ton::ProxyInstance::make(parsed, owner_address, key, root_address);
}

}  // namespace cocoon::client
