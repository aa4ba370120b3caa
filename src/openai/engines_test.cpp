// What each engine sends, byte for byte (testdata/engines), cut at every byte.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "openai/answer_body.hpp"
#include "openai/chat.hpp"
#include "openai/context_length.hpp"
#include "openai/models.hpp"
#include "openai/sse.hpp"

namespace cocoon::openai {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(COCOON_SOURCE_DIR) / "src/openai/testdata/engines";

std::string recorded(const std::string& name) {
  std::ifstream in(kFolder / name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Stream {
  const char* file;
  Usage usage;
  std::uint64_t texts;  // events with text: what is billed where usage never came
  bool whole = true, error = false;
  const char* content;  // of all choices' deltas
  const char* reasoning = "";
  bool has_usage_event = false;  // an event with empty choices
};
const Stream kStreams[] = {
    {"vllm-usage-last.sse", {31, 16, 5, 0}, 5, true, false, "Clear skies, 21 °C", "", true},
    {"vllm-usage-in-each.sse", {31, 0, 5, 0}, 5, true, false, "Clear skies, 21 °C", "", true},
    {"vllm-no-usage.sse", {}, 5, true, false, "Clear skies, 21 °C"},
    {"vllm-reasoning.sse", {31, 0, 6, 4}, 6, true, false, "It rains", "They ask of weather", true},
    {"vllm-cut.sse", {}, 3, false, false, "Clear skies,"},
    {"vllm-error-mid.sse", {}, 1, true, true, "Clear"},
    {"sglang-reasoning.sse", {20, 0, 7, 3}, 7, true, false, "It is 4.", "2 plus 2", true},
    {"ollama-usage-last.sse", {26, 0, 4, 0}, 3, true, false, "Good morning!", "", true},
    {"ollama-2024.sse", {}, 3, true, false, "Good morning!"},
    {"llama-server-usage-last.sse", {14, 13, 3, 0}, 3, true, false, "Long ago,", "", true},
    {"llama-server-no-usage.sse", {}, 3, true, false, "Long ago,"},
    {"tgi-usage-last.sse", {40, 0, 4, 0}, 4, true, false, "Deep learning is fun", "", true},
    {"tgi-old.sse", {40, 0, 4, 0}, 4, true, false, "Deep learning is fun"},
};

// What an application reads of it.
std::pair<std::string, std::string> texts_of(std::string_view stream) {
  std::pair<std::string, std::string> out;
  for (std::size_t at = stream.find("data:"); at != stream.npos; at = stream.find("\ndata:", at)) {
    at = stream.find(':', at) + 1;
    const auto piece = read_chat_piece(stream.substr(at, stream.find('\n', at) - at));
    if (!piece) continue;
    out.first += piece->text;
    out.second += piece->reasoning;
  }
  return out;
}

TEST(Engines, StreamsCutAnywhere) {
  for (const auto& s : kStreams) {
    SCOPED_TRACE(s.file);
    const auto in = recorded(s.file);
    for (const bool asked : {true, false}) {
      std::string whole_out;
      for (std::size_t at = 0; at <= in.size(); ++at) {
        AnswerBody body({.form = BodyForm::event_stream, .drop_usage_event = !asked});
        std::string out;
        body.push(std::string_view(in).substr(0, at), out);
        body.push(std::string_view(in).substr(at), out);
        body.finish(out);
        ASSERT_EQ(body.usage(), s.usage) << "cut at " << at;
        ASSERT_EQ(body.texts(), s.texts) << "cut at " << at;
        ASSERT_EQ(body.whole(), s.whole) << "cut at " << at;
        ASSERT_EQ(body.has_error(), s.error) << "cut at " << at;
        if (at == 0) whole_out = out;
        ASSERT_EQ(out, whole_out) << "cut at " << at;
      }
      EXPECT_TRUE(!asked || whole_out == in) << "nobody changes what was asked for";
      EXPECT_EQ(whole_out.find("\"choices\":[]") != whole_out.npos, asked && s.has_usage_event);
      EXPECT_EQ(texts_of(whole_out), (std::pair<std::string, std::string>(s.content, s.reasoning)));
    }
  }
}

// Only the event that ends the choices waits, for the usage that may follow it.
TEST(Engines, NoTextWaitsForTheNext) {
  for (const auto& s : kStreams) {
    SCOPED_TRACE(s.file);
    const auto in = recorded(s.file);
    AnswerBody body({.form = BodyForm::event_stream, .drop_usage_event = true});
    for (std::size_t at = 0, end = 0; (end = in.find("\n\n", at)) != in.npos; at = end + 2) {
      const auto event = std::string_view(in).substr(at, end + 2 - at);
      const auto texts = body.texts();
      std::string out;
      body.push(event, out);
      constexpr std::string_view kReason = "\"finish_reason\":\"";
      const auto reason = event.find(kReason);
      const bool ends = reason != event.npos && event[reason + kReason.size()] != '"';
      EXPECT_TRUE(body.texts() == texts || ends || out.ends_with(event)) << event;
    }
  }
}

TEST(Engines, PlainAnswersCutAnywhere) {
  for (const auto& [file, usage, content] : {std::tuple{"vllm-plain.json", Usage{31, 0, 5, 0}, "Clear skies, 21 °C"},
                                             std::tuple{"llama-server-plain.json", Usage{14, 13, 3, 0}, "Long ago,"},
                                             std::tuple{"ollama-plain.json", Usage{26, 0, 4, 0}, "Good morning!"}}) {
    SCOPED_TRACE(file);
    const auto in = recorded(file);
    for (std::size_t at = 0; at <= in.size(); ++at) {
      AnswerBody body({.form = BodyForm::json});
      std::string out;
      body.push(std::string_view(in).substr(0, at), out);
      body.push(std::string_view(in).substr(at), out);
      body.finish(out);
      ASSERT_EQ(out, in);
      ASSERT_EQ(body.usage(), usage) << "cut at " << at;
      ASSERT_TRUE(body.whole());
    }
    EXPECT_EQ(read_chat_piece(in).value().text, content);
  }
}

TEST(Engines, ErrorsOfEveryShapeHaveTheirMessage) {
  for (const auto& [file, says] :
       {std::pair{"vllm-404.json", "The model `nothing` does not exist."},
        std::pair{"vllm-old-400.json", "maximum context length is 4096"},
        std::pair{"sglang-400.json", "longer than the model's context length"},
        std::pair{"ollama-404.json", "try pulling it first"}, std::pair{"llama-server-503.json", "Loading model"},
        std::pair{"llama-server-400.json", "exceeds the available context size (256 tokens)"},
        std::pair{"llama-server-501.json", "does not support embeddings"},
        std::pair{"tgi-422.json", "Input validation error"}}) {
    const auto piece = read_chat_piece(recorded(file));
    ASSERT_TRUE(piece) << file;
    EXPECT_NE(piece->error.find(says), std::string::npos) << file << ": " << piece->error;
  }
}

TEST(Engines, ModelsOfEveryShape) {
  for (const auto& [file, id] :
       {std::pair{"vllm-models.json", "Qwen/Qwen3-8B"}, std::pair{"sglang-models.json", "Qwen/Qwen3-8B"},
        std::pair{"ollama-models.json", "llama3.2:1b"}, std::pair{"llama-server-models.json", "tinychat.gguf"},
        std::pair{"tgi-models.json", "HuggingFaceH4/zephyr-7b-beta"}})
    EXPECT_EQ(model_ids(recorded(file)).value_or(std::vector<std::string>{}), std::vector<std::string>{id}) << file;
}

std::optional<std::int32_t> context_in(std::string_view path, std::string_view body) {
  for (const auto& page : context_pages())
    if (page.path == path) return page.read(body, "m");
  return std::nullopt;
}

TEST(Engines, SayHowLongAContextTheyServe) {
  EXPECT_EQ(context_in_models(recorded("vllm-models.json"), "Qwen/Qwen3-8B"), 40960);
  EXPECT_EQ(context_in_models(recorded("sglang-models.json"), "known/by-another-name"), 40960);
  // What the model was trained for is not what is served.
  EXPECT_EQ(context_in_models(recorded("llama-server-models.json"), "tinychat.gguf"), 256);
  EXPECT_EQ(context_in_models(R"({"data":[{"id":"m","meta":{"n_ctx_train":512}}]})", "m"), std::nullopt);
  EXPECT_EQ(trained_context_in_models(recorded("llama-server-models.json"), "tinychat.gguf"), 1024);
  EXPECT_EQ(context_in("/props", recorded("llama-server-props.json")), 256);
  EXPECT_EQ(context_in_models(recorded("tgi-models.json"), "m"), std::nullopt);
  EXPECT_EQ(context_in("/info", recorded("tgi-info.json")), 4096);
  EXPECT_EQ(context_in("/info", R"({"max_input_length":1024})"), 1024);
  EXPECT_EQ(context_in("/api/show", recorded("ollama-show.json")), 131072);
  EXPECT_EQ(
      context_in("/api/show", R"({"parameters":"stop \"x\"\nnum_ctx    8192\n","model_info":{"a.context_length":9}})"),
      8192);
}

TEST(Engines, OneOfSeveralModelsIsFoundByItsName) {
  constexpr std::string_view kTwo = R"({"data":[{"id":"a","max_model_len":1},{"id":"b","max_model_len":2}]})";
  EXPECT_EQ(context_in_models(kTwo, "b"), 2);
  EXPECT_EQ(context_in_models(kTwo, "c"), std::nullopt);
}

TEST(Engines, NonsenseSaysNothingOfTheContext) {
  for (const std::string_view n : {"0", "-5", "\"many\"", "4294967296", "1e99", "null", "[1]"}) {
    const auto put = [&](std::string_view before, std::string_view after) {
      return std::string(before) + std::string(n) + std::string(after);
    };
    EXPECT_EQ(context_in_models(put(R"({"data":[{"id":"m","max_model_len":)", "}]}"), "m"), std::nullopt) << n;
    EXPECT_EQ(context_in("/props", put(R"({"default_generation_settings":{"n_ctx":)", "}}")), std::nullopt) << n;
    EXPECT_EQ(context_in("/info", put(R"({"max_total_tokens":)", "}")), std::nullopt) << n;
    EXPECT_EQ(context_in("/api/show", put(R"({"model_info":{"x.context_length":)", "}}")), std::nullopt) << n;
  }
  for (const std::string_view body : {"", "{}", "[]", "[{}]", "nonsense", R"({"data":[]})", R"({"data":[1]})",
                                      R"({"parameters":"num_ctx","model_info":3})", R"({"parameters":"num_ctx   "})"}) {
    EXPECT_EQ(context_in_models(body, "m"), std::nullopt) << body;
    EXPECT_EQ(trained_context_in_models(body, "m"), std::nullopt) << body;
    for (const auto& page : context_pages()) EXPECT_EQ(page.read(body, "m"), std::nullopt) << page.path << body;
  }
}

TEST(Engines, NoRecordingIsForgotten) {
  std::set<std::string> known{"README.md"};
  for (const auto& s : kStreams) known.insert(s.file);
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const auto name = entry.path().filename().string();
    EXPECT_TRUE(!name.ends_with(".sse") || known.contains(name)) << name;
  }
}

}  // namespace
}  // namespace cocoon::openai
