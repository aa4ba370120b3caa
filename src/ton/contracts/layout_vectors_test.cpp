// Cells, addresses, parameters and initial data against the contract vectors.
#include "crypto/crypto.hpp"
#include "ton/contracts/state.hpp"
#include "ton/contracts/vectors_test.hpp"

namespace cocoon::ton {
namespace {

using vectors::all;

TEST(Vectors, Keys) {
  for (const auto& [name, key] : all().at("keys").as_object())
    EXPECT_EQ(crypto::KeyPair(vectors::seed(name)).public_key(), vectors::bits256(key.at("public_key"))) << name;
}

TEST(Vectors, Addresses) {
  for (const auto& [name, v] : all().at("addresses_input").as_object()) {
    const Address a = address_from_raw(vectors::text(v.at("raw"))).value();
    EXPECT_EQ(to_raw_text(a), vectors::text(v.at("raw")));
    const auto check = [&](const char* form, FriendlyFlags flags) {
      const std::string text = vectors::text(v.at(form));
      EXPECT_EQ(to_friendly_text(a, flags), text);
      const auto back = address_from_friendly(text).value();
      EXPECT_EQ(back.address, a);
      EXPECT_EQ(back.flags.bounceable, flags.bounceable);
      EXPECT_EQ(back.flags.testnet, flags.testnet);
    };
    check("bounceable", {.bounceable = true});
    check("non_bounceable", {});
    check("testnet_non_bounceable", {.testnet = true});
  }
}

TEST(Vectors, DummyCodes) {
  for (const auto& [name, v] : all().at("dummy_codes").as_object()) {
    const Cell c = vectors::dummy_code(name);
    EXPECT_EQ(c.hash(), vectors::bits256(v.at("hash")));
    EXPECT_EQ(c.depth(), vectors::number(v.at("depth")));
    EXPECT_EQ(vectors::boc_text(c), vectors::text(v.at("boc")));
  }
}

TEST(Vectors, Coins) {
  for (const auto& v : all().at("coins").as_array()) {
    const Cell c = CellBuilder().store_coins(vectors::number(v.at("value"))).must_finish();
    EXPECT_EQ(c.bit_count(), vectors::number(v.at("bit_length")));
    std::string bits;
    CellSlice s(c);
    while (s.bits_left() > 0) bits += "0123456789ABCDEF"[s.load_uint(4)];
    EXPECT_EQ(bits, vectors::text(v.at("bits")));
    EXPECT_EQ(CellSlice(c).load_coins(), vectors::number(v.at("value")));
  }
}

TEST(Vectors, ParamsInEveryFlavourAndVersion) {
  for (const auto& v : all().at("params").as_array()) {
    const Params p = vectors::with_dummy_codes(vectors::params(v.at("input")));
    std::size_t flavours = 0;
    for (const auto& c : v.at("cells").as_array()) {
      const std::string name = vectors::text(c.at("flavour"));
      const Flavour f = name.starts_with("root")    ? Flavour::root
                        : name.starts_with("proxy") ? Flavour::proxy
                                                    : Flavour::leaf;
      flavours |= 1u << static_cast<unsigned>(f);
      const Cell made = build_params(p, f).value();
      EXPECT_EQ(vectors::boc_text(made), vectors::text(c.at("boc"))) << name;
      EXPECT_EQ(made.hash(), vectors::bits256(c.at("hash"))) << name;
      EXPECT_EQ(made.bit_count(), vectors::number(c.at("bits")));
      EXPECT_EQ(made.ref_count(), vectors::number(c.at("refs")));
      EXPECT_EQ(build_params(parse_params(made).value()).value(), made);
    }
    EXPECT_EQ(flavours, 7u);
  }
}

TEST(Vectors, StateInitsOfEveryVersion) {
  const auto& inputs = all().at("params").as_array();
  for (const auto& v : all().at("state_init").as_array()) {
    const auto version = vectors::number(v.at("struct_version"));
    // As read back from a cell: with the defaults of fields that this version lacks.
    const Params p = vectors::with_dummy_codes(vectors::params(inputs.at(version).at("input")));
    const Params params = parse_params(build_params(p, Flavour::root).value()).value();
    EXPECT_EQ(params.min_client_stake, vectors::number(v.at("client_initial_stake")));
    const auto instance = ProxyInstance::make(params, vectors::input_address("proxy_owner"),
                                              vectors::public_key("proxy"), vectors::input_address("root"))
                              .value();
    const auto check = [&](const char* name, const StateInit& init, const Address& a) {
      const auto& e = v.at(name);
      EXPECT_EQ(init.code->hash(), vectors::bits256(e.at("code_hash")));
      EXPECT_EQ(vectors::boc_text(*init.data), vectors::text(e.at("data_boc"))) << name;
      EXPECT_EQ(init.data->hash(), vectors::bits256(e.at("data_hash")));
      EXPECT_EQ(vectors::boc_text(build_state_init(init)), vectors::text(e.at("state_init_boc")));
      EXPECT_EQ(parse_state_init(build_state_init(init)).value(), init);
      EXPECT_EQ(to_raw_text(a), vectors::text(e.at("address")));
      EXPECT_EQ(to_friendly_text(a, {.bounceable = true}), vectors::text(e.at("bounceable")));
      EXPECT_EQ(address_from_hashes(CellId::of(*init.code), CellId::of(*init.data)), a);
    };
    const Address client = vectors::input_address("client_owner"), worker = vectors::input_address("worker_owner");
    check("proxy", instance.state_init(), instance.address());
    check("client", instance.client_state_init(client), instance.client_address(client));
    check("worker", instance.worker_state_init(worker), instance.worker_address(worker));
  }
}

TEST(Vectors, WalletStateInit) {
  const auto& v = all().at("state_init_wallet");
  const StateInit init = wallet_state_init(vectors::dummy_code("wallet"), vectors::public_key("node_wallet"),
                                           vectors::input_address("wallet_owner"));
  EXPECT_EQ(vectors::boc_text(*init.data), vectors::text(v.at("data_boc")));
  EXPECT_EQ(vectors::boc_text(build_state_init(init)), vectors::text(v.at("state_init_boc")));
  EXPECT_EQ(to_raw_text(address_of(init)), vectors::text(v.at("address")));
  EXPECT_EQ(parse_wallet_state(*init.data).value().owner, vectors::input_address("wallet_owner"));
}

TEST(Vectors, MainnetAnchor) {
  const auto& v = all().at("mainnet_anchor");
  const auto code = [&](const char* name) {
    const auto& c = v.at("code").at(name);
    return CellId{vectors::bits256(c.at("hash")), static_cast<std::uint16_t>(vectors::number(c.at("depth")))};
  };
  const Cell data = vectors::cell(v.at("client_data_boc"));
  EXPECT_EQ(data.hash(), vectors::bits256(v.at("client_data_hash")));
  EXPECT_EQ(address_from_hashes(code("client"), CellId::of(data)), vectors::address(v.at("client_address")));

  // The data is what we would build ourselves.
  const Params params = vectors::params(v.at("params"));
  const Cell constants =
      build_client_constants(vectors::address(v.at("client_owner")), vectors::address(v.at("proxy_address")),
                             vectors::bits256(v.at("proxy_public_key")));
  const Cell leaf = build_params(params, Flavour::leaf).value();
  EXPECT_EQ(build_client_data({.stake = params.min_client_stake}, constants, leaf), data);
  // Its proxy: the cells of code are known by hash and depth only, so the two levels above them are hashed by hand.
  Params proxy_params = params;
  const auto pruned = [](const CellId& id) {
    return CellBuilder()
        .store_uint(1, 8)
        .store_uint(1, 8)
        .store_bytes(id.hash)
        .store_uint(id.depth, 16)
        .finish_exotic()
        .value();
  };
  proxy_params.worker_code = pruned(code("worker"));
  proxy_params.client_code = pruned(code("client"));
  const Cell proxy_data = build_proxy_data({.owner = vectors::address(v.at("proxy_owner")),
                                            .proxy_key = vectors::bits256(v.at("proxy_public_key")),
                                            .root = vectors::address(v.at("root"))},
                                           build_params(proxy_params, Flavour::proxy).value());
  const CellId data_id{proxy_data.hash(0), static_cast<std::uint16_t>(proxy_data.depth(0))};
  EXPECT_EQ(address_from_hashes(code("proxy"), data_id), vectors::address(v.at("proxy_address")));
}

TEST(State, WhatNodesReadIsAPrefix) {
  const Cell leaf = build_params(Params{}, Flavour::leaf).value();
  const ClientState client{
      .state = ContractState::closing, .balance = 5, .stake = 7, .tokens_used = 9, .unlock_ts = 11};
  const Cell data = build_client_data(client, Cell(), leaf);
  EXPECT_EQ(parse_client_state(data).value(), client);
  const Cell longer = CellBuilder().store_cell(data).store_uint(0xffff, 16).store_ref(Cell()).must_finish();
  EXPECT_EQ(parse_client_state(longer).value(), client);
  EXPECT_FALSE(parse_client_state(Cell()));
  EXPECT_FALSE(parse_proxy_state(Cell()));
  EXPECT_FALSE(parse_worker_state(Cell()));
  EXPECT_FALSE(parse_wallet_state(Cell()));
}

TEST(Params, UnknownStructVersionsAndMissingCodesAreRefused) {
  Params p;
  EXPECT_FALSE(build_params(p, Flavour::root));
  EXPECT_FALSE(ProxyInstance::make(p, {}, {}, {}));
  p.struct_version = 6;
  EXPECT_FALSE(build_params(p));
  EXPECT_FALSE(parse_params(CellBuilder().store_uint(6, 8).store_zeros(372).must_finish()));
  const Address masterchain{-1, {}};
  EXPECT_FALSE(ProxyInstance::make(vectors::with_dummy_codes({}), masterchain, {}, {}));
}

}  // namespace
}  // namespace cocoon::ton
