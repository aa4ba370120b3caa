#include "openai/message_strings.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "wire/encryption.hpp"
#include "wire/testdata/load.hpp"

namespace cocoon::openai {
namespace {

namespace enc = wire::encryption;

// The vector of a whole encrypted request: our strings in its places, its prefixes taken from the ciphertexts.
TEST(MessageStrings, TheVectorOfARequest) {
  const auto& keys = wire::testdata::vectors().at("enc-message-keys").at("output");
  const auto key = *fixed_from_hex<32>(boost::json::value_to<std::string>(keys.at("client_to_worker")));
  const std::string sealed = wire::testdata::output("enc-request-json");
  const auto plain = transform_strings(sealed, [&](std::string_view s) { return enc::decrypt_string(key, s); });
  ASSERT_TRUE(plain) << plain.error().what;
  boost::json::value opened = boost::json::parse(*plain);
  const auto& input = wire::testdata::vectors().at("enc-request-json").at("input").at("plain").as_object();
  for (const auto& member : input) EXPECT_EQ(opened.at(member.key()), member.value()) << member.key();

  // Encrypting again with the prefixes of the vector (they depend on the length only) gives the vector back.
  const auto again = transform_strings(*plain, [&](std::string_view s) {
    Bytes prefix(enc::prefix_size(s.size()));
    for (std::size_t i = 0; i < prefix.size(); ++i) prefix[i] = static_cast<std::uint8_t>(3 + 7 * (i - 1));
    prefix[0] = static_cast<std::uint8_t>(prefix.size());
    return enc::encrypt_string(key, s, prefix);
  });
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, sealed);
}

TEST(MessageStrings, NamesInTheClearStayAtAnyDepth) {
  const auto out =
      transform_strings(R"({"model":"m","a":["x",1,null,true,2.50,{"model":"n","timeout":["t"],"b":"y"}],"":"z"})",
                        [](std::string_view s) -> Result<std::string> { return "<" + std::string(s) + ">"; });
  ASSERT_TRUE(out);
  EXPECT_EQ(*out, R"({"":"<z>","a":["<x>",1,null,true,2.5,{"b":"<y>","model":"n","timeout":["t"]}],"model":"m"})");
}

TEST(MessageStrings, RefusalsComeBack) {
  EXPECT_EQ(
      transform_strings("{", [](std::string_view s) -> Result<std::string> { return std::string(s); }).error().code,
      621);
  const auto refused =
      transform_strings(R"({"a":"b"})", [](std::string_view) -> Result<std::string> { return fail(602, "no"); });
  EXPECT_EQ(refused.error().code, 602);
  EXPECT_FALSE(transform_strings(std::string(100, '[') + std::string(100, ']'),
                                 [](std::string_view s) -> Result<std::string> { return std::string(s); }));
}

}  // namespace
}  // namespace cocoon::openai
