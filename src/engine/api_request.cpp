#include "engine/api_request.hpp"

#include <charconv>
#include <limits>

#include <fmt/core.h>

#include "engine/json_fields.hpp"
#include "engine/json_grammar.hpp"

namespace cocoon::engine {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameLimit = 256;
constexpr std::int64_t kManyTokens = 1 << 24;

void set(float& to, const std::optional<double>& from) {
  if (from) to = static_cast<float>(*from);
}

void read_sampling(Fields& f, Sampling& s) {
  set(s.temperature, f.number("temperature", 0, 2));
  set(s.top_p, f.number("top_p", 0, 1));
  set(s.min_p, f.number("min_p", 0, 1));
  set(s.presence_penalty, f.number("presence_penalty", -2, 2));
  set(s.frequency_penalty, f.number("frequency_penalty", -2, 2));
  // vLLM's name and llama-server's.
  set(s.repetition_penalty, f.number("repeat_penalty", 0.01, 10));
  set(s.repetition_penalty, f.number("repetition_penalty", 0.01, 10));
  if (const auto k = f.integer("top_k", -1, 1 << 24)) s.top_k = static_cast<std::int32_t>(*k);
  s.ignore_end = f.boolean("ignore_eos").value_or(s.ignore_end);
}

void read_logit_bias(Fields& f, Sampling& s) {
  const auto* biases = f.object("logit_bias");
  if (!biases) return;
  if (biases->size() > RequestLimits::biases)
    return f.wrong("logit_bias", fmt::format("an object of at most {} tokens", RequestLimits::biases));
  Fields values(*biases, "logit_bias.");
  for (const auto& [key, value] : *biases) {
    Token token = -1;
    const auto end = key.data() + key.size();
    const auto [at, failed] = std::from_chars(key.data(), end, token);
    if (failed != std::errc() || at != end || token < 0)
      return f.wrong("logit_bias", "an object whose names are token numbers");
    if (const auto weight = values.number(key, -100, 100))
      s.logit_bias.emplace_back(
          token, *weight <= -100 ? -std::numeric_limits<float>::infinity() : static_cast<float>(*weight));
  }
  if (values.fault()) f.fault(*values.fault());
}

void read_stops(Fields& f, std::vector<std::string>& stops) {
  const auto* value = f.any("stop");
  if (!value) return;
  const auto add = [&](const json::value& one) {
    const bool good =
        one.is_string() && !one.get_string().empty() && one.get_string().size() <= RequestLimits::stop_bytes;
    if (good)
      stops.emplace_back(one.get_string());
    else
      f.wrong("stop", fmt::format("a string or an array of strings of 1 to {} bytes", RequestLimits::stop_bytes));
  };
  if (!value->is_array()) return add(*value);
  if (value->get_array().size() > RequestLimits::stops)
    return f.wrong("stop", fmt::format("at most {} strings", RequestLimits::stops));
  for (const auto& one : value->get_array()) add(one);
}

void use_grammar(Fields& f, Sampling& s, std::string_view name, Result<std::string> grammar) {
  if (!grammar) return f.fault(invalid(name, fmt::format("'{}': {}", name, grammar.error().what)));
  s.grammar = std::move(*grammar);
}

void read_response_format(Fields& f, Sampling& s) {
  const auto* format = f.object("response_format");
  if (!format) return;
  Fields inner(*format, "response_format.");
  const auto type = inner.text("type", kNameLimit);
  if (inner.fault()) return f.fault(*inner.fault());
  if (type == "json_object") {
    s.grammar = json_object_grammar();
  } else if (type == "json_schema") {
    const auto* named = inner.object("json_schema");
    const auto* schema = named ? named->if_contains("schema") : nullptr;
    if (!schema) return f.wrong("response_format.json_schema", "an object with 'schema'");
    use_grammar(f, s, "response_format", schema_grammar(json::serialize(*schema)));
  } else if (type != "text") {
    f.wrong("response_format.type", "\"text\", \"json_object\" or \"json_schema\"");
  }
}

// Chat says true and top_logprobs, completions a number.
void read_logprobs(Fields& f, Sampling& s, bool chat) {
  if (!chat) {
    if (const auto n = f.integer("logprobs", 0, RequestLimits::logprobs)) s.logprobs = static_cast<int>(*n);
    return;
  }
  const auto top = f.integer("top_logprobs", 0, RequestLimits::logprobs);
  if (f.boolean("logprobs").value_or(false))
    s.logprobs = static_cast<int>(top.value_or(0));
  else if (top.value_or(0) > 0)
    f.wrong("top_logprobs", "given only with 'logprobs': true");
}

void read_tool(Fields& f, const json::value& value, std::vector<ToolSpec>& to) {
  const auto* object = value.if_object();
  const auto* function = object ? object->if_contains("function") : nullptr;
  if (!function || !function->is_object()) return f.wrong("tools", "an array of tools of type \"function\"");
  Fields inner(function->get_object(), "tools.function.");
  ToolSpec tool;
  tool.name = inner.text("name", kNameLimit).value_or("");
  tool.description = inner.text("description", 64 * 1024).value_or("");
  if (const auto* parameters = inner.object("parameters")) tool.parameters = json::serialize(*parameters);
  if (inner.fault()) return f.fault(*inner.fault());
  if (tool.name.empty()) return f.wrong("tools.function.name", "a name");
  to.push_back(std::move(tool));
}

enum class Choice { none, automatic, forced };

// "auto", "none", "required", or one tool by its name: then only that one stays in `tools`.
Choice read_tool_choice(Fields& f, std::vector<ToolSpec>& tools) {
  const auto* choice = f.any("tool_choice");
  if (!choice) return Choice::automatic;
  const auto* object = choice->if_object();
  const auto* function = object ? object->if_contains("function") : nullptr;
  const auto* name = function && function->is_object() ? function->get_object().if_contains("name") : nullptr;
  if (name && name->is_string()) {
    std::erase_if(tools, [&](const ToolSpec& t) { return t.name != std::string_view(name->get_string()); });
    if (tools.empty()) f.wrong("tool_choice", "one of the tools");
    return Choice::forced;
  }
  const std::string_view word = choice->is_string() ? std::string_view(choice->get_string()) : std::string_view();
  if (word == "none") return Choice::none;
  if (word == "required") return Choice::forced;
  if (word != "auto") f.wrong("tool_choice", "\"auto\", \"none\", \"required\" or a function");
  return Choice::automatic;
}

void read_tools(Fields& f, ChatRequest& r) {
  const auto* list = f.array("tools");
  if (!list || list->empty()) return;
  if (list->size() > RequestLimits::tools)
    return f.wrong("tools", fmt::format("at most {} tools", RequestLimits::tools));
  std::vector<ToolSpec> tools;
  for (const auto& one : *list) read_tool(f, one, tools);
  const bool parallel = f.boolean("parallel_tool_calls").value_or(true);
  const auto choice = read_tool_choice(f, tools);
  if (!f.good() || choice == Choice::none) return;
  const auto words = tools_in_words(tools);
  if (r.messages.front().role == "system")
    r.messages.front().content += "\n\n" + words;
  else
    r.messages.insert(r.messages.begin(), {"system", words});
  r.reads_calls = true;
  if (!r.sampling.grammar.empty() && choice == Choice::automatic) return;  // response_format says what an answer is
  use_grammar(f, r.sampling, "tools", tools_grammar(tools, parallel, kCallBegin, kCallEnd));
  r.sampling.trigger = choice == Choice::automatic ? kCallTrigger : "";
}

void read_stream(Fields& f, AnswerParams& p) {
  p.stream = f.boolean("stream").value_or(false);
  const auto* options = f.object("stream_options");
  if (!options) return;
  if (!p.stream) return f.fault(invalid("stream_options", "'stream_options' is only for requests with 'stream': true"));
  Fields inner(*options, "stream_options.");
  p.usage_at_end = inner.boolean("include_usage").value_or(false);
  p.usage_in_each = inner.boolean("continuous_usage_stats").value_or(false) && p.usage_at_end;
  if (inner.fault()) f.fault(*inner.fault());
}

// What would change the answer and cannot be done is said, not skipped.
void refuse_unsupported(Fields& f) {
  const auto refuse = [&](std::string_view name) {
    f.fault(invalid(name, fmt::format("'{}' is not supported by this engine", name), "unsupported_parameter"));
  };
  if (const auto* list = f.array("functions"); list && !list->empty()) refuse("functions");
  for (const std::string_view name : {"audio", "prediction", "web_search_options", "suffix"})
    if (f.any(name)) refuse(name);
}

void read_params(Fields& f, AnswerParams& p, const Sampling& defaults) {
  p.model = f.text("model", kNameLimit).value_or("");
  p.sampling = defaults;
  read_sampling(f, p.sampling);
  read_logit_bias(f, p.sampling);
  read_stops(f, p.stops);
  read_response_format(f, p.sampling);
  read_stream(f, p);
  refuse_unsupported(f);
  if (const auto seed =
          f.integer("seed", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()))
    p.seed = static_cast<std::uint64_t>(*seed);
  // The newer name wins where both are given.
  for (const std::string_view name : {"max_tokens", "max_completion_tokens"})
    if (const auto n = f.integer(name, 1, kManyTokens)) p.max_tokens = static_cast<std::uint32_t>(*n);
  if (const auto n = f.integer("n", 1, RequestLimits::choices)) p.choices = static_cast<std::uint32_t>(*n);
  if (const auto n = f.integer("best_of", 1, RequestLimits::choices); n && *n != p.choices)
    f.fault(invalid("best_of", "'best_of' other than 'n' is not supported by this engine", "unsupported_parameter"));
  p.cache_salt = f.text("cache_salt", kNameLimit).value_or("");
}

// A string, or an array of parts of which only texts can be read by the models served here.
bool read_content(Fields& f, const std::string& where, const json::value* content, std::string& to) {
  if (!content || content->is_null()) return true;
  if (content->is_string()) {
    to = content->get_string();
    return true;
  }
  if (content->is_array()) {
    for (const auto& part : content->get_array()) {
      const auto* object = part.if_object();
      const auto* type = object ? object->if_contains("type") : nullptr;
      const auto* text = object ? object->if_contains("text") : nullptr;
      if (!type || !type->is_string() || !text || !text->is_string() || type->get_string() != "text") {
        f.fault(invalid(where + ".content", fmt::format("'{}.content' may only have parts of type \"text\"", where)));
        return false;
      }
      to += std::string_view(text->get_string());
    }
    return true;
  }
  f.wrong(where + ".content", "a string or an array of parts");
  return false;
}

// An assistant's earlier calls, as it would have written them.
bool read_earlier_calls(Fields& f, const std::string& where, const json::value* calls, std::string& to) {
  if (!calls || calls->is_null()) return true;
  const auto wrong = [&] {
    f.wrong(where + ".tool_calls", "an array of calls of functions");
    return false;
  };
  if (!calls->is_array()) return wrong();
  for (const auto& one : calls->get_array()) {
    const auto* call = one.if_object();
    const auto* function = call ? call->if_contains("function") : nullptr;
    const auto* object = function ? function->if_object() : nullptr;
    const auto* name = object ? object->if_contains("name") : nullptr;
    const auto* arguments = object ? object->if_contains("arguments") : nullptr;
    if (!name || !name->is_string() || (arguments && !arguments->is_string())) return wrong();
    if (!to.empty()) to += "\n";
    to += call_in_words({std::string(name->get_string()), arguments ? std::string(arguments->get_string()) : ""});
  }
  return true;
}

void read_message(Fields& f, std::size_t index, const json::value& value, std::vector<ChatMessage>& to) {
  const auto where = fmt::format("messages[{}]", index);
  const auto* object = value.if_object();
  if (!object) return f.wrong(where, "an object with 'role' and 'content'");
  ChatMessage message;
  const auto* role = object->if_contains("role");
  if (!role || !role->is_string()) return f.wrong(where + ".role", "a string");
  message.role = role->get_string();
  if (message.role == "developer") message.role = "system";
  if (message.role == "function") message.role = "tool";
  if (message.role != "system" && message.role != "user" && message.role != "assistant" && message.role != "tool")
    return f.wrong(where + ".role", "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"");
  const auto* content = object->if_contains("content");
  if ((!content || content->is_null()) && message.role != "assistant") return f.wrong(where + ".content", "given");
  if (!read_content(f, where, content, message.content)) return;
  if (message.role == "assistant" && !read_earlier_calls(f, where, object->if_contains("tool_calls"), message.content))
    return;
  // Templates are applied to C strings: the rest would vanish unseen.
  if (message.content.find('\0') != std::string::npos) return f.wrong(where + ".content", "free of NUL characters");
  to.push_back(std::move(message));
}

void read_messages(Fields& f, std::vector<ChatMessage>& to) {
  const auto* messages = f.array("messages");
  if (!f.good()) return;
  if (!messages || messages->empty() || messages->size() > RequestLimits::messages)
    return f.wrong("messages", fmt::format("an array of 1 to {} messages", RequestLimits::messages));
  for (std::size_t i = 0; i < messages->size() && f.good(); ++i) read_message(f, i, (*messages)[i], to);
}

std::optional<std::vector<Token>> tokens_of(const json::array& array) {
  std::vector<Token> tokens;
  tokens.reserve(array.size());
  for (const auto& one : array) {
    if (!one.is_int64() || one.get_int64() < 0 || one.get_int64() > std::numeric_limits<Token>::max()) return {};
    tokens.push_back(static_cast<Token>(one.get_int64()));
  }
  return tokens;
}

// A string, an array of strings, an array of tokens, or an array of arrays of tokens.
void read_prompts(Fields& f, std::string_view name, std::size_t limit, std::vector<Prompt>& to) {
  const auto* value = f.any(name);
  if (!f.good()) return;
  const auto wrong = [&] {
    f.wrong(name, fmt::format("a string, an array of tokens, or an array of 1 to {} of either", limit));
  };
  if (!value) return wrong();
  if (value->is_string()) {
    to.emplace_back(std::string(value->get_string()));
    return;
  }
  const auto* array = value->if_array();
  if (!array || array->empty()) return wrong();
  if (array->front().is_number()) {
    auto tokens = tokens_of(*array);
    if (!tokens) return wrong();
    to.emplace_back(std::move(*tokens));
    return;
  }
  if (array->size() > limit) return wrong();
  for (const auto& one : *array) {
    auto tokens = one.is_array() && !one.get_array().empty() ? tokens_of(one.get_array()) : std::nullopt;
    if (one.is_string())
      to.emplace_back(std::string(one.get_string()));
    else if (tokens)
      to.emplace_back(std::move(*tokens));
    else
      return wrong();
  }
}

template <class Request, class Read>
ApiResult<Request> parse(std::string_view body, Read read) {
  auto object = parse_object(body);
  if (!object) return std::unexpected(std::move(object.error()));
  Fields fields(*object);
  Request request;
  read(fields, request);
  if (fields.fault()) return std::unexpected(*fields.fault());
  return request;
}

}  // namespace

ApiResult<ChatRequest> parse_chat(std::string_view body, const Sampling& defaults) {
  return parse<ChatRequest>(body, [&](Fields& f, ChatRequest& r) {
    read_messages(f, r.messages);
    read_params(f, r, defaults);
    read_logprobs(f, r.sampling, true);
    if (f.good()) read_tools(f, r);
  });
}

ApiResult<CompletionRequest> parse_completion(std::string_view body, const Sampling& defaults) {
  return parse<CompletionRequest>(body, [&](Fields& f, CompletionRequest& r) {
    read_prompts(f, "prompt", RequestLimits::choices, r.prompts);
    read_params(f, r, defaults);
    read_logprobs(f, r.sampling, false);
    r.echo = f.boolean("echo").value_or(false);
    if (r.prompts.size() * r.choices > RequestLimits::choices)
      f.wrong("n", fmt::format("such that prompts times n is at most {}", RequestLimits::choices));
  });
}

ApiResult<EmbeddingsRequest> parse_embeddings(std::string_view body) {
  return parse<EmbeddingsRequest>(body, [](Fields& f, EmbeddingsRequest& r) {
    read_prompts(f, "input", RequestLimits::inputs, r.inputs);
    r.model = f.text("model", kNameLimit).value_or("");
    const auto format = f.text("encoding_format", kNameLimit).value_or("float");
    if (format != "float" && format != "base64") f.wrong("encoding_format", "\"float\" or \"base64\"");
    r.base64 = format == "base64";
    if (f.any("dimensions"))
      f.fault(invalid("dimensions", "'dimensions' is not supported by this engine", "unsupported_parameter"));
  });
}

ApiResult<TokenizeRequest> parse_tokenize(std::string_view body) {
  return parse<TokenizeRequest>(body, [](Fields& f, TokenizeRequest& r) {
    r.model = f.text("model", kNameLimit).value_or("");
    constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
    // llama-server calls the text "content", vLLM "prompt".
    for (const std::string_view name : {"content", "prompt"})
      if (auto text = f.text(name, kAny)) r.text = std::move(text);
    r.add_special = f.boolean("add_special_tokens").value_or(f.boolean("add_special").value_or(true));
    if (!r.text) read_messages(f, r.messages);
  });
}

}  // namespace cocoon::engine
