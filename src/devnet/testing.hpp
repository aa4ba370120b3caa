// What tests of this room share: a chain, a small contract on it, and the messages it understands.
#pragma once
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "devnet/chain.hpp"
#include "ton/boc.hpp"
#include "ton/message.hpp"

namespace cocoon::devnet::testing {

inline constexpr Time kGenesis{std::chrono::seconds(1'800'000'000)};

inline const boost::json::object& recorded_cases() {
  static const boost::json::object cases = [] {
    std::ifstream file(COCOON_SOURCE_DIR "/src/devnet/testdata/tvm_cases.json");
    std::stringstream text;
    text << file.rdbuf();
    return boost::json::parse(text.str()).as_object();
  }();
  return cases;
}

inline Bytes bytes_of(const boost::json::object& object, std::string_view key) {
  return from_base64(std::string(object.at(key).as_string())).value();
}

inline crypto::KeyPair key_of(std::uint8_t fill) {
  crypto::Seed seed;
  seed.fill(fill);
  return crypto::KeyPair(seed);
}

inline ChainSettings chain_settings() {
  ChainSettings settings;
  settings.treasury_seed.fill(0x42);
  return settings;
}

inline Chain new_chain(const ChainSettings& settings = chain_settings(), BlockDelta* first = nullptr) {
  BlockDelta delta;
  auto chain = Chain::create(settings, kGenesis, delta);
  EXPECT_TRUE(chain) << chain.error().what;
  if (first) *first = std::move(delta);
  return *std::move(chain);
}

// testdata/counter.tolk: adds what its owner signs, or what internal messages with a known opcode say.
class Counter {
 public:
  static constexpr std::uint64_t kCurrent = 117456;  // get-method currentCounter

  explicit Counter(std::uint32_t start = 5, std::uint8_t owner = 7) : key_(key_of(owner)) {
    init_.code = ton::read_boc(bytes_of(recorded_cases().at("get_method").as_object(), "code")).value();
    init_.data =
        ton::CellBuilder().store_uint(77, 32).store_uint(start, 32).store_bytes(key_.public_key()).must_finish();
  }
  ton::Address address() const { return ton::address_of(init_); }

  // An external message that adds `by`; with `deploy` it brings the contract along.
  ton::Cell add(std::uint32_t by, bool deploy = false, bool good_signature = true) const {
    const auto number = ton::CellBuilder().store_uint(by, 32).must_finish();
    auto signature = key_.sign(number.bytes());
    if (!good_signature) signature[5] = static_cast<std::uint8_t>(signature[5] ^ 1);
    ton::Message message;
    message.info = ton::ExternalInInfo{std::nullopt, address(), 0};
    if (deploy) message.init = init_;
    message.body = ton::CellBuilder().store_bytes(signature).store_cell(number).must_finish();
    return ton::build_message(message).value();
  }
  // The body of an internal message that adds `by`.
  static ton::Cell add_body(std::uint32_t by) {
    return ton::CellBuilder().store_uint(0x7e8764ef, 32).store_uint(1, 64).store_uint(by, 32).must_finish();
  }
  const ton::StateInit& init() const { return init_; }

 private:
  crypto::KeyPair key_;
  ton::StateInit init_;
};

inline Bytes empty_stack() { return ton::write_boc(ton::CellBuilder().store_zeros(24).must_finish()); }

// The one integer on a VmStack.
inline std::int64_t integer_result(BytesView stack) {
  ton::CellSlice s(ton::read_boc(stack).value());
  EXPECT_EQ(s.load_uint(24), 1u);
  s.load_ref();
  EXPECT_EQ(s.load_uint(8), 1u) << "vm_stk_tinyint";
  return s.load_int(64);
}

inline std::int64_t counter_value(Chain& chain, const Counter& counter) {
  auto got = chain.run_get_method(chain.head().step.seqno, counter.address().hash, Counter::kCurrent, empty_stack());
  EXPECT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->exit_code, 0);
  return integer_result(got->stack);
}

inline std::uint64_t balance_of(const Chain& chain, const ton::Address& address) {
  auto account = chain.account(address.hash);
  EXPECT_TRUE(account) << account.error().what;
  return *account ? (*account)->balance.coins : 0;
}

// A chain with a funded, running counter at 5 + 1.
inline Chain chain_with(const Counter& counter, const ChainSettings& settings = chain_settings()) {
  auto chain = new_chain(settings);
  EXPECT_TRUE(chain.faucet(counter.address(), 2'000'000'000));
  chain.make_block(kGenesis);
  auto sent = chain.submit(ton::write_boc(counter.add(1, true)), kGenesis);
  EXPECT_TRUE(sent) << sent.error().what;
  chain.make_block(kGenesis);
  EXPECT_EQ(counter_value(chain, counter), 6);
  return chain;
}

}  // namespace cocoon::devnet::testing
