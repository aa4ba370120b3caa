// Operator requests against a core that the test plays.
#include "node/operator_api.hpp"

#include <cstdlib>
#include <filesystem>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "net/http_client.hpp"
#include "net/testing.hpp"
#include "node/secrets.hpp"

namespace cocoon::node {
namespace {

namespace json = boost::json;
using net::Task;

struct Answered {
  int status = 0;
  net::HttpHeaders headers;
  std::string body;
  json::object parsed() const { return json::parse(body).as_object(); }
  std::string error() const { return json::value_to<std::string>(parsed().at("error").at("message")); }
};

constexpr auto kProxy = "0:1111111111111111111111111111111111111111111111111111111111111111";

struct OperatorApiTest : testing::Test {
  net::testing::Loop loop;
  std::filesystem::path folder;
  std::vector<role::Order> orders;
  std::function<void(const role::Order&)> on_order;
  int actions = 0;
  std::shared_ptr<OperatorApi> api;
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<net::HttpClient> client = std::make_unique<net::HttpClient>(loop.io.get_executor());

  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "cocoon-operator-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    serve(secret_file());
  }
  void TearDown() override {
    client.reset();
    server.reset();
    loop.settle();
    std::filesystem::remove_all(folder);
  }

  std::string secret_file() const { return (folder / "operator.secret").string(); }
  std::string secret() const { return to_hex(load_seed(secret_file()).value()); }

  void serve(const std::string& file, bool get_forms = false) {
    OperatorRoutes routes;
    routes.actions["/request/enable"] = [this](std::string_view form) -> Result<std::string> {
      ++actions;
      if (net::query_value(form, "fail") == "1") return fail("it will not");
      return "enabled";
    };
    routes.orders["/request/topup"] = {role::OrderKind::client_top_up, "proxy", true};
    routes.orders["/request/withdraw"] = {role::OrderKind::proxy_withdraw, "", false};
    routes.submit = [this](role::Order o) {
      orders.push_back(o);
      if (on_order) on_order(o);
    };
    auto made = OperatorApi::make(loop.io.get_executor(), file, get_forms, std::move(routes));
    ASSERT_TRUE(made) << made.error().what;
    api = *made;
    server = std::make_unique<net::HttpServer>(loop.io.get_executor(), net::HttpServerOptions{},
                                               [this](const net::HttpRequest& q, net::HttpResponder& r) -> Task<> {
                                                 co_await OperatorApi::answer(api, q, r);
                                               });
    ASSERT_TRUE(server->listen("127.0.0.1:0"));
  }

  net::HttpCall call(const std::string& path, std::string form, const std::string& authorization) const {
    net::HttpCall c;
    c.method = "POST";
    c.url = fmt::format("http://127.0.0.1:{}{}", server->port(), path);
    if (!authorization.empty()) c.headers.add("Authorization", authorization);
    c.body = std::move(form);
    c.deadline = net::Millis(10'000);
    return c;
  }
  Task<> exchange_into(net::HttpCall c, Answered& out) {
    auto answer = co_await client->send(std::move(c));
    EXPECT_TRUE(answer) << answer.error().what;
    if (!answer) co_return;
    out.status = answer->status();
    out.headers = answer->headers();
    auto body = co_await answer->read_all();
    if (body) out.body = *body;
  }
  Answered exchange(net::HttpCall c) {
    Answered out;
    loop.run([&]() -> Task<> { co_await exchange_into(std::move(c), out); });
    return out;
  }
  Answered post(const std::string& path, std::string form = {}) {
    return exchange(call(path, std::move(form), "Bearer " + secret()));
  }
};

role::Plan some_plan() {
  role::PlannedMessage m;
  m.operation = "client_top_up";
  m.to = *ton::address_from_text(kProxy);
  m.attached = 1'700;
  m.moved = 1'000;
  m.fees = 10;
  m.effect = "pays ahead";
  return {{m, m}, "two of them"};
}

TEST_F(OperatorApiTest, FormsOfExistingDashboardsOnlyWhereTheyAreAllowed) {
  const auto get = [&](const std::string& target) {
    auto c = call(target, "", "");
    c.method = "GET";
    return exchange(std::move(c));
  };
  on_order = [&](const role::Order& o) { api->deliver(role::OrderAnswer{o.id, some_plan()}); };
  const auto topup = [&](const std::string& hash) {
    return "/request/topup?amount=5&proxy=" + std::string(kProxy) + (hash.empty() ? "" : "&access_hash=" + hash);
  };
  EXPECT_EQ(get(topup(secret())).status, 405) << "off by default";
  EXPECT_EQ(orders.size(), 0u);

  serve(secret_file(), true);
  EXPECT_EQ(get(topup("")).status, 401);
  EXPECT_EQ(get(topup(std::string(64, '0'))).status, 403);
  EXPECT_EQ(get("/request/enable?access_hash=x").status, 403);
  EXPECT_EQ(orders.size() + static_cast<std::size_t>(actions), 0u);
  EXPECT_EQ(get(topup(secret())).status, 200);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].amount, 5u);
  EXPECT_EQ(orders[0].contract, *ton::address_from_text(kProxy));
  EXPECT_EQ(get("/request/enable?access_hash=" + secret()).status, 200);
  EXPECT_EQ(get("/request/enable?fail=1&access_hash=" + secret()).status, 400);
  EXPECT_EQ(actions, 2);
  EXPECT_EQ(post("/request/enable").status, 200) << "the other form goes on";
}

