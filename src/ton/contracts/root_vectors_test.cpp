// Root states, wallet messages, arithmetic and the configuration without a chain, against the contract vectors.
#include "crypto/crypto.hpp"
#include "ton/contracts/arithmetic.hpp"
#include "ton/contracts/fake_config.hpp"
#include "ton/contracts/root.hpp"
#include "ton/contracts/vectors_test.hpp"
#include "ton/contracts/wallet.hpp"
#include "ton/dict.hpp"

namespace cocoon::ton {
namespace {

using vectors::all;

std::set<Bits256> hashes(const boost::json::value& list) {
  std::set<Bits256> out;
  for (const auto& h : list.as_array()) out.insert(vectors::bits256(h));
  return out;
}

RootState expected_root(const boost::json::value& v) {
  RootState r;
  r.owner = vectors::address(v.at("owner"));
  r.version = static_cast<std::uint32_t>(vectors::number(v.at("version")));
  r.proxy_hashes = hashes(v.at("proxy_hashes"));
  r.worker_hashes = hashes(v.at("worker_hashes"));
  r.model_hashes = hashes(v.at("model_hashes"));
  for (const auto& [seqno, text] : v.at("registered_proxies").as_object())
    r.registered_proxies[static_cast<std::uint32_t>(std::stoul(std::string(std::string_view(seqno))))] =
        vectors::text(text);
  r.last_proxy_seqno = static_cast<std::uint32_t>(vectors::number(v.at("last_proxy_seqno")));
  r.params = vectors::with_dummy_codes(vectors::params(v.at("params")));
  const auto& o = v.as_object();
  if (r.params.struct_version >= 4) {
    for (const auto& [key, entry] : o.at("public_keys").as_object())
      r.key_manager.public_keys[fixed_from_hex<32>(key).value()] = {
          static_cast<std::uint8_t>(vectors::number(entry.at("key_type"))),
          static_cast<std::uint32_t>(vectors::number(entry.at("expire_at")))};
    r.key_manager.public_key = vectors::bits256(o.at("key_manager_public_key"));
    r.key_manager.image_hash = vectors::bits256(o.at("key_manager_image_hash"));
    r.key_manager.address = vectors::text(o.at("key_manager_address"));
  }
  if (r.params.struct_version >= 5)
    r.verified_keys = {hashes(o.at("verified_proxy_keys")), hashes(o.at("verified_worker_keys")),
                       hashes(o.at("verified_key_manager_keys"))};
  return r;
}

TEST(Vectors, RootStates) {
  for (const auto& v : all().at("root_states").as_array()) {
    const Cell c = vectors::cell(v.at("boc"));
    EXPECT_EQ(c.hash(), vectors::bits256(v.at("hash")));
    const auto parsed = parse_root_state(c);
    ASSERT_TRUE(parsed) << parsed.error().what;
    const RootState expected = expected_root(v.at("parsed"));
    EXPECT_EQ(*parsed, expected) << vectors::number(v.at("struct_version"));
    for (const char* name : {"proxy", "worker", "client"}) {
      const auto& code = name[0] == 'p'   ? parsed->params.proxy_code
                         : name[0] == 'w' ? parsed->params.worker_code
                                          : parsed->params.client_code;
      EXPECT_EQ(code->hash(), vectors::bits256(v.at("parsed").at("params").at(std::string(name) + "_code_hash")));
    }
    EXPECT_EQ(vectors::boc_text(build_root_state(expected).value()), vectors::text(v.at("boc")));
  }
}

TEST(Root, TrailingContentAndUnknownVersionsAreRefused) {
  for (const auto& v : all().at("root_states").as_array()) {
    const Cell c = vectors::cell(v.at("boc"));
    EXPECT_FALSE(parse_root_state(CellBuilder().store_cell(c).store_bit(false).must_finish()));
    if (c.ref_count() < 4) {
      EXPECT_FALSE(parse_root_state(CellBuilder().store_cell(c).store_ref(Cell()).must_finish()));
    }
  }
  RootState r;
  r.params.struct_version = 6;
  EXPECT_FALSE(build_root_state(r));
  EXPECT_FALSE(parse_root_state(Cell()));
}

TEST(Root, UnreadableProxyEntriesAreSkipped) {
  RootState r = expected_root(all().at("root_states").at(4).at("parsed"));
  const Cell good = build_root_state(r).value();
  CellSlice top(good);
  const Cell lists = top.load_ref();
  CellSlice s(lists);
  const Dict proxy_hashes = Dict::load(s, 256);
  Dict proxies = Dict::load(s, 32);
  ASSERT_TRUE(proxies.set(BitString::of_uint(7, 32), CellBuilder().store_bit(true).must_finish()));
  CellBuilder b;
  proxy_hashes.store(b);
  proxies.store(b);
  b.store_slice(s);
  CellSlice rest(good);
  CellBuilder with_bad;
  with_bad.store_bits(rest.load_bits(rest.bits_left()));
  with_bad.store_ref(b.must_finish());
  for (unsigned i = 1; i < good.ref_count(); ++i) with_bad.store_ref(good.ref(i));
  const auto parsed = parse_root_state(with_bad.must_finish());
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(parsed->registered_proxies, r.registered_proxies);
}

TEST(Root, EndpointsOfRegisteredProxies) {
  const auto one = parse_proxy_endpoints("10.0.0.1:5222").value();
  EXPECT_EQ(one.for_workers, one.for_clients);
  const auto two = parse_proxy_endpoints("[91.108.4.11:5222] 91.108.4.11:8888").value();
  EXPECT_EQ(two.for_workers.text(), "91.108.4.11:5222");
  EXPECT_EQ(two.for_clients.text(), "91.108.4.11:8888");
  for (const char* bad :
       {"", ":", "10.0.0.1", "10.0.0:1", "10.0.0.1.2:1", "10.0.0.256:1", "10.0.0.1:0", "10.0.0.1:65536", "host:1",
        "10.0.0.1:5 ", " 10.0.0.1:5", "10.0.0.1:5  10.0.0.1:6", "[10.0.0.1:5", "1.2.3.-4:5"})
    EXPECT_FALSE(parse_proxy_endpoints(bad)) << bad;
}

TEST(Vectors, WalletExternals) {
  const crypto::KeyPair key(vectors::seed("node_wallet"));
  const StateInit init =
      wallet_state_init(vectors::dummy_code("wallet"), key.public_key(), vectors::input_address("wallet_owner"));
  for (const auto& v : all().at("wallet_external").as_array()) {
    WalletRequest r;
    r.subwallet = static_cast<std::uint32_t>(vectors::number(v.at("subwallet")));
    r.valid_until = static_cast<std::uint32_t>(vectors::number(v.at("valid_until")));
    r.seqno = static_cast<std::uint32_t>(vectors::number(v.at("seqno")));
    for (const auto& m : v.at("messages").as_array())
      r.orders.push_back({static_cast<std::uint8_t>(vectors::number(m.at("mode"))), vectors::cell(m.at("boc"))});
    EXPECT_EQ(vectors::boc_text(build_wallet_unsigned(r)), vectors::text(v.at("unsigned_boc")));
    EXPECT_EQ(build_wallet_unsigned(r).hash(), vectors::bits256(v.at("signed_hash")));
    const Cell body = build_wallet_body(r, key);
    EXPECT_EQ(vectors::boc_text(body), vectors::text(v.at("body_boc")));
    EXPECT_EQ(body.hash(), vectors::bits256(v.at("body_hash")));
    const auto back = parse_wallet_body(body).value();
    EXPECT_EQ(back.request, r);
    EXPECT_EQ(back.signed_hash, vectors::bits256(v.at("signed_hash")));
    EXPECT_EQ(to_hex(back.signature.view()), vectors::text(v.at("signature")));
    const Cell external = build_wallet_external(vectors::address(v.at("address")), body,
                                                r.seqno == 0 ? std::optional(init) : std::nullopt);
    EXPECT_EQ(vectors::boc_text(external), vectors::text(v.at("external_message_boc")));
    EXPECT_EQ(external.hash(), vectors::bits256(v.at("external_message_hash")));
    const Message parsed = parse_message(external).value();
    EXPECT_EQ(parsed.body, body);
    EXPECT_EQ(parsed.external_in()->dest, vectors::address(v.at("address")));
    EXPECT_EQ(parsed.init.has_value(), r.seqno == 0);
    // Messages that the node makes are what the vectors hold.
    for (const auto& order : r.orders) {
      const Message m = parse_message(order.message).value();
      const auto* info = m.internal();
      ASSERT_TRUE(info);
      OutgoingMessage again{info->dest, info->value.coins, std::nullopt, m.init};
      if (m.body != Cell()) again.body = m.body;
      EXPECT_EQ(build_outgoing(again), order.message);
      EXPECT_EQ(send_mode(again), order.mode);
    }
  }
}

TEST(Vectors, HashesOfTexts) {
  for (const auto& v : all().at("sha256_strings").as_array())
    EXPECT_EQ(crypto::sha256(as_bytes(vectors::text(v.at("utf8")))), vectors::bits256(v.at("sha256")));
}

TEST(Vectors, ContractArithmetic) {
  for (const auto& v : all().at("contract_arithmetic").as_array()) {
    const auto n = [&](const char* name) { return vectors::number(v.at(name)); };
    if (vectors::text(v.at("op")).starts_with("charge")) {
      EXPECT_EQ(balance_after_charge(n("balance"), n("tokens_used"), n("new_tokens"), n("price")), n("result_balance"));
    } else {
      const auto parts = payout_parts(n("new_tokens") - n("tokens"), n("price"), n("fee"));
      EXPECT_EQ(parts.worker, n("worker_part"));
      EXPECT_EQ(parts.proxy, n("proxy_part"));
    }
  }
}

FakeConfig fake_config(const boost::json::value& v) {
  const auto texts = [&](const char* name) {
    std::vector<std::string> out;
    for (const auto& t : v.at(name).as_array()) out.push_back(vectors::text(t));
    return out;
  };
  const auto n = [](const boost::json::value& o, const char* name) {
    return static_cast<std::uint32_t>(vectors::number(o.at(name)));
  };
  FakeConfig c;
  c.proxy_hashes = texts("proxy_hashes");
  c.worker_hashes = texts("worker_hashes");
  c.model_hashes = texts("model_hashes");
  c.model_types = texts("model_types");
  for (const auto& p : v.at("registered_proxies").as_array())
    c.registered_proxies.push_back({n(p, "seqno"), vectors::text(p.at("address"))});
  c.price_per_token = n(v, "price_per_token");
  c.worker_fee_per_token = n(v, "worker_fee_per_token");
  c.last_proxy_seqno = n(v, "last_proxy_seqno");
  c.version = n(v, "version");
  c.params_version = n(v, "params_version");
  for (const auto& k : v.at("registered_public_keys").as_array())
    c.registered_public_keys.push_back(
        {vectors::text(k.at("public_key")), static_cast<std::uint8_t>(n(k, "key_type")), n(k, "expire_at")});
  c.key_manager_address = vectors::text(v.at("key_manager_address"));
  c.proxy_sc_code = vectors::text(v.at("proxy_sc_code"));
  c.worker_sc_code = vectors::text(v.at("worker_sc_code"));
  c.client_sc_code = vectors::text(v.at("client_sc_code"));
  c.root_owner_address = vectors::text(v.at("root_owner_address"));
  return c;
}

TEST(Vectors, FakeConfiguration) {
  const FakeConfig config = fake_config(all().at("fake_ton_config_example"));
  const auto root = fake_root_state(config);
  ASSERT_TRUE(root) << root.error().what;
  EXPECT_EQ(root->params.struct_version, 1);
  EXPECT_EQ(root->params.unique_id, 13u);
  EXPECT_TRUE(root->params.is_test);
  EXPECT_EQ(root->params.price_per_token, 2u);
  EXPECT_EQ(root->params.min_client_stake, kTon);
  EXPECT_EQ(root->version, 3u);
  EXPECT_EQ(root->proxy_hashes, std::set<Bits256>{Bits256{}});
  EXPECT_EQ(root->model_hashes, std::set<Bits256>{crypto::sha256(as_bytes("Qwen/Qwen3-0.6B"))});
  EXPECT_EQ(root->registered_proxies.at(1), "127.0.0.1:11001 127.0.0.1:11002");
  EXPECT_EQ(root->key_manager.public_keys.size(), 1u);
  EXPECT_EQ(root->key_manager.address, "127.0.0.1:13001");
  EXPECT_EQ(root->params.client_code, vectors::dummy_code("client"));
  EXPECT_EQ(root->owner, vectors::input_address("root_owner"));
  const auto refused = [&](void (*change)(FakeConfig&)) {
    FakeConfig bad = config;
    change(bad);
    return !fake_root_state(bad).has_value();
  };
  EXPECT_TRUE(refused([](FakeConfig& c) { c.root_owner_address.clear(); }));
  EXPECT_TRUE(refused([](FakeConfig& c) { c.proxy_hashes.push_back("AAAA"); }));
  EXPECT_TRUE(refused([](FakeConfig& c) { c.client_sc_code = "b5ee"; }));
  EXPECT_TRUE(refused([](FakeConfig& c) { c.registered_proxies[0].address = "nowhere"; }));
}

}  // namespace
}  // namespace cocoon::ton
