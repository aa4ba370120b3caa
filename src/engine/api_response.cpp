#include "engine/api_response.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <boost/json.hpp>
#include <fmt/core.h>
#include <fmt/format.h>

#include "base/bytes.hpp"
#include "engine/text_stream.hpp"

namespace cocoon::engine {
namespace {

namespace json = boost::json;

std::string quoted(std::string_view text) { return json::serialize(json::string_view(text.data(), text.size())); }

const char* name_of(FinishReason reason, bool called) {
  if (reason == FinishReason::length) return "length";
  return called ? "tool_calls" : "stop";
}

std::string one_token(const TokenInWords::One& one) {
  return fmt::format(
      R"("token":{},"logprob":{},"bytes":[{}])", quoted(as_utf8(one.bytes)), one.logprob,
      fmt::join(std::span(reinterpret_cast<const std::uint8_t*>(one.bytes.data()), one.bytes.size()), ","));
}

// {"content":[{"token","logprob","bytes","top_logprobs"}]}
std::string chat_logprobs(const std::vector<TokenInWords>& tokens) {
  std::string out;
  for (const auto& t : tokens) {
    std::string top;
    for (const auto& one : t.top) top += (top.empty() ? "{" : ",{") + one_token(one) + "}";
    out += fmt::format(R"({}{{{},"top_logprobs":[{}]}})", out.empty() ? "" : ",", one_token(t.chosen), top);
  }
  return fmt::format(R"({{"content":[{}],"refusal":null}})", out);
}

// The likeliest tokens, and the chosen one in any case.
std::string top_of(const TokenInWords& t) {
  std::string top;
  const auto add = [&top](const TokenInWords::One& one) {
    top += fmt::format("{}{}:{}", top.empty() ? "" : ",", quoted(as_utf8(one.bytes)), one.logprob);
  };
  for (const auto& one : t.top) add(one);
  if (std::ranges::find(t.top, t.chosen.bytes, &TokenInWords::One::bytes) == t.top.end()) add(t.chosen);
  return top;
}

// {"tokens":[],"token_logprobs":[],"top_logprobs":[{}],"text_offset":[]}; offsets in characters.
std::string text_logprobs(const std::vector<TokenInWords>& tokens, std::size_t offset) {
  std::string words, probabilities, tops, offsets;
  for (const auto& t : tokens) {
    const char* comma = words.empty() ? "" : ",";
    words += comma + quoted(as_utf8(t.chosen.bytes));
    probabilities += fmt::format("{}{}", comma, t.chosen.logprob);
    tops += fmt::format("{}{{{}}}", comma, top_of(t));
    offsets += fmt::format("{}{}", comma, offset);
    offset += characters(t.chosen.bytes);
  }
  return fmt::format(R"({{"tokens":[{}],"token_logprobs":[{}],"top_logprobs":[{}],"text_offset":[{}]}})", words,
                     probabilities, tops, offsets);
}

std::string call_json(const std::string& id, const ToolCall& call) {
  return fmt::format(R"("id":{},"type":"function","function":{{"name":{},"arguments":{}}})", quoted(id),
                     quoted(call.name), quoted(call.arguments));
}

std::string id_of_call(const std::string& answer, std::size_t choice, std::size_t index) {
  return fmt::format("call_{}_{}_{}", answer.substr(answer.find('-') + 1), choice, index);
}

std::string message_json(const AnswerHead& head, std::size_t index, const Choice& choice) {
  std::string calls;
  for (std::size_t i = 0; i < choice.calls.size(); ++i)
    calls += (i == 0 ? "{" : ",{") + call_json(id_of_call(head.id, index, i), choice.calls[i]) + "}";
  const bool silent = choice.text.empty() && !choice.calls.empty();
  return fmt::format(R"({{"role":"assistant","content":{},"refusal":null{}}})", silent ? "null" : quoted(choice.text),
                     calls.empty() ? "" : R"(,"tool_calls":[)" + calls + "]");
}

std::string usage_json(const Usage& u) {
  return fmt::format(
      R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{}}}}})",
      u.prompt_tokens, u.completion_tokens, std::uint64_t{u.prompt_tokens} + u.completion_tokens, u.cached_tokens);
}

std::string begin_json(const AnswerHead& head, std::string_view object) {
  return fmt::format(R"({{"id":{},"object":"{}","created":{},"model":{},"system_fingerprint":null,"choices":[)",
                     quoted(head.id), object, head.created, quoted(head.model));
}

}  // namespace

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string answer_json(const AnswerHead& head, std::span<const Choice> choices, const Usage& usage) {
  const bool chat = head.kind == AnswerKind::chat;
  auto out = begin_json(head, chat ? "chat.completion" : "text_completion");
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto& c = choices[i];
    const auto content = chat ? R"("message":)" + message_json(head, i, c) : R"("text":)" + quoted(c.text);
    std::string logprobs = "null";
    if (c.tokens) logprobs = chat ? chat_logprobs(*c.tokens) : text_logprobs(*c.tokens, c.offset);
    out += fmt::format(R"({}{{"index":{},{},"logprobs":{},"finish_reason":"{}"}})", i == 0 ? "" : ",", i, content,
                       logprobs, name_of(c.reason, !c.calls.empty()));
  }
  return out + R"(],"usage":)" + usage_json(usage) + "}";
}

