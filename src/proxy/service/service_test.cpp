// The parts of the shell that need neither peers nor a chain.
#include "proxy/service/service.hpp"

#include <cstdlib>
#include <filesystem>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "net/testing.hpp"
#include "proxy/service/pages.hpp"
#include "proxy/service/snapshots.hpp"

namespace cocoon::proxy {
namespace {

namespace json = boost::json;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cocoon-proxy-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

Bytes some_snapshot(std::int32_t seqno) {
  ledger::Snapshot s;
  s.seqno = seqno;
  return ledger::encode(s);
}

TEST(ProxySnapshots, AreDurableInOrderAndFoundAgain) {
  const Folder folder;
  net::testing::Loop loop;
  std::vector<std::uint64_t> done;
  {
    auto store = store::Store::open(folder.file("proxy.sqlite"));
    ASSERT_TRUE(store.has_value()) << store.error().what;
    SnapshotWriter writer(loop.io.get_executor(), *std::move(store), [&](const Event& e) {
      const auto* durable = std::get_if<SnapshotDurable>(&e);
      ASSERT_NE(durable, nullptr);
      done.push_back(durable->number);
    });
    for (std::int32_t n = 1; n <= 5; ++n) writer.write({static_cast<std::uint64_t>(n), some_snapshot(n)});
    const auto work = net::asio::make_work_guard(loop.io);
    loop.until([&] { return done.size() == 5; });
  }
  EXPECT_EQ(done, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  auto again = store::Store::open(folder.file("proxy.sqlite"));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->load_bytes().value(), some_snapshot(5));
}

TEST(ProxySnapshots, WhatCannotBeStoredIsSaid) {
  const Folder folder;
  net::testing::Loop loop;
  auto store = store::Store::open(folder.file("proxy.sqlite"));
  ASSERT_TRUE(store.has_value());
  bool failed = false;
  SnapshotWriter writer(loop.io.get_executor(), *std::move(store),
                        [&](const Event& e) { failed = std::holds_alternative<SnapshotFailed>(e); });
  writer.write({1, {1, 2, 3}});
  const auto work = net::asio::make_work_guard(loop.io);
  loop.until([&] { return failed; });
}

TEST(ProxySnapshots, AStoppedWriterStillWritesAndIsSilent) {
  const Folder folder;
  net::testing::Loop loop;
  {
    auto store = store::Store::open(folder.file("proxy.sqlite"));
    ASSERT_TRUE(store.has_value());
    SnapshotWriter writer(loop.io.get_executor(), *std::move(store), [](const Event&) { FAIL() << "after the stop"; });
    writer.write({7, some_snapshot(7)});
    writer.stop();
  }
  loop.settle();
  EXPECT_EQ(store::Store::open(folder.file("proxy.sqlite"))->load_bytes().value(), some_snapshot(7));
}

Status busy_status() {
  Status s;
  s.serving = true;
  s.root.emplace();
  s.root->version = 5;
  s.root->params.price_per_token = 20;
  s.root->params.worker_fee_per_token = 19;
  s.contract = Status::Contract{.state = "normal", .coins = 12, .commission = 3, .stake = 4};
  s.wallet.balance = 77;
  Status::Worker w;
  w.link = 4;
  w.peer.tee = "tdx (simulated)";
  w.peer.attested = true;
  w.peer.verdict = "accepted";
  w.peer.image_hash.fill(0xab);
  w.model = "test/model@c:h";
  w.description = R"({"gpu":"H100"})";
  w.coefficient = 1500;
  s.workers.push_back(w);
  w.description = "\"quotes\" and \x01 and {";  // what a worker says need not be JSON
  s.workers.push_back(w);
  s.worker_accounts.push_back({.max = 100, .db = 90, .chain = 80, .paid = 60});
  s.client_accounts.push_back({.max = 100, .db = 90, .chain = 80, .charged = 70, .available = -5, .reserved = 9});
  s.stats.push_back({"queries", {5, 1, 0.5, 0, 0, 0, 0}});
  return s;
}

TEST(ProxyPages, TheStatusIsOneJsonObjectWithTheNamesOfTheSpecification) {
  ShellStatus shell;
  shell.synced_at = 1'700'000'000;
  shell.local = {{"name", "proxy \"1\""}};
  const json::value v = json::parse(status_json(busy_status(), shell));
  for (const char* key : {"status", "stats", "wallet", "localconfig", "root_contract_config", "smartcontract",
                          "workers", "worker_connections", "clients"})
    EXPECT_TRUE(v.as_object().contains(key)) << key;
  EXPECT_EQ(v.at("status").at("wallet_balance"), 77);
  EXPECT_EQ(v.at("status").at("ton_last_synced_at"), 1'700'000'000);
  EXPECT_EQ(v.at("stats").at("queries").as_array().size(), 7u);
  EXPECT_EQ(v.at("smartcontract").at("ready_for_withdraw"), 3);
  EXPECT_EQ(v.at("workers").at(0).at("unpayed_tokens"), 40);
  EXPECT_EQ(v.at("clients").at(0).at("tokens_to_charge"), 30);
  EXPECT_EQ(v.at("clients").at(0).at("available_tokens"), -5);
  const auto& connection = v.at("worker_connections").at(0);
  EXPECT_EQ(connection.at("machine_description").at("gpu"), "H100");
  EXPECT_EQ(connection.at("peer").at("tee"), "tdx (simulated)");
  EXPECT_EQ(std::string_view(connection.at("worker_hash").as_string()).substr(0, 4), "ABAB");
  EXPECT_TRUE(v.at("worker_connections").at(1).at("machine_description").is_string());
}

TEST(ProxyPages, AProxyThatKnowsNothingYetHasPagesToo) {
  Status s;
  s.waiting_for = "the root contract has not been read yet";
  const json::value v = json::parse(status_json(s, {}));
  EXPECT_EQ(v.at("status").at("waiting_for").as_string(), s.waiting_for);
  EXPECT_TRUE(v.at("smartcontract").is_null());
  EXPECT_NE(status_metrics(s, {}).find("cocoon_serving 0\n"), std::string::npos);
}

TEST(ProxyPages, MetricsCountWhatIsOwed) {
  ShellStatus shell;
  shell.carried_bytes = 1000;
  const std::string text = status_metrics(busy_status(), shell);
  EXPECT_NE(text.find("cocoon_uncharged_tokens 30\n"), std::string::npos) << text;
  EXPECT_NE(text.find("cocoon_unpaid_tokens 40\n"), std::string::npos);
  EXPECT_NE(text.find("direction=\"out\"} 1000\n"), std::string::npos);
}

TEST(ProxyConfig, ReadsItsKeysAndRefusesOthers) {
  const std::string needed =
      "[chain]\nliteserver_key = \"x\"\n[network]\nroot = \"r\"\n[wallet]\nkey_file = \"w\"\nowner = \"o\"\n"
      "[proxy]\nmachine_key_file = \"m\"\nowner = \"p\"\n";
  ServiceConfig config;
  node::ConfigTable table;
  config.add_keys(table);
  const auto loaded = table.load(needed +
                                     "listen_workers = \"127.0.0.1:1\"\n[money]\ncharge_client_at = 1000\n"
                                     "commit_every = 0.5\n[limits]\nclients = 7\n",
                                 "proxy.toml");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().what;
  EXPECT_EQ(config.listen_workers, "127.0.0.1:1");
  EXPECT_EQ(config.core.charge_client_at, 1000u);
  EXPECT_EQ(config.core.commit_every, std::chrono::milliseconds(500));
  EXPECT_EQ(config.core.max_clients, 7u);

  ServiceConfig other;
  node::ConfigTable strict;
  other.add_keys(strict);
  const auto refused = strict.load(needed + "[money]\ncharge_clients_at = 5\n", "proxy.toml");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("charge_client_at"), std::string::npos) << refused.error().what;
}

}  // namespace
}  // namespace cocoon::proxy
