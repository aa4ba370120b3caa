#include "contract_code/contract_code.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace cocoon {
namespace {

TEST(ContractCode, HashesAreThoseTheCompilerReported) {
  std::ifstream in(std::string(COCOON_SOURCE_DIR) + "/build/contracts/contracts.json");
  const std::string report((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(report.empty());
  for (const auto* code : {&contract_code::root(), &contract_code::proxy(), &contract_code::client(),
                           &contract_code::worker(), &contract_code::wallet()})
    EXPECT_NE(report.find(to_hex(code->hash())), std::string::npos);
}

}  // namespace
}  // namespace cocoon
