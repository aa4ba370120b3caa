// Message bodies and signed payments against the contract vectors.
#include <functional>

#include "ton/contracts/signed.hpp"
#include "ton/contracts/vectors_test.hpp"
#include "ton/contracts/wallet.hpp"

namespace cocoon::ton {
namespace {

using vectors::all;
using json = boost::json::value;

// One builder per message name: from the vector's fields to a body, and from the body's cell back to a body.
struct Case {
  std::function<Cell(const json& fields)> build;
  std::function<Result<Cell>(const Cell&)> reread;
};

std::uint64_t u(const json& f, const char* name) { return vectors::number(f.at(name)); }
std::uint32_t u32(const json& f, const char* name) { return static_cast<std::uint32_t>(u(f, name)); }
Bits256 h(const json& f, const char* name) { return vectors::bits256(f.at(name)); }
Address excesses(const json& f) { return vectors::address(f.at("send_excesses_to")); }
NetText net(const json& f) { return {vectors::text(f.at("address"))}; }

template <class B>
Result<Cell> as_cell(const B& body) {
  return build_body(body);
}

template <class B>
Case body(std::function<void(B&, const json&)> fill) {
  return {[fill](const json& f) {
            B b;
            b.query_id = u(f, "query_id");
            fill(b, f);
            return as_cell(b).value();
          },
          [](const Cell& c) -> Result<Cell> {
            TRY_ASSIGN(const B b, parse_body<B>(c));
            return as_cell(b);
          }};
}

template <class B>
Case excesses_only() {
  return body<B>([](B& b, const json& f) { b.excesses_to = excesses(f); });
}
template <class B>
Case amount(const char* field) {
  return body<B>([field](B& b, const json& f) {
    b.amount = u(f, field);
    b.excesses_to = excesses(f);
  });
}
template <class B>
Case root_hash() {
  return body<B>([](B& b, const json& f) { b.hash = h(f, "hash"); });
}

Case text_command(char c) {
  return {[c](const json&) { return build_text_command(c); },
          [](const Cell& cell) -> Result<Cell> {
            TRY_ASSIGN(const char command, parse_text_command(cell));
            return build_text_command(command);
          }};
}

ClientRequest client_request(const json& f) {
  const auto& s = f.at("state");
  return {.query_id = u(f, "query_id"),
          .owner = vectors::address(f.at("owner")),
          .state = {.state = static_cast<ContractState>(u(s, "state")),
                    .balance = u(s, "balance"),
                    .stake = u(s, "stake"),
                    .tokens_used = u(s, "tokens_used"),
                    .secret_hash = h(s, "secret_hash")},
          .payload = {}};
}

Case client(std::function<void(ClientRequest&, const json&)> fill) {
  return {[fill](const json& f) {
            ClientRequest r = client_request(f);
            if (f.as_object().contains("payload")) fill(r, f.at("payload"));
            return build_client_request(r);
          },
          [](const Cell& c) -> Result<Cell> {
            TRY_ASSIGN(const auto r, parse_client_request(c));
            return build_client_request(r);
          }};
}

Case worker() {
  return {[](const json& f) {
            WorkerRequest r{.query_id = u(f, "query_id"),
                            .owner = vectors::address(f.at("owner")),
                            .state = static_cast<ContractState>(u(f, "state")),
                            .tokens = u(f, "tokens"),
                            .payload = {}};
            if (f.as_object().contains("payload")) {
              const auto& p = f.at("payload");
              r.payload = PayoutPayload{u(p, "worker_part"), u(p, "proxy_part"), excesses(p)};
            }
            return build_worker_request(r);
          },
          [](const Cell& c) -> Result<Cell> {
            TRY_ASSIGN(const auto r, parse_worker_request(c));
            return build_worker_request(r);
          }};
}

void add_client_cases(std::map<std::string, Case>& m) {
  m["owner_client_register"] = body<ClientRegister>([](auto& b, const json& f) {
    b.nonce = u(f, "nonce");
    b.excesses_to = excesses(f);
  });
  m["owner_client_change_secret_hash"] = body<ClientChangeSecret>([](auto& b, const json& f) {
    b.secret_hash = h(f, "new_secret_hash");
    b.excesses_to = excesses(f);
  });
  m["owner_client_change_secret_hash_and_top_up"] = body<ClientChangeSecretAndTopUp>([](auto& b, const json& f) {
    b.amount = u(f, "top_up");
    b.secret_hash = h(f, "new_secret_hash");
    b.excesses_to = excesses(f);
  });
  m["ext_client_top_up"] = amount<ClientTopUp>("top_up");
  m["owner_client_increase_stake"] = amount<ClientIncreaseStake>("new_stake_absolute");
  m["owner_client_withdraw"] = excesses_only<ClientWithdraw>();
  m["owner_client_request_refund"] = excesses_only<ClientRequestRefund>();
}

void add_proxy_cases(std::map<std::string, Case>& m) {
  m["owner_worker_register"] = excesses_only<WorkerRegister>();
  m["ext_proxy_payout_request"] = excesses_only<ProxyPayoutRequest>();
  m["ext_proxy_increase_stake"] = amount<ProxyIncreaseStake>("grams_delta");
  m["owner_proxy_close"] = excesses_only<ProxyClose>();
  m["proxy_save_state"] = body<ProxySaveState>([](auto& b, const json& f) {
    b.seqno = static_cast<std::int32_t>(u(f, "seqno"));
    b.hash = h(f, "session_hash");
  });
  for (char c : {'c', 'w', 'b', 'u'}) m[std::string("text_") + c] = text_command(c);
  m["excesses"] = body<Excesses>([](auto&, const json&) {});
  m["payout"] = body<Payout>([](auto&, const json&) {});
  m["client_proxy_request (no payload)"] = client([](ClientRequest&, const json&) {});
  m["client_proxy_request + top_up"] = client([](ClientRequest& r, const json& p) {
    r.payload = TopUpPayload{u(p, "top_up"), excesses(p)};
  });
  m["client_proxy_request + register"] =
      client([](ClientRequest& r, const json& p) { r.payload = RegisterPayload{u(p, "nonce")}; });
  m["client_proxy_request + refund_granted"] = client([](ClientRequest& r, const json& p) {
    r.payload = RefundPayload{false, u(p, "coins"), excesses(p)};
  });
  m["client_proxy_request + refund_force"] = client([](ClientRequest& r, const json& p) {
    r.payload = RefundPayload{true, u(p, "coins"), excesses(p)};
  });
  m["worker_proxy_request (no payload)"] = worker();
  m["worker_proxy_request + payout"] = worker();
  m["owner_wallet_send_message"] = body<WalletSendMessage>([](auto& b, const json& f) {
    b.mode = static_cast<std::uint8_t>(u(f, "mode"));
    b.message =
        build_outgoing({.to = vectors::input_address("excesses"), .value = 300'000'000, .body = {}, .init = {}});
  });
}

void add_root_cases(std::map<std::string, Case>& m) {
  m["root_add_worker_type"] = root_hash<RootAddWorkerHash>();
  m["root_del_worker_type"] = root_hash<RootDeleteWorkerHash>();
  m["root_add_model_type"] = root_hash<RootAddModelHash>();
  m["root_del_model_type"] = root_hash<RootDeleteModelHash>();
  m["root_add_proxy_type"] = root_hash<RootAddProxyHash>();
  m["root_del_proxy_type"] = root_hash<RootDeleteProxyHash>();
  m["root_register_proxy"] = body<RootRegisterProxy>([](auto& b, const json& f) { b.endpoints = net(f); });
  m["root_unregister_proxy"] = body<RootUnregisterProxy>([](auto& b, const json& f) { b.seqno = u32(f, "seqno"); });
  m["root_update_proxy"] = body<RootUpdateProxy>([](auto& b, const json& f) {
    b.seqno = u32(f, "seqno");
    b.endpoints = net(f);
  });
  m["root_change_price"] = body<RootChangePrice>([](auto& b, const json& f) {
    b.price_per_token = u(f, "price_per_token");
    b.worker_fee_per_token = u(f, "worker_fee_per_token");
  });
  m["root_change_params"] = body<RootChangeParams>([](auto& b, const json& f) {
    b.price_per_token = u(f, "price_per_token");
    b.worker_fee_per_token = u(f, "worker_fee_per_token");
    b.proxy_delay_before_close = u32(f, "proxy_delay");
    b.client_delay_before_close = u32(f, "client_delay");
    b.min_proxy_stake = u(f, "min_proxy_stake");
    b.min_client_stake = u(f, "min_client_stake");
  });
  m["root_upgrade_contracts"] = body<RootUpgradeContracts>([](auto& b, const json&) {
    b.proxy_code = vectors::dummy_code("proxy");
    b.worker_code = vectors::dummy_code("worker");
    b.client_code = vectors::dummy_code("client");
  });
  m["root_upgrade"] = body<RootUpgradeCode>([](auto& b, const json&) { b.code = vectors::dummy_code("root"); });
  m["root_upgrade_full"] = body<RootUpgradeFull>([](auto& b, const json&) { b.code = vectors::dummy_code("root"); });
  m["root_reset"] = body<RootReset>([](auto&, const json&) {});
  m["root_change_owner"] =
      body<RootChangeOwner>([](auto& b, const json& f) { b.owner = vectors::address(f.at("new_owner")); });
  m["root_change_key_manager"] = body<RootChangeKeyManager>([](auto& b, const json& f) {
    b.public_key = h(f, "public_key");
    b.image_hash = h(f, "image_hash");
    b.address = net(f);
  });
  m["root_add_public_key"] = body<RootAddPublicKey>([](auto& b, const json& f) {
    b.public_key = h(f, "public_key");
    b.key_type = static_cast<std::uint8_t>(u(f, "key_type"));
    b.expire_at = u32(f, "expire_at");
  });
}

TEST(Vectors, Messages) {
  std::map<std::string, Case> cases;
  add_client_cases(cases);
  add_proxy_cases(cases);
  add_root_cases(cases);
  for (const auto& v : all().at("messages").as_array()) {
    const std::string name = vectors::text(v.at("name"));
    ASSERT_TRUE(cases.contains(name)) << name;
    const Case& c = cases.at(name);
    const Cell made = c.build(v.at("fields"));
    EXPECT_EQ(vectors::boc_text(made), vectors::text(v.at("boc"))) << name;
    EXPECT_EQ(made.hash(), vectors::bits256(v.at("hash"))) << name;
    EXPECT_EQ(made.bit_count(), vectors::number(v.at("bits"))) << name;
    EXPECT_EQ(made.ref_count(), vectors::number(v.at("refs"))) << name;
    EXPECT_EQ(fmt::format("{:#010x}", CellSlice(made).load_u32()), vectors::text(v.at("opcode"))) << name;
    const auto again = c.reread(vectors::cell(v.at("boc")));
    ASSERT_TRUE(again) << name << ": " << again.error().what;
    EXPECT_EQ(*again, made) << name;
    // Too short and too long are errors.
    const Cell longer = CellBuilder().store_cell(made).store_bit(true).must_finish();
    EXPECT_FALSE(c.reread(longer)) << name;
    CellSlice cut(made);
    const Cell shorter = CellBuilder().store_bits(cut.load_bits(made.bit_count() - 1)).must_finish();
    EXPECT_FALSE(c.reread(shorter)) << name;
  }
}

Cell payload_of(const json& v) {
  const auto& f = v.at("fields");
  const auto opcode = static_cast<std::uint32_t>(std::stoul(vectors::text(v.at("opcode")), nullptr, 16));
  if (f.as_object().contains("public_key")) {
    return build_signed_payload(RootAddPublicKey{.query_id = u(f, "query_id"),
                                                 .public_key = h(f, "public_key"),
                                                 .key_type = static_cast<std::uint8_t>(u(f, "key_type")),
                                                 .expire_at = u32(f, "expire_at")});
  }
  const Address self = vectors::address(f.at("expected_my_address"));
  if (!f.as_object().contains("cumulative_tokens"))
    return build_signed_payload(ClosePayload{opcode, u(f, "query_id"), self});
  return build_signed_payload(PaymentPayload{opcode, u(f, "query_id"), u(f, "cumulative_tokens"), self});
}

TEST(Vectors, SignedMessages) {
  for (const auto& v : all().at("signed").as_array()) {
    const std::string name = vectors::text(v.at("name"));
    const Cell payload = payload_of(v);
    EXPECT_EQ(vectors::boc_text(payload), vectors::text(v.at("inner_boc"))) << name;
    EXPECT_EQ(payload.bit_count(), vectors::number(v.at("inner_bits")));
    EXPECT_EQ(payload.hash(), vectors::bits256(v.at("signed_hash"))) << name;
    const bool by_key_manager = vectors::bits256(v.at("signed_by")) == vectors::public_key("key_manager");
    const crypto::KeyPair key(vectors::seed(by_key_manager ? "key_manager" : "proxy"));
    EXPECT_EQ(key.public_key(), vectors::bits256(v.at("signed_by")));

    SignedMessage message = sign_payload(payload, excesses(v.at("fields")), key);
    EXPECT_EQ(to_hex(message.signature.view()), vectors::text(v.at("signature"))) << name;
    const Cell outer = build_signed_message(message);
    EXPECT_EQ(vectors::boc_text(outer), vectors::text(v.at("outer_boc"))) << name;
    EXPECT_EQ(outer.bit_count(), vectors::number(v.at("outer_bits")));
    EXPECT_EQ(outer.hash(), vectors::bits256(v.at("outer_hash")));
    EXPECT_EQ(parse_signed_message(outer).value(), message);
    EXPECT_TRUE(signature_is_valid(message, key.public_key()));

    message.excesses_to = vectors::address(v.at("repacked_send_excesses_to"));
    EXPECT_EQ(vectors::boc_text(build_signed_message(message)), vectors::text(v.at("repacked_boc"))) << name;
    EXPECT_TRUE(signature_is_valid(message, key.public_key()));
    EXPECT_FALSE(signature_is_valid(message, vectors::public_key("wrong")));
  }
}

TEST(Vectors, NodesBelieveChargesAndPayouts) {
  for (const auto& v : all().at("signed").as_array()) {
    const auto opcode = static_cast<std::uint32_t>(std::stoul(vectors::text(v.at("opcode")), nullptr, 16));
    if (opcode != op::client_charge_signed && opcode != op::worker_payout_signed) continue;
    const Address self = vectors::address(v.at("fields").at("expected_my_address"));
    const auto bytes = from_hex(vectors::text(v.at("outer_boc"))).value();
    const auto verified = verify_payment(bytes, opcode, self, vectors::public_key("proxy"));
    ASSERT_TRUE(verified) << verified.error().what;
    EXPECT_EQ(verified->payload.tokens, u(v.at("fields"), "cumulative_tokens"));
    // Another kind, another key, another contract, junk behind.
    EXPECT_EQ(verify_payment(bytes, op::worker_last_payout_signed, self, vectors::public_key("proxy")).error().code,
              exit_code::header_mismatch);
    EXPECT_EQ(verify_payment(bytes, opcode, self, vectors::public_key("wrong")).error().code, exit_code::bad_signature);
    EXPECT_EQ(verify_payment(bytes, opcode, {}, vectors::public_key("proxy")).error().code,
              exit_code::another_contract);
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(verify_payment(longer, opcode, self, vectors::public_key("proxy")));
  }
}

TEST(Signed, AVerifierFindsTheSameAgainAndAgain) {
  const crypto::KeyPair key(vectors::seed("proxy"));
  const auto payment = [&](std::uint64_t tokens, const crypto::KeyPair& by) {
    const auto payload = build_signed_payload(PaymentPayload{op::client_charge_signed, 1, tokens, {}});
    return write_boc(build_signed_message(sign_payload(payload, {}, by)));
  };
  PaymentVerifier verifier(op::client_charge_signed, {}, key.public_key());
  const Bytes good = payment(7, key), better = payment(8, key);
  Bytes forged = payment(9, crypto::KeyPair(vectors::seed("wrong")));
  const Bytes too_long(5000, 0xb5), longer_still(6000, 0xb5);
  for (int round = 0; round < 2; ++round) {
    for (int again = 0; again < 2; ++again) EXPECT_EQ(verifier.verify(good)->payload.tokens, 7u);
    for (int again = 0; again < 2; ++again) EXPECT_EQ(verifier.verify(better)->payload.tokens, 8u);
    for (int again = 0; again < 2; ++again) EXPECT_EQ(verifier.verify(forged).error().code, exit_code::bad_signature);
    EXPECT_FALSE(verifier.verify(too_long));
    EXPECT_FALSE(verifier.verify(longer_still));
    EXPECT_FALSE(verifier.verify({}));
  }
  // One bit makes other bytes of it.
  Bytes changed = good;
  ASSERT_TRUE(verifier.verify(good));
  changed.back() ^= 1;
  EXPECT_FALSE(verifier.verify(changed));
  EXPECT_TRUE(verifier.verify(good));
}

// A payload with a reference is not the payload that the contract expects, whoever signed it.
TEST(Signed, PayloadsWithReferencesAreRefused) {
  const crypto::KeyPair key(vectors::seed("proxy"));
  const PaymentPayload plain{op::client_charge_signed, 1, 2, {}};
  const Cell with_ref = CellBuilder().store_cell(build_signed_payload(plain)).store_ref(Cell()).must_finish();
  const Cell body = build_signed_message(sign_payload(with_ref, {}, key));
  const auto verified = verify_payment(body, op::client_charge_signed, {}, key.public_key());
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, exit_code::cell_underflow);
}

TEST(Vectors, SignedNegatives) {
  Address self;
  for (const auto& v : all().at("signed").as_array())
    if (vectors::text(v.at("name")) == "ext_client_charge_signed")
      self = vectors::address(v.at("fields").at("expected_my_address"));
  for (const auto& v : all().at("signed_negative").as_array()) {
    const auto bytes = from_hex(vectors::text(v.at("outer_boc"))).value();
    // What the contract would be asked: the opcode of the message itself.
    const auto opcode = CellSlice(vectors::cell(v.at("outer_boc"))).load_u32();
    const auto verified = verify_payment(bytes, opcode, self, vectors::public_key("proxy"));
    ASSERT_FALSE(verified) << vectors::text(v.at("name"));
    EXPECT_EQ(verified.error().code, static_cast<int>(vectors::number(v.at("expect_exit"))))
        << vectors::text(v.at("name")) << ": " << verified.error().what;
  }
}

TEST(Bodies, OpcodesHaveNames) {
  for (const auto& v : all().at("messages").as_array()) {
    const auto opcode = static_cast<std::uint32_t>(std::stoul(vectors::text(v.at("opcode")), nullptr, 16));
    if (opcode != 0) {
      EXPECT_NE(op::name(opcode), "") << vectors::text(v.at("name"));
    }
  }
  EXPECT_EQ(op::name(0x12345678), "");
  EXPECT_NE(exit_code::meaning(1007), "");
  EXPECT_EQ(exit_code::meaning(4242), "");
}

TEST(Bodies, TextThatDoesNotFitIsAnError) {
  EXPECT_FALSE(build_body(RootRegisterProxy{.query_id = 1, .endpoints = {std::string(128, 'x')}}));
  EXPECT_FALSE(build_body(RootRegisterProxy{.query_id = 1, .endpoints = {std::string(127, 'x')}}));
  EXPECT_TRUE(build_body(RootRegisterProxy{.query_id = 1, .endpoints = {std::string(100, 'x')}}));
}

}  // namespace
}  // namespace cocoon::ton
