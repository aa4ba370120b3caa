#include "worker/service/status_pages.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "worker/service/service.hpp"

namespace cocoon::worker {
namespace {

Core::Status sample() {
  Core::Status s;
  s.model = "m\"quoted\"@1:2";
  s.waiting_for = "the engine";
  s.context_length = 4096;
  s.requests = 5;
  s.succeeded = 4;
  s.failed = 1;
  s.tokens = {1, 2, 3, 4, 10};
  s.connections.push_back({"10.0.0.1:7001", "ready", "", {}, 4, 2, ton::Address{}});
  Money::Status::Contract c;
  c.tokens = {7, 8, 9};
  c.unpaid = 77;
  s.money.contracts.push_back(c);
  return s;
}

TEST(WorkerStatus, JsonIsWellFormedAndHasTheKnownKeys) {
  const auto v = boost::json::parse(status_json(sample(), 1234));
  EXPECT_EQ(v.at("status").at("actual_model").as_string(), "m\"quoted\"@1:2");
  EXPECT_EQ(v.at("status").at("ton_last_synced_at").to_number<int>(), 1234);
  EXPECT_EQ(v.at("status").at("context_length").to_number<int>(), 4096);
  EXPECT_EQ(v.at("stats").at("total_adjusted_tokens_used").to_number<int>(), 10);
  EXPECT_TRUE(v.at("proxy_connections").at(0).at("is_ready").as_bool());
  EXPECT_EQ(v.at("proxies").at(0).at("earned_tokens_max_known").to_number<int>(), 9);
}

TEST(WorkerStatus, MetricsHaveALineEach) {
  const auto text = status_metrics(sample());
  EXPECT_NE(text.find("cocoon_requests_total{end=\"failure\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("cocoon_adjusted_tokens_total{class=\"reasoning\"} 4"), std::string::npos) << text;
}

TEST(WorkerConfig, EveryKeyHasAMeaningAndTheExampleLoads) {
  ServiceConfig c;
  node::ConfigTable t;
  c.add_keys(t);
  const auto example = t.example();
  EXPECT_NE(example.find("max_active_requests"), std::string::npos);
  ServiceConfig back;
  node::ConfigTable again;
  back.add_keys(again);
  const std::string text =
      "[chain]\nliteserver_key = \"k\"\n[network]\nroot = \"r\"\n[wallet]\nkey_file = \"f\"\nowner = \"o\"\n"
      "[worker]\nowner = \"a\"\nmodel = \"m\"\ncoefficient = 1.5\nmax_active_requests = 9\n";
  const auto loaded = again.load(text, "worker.toml");
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(back.coefficient, 1.5);
  EXPECT_EQ(back.core.max_active_requests, 9);
  EXPECT_EQ(back.core.model, "m");
}

}  // namespace
}  // namespace cocoon::worker
