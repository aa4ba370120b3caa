#include "devnet/tvm.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "crypto/crypto.hpp"
#include "devnet/testing.hpp"
#include "ton/boc.hpp"

namespace cocoon::devnet {
namespace {

namespace json = boost::json;

using testing::bytes_of;

// What the JavaScript build of the same TVM answered: testdata/record_tvm_cases.cjs.
const json::object& recorded() { return testing::recorded_cases(); }

struct Case {
  std::string name;
  Bytes account, message, transaction, account_after;
  std::uint64_t lt = 0;
  bool accepted = false;
  std::optional<int> exit_code;
  std::string refusal;
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const auto& value : recorded().at("cases").as_array()) {
    const auto& o = value.as_object();
    Case c{std::string(o.at("name").as_string()),
           bytes_of(o, "account"),
           bytes_of(o, "message"),
           bytes_of(o, "transaction"),
           bytes_of(o, "shard_account"),
           static_cast<std::uint64_t>(o.at("lt").as_int64()),
           o.at("accepted").as_bool(),
           std::nullopt,
           std::string(o.at("refusal").as_string())};
    if (o.at("exit_code").is_int64()) c.exit_code = static_cast<int>(o.at("exit_code").as_int64());
    out.push_back(std::move(c));
  }
  return out;
}

std::uint32_t recorded_now() { return static_cast<std::uint32_t>(recorded().at("now").as_int64()); }

TransactionRequest request_for(const Case& c) {
  return {.shard_account = c.account,
          .message = c.message,
          .libraries = {},
          .now = recorded_now(),
          .lt = c.lt,
          .random_seed = {},
          .ignore_signatures = false};
}

Tvm make_tvm() {
  auto tvm = Tvm::create(mainnet_config_snapshot());
  EXPECT_TRUE(tvm) << tvm.error().what;
  return std::move(*tvm);
}

// A bag of cells with one root: `depth` cells, each the only child of the one before, the bytes of `head` in the first.
Bytes chain_of_cells(std::size_t depth, BytesView head) {
  Bytes cells;
  for (std::size_t i = 0; i < depth; i++) {
    const bool last = i + 1 == depth;
    const std::size_t size = i == 0 ? head.size() : 0;
    cells.push_back(last ? 0 : 1);
    cells.push_back(static_cast<std::uint8_t>(2 * size));
    if (i == 0) append(cells, head);
    if (!last) {
      cells.push_back(static_cast<std::uint8_t>((i + 1) >> 8));
      cells.push_back(static_cast<std::uint8_t>(i + 1));
    }
  }
  const auto big_endian = [](Bytes& to, std::size_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  Bytes out{0xb5, 0xee, 0x9c, 0x72, 2, 3};
  big_endian(out, depth, 2);
  big_endian(out, 1, 2);
  big_endian(out, 0, 2);
  big_endian(out, cells.size(), 3);
  big_endian(out, 0, 2);
  append(out, cells);
  return out;
}

// An external message whose body goes on in a chain of references.
Bytes deep_external(std::size_t depth) {
  ton::CellBuilder b;
  b.store_uint(0b1000, 4).store_address({}).store_zeros(4).store_zeros(2).store_zeros(3);
  return chain_of_cells(depth, b.must_finish().bytes());
}

TEST(Tvm, SaysWhichSourcesItIsBuiltFrom) {
  auto tvm = make_tvm();
  auto version = tvm.version();
  ASSERT_TRUE(version) << version.error().what;
  EXPECT_NE(version->find("f801e1c1a4ddb5abf41033f51a7c74ab72dfdc07"), std::string::npos) << *version;
}

TEST(Tvm, TransactionsEqualTheRecordedOnesByteForByte) {
  auto tvm = make_tvm();
  for (const auto& c : cases()) {
    SCOPED_TRACE(c.name);
    auto outcome = tvm.run_transaction(request_for(c));
    ASSERT_TRUE(outcome) << outcome.error().what;
    EXPECT_EQ(outcome->accepted, c.accepted);
    EXPECT_EQ(outcome->transaction, c.transaction);
    EXPECT_EQ(outcome->shard_account, c.account_after);
    EXPECT_EQ(outcome->exit_code, c.exit_code);
    EXPECT_EQ(outcome->refusal, c.refusal);
  }
}

TEST(Tvm, MutatedMessagesAreAnsweredAsRecorded) {
  const auto all = cases();
  auto tvm = make_tvm();
  std::uint64_t state = 1;
  const auto next = [&state] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 33; };
  std::size_t number = 0;
  for (const auto& expected : recorded().at("mutations").as_array()) {
    auto c = all[next() % all.size()];
    const auto at = next() % c.message.size();
    c.message[at] = static_cast<std::uint8_t>(c.message[at] ^ (1u << (next() % 8)));
    auto outcome = tvm.run_transaction(request_for(c));
    std::string text;
    if (!outcome && outcome.error().what.starts_with("the TVM aborted")) {
      EXPECT_EQ(expected.as_string(), "aborted") << number;
      number++;
      continue;
    }
    if (!outcome)
      text = "fail " + outcome.error().what.substr(std::string_view("the TVM failed: ").size());
    else if (outcome->accepted)
      text = "ok " + to_base64(outcome->transaction) + " " + to_base64(outcome->shard_account);
    else
      text = "no " + outcome->refusal + " " + (outcome->exit_code ? std::to_string(*outcome->exit_code) : "");
    EXPECT_EQ(to_hex(crypto::sha256(as_bytes(text))).substr(0, 16), expected.as_string()) << number << ": " << text;
    number++;
  }
  EXPECT_EQ(number, 1000u);
  const auto aborts = recorded().at("aborts").as_int64();
  EXPECT_GT(aborts, 0) << "some of these messages abort the emulator";
  EXPECT_EQ(tvm.discarded_instances(), static_cast<std::uint64_t>(aborts));
}

TEST(Tvm, GetMethodEqualsTheRecordedOne) {
  const auto& o = recorded().at("get_method").as_object();
  auto tvm = make_tvm();
  const auto code = bytes_of(o, "code"), data = bytes_of(o, "data"), stack = bytes_of(o, "stack");
  GetMethodRequest request;
  request.code = code;
  request.data = data;
  request.stack = stack;
  request.method_id = static_cast<std::uint64_t>(o.at("method_id").as_int64());
  request.account = fixed_from_hex<32>(std::string(o.at("account").as_string())).value();
  request.balance = 1'000'000'000;
  request.now = recorded_now();
  auto outcome = tvm.run_get_method(request);
  ASSERT_TRUE(outcome) << outcome.error().what;
  EXPECT_EQ(outcome->exit_code, 0);
  EXPECT_EQ(std::to_string(outcome->gas_used), o.at("gas_used").as_string());
  EXPECT_EQ(outcome->stack, bytes_of(o, "result"));

  request.method_id = 4711;
  auto missing = tvm.run_get_method(request);
  ASSERT_TRUE(missing) << missing.error().what;
  EXPECT_EQ(missing->exit_code, 11);

  request.method_id = static_cast<std::uint64_t>(o.at("method_id").as_int64());
  request.gas_limit = 100;
  auto starved = tvm.run_get_method(request);
  ASSERT_TRUE(starved) << starved.error().what;
  EXPECT_EQ(starved->exit_code, -14);
}

TEST(Tvm, DeepMessagesAreAnswers) {
  auto tvm = make_tvm();
  auto c = cases().front();
  for (std::size_t depth : {1u, 100u, 500u, 512u, 1000u, 1024u, 1025u, 5000u, 60000u}) {
    c.message = deep_external(depth);
    auto outcome = tvm.run_transaction(request_for(c));
    EXPECT_TRUE(!outcome || !outcome->accepted) << depth;
  }
  auto again = tvm.run_transaction(request_for(cases().front()));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_TRUE(again->accepted);
}

TEST(Tvm, GarbageIsRefused) {
  auto tvm = make_tvm();
  const auto c = cases().front();
  const Bytes garbage(100, 0x5a);
  const auto refused = [&](BytesView account, BytesView message) {
    auto request = request_for(c);
    request.shard_account = account;
    request.message = message;
    auto outcome = tvm.run_transaction(request);
    return !outcome || (!outcome->accepted && !outcome->refusal.empty());
  };
  EXPECT_TRUE(refused(garbage, c.message));
  EXPECT_TRUE(refused(c.account, garbage));
  EXPECT_TRUE(refused(c.account, {}));
  EXPECT_TRUE(refused(c.account, Bytes(Tvm::kMaxBoc + 1, 0)));
  EXPECT_FALSE(Tvm::create(garbage));

  EXPECT_FALSE(tvm.set_config(garbage));
  auto again = tvm.run_transaction(request_for(c));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_TRUE(again->accepted) << "a refused configuration leaves the old one in force";
}

}  // namespace
}  // namespace cocoon::devnet
