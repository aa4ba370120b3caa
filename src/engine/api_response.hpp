// Answers of the OpenAI API, from values to JSON.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model.hpp"
#include "engine/scheduler.hpp"
#include "engine/tool_calls.hpp"

namespace cocoon::engine {

enum class AnswerKind { chat, completion };

struct AnswerHead {
  AnswerKind kind = AnswerKind::chat;
  std::string id;
  std::string model;
  std::int64_t created = 0;  // Unix seconds
};

// A token as the API tells it: its text and what else might have stood there.
struct TokenInWords {
  struct One {
    std::string bytes;
    float logprob = 0;
  };
  One chosen;
  std::vector<One> top;
};

struct Choice {
  std::string text;
  FinishReason reason = FinishReason::stop;
  std::vector<ToolCall> calls{};
  std::optional<std::vector<TokenInWords>> tokens{};  // where logprobs were asked for
  std::size_t offset = 0;                             // characters of the text before them
};

std::size_t characters(std::string_view utf8);

std::string answer_json(const AnswerHead& head, std::span<const Choice> choices, const Usage& usage);

// Server-sent events of one streamed answer: each returned string is whole "data: ...\n\n" lines.
class EventWriter {
 public:
  // `usage_field`: whether chunks without usage carry "usage": null (stream_options.include_usage).
  EventWriter(const AnswerHead& head, bool usage_field);

  std::string first(std::uint32_t choice) const;  // the role; nothing for completions
  // `tokens`: those that the text completes, where logprobs were asked for; `offset`: the characters before them.
  std::string text(std::uint32_t choice, std::string_view text, const Usage* usage,
                   const std::vector<TokenInWords>* tokens = nullptr, std::size_t offset = 0) const;
  std::string call(std::uint32_t choice, std::size_t index, const ToolCall& call, const Usage* usage) const;
  std::string last(std::uint32_t choice, FinishReason reason, const Usage* usage, bool called = false) const;
  std::string usage(const Usage& usage) const;  // no choices

 private:
  std::string call_id(std::uint32_t choice, std::size_t index) const;
  std::string chunk(std::string_view choices, const Usage* usage) const;

  AnswerKind kind_;
  std::string id_;
  bool usage_field_;
  std::string begin_;  // up to the choices
};

inline constexpr std::string_view kEventsDone = "data: [DONE]\n\n";

struct ModelFacts {
  std::string id;
  std::int64_t created = 0;
  std::uint32_t context_length = 0;  // of one request
  const Model* model = nullptr;
};
std::string model_json(const ModelFacts& facts);
std::string models_json(const ModelFacts& facts);

std::string embeddings_json(const std::string& model, std::span<const std::vector<float>> vectors, bool base64,
                            std::uint64_t tokens);
std::string tokens_json(std::span<const Token> tokens, std::uint32_t context_length);

}  // namespace cocoon::engine
