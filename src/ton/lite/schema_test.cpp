#include "ton/lite/schema.hpp"

#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

#include "tl/tl.hpp"

namespace cocoon::ton::lite {
namespace {

// The header itself is the schema: every struct has its line in a comment and its id below it.
TEST(LiteSchema, EveryIdIsTheChecksumOfItsLine) {
  std::ifstream file(COCOON_SOURCE_DIR "/src/ton/lite/schema.hpp");
  std::string line, schema;
  int checked = 0;
  const std::regex constructor(R"(^  // ((liteServer|adnl|tcp|tonNode)\..*)$)");
  const std::regex more(R"(^  // (.*)$)");
  const std::regex id(R"(kId = 0x([0-9a-f]{8});)");
  std::smatch m;
  while (std::getline(file, line)) {
    if (std::regex_search(line, m, constructor) && schema.empty()) {
      schema = m[1];
    } else if (!schema.empty() && std::regex_search(line, m, more)) {
      schema += " " + m[1].str();
    } else if (!schema.empty() && std::regex_search(line, m, id)) {
      EXPECT_EQ(crc32_ieee(as_bytes(schema)), static_cast<std::uint32_t>(std::stoul(m[1], nullptr, 16))) << schema;
      schema.clear();
      ++checked;
    }
  }
  EXPECT_EQ(checked, 39);
}

BlockIdExt block(std::int32_t seqno) {
  BlockIdExt id{kMasterchain, kWholeShard, seqno, {}, {}};
  id.root_hash.fill(0x11);
  id.file_hash.fill(0x22);
  return id;
}

template <class T>
void round_trip(const T& value) {
  const auto bytes = tl::encode_boxed(value);
  auto back = tl::decode_boxed<T>(bytes);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(tl::encode_boxed(*back), bytes);
  for (std::size_t n = 0; n < bytes.size(); n++) EXPECT_FALSE(tl::decode_boxed<T>(BytesView(bytes).first(n)));
}

TEST(LiteSchema, ValuesSurviveTheWire) {
  round_trip(AccountState{block(7), block(8), Bytes(3, 1), Bytes(300, 2), Bytes(4, 3)});
  round_trip(TransactionList{{block(1), block(2)}, Bytes(5, 9)});
  round_trip(MasterchainInfoExt{0, 257, 7, block(3), 11, 12, {}, {kMasterchain, {}, {}}});
  round_trip(LookupBlock{LookupBlock::kByLt, {0, kWholeShard, 0}, 77, 0});
  round_trip(LookupBlock{LookupBlock::kByTime, {0, kWholeShard, 0}, 0, 78});
  round_trip(GetConfigParams{0, block(1), {0, 34, -999}});
  round_trip(LiteError{-400, "no"});
  for (std::uint32_t mode = 0; mode < 32; mode++)
    round_trip(RunMethodResult{mode, block(1), block(2), {1}, {2}, {3}, {4}, {5}, -14, {6}});
}

TEST(LiteSchema, FunctionsAreToldApartByTheirIds) {
  GetAccountState query{block(5), {0, {}}};
  auto back = tl::decode_boxed<Function>(tl::encode_boxed(query));
  ASSERT_TRUE(back) << back.error().what;
  ASSERT_TRUE(std::holds_alternative<GetAccountState>(*back));
  EXPECT_EQ(std::get<GetAccountState>(*back).id, block(5));
  EXPECT_FALSE(tl::decode_boxed<Function>(tl::encode_boxed(LiteError{})));
}

}  // namespace
}  // namespace cocoon::ton::lite