TEST_F(OperatorApiTest, MakesItsSecretForNobodyElseToRead) {
  struct stat info {};
  ASSERT_EQ(stat(secret_file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(secret().size(), 64u);
  EXPECT_EQ(OperatorApi::make(loop.io.get_executor(), secret_file(), false, {}).has_value(), true);
  std::filesystem::permissions(secret_file(), std::filesystem::perms::group_read, std::filesystem::perm_options::add);
  const auto open_to_all = OperatorApi::make(loop.io.get_executor(), secret_file(), false, {});
  ASSERT_FALSE(open_to_all);
  EXPECT_NE(open_to_all.error().what.find("operator.secret_file"), std::string::npos);
}

TEST_F(OperatorApiTest, W19_NothingHappensWithoutTheSecret) {
  const auto refused = [&](const std::string& authorization, int status) {
    for (const auto* path : {"/request/enable", "/request/topup"}) {
      const auto answer = exchange(call(path, "dry_run=1", authorization));
      EXPECT_EQ(answer.status, status) << authorization;
      EXPECT_FALSE(answer.error().empty());
      EXPECT_EQ(answer.body.find(secret()), std::string::npos);
    }
  };
  refused("", 401);
  EXPECT_EQ(exchange(call("/request/enable", "", "")).headers.get("www-authenticate"), "Bearer");
  refused("Bearer ", 403);
  refused("Bearer " + std::string(64, '0'), 403);
  refused("Bearer " + secret() + "0", 403);
  refused("Bearer " + secret().substr(1), 403);
  refused("Basic " + secret(), 403);
  refused(secret(), 403);
  auto in_the_form = call("/request/enable", "secret=" + secret(), "");
  EXPECT_EQ(exchange(std::move(in_the_form)).status, 401);
  EXPECT_EQ(actions, 0);
  EXPECT_TRUE(orders.empty());
}

TEST_F(OperatorApiTest, W19_NeverOverGet) {
  for (const auto* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    for (const auto* path : {"/request/enable", "/request/topup"}) {
      auto c = call(path, "", "Bearer " + secret());
      c.method = method;
      const auto answer = exchange(std::move(c));
      EXPECT_EQ(answer.status, 405) << method;
      EXPECT_EQ(answer.headers.get("allow"), "POST");
    }
  }
  EXPECT_EQ(actions, 0);
  EXPECT_TRUE(orders.empty());
}

TEST_F(OperatorApiTest, WithoutAConfiguredSecretEverythingIsRefused) {
  const auto was = secret();
  serve("");
  for (const auto& authorization : {std::string("Bearer " + was), std::string("Bearer ")}) {
    const auto answer = exchange(call("/request/enable", "", authorization));
    EXPECT_EQ(answer.status, 403);
    EXPECT_NE(answer.error().find("operator.secret_file"), std::string::npos);
  }
  EXPECT_EQ(actions, 0);
}

TEST_F(OperatorApiTest, AnActionIsDoneAtOnce) {
  auto answer = post("/request/enable");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.parsed().at("outcome").as_string(), "enabled");
  answer = post("/request/enable", "fail=1");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.error(), "it will not");
  EXPECT_EQ(actions, 2);
}