EventWriter::EventWriter(const AnswerHead& head, bool usage_field)
    : kind_(head.kind),
      id_(head.id),
      usage_field_(usage_field),
      begin_("data: " + begin_json(head, kind_ == AnswerKind::chat ? "chat.completion.chunk" : "text_completion")) {}

std::string EventWriter::chunk(std::string_view choices, const Usage* usage) const {
  auto out = begin_;
  out += choices;
  out += "]";
  if (usage)
    out += R"(,"usage":)" + usage_json(*usage);
  else if (usage_field_)
    out += R"(,"usage":null)";
  return out + "}\n\n";
}

std::string EventWriter::first(std::uint32_t choice) const {
  if (kind_ == AnswerKind::completion) return {};
  return chunk(
      fmt::format(R"({{"index":{},"delta":{{"role":"assistant","content":""}},"logprobs":null,"finish_reason":null}})",
                  choice),
      nullptr);
}

std::string EventWriter::text(std::uint32_t choice, std::string_view text, const Usage* usage,
                              const std::vector<TokenInWords>* tokens, std::size_t offset) const {
  const bool chat = kind_ == AnswerKind::chat;
  const auto logprobs = !tokens ? "null" : chat ? chat_logprobs(*tokens) : text_logprobs(*tokens, offset);
  const auto told = chat ? fmt::format(R"("delta":{{"content":{}}})", quoted(text)) : R"("text":)" + quoted(text);
  return chunk(fmt::format(R"({{"index":{},{},"logprobs":{},"finish_reason":null}})", choice, told, logprobs), usage);
}

std::string EventWriter::call_id(std::uint32_t choice, std::size_t index) const {
  return id_of_call(id_, choice, index);
}

std::string EventWriter::call(std::uint32_t choice, std::size_t index, const ToolCall& call, const Usage* usage) const {
  return chunk(
      fmt::format(R"({{"index":{},"delta":{{"tool_calls":[{{"index":{},{}}}]}},"logprobs":null,"finish_reason":null}})",
                  choice, index, call_json(call_id(choice, index), call)),
      usage);
}

std::string EventWriter::last(std::uint32_t choice, FinishReason reason, const Usage* usage, bool called) const {
  const auto* const form = kind_ == AnswerKind::chat
                               ? R"({{"index":{},"delta":{{}},"logprobs":null,"finish_reason":"{}"}})"
                               : R"({{"index":{},"text":"","logprobs":null,"finish_reason":"{}"}})";
  return chunk(fmt::format(fmt::runtime(form), choice, name_of(reason, called)), usage);
}

std::string EventWriter::usage(const Usage& usage) const { return chunk({}, &usage); }

std::string model_json(const ModelFacts& facts) {
  const auto& m = *facts.model;
  return fmt::format(R"({{"id":{},"object":"model","created":{},"owned_by":"cocoon","max_model_len":{},)"
                     R"("meta":{{"n_ctx":{},"n_ctx_train":{},"n_vocab":{},"n_embd":{},"n_params":{},"size":{}}}}})",
                     quoted(facts.id), facts.created, facts.context_length, facts.context_length, m.context_length(),
                     m.vocabulary_size(), m.embedding_length(), m.parameters(), m.size_bytes());
}

std::string models_json(const ModelFacts& facts) { return R"({"object":"list","data":[)" + model_json(facts) + "]}"; }

std::string embeddings_json(const std::string& model, std::span<const std::vector<float>> vectors, bool base64,
                            std::uint64_t tokens) {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    out += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":)", i == 0 ? "" : ",", i);
    if (base64) {
      static_assert(std::endian::native == std::endian::little, "the format is little-endian");
      const auto& v = vectors[i];
      out += "\"" + to_base64({reinterpret_cast<const std::uint8_t*>(v.data()), v.size() * sizeof(float)}) + "\"}";
    } else {
      out += fmt::format("[{}]}}", fmt::join(vectors[i], ","));
    }
  }
  return out + fmt::format(R"(],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}})", quoted(model), tokens,
                           tokens);
}

std::string tokens_json(std::span<const Token> tokens, std::uint32_t context_length) {
  return fmt::format(R"({{"tokens":[{}],"count":{},"max_model_len":{}}})", fmt::join(tokens, ","), tokens.size(),
                     context_length);
}

}  // namespace cocoon::engine
