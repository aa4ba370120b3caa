// A request of Anthropic's /v1/messages as one of chat completions.
#include "openai/anthropic_request.hpp"

namespace cocoon::openai {
namespace {

using namespace trees;

// A text, or a list of blocks of which only texts count.
Result<std::string> text_in(const json::value& v, std::string_view where) {
  if (v.is_string()) return std::string(view(v.get_string()));
  const auto* blocks = v.if_array();
  if (blocks == nullptr) return fail(kRefused, "{} is neither a string nor a list", where);
  std::string out;
  for (const auto& one : *blocks) {
    const auto* block = one.if_object();
    if (block == nullptr || text_of(*block, "type") != "text")
      return fail(kRefused, "{}: only blocks of type 'text' are supported here", where);
    out += (out.empty() ? "" : "\n");
    out += text_of(*block, "text");
  }
  return out;
}

Result<json::object> image_of(const json::object& block) {
  const auto* source = find(block, "source");
  const auto* from = source == nullptr ? nullptr : source->if_object();
  if (from == nullptr) return fail(kRefused, "messages: an image without source");
  const auto type = text_of(*from, "type");
  std::string url(text_of(*from, "url"));
  if (type == "base64") url = fmt::format("data:{};base64,{}", text_of(*from, "media_type"), text_of(*from, "data"));
  if (url.empty()) return fail(kRefused, "messages: image sources of type '{}' are not supported", type);
  return json::object{{"type", "image_url"}, {"image_url", json::object{{"url", url}}}};
}

// One message of Anthropic's may be several of chat's: results of tools come before what else the user says.
class MessageReader {
 public:
  explicit MessageReader(json::array& out) : out_(out) {}

  Result<> read(std::string_view role, const json::value& content) {
    if (content.is_string()) {
      out_.push_back(json::object{{"role", role}, {"content", content}});
      return {};
    }
    const auto* blocks = content.if_array();
    if (blocks == nullptr) return fail(kRefused, "messages: content is neither a string nor a list");
    for (const auto& one : *blocks) {
      if (!one.is_object()) return fail(kRefused, "messages: a block is no object");
      TRY(block(one.get_object()));
    }
    finish(role);
    return {};
  }

 private:
  Result<> block(const json::object& b) {
    const auto type = text_of(b, "type");
    if (type == "text") {
      parts_.push_back(json::object{{"type", "text"}, {"text", text_of(b, "text")}});
    } else if (type == "image") {
      TRY_ASSIGN(auto image, image_of(b));
      parts_.push_back(std::move(image));
    } else if (type == "tool_use") {
      const auto* input = find(b, "input");
      calls_.push_back(json::object{
          {"id", text_of(b, "id")},
          {"type", "function"},
          {"function", json::object{{"name", text_of(b, "name")},
                                    {"arguments", input == nullptr ? std::string("{}") : json::serialize(*input)}}}});
    } else if (type == "tool_result") {
      const auto* content = find(b, "content");
      TRY_ASSIGN(auto told, content == nullptr ? Result<std::string>("") : text_in(*content, "tool_result"));
      out_.push_back(
          json::object{{"role", "tool"}, {"tool_call_id", text_of(b, "tool_use_id")}, {"content", std::move(told)}});
    } else if (type != "thinking" && type != "redacted_thinking") {
      return fail(kRefused, "messages: blocks of type '{}' are not supported", type);
    }
    return {};
  }

  void finish(std::string_view role) {
    if (parts_.empty() && calls_.empty()) return;
    json::object message{{"role", role}, {"content", nullptr}};
    if (parts_.size() == 1 && text_of(parts_[0].as_object(), "type") == "text")
      message["content"] = parts_[0].as_object().at("text");
    else if (!parts_.empty())
      message["content"] = std::move(parts_);
    if (!calls_.empty()) message["tool_calls"] = std::move(calls_);
    out_.push_back(std::move(message));
  }

  json::array& out_;
  json::array parts_, calls_;
};

Result<json::array> messages_of(const json::object& body) {
  json::array out;
  if (const auto* system = find(body, "system")) {
    TRY_ASSIGN(auto text, text_in(*system, "system"));
    if (!text.empty()) out.push_back(json::object{{"role", "system"}, {"content", std::move(text)}});
  }
  const auto* messages = find(body, "messages");
  if (messages == nullptr || !messages->is_array()) return fail(kRefused, "messages is no list");
  for (const auto& one : messages->get_array()) {
    const auto* message = one.if_object();
    const auto role = message == nullptr ? std::string_view() : text_of(*message, "role");
    const auto* content = message == nullptr ? nullptr : find(*message, "content");
    if ((role != "user" && role != "assistant") || content == nullptr)
      return fail(kRefused, "messages: a message needs content and the role 'user' or 'assistant'");
    TRY(MessageReader(out).read(role, *content));
  }
  return out;
}

Result<> add_tools(const json::object& body, json::object& chat) {
  const auto* tools = find(body, "tools");
  if (tools == nullptr) return {};
  if (!tools->is_array()) return fail(kRefused, "tools is no list");
  json::array out;
  for (const auto& one : tools->get_array()) {
    const auto* tool = one.if_object();
    const auto type = tool == nullptr ? std::string_view("?") : text_of(*tool, "type");
    if (tool == nullptr || (!type.empty() && type != "custom"))
      return fail(kRefused, "tools of type '{}' are not supported: nobody here runs them", type);
    json::object function{{"name", text_of(*tool, "name")}};
    if (const auto* text = find(*tool, "description")) function["description"] = *text;
    if (const auto* schema = find(*tool, "input_schema")) function["parameters"] = *schema;
    out.push_back(json::object{{"type", "function"}, {"function", std::move(function)}});
  }
  if (out.empty()) return {};
  chat["tools"] = std::move(out);
  const auto* choice = find(body, "tool_choice");
  const auto* wanted = choice == nullptr ? nullptr : choice->if_object();
  if (wanted == nullptr) return {};
  const auto type = text_of(*wanted, "type");
  if (type == "tool")
    chat["tool_choice"] =
        json::object{{"type", "function"}, {"function", json::object{{"name", text_of(*wanted, "name")}}}};
  else
    chat["tool_choice"] = type == "any" ? "required" : type == "none" ? "none" : "auto";
  if (const auto* v = find(*wanted, "disable_parallel_tool_use"); v != nullptr && v->is_bool() && v->get_bool())
    chat["parallel_tool_calls"] = false;
  return {};
}

}  // namespace

Result<MessagesRequest> read_messages_request(std::string_view text) {
  TRY_ASSIGN(auto body, parse_object(text));
  MessagesRequest out;
  json::object chat;
  out.model = text_of(body, "model");
  if (const auto* model = find(body, "model")) chat["model"] = *model;
  TRY_ASSIGN(auto messages, messages_of(body));
  chat["messages"] = std::move(messages);
  TRY(add_tools(body, chat));
  if (const auto* stops = find(body, "stop_sequences")) chat["stop"] = *stops;
  if (const auto* metadata = find(body, "metadata"); metadata != nullptr && metadata->is_object())
    if (const auto* user = find(metadata->get_object(), "user_id")) chat["user"] = *user;
  out.chat = finish_chat(body, std::move(chat),
                         {"model", "messages", "system", "tools", "tool_choice", "stop_sequences", "metadata",
                          "stream_options", "thinking", "container", "mcp_servers", "context_management"});
  return out;
}

}  // namespace cocoon::openai
