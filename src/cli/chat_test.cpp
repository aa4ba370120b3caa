// The conversation against an API that the test plays.
#include "cli/chat.hpp"

#include <thread>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/output.hpp"
#include "net/http_server.hpp"

namespace cocoon::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace json = boost::json;

struct Script final : ChatTerminal {
  std::vector<std::string> lines;
  std::string said, notes, errors;
  bool stop = false;  // from the first word of an answer on
  std::size_t at = 0;

  std::optional<std::string> line() override { return at < lines.size() ? std::optional(lines[at++]) : std::nullopt; }
  void say(std::string_view text) override { said += text; }
  void note(std::string_view text) override { notes += std::string(text) + "\n"; }
  void error(std::string_view text) override { errors += std::string(text) + "\n"; }
  bool interrupted() override { return stop && !said.empty(); }
};

// An API in a thread of its own, because the conversation blocks.
class FakeApi {
 public:
  FakeApi() {
    EXPECT_TRUE(server_.listen("127.0.0.1:0"));
    port_ = server_.port();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~FakeApi() {
    net::asio::post(io_, [this] {
      server_.close();
      guard_.reset();
      io_.stop();
    });
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // Set before the conversation.
  std::string models = R"({"object":"list","data":[{"id":"tiny"},{"id":"large"}]})";
  int status = 200;
  std::vector<std::string> pieces;  // of each answer
  bool hang = false;                // after the pieces, until the caller leaves
  std::vector<json::value> asked;   // read after the conversation

 private:
  net::Task<> answer(const net::HttpRequest& request, net::HttpResponder& responder) {
    if (request.path() == "/v1/models") {
      co_await responder.respond(200, net::HttpHeaders::content_type("application/json"), models);
      co_return;
    }
    asked.push_back(json::parse(request.body));
    co_await responder.start(status, net::HttpHeaders::content_type("text/event-stream"));
    for (const auto& p : pieces) co_await responder.write(p);
    if (hang) {
      net::Event gone(io_.get_executor());
      responder.on_client_gone([&] { gone.notify(); });
      co_await gone.wait();
    }
    co_await responder.finish();
  }

  net::asio::io_context io_{1};
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_{io_.get_executor()};
  net::HttpServer server_{
      io_.get_executor(), {}, [this](const net::HttpRequest& q, net::HttpResponder& r) -> net::Task<> {
        return answer(q, r);
      }};
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string word(const std::string& text) {
  return "data: {\"choices\":[{\"delta\":{\"content\":\"" + text + "\"}}]}\n\n";
}
const std::string kUsage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3,\"total_cost\":1500000}}\n\n";
const std::string kDone = "data: [DONE]\n\n";

struct ChatTest : testing::Test {
  FakeApi api;
  Script script;
  ChatOptions options;
  bool talk(std::vector<std::string> lines) {
    options.api = api.url();
    script.lines = std::move(lines);
    return converse(options, script);
  }
};

TEST_F(ChatTest, StreamsTheAnswerAndSaysWhatItCost) {
  // Cut in the middle of an event.
  const auto second = word("lo");
  api.pieces = {word("Hel") + second.substr(0, 9), second.substr(9), kUsage, kDone};
  EXPECT_TRUE(talk({"hi", ""}));
  EXPECT_EQ(script.said, "Hello\n");
  EXPECT_THAT(script.notes, HasSubstr("12 + 3 tokens"));
  EXPECT_THAT(script.notes, HasSubstr("0.0015"));
  EXPECT_THAT(script.notes, HasSubstr("first token after"));
  EXPECT_THAT(script.errors, IsEmpty());
  ASSERT_EQ(api.asked.size(), 1U);
  EXPECT_EQ(api.asked[0].at("model").as_string(), "tiny");
  EXPECT_TRUE(api.asked[0].at("stream").as_bool());
}

TEST_F(ChatTest, RemembersTheConversationUntilReset) {
  api.pieces = {word("yes"), kDone};
  options.system = "be brief";
  EXPECT_TRUE(talk({"one", "two", "/reset", "three", "/system be long", "four"}));
  ASSERT_EQ(api.asked.size(), 4U);
  const auto contents = [&](std::size_t i) {
    std::string out;
    for (const auto& m : api.asked[i].at("messages").as_array())
      out += std::string(m.at("role").as_string()) + ":" + std::string(m.at("content").as_string()) + " ";
    return out;
  };
  EXPECT_EQ(contents(0), "system:be brief user:one ");
  EXPECT_EQ(contents(1), "system:be brief user:one assistant:yes user:two ");
  EXPECT_EQ(contents(2), "system:be brief user:three ");
  EXPECT_EQ(contents(3), "system:be long user:four ");
}

TEST_F(ChatTest, Commands) {
  api.pieces = {word("yes"), kDone};
  EXPECT_TRUE(talk({"/help", "/model", "/model nowhere", "/model large", "hi", "/nonsense", "/quit", "never"}));
  EXPECT_THAT(script.notes, HasSubstr("/reset"));
  EXPECT_THAT(script.notes, HasSubstr("* tiny\n  large\n"));
  EXPECT_THAT(script.errors, HasSubstr("no worker serves nowhere"));
  EXPECT_THAT(script.errors, HasSubstr("no command /nonsense"));
  ASSERT_EQ(api.asked.size(), 1U);
  EXPECT_EQ(api.asked[0].at("model").as_string(), "large");
}

TEST_F(ChatTest, ErrorsOfEveryKindAreTold) {
  api.status = 402;
  api.pieces = {R"({"error":{"message":"no money","type":"x"},"error_code":602})"};
  EXPECT_FALSE(talk({"hi"}));
  EXPECT_THAT(script.errors, HasSubstr("no money (status 402)"));
  api.status = 200;
  api.pieces = {word("half"), "data: {\"error\":{\"message\":\"worker lost\"}}\n\n"};
  script = {};
  EXPECT_FALSE(talk({"hi"}));
  EXPECT_EQ(script.said, "half\n");
  EXPECT_THAT(script.errors, HasSubstr("worker lost"));
  api.pieces = {};
  script = {};
  EXPECT_FALSE(talk({"hi"}));
  EXPECT_THAT(script.errors, HasSubstr("empty"));
  api.models = R"({"data":[]})";
  script = {};
  EXPECT_FALSE(talk({"hi"}));
  EXPECT_THAT(script.errors, HasSubstr("no worker serves a model"));
}

TEST_F(ChatTest, WithoutAClientItSaysWhatToDo) {
  options.api = "http://127.0.0.1:1";
  script.lines = {"hi"};
  EXPECT_FALSE(converse(options, script));
  EXPECT_THAT(script.errors, HasSubstr("make up"));
}

TEST_F(ChatTest, AnAnswerInOnePieceIsReadToo) {
  api.pieces = {R"({"choices":[{"message":{"role":"assistant","content":"whole"}}],"usage":{"prompt_tokens":1}})"};
  EXPECT_TRUE(talk({"hi"}));
  EXPECT_EQ(script.said, "whole\n");
}

TEST_F(ChatTest, AnInterruptStopsTheAnswerAndKeepsWhatWasSaid) {
  api.pieces = {word("begun")};
  api.hang = true;
  script.stop = true;
  EXPECT_TRUE(talk({"hi"}));
  EXPECT_EQ(script.said, "begun\n");
  EXPECT_THAT(script.notes, HasSubstr("stopped"));
}

TEST(ChatPrintable, KeepsTextAndDropsCommandsToTheTerminal) {
  EXPECT_EQ(printable("a\tb\nc \xd0\xbf\xd1\x80 \xe2\x82\xac"), "a\tb\nc \xd0\xbf\xd1\x80 \xe2\x82\xac");
  EXPECT_EQ(printable_line("a\naccepted\x1b[2J"), "a accepted[2J");
  EXPECT_EQ(printable("\x1b[31mred\x07\r\x7f"), "[31mred");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\xc2\xa0x\xc2"),
            "31m\xc2\xa0x\xc2");
}

}  // namespace
}  // namespace cocoon::cli
