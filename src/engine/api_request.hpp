// Requests of the OpenAI API, from JSON to values: every field checked, nothing of the model needed.
//
// Fields that the engine does not know are ignored, as OpenAI's other servers do; fields it knows but cannot honour are
// refused, never silently dropped. null means absent.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/api_error.hpp"
#include "engine/model.hpp"
#include "engine/sampler.hpp"
#include "engine/tool_calls.hpp"

namespace cocoon::engine {

struct RequestLimits {
  static constexpr std::uint32_t choices = 8;  // n, and n times the number of prompts
  static constexpr std::size_t stops = 16;
  static constexpr std::size_t stop_bytes = 1024;
  static constexpr std::size_t messages = 4096;
  static constexpr std::size_t biases = 1024;
  static constexpr std::size_t inputs = 64;  // texts of one embeddings request
  static constexpr std::size_t tools = 128;
  static constexpr std::int64_t logprobs = 20;  // alternatives of a token
};

struct AnswerParams {
  std::string model;  // empty: the one that is served
  Sampling sampling;  // its seed is not set
  std::optional<std::uint64_t> seed;
  std::vector<std::string> stops;
  std::uint32_t max_tokens = 0;  // 0: as many as the context holds
  std::uint32_t choices = 1;
  bool stream = false;
  bool usage_at_end = false;   // stream_options.include_usage
  bool usage_in_each = false;  // stream_options.continuous_usage_stats
  std::string cache_salt;
};

struct ChatRequest : AnswerParams {
  std::vector<ChatMessage> messages;  // calls and their results in the model's own notation (tool_calls.hpp)
  bool reads_calls = false;           // calls of tools are looked for in the answer
};

// A text or its tokens.
using Prompt = std::variant<std::string, std::vector<Token>>;

struct CompletionRequest : AnswerParams {
  std::vector<Prompt> prompts;
  bool echo = false;
};

struct EmbeddingsRequest {
  std::string model;
  std::vector<Prompt> inputs;
  bool base64 = false;  // encoding_format
};

struct TokenizeRequest {
  std::string model;
  std::optional<std::string> text;
  std::vector<ChatMessage> messages;  // when there is no text
  bool add_special = true;
};

// `defaults`: what a request that does not say gets.
ApiResult<ChatRequest> parse_chat(std::string_view body, const Sampling& defaults);
ApiResult<CompletionRequest> parse_completion(std::string_view body, const Sampling& defaults);
ApiResult<EmbeddingsRequest> parse_embeddings(std::string_view body);
ApiResult<TokenizeRequest> parse_tokenize(std::string_view body);

}  // namespace cocoon::engine
