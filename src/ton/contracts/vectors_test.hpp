// The contract vectors, for the tests of this folder.
#pragma once
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "ton/boc.hpp"
#include "ton/contracts/params.hpp"

namespace cocoon::ton::vectors {

namespace json = boost::json;

inline std::string file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

inline const json::object& all() {
  static const json::value root =
      json::parse(file(std::string(COCOON_SOURCE_DIR) + "/src/ton/testdata/contract-vectors.json"));
  return root.as_object();
}

inline std::string text(const json::value& v) { return std::string(std::string_view(v.as_string())); }
// Numbers appear as JSON numbers and as decimal strings.
inline std::uint64_t number(const json::value& v) {
  return v.is_string() ? std::stoull(text(v)) : v.to_number<std::uint64_t>();
}
inline Bits256 bits256(const json::value& v) { return fixed_from_hex<32>(text(v)).value(); }
inline Address address(const json::value& v) { return address_from_text(text(v)).value(); }
inline Cell cell(const json::value& v) { return read_boc(from_hex(text(v)).value()).value(); }
// The vectors' bags have neither index nor checksum.
inline std::string boc_text(const Cell& c) { return to_hex(write_boc(c, {.crc32c = false})); }

inline Cell dummy_code(std::string_view name) { return cell(all().at("dummy_codes").at(name).at("boc")); }
inline Address input_address(std::string_view name) { return address(all().at("addresses_input").at(name).at("raw")); }
inline Bits256 public_key(std::string_view name) { return bits256(all().at("keys").at(name).at("public_key")); }
inline Bits256 seed(std::string_view name) { return bits256(all().at("keys").at(name).at("ed25519_seed")); }

// Values as the vectors give them: fields that a struct version lacks keep what they would have if it had them.
inline Params params(const json::value& v) {
  Params p;
  p.struct_version = static_cast<std::uint8_t>(number(v.at("struct_version")));
  p.params_version = static_cast<std::uint32_t>(number(v.at("params_version")));
  p.unique_id = static_cast<std::uint32_t>(number(v.at("unique_id")));
  p.is_test = v.at("is_test").as_bool();
  p.price_per_token = number(v.at("price_per_token"));
  p.worker_fee_per_token = number(v.at("worker_fee_per_token"));
  const auto multiplier = [&](const char* name) { return static_cast<std::uint32_t>(number(v.at("mult").at(name))); };
  p.multipliers = {multiplier("prompt"), multiplier("cached"), multiplier("completion"), multiplier("reasoning")};
  p.proxy_delay_before_close = static_cast<std::uint32_t>(number(v.at("proxy_delay_before_close")));
  p.client_delay_before_close = static_cast<std::uint32_t>(number(v.at("client_delay_before_close")));
  p.min_proxy_stake = number(v.at("min_proxy_stake"));
  p.min_client_stake = number(v.at("min_client_stake"));
  return p;
}

inline Params with_dummy_codes(Params p) {
  p.proxy_code = dummy_code("proxy");
  p.worker_code = dummy_code("worker");
  p.client_code = dummy_code("client");
  return p;
}

}  // namespace cocoon::ton::vectors
