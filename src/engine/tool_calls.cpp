#include "engine/tool_calls.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace cocoon::engine {
namespace {

namespace json = boost::json;

constexpr std::string_view kBegin = "<tool_call>";
constexpr std::string_view kEnd = "</tool_call>";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

// Of `text`, how many bytes at its end may be the beginning of `word`.
std::size_t overlap(std::string_view text, std::string_view word) {
  for (std::size_t n = std::min(text.size(), word.size() - 1); n > 0; --n)
    if (text.ends_with(word.substr(0, n))) return n;
  return 0;
}

// What is no call is text.
bool read_call(std::string_view text, std::vector<ToolCall>& to) {
  boost::system::error_code bad;
  const auto value = json::parse(json::string_view(text.data(), text.size()), bad);
  const auto* object = bad ? nullptr : value.if_object();
  const auto* name = object == nullptr ? nullptr : object->if_contains("name");
  if (name == nullptr || !name->is_string()) return false;
  const auto* arguments = object->if_contains("arguments");
  to.push_back({std::string(name->get_string()), arguments == nullptr ? "{}" : json::serialize(*arguments)});
  return true;
}

}  // namespace

std::string tools_in_words(const std::vector<ToolSpec>& tools) {
  std::string list;
  for (const auto& t : tools)
    list += fmt::format(R"({{"type": "function", "function": {{"name": {}, "description": {}, "parameters": {}}}}})"
                        "\n",
                        json::serialize(json::string(t.name)), json::serialize(json::string(t.description)),
                        t.parameters.empty() ? R"({"type":"object"})" : t.parameters);
  return fmt::format(
      "# Tools\n\nYou may call one or more functions. Their signatures:\n<tools>\n{}</tools>\n\nFor each call write a "
      "JSON object with its name and arguments:\n{}{{\"name\": <name>, \"arguments\": <arguments>}}{}",
      list, kCallBegin, kCallEnd);
}

std::string call_in_words(const ToolCall& call) {
  return fmt::format(R"({}{{"name": {}, "arguments": {}}}{})", kCallBegin, json::serialize(json::string(call.name)),
                     call.arguments.empty() ? "{}" : call.arguments, kCallEnd);
}

std::string ToolCallReader::push(std::string_view text) {
  held_ += text;
  std::string out;
  for (;;) {
    if (after_call_) {  // line breaks between calls belong to nobody
      held_.erase(0, std::min(held_.find_first_not_of(" \t\r\n"), held_.size()));
      after_call_ = held_.empty();
    }
    const auto begin = held_.find(kBegin);
    if (begin == std::string::npos) {
      const auto certain = held_.size() - overlap(held_, kBegin);
      out += held_.substr(0, certain);
      held_.erase(0, certain);
      return out;
    }
    out += held_.substr(0, begin);
    held_.erase(0, begin);
    const auto end = held_.find(kEnd);
    if (end == std::string::npos) return out;
    const auto whole = end + kEnd.size();
    after_call_ = read_call(trim(std::string_view(held_).substr(kBegin.size(), end - kBegin.size())), calls_);
    if (!after_call_) out += held_.substr(0, whole);
    held_.erase(0, whole);
  }
}

std::string ToolCallReader::finish() { return std::exchange(held_, {}); }

}  // namespace cocoon::engine