TEST_F(OperatorApiTest, ADryRunGivesThePlan) {
  on_order = [&](const role::Order& o) { api->deliver(role::OrderAnswer{o.id, some_plan()}); };
  const auto answer = post("/request/topup", fmt::format("proxy={}&amount=1000&dry_run=1&wait=3600", kProxy));
  ASSERT_EQ(answer.status, 200) << answer.body;
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].kind, role::OrderKind::client_top_up);
  EXPECT_EQ(orders[0].contract, *ton::address_from_text(kProxy));
  EXPECT_EQ(orders[0].amount, 1000u);
  EXPECT_TRUE(orders[0].dry_run);
  const auto body = answer.parsed();
  EXPECT_EQ(body.at("state").as_string(), "planned");
  EXPECT_EQ(body.at("note").as_string(), "two of them");
  EXPECT_EQ(body.at("messages").as_array().size(), 2u);
  const auto& m = body.at("messages").as_array()[0].as_object();
  EXPECT_EQ(m.at("operation").as_string(), "client_top_up");
  EXPECT_EQ(m.at("comes_back_nano").to_number<int>(), 690);
  EXPECT_EQ(body.at("totals").at("attached_nano").to_number<int>(), 3'400);
  EXPECT_EQ(body.at("totals").at("comes_back_nano").to_number<int>(), 1'380);
}

TEST_F(OperatorApiTest, AnOrderIsAnsweredWhenSentOrWhenItsOutcomeIsSeen) {
  on_order = [&](const role::Order& o) { api->deliver(role::OrderAnswer{o.id, some_plan()}); };
  EXPECT_EQ(post("/request/withdraw").parsed().at("state").as_string(), "sent");
  // The outcome comes with a later event.
  const auto later = [&](Result<std::string> outcome) {
    on_order = [this, outcome](const role::Order& o) {
      api->deliver(role::OrderAnswer{o.id, some_plan()});
      net::asio::post(loop.io, [this, outcome, id = o.id] { api->deliver(role::OrderDone{id, outcome}); });
    };
  };
  later(std::string("arrived"));
  auto body = post("/request/withdraw", "wait=60").parsed();
  EXPECT_EQ(body.at("state").as_string(), "done");
  EXPECT_EQ(body.at("outcome").as_string(), "arrived");
  later(fail("exit code 1003"));
  body = post("/request/withdraw", "wait=60").parsed();
  EXPECT_EQ(body.at("state").as_string(), "failed");
  EXPECT_EQ(body.at("outcome").as_string(), "exit code 1003");
  // Nobody waits for these.
  api->deliver(role::OrderAnswer{999, some_plan()});
  api->deliver(role::OrderDone{999, std::string("late")});
}

TEST_F(OperatorApiTest, WhatTheCoreRefusesIsAConflict) {
  on_order = [&](const role::Order& o) { api->deliver(role::OrderAnswer{o.id, fail("nothing to withdraw")}); };
  const auto answer = post("/request/withdraw", "wait=60");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.error(), "nothing to withdraw");
}

TEST_F(OperatorApiTest, MalformedFormsReachNoCore) {
  for (const auto* form : {"amount=1.5", "amount=-1", "amount=99999999999999999999", "dry_run=2", "dry_run=yes",
                           "wait=3601", "wait=x", "proxy=nobody"}) {
    const auto answer = post("/request/topup", form);
    EXPECT_EQ(answer.status, 400) << form;
    EXPECT_FALSE(answer.error().empty());
  }
  EXPECT_EQ(post("/request/withdraw", "amount=1").status, 400);
  EXPECT_TRUE(orders.empty());
  on_order = [&](const role::Order& o) { api->deliver(role::OrderAnswer{o.id, some_plan()}); };
  EXPECT_EQ(post("/request/topup", "amount=18446744073709551615").status, 200);
}

TEST_F(OperatorApiTest, OrdersUnderWayAreLimitedAndEndWithTheNode) {
  on_order = [&](const role::Order& o) { api->deliver(role::OrderAnswer{o.id, some_plan()}); };
  std::vector<Answered> answers(OperatorApi::kMaxOrders);
  std::size_t ended = 0;
  for (auto& one : answers)
    net::asio::co_spawn(loop.io, exchange_into(call("/request/withdraw", "wait=3600", "Bearer " + secret()), one),
                        [&](std::exception_ptr) { ++ended; });
  loop.until([&] { return orders.size() == answers.size(); });
  EXPECT_EQ(post("/request/withdraw").status, 429);
  EXPECT_EQ(orders.size(), answers.size());
  api->close();
  loop.until([&] { return ended == answers.size(); });
  for (const auto& one : answers) EXPECT_EQ(one.parsed().at("state").as_string(), "sent");
  EXPECT_EQ(post("/request/withdraw").status, 503);
}

TEST_F(OperatorApiTest, ACallerThatLeavesMakesRoom) {
  on_order = [&](const role::Order& o) { api->deliver(role::OrderAnswer{o.id, some_plan()}); };
  std::vector<net::tcp::socket> callers;
  for (std::size_t i = 0; i < OperatorApi::kMaxOrders; ++i) {
    auto socket = net::testing::connect_to(loop.io, server->port());
    const auto text = fmt::format(
        "POST /request/withdraw HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 9\r\n\r\nwait=3600",
        secret());
    net::asio::write(socket, net::asio::buffer(text));
    callers.push_back(std::move(socket));
  }
  loop.until([&] { return orders.size() == OperatorApi::kMaxOrders; });
  EXPECT_EQ(post("/request/withdraw").status, 429);
  callers.clear();
  loop.until([&] { return server->connections() <= 1; });
  EXPECT_EQ(post("/request/withdraw").status, 200);
}

}  // namespace
}  // namespace cocoon::node
