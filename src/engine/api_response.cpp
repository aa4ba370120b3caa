#include "engine/api_response.hpp"

#include <bit>
#include <cstring>

#include <boost/json.hpp>
#include <fmt/core.h>
#include <fmt/format.h>

#include "base/bytes.hpp"

namespace cocoon::engine {
namespace {

namespace json = boost::json;

std::string quoted(std::string_view text) { return json::serialize(json::string_view(text.data(), text.size())); }

const char* name_of(FinishReason reason) { return reason == FinishReason::stop ? "stop" : "length"; }

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

std::string answer_json(const AnswerHead& head, std::span<const Choice> choices, const Usage& usage) {
  const bool chat = head.kind == AnswerKind::chat;
  auto out = begin_json(head, chat ? "chat.completion" : "text_completion");
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto text = quoted(choices[i].text);
    const auto content = chat ? fmt::format(R"("message":{{"role":"assistant","content":{},"refusal":null}})", text)
                              : R"("text":)" + text;
    out += fmt::format(R"({}{{"index":{},{},"logprobs":null,"finish_reason":"{}"}})", i == 0 ? "" : ",", i, content,
                       name_of(choices[i].reason));
  }
  return out + R"(],"usage":)" + usage_json(usage) + "}";
}

EventWriter::EventWriter(const AnswerHead& head, bool usage_field)
    : kind_(head.kind),
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

std::string EventWriter::text(std::uint32_t choice, std::string_view text, const Usage* usage) const {
  const auto* const form = kind_ == AnswerKind::chat
                               ? R"({{"index":{},"delta":{{"content":{}}},"logprobs":null,"finish_reason":null}})"
                               : R"({{"index":{},"text":{},"logprobs":null,"finish_reason":null}})";
  return chunk(fmt::format(fmt::runtime(form), choice, quoted(text)), usage);
}

std::string EventWriter::last(std::uint32_t choice, FinishReason reason, const Usage* usage) const {
  const auto* const form = kind_ == AnswerKind::chat
                               ? R"({{"index":{},"delta":{{}},"logprobs":null,"finish_reason":"{}"}})"
                               : R"({{"index":{},"text":"","logprobs":null,"finish_reason":"{}"}})";
  return chunk(fmt::format(fmt::runtime(form), choice, name_of(reason)), usage);
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
