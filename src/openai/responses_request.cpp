// A request of /v1/responses as one of chat completions.
#include "openai/responses_request.hpp"

namespace cocoon::openai {
namespace {

using namespace trees;

// A part of a message's content; chat's names for input_text, output_text, input_image, input_file, input_audio.
Result<json::value> part_of(const json::value& v) {
  const auto* part = v.if_object();
  if (part == nullptr) return fail(kRefused, "input: a part of a message's content is no object");
  const auto type = text_of(*part, "type");
  if (type == "input_text" || type == "output_text" || type == "text")
    return json::object{{"type", "text"}, {"text", text_of(*part, "text")}};
  if (type == "refusal") return json::object{{"type", "text"}, {"text", text_of(*part, "refusal")}};
  if (type == "input_image") {
    const auto url = text_of(*part, "image_url");
    if (url.empty()) return fail(kRefused, "input: only images with an image_url can be passed on");
    json::object image{{"url", url}};
    if (const auto* detail = find(*part, "detail")) image["detail"] = *detail;
    return json::object{{"type", "image_url"}, {"image_url", image}};
  }
  if (type == "input_file") {
    json::object file;
    for (const auto* name : {"file_id", "file_data", "filename"})
      if (const auto* member = find(*part, name)) file[name] = *member;
    return json::object{{"type", "file"}, {"file", file}};
  }
  if (type == "input_audio") return json::object(*part);
  return fail(kRefused, "input: content of type '{}' is not supported", type);
}

// Content that is one text stays a text: engines without vision know nothing else.
Result<json::value> content_of(const json::value& v) {
  if (v.is_string()) return v;
  const auto* parts = v.if_array();
  if (parts == nullptr) return fail(kRefused, "input: content is neither a string nor a list");
  json::array out;
  for (const auto& one : *parts) {
    TRY_ASSIGN(auto part, part_of(one));
    out.push_back(std::move(part));
  }
  if (out.size() == 1 && text_of(out[0].as_object(), "type") == "text") return out[0].as_object().at("text");
  return json::value(std::move(out));
}

// Calls belong to the assistant's message before them, if there is one.
json::object& assistant_at_end(json::array& messages) {
  if (messages.empty() || text_of(messages.back().as_object(), "role") != "assistant")
    messages.push_back(json::object{{"role", "assistant"}, {"content", nullptr}});
  return messages.back().as_object();
}

void add_call(const json::object& item, json::array& messages) {
  auto& calls = assistant_at_end(messages)["tool_calls"];
  if (!calls.is_array()) calls = json::array();
  calls.as_array().push_back(json::object{
      {"id", text_of(item, "call_id")},
      {"type", "function"},
      {"function", json::object{{"name", text_of(item, "name")}, {"arguments", text_of(item, "arguments")}}}});
}

Result<> add_item(const json::value& v, json::array& messages) {
  const auto* item = v.if_object();
  if (item == nullptr) return fail(kRefused, "input: an item is no object");
  auto type = text_of(*item, "type");
  if (type.empty()) type = "message";
  if (type == "message") {
    const auto* content = find(*item, "content");
    if (text_of(*item, "role").empty() || content == nullptr)
      return fail(kRefused, "input: a message without role or content");
    TRY_ASSIGN(auto told, content_of(*content));
    messages.push_back(json::object{{"role", text_of(*item, "role")}, {"content", std::move(told)}});
  } else if (type == "function_call") {
    add_call(*item, messages);
  } else if (type == "function_call_output") {
    const auto* output = find(*item, "output");
    if (output == nullptr) return fail(kRefused, "input: a function_call_output without output");
    TRY_ASSIGN(auto told, output->is_array() ? content_of(*output) : Result<json::value>(quoted_or_text(*output)));
    messages.push_back(
        json::object{{"role", "tool"}, {"tool_call_id", text_of(*item, "call_id")}, {"content", std::move(told)}});
  } else if (type != "reasoning") {  // what a model thought earlier is not told to it again
    return fail(kRefused, "input: items of type '{}' are not supported", type);
  }
  return {};
}

Result<json::array> messages_of(const json::object& body) {
  json::array out;
  if (const auto text = text_of(body, "instructions"); !text.empty())
    out.push_back(json::object{{"role", "system"}, {"content", text}});
  const auto* input = find(body, "input");
  if (input != nullptr && input->is_string()) {
    out.push_back(json::object{{"role", "user"}, {"content", *input}});
    return out;
  }
  const auto* items = input == nullptr ? nullptr : input->if_array();
  if (items == nullptr) return fail(kRefused, "input is neither a string nor a list of items");
  for (const auto& item : *items) TRY(add_item(item, out));
  return out;
}

Result<> add_tools(const json::object& body, json::object& chat) {
  const auto* tools = find(body, "tools");
  if (tools == nullptr) return {};
  if (!tools->is_array()) return fail(kRefused, "tools is no list");
  json::array out;
  for (const auto& v : tools->get_array()) {
    const auto* tool = v.if_object();
    if (tool == nullptr || text_of(*tool, "type") != "function")
      return fail(kRefused, "tools: only tools of type 'function' can be used: nobody here runs others");
    json::object function;
    for (const auto* name : {"name", "description", "parameters", "strict"})
      if (const auto* member = find(*tool, name)) function[name] = *member;
    out.push_back(json::object{{"type", "function"}, {"function", std::move(function)}});
  }
  if (!out.empty()) chat["tools"] = std::move(out);
  if (const auto* choice = find(body, "tool_choice"); choice != nullptr && chat.contains("tools")) {
    const auto* named = choice->if_object();
    if (named == nullptr)
      chat["tool_choice"] = *choice;
    else if (text_of(*named, "type") == "function")
      chat["tool_choice"] =
          json::object{{"type", "function"}, {"function", json::object{{"name", text_of(*named, "name")}}}};
    else
      return fail(kRefused, "tool_choice of type '{}' is not supported", text_of(*named, "type"));
  }
  return {};
}

Result<> add_format(const json::object& body, json::object& chat) {
  const auto* text = find(body, "text");
  const auto* options = text == nullptr ? nullptr : text->if_object();
  if (options == nullptr) return {};
  if (const auto* verbosity = find(*options, "verbosity")) chat["verbosity"] = *verbosity;
  const auto* format = find(*options, "format");
  const auto* wanted = format == nullptr ? nullptr : format->if_object();
  if (wanted == nullptr || text_of(*wanted, "type") == "text") return {};
  if (text_of(*wanted, "type") == "json_object") {
    chat["response_format"] = *wanted;
  } else if (text_of(*wanted, "type") == "json_schema") {
    json::object schema;
    for (const auto* name : {"name", "description", "schema", "strict"})
      if (const auto* member = find(*wanted, name)) schema[name] = *member;
    chat["response_format"] = json::object{{"type", "json_schema"}, {"json_schema", std::move(schema)}};
  } else {
    return fail(kRefused, "text.format of type '{}' is not supported", text_of(*wanted, "type"));
  }
  return {};
}

Result<> refuse_state(const json::object& body) {
  for (const auto* name : {"previous_response_id", "conversation", "prompt"})
    if (find(body, name) != nullptr)
      return fail(kRefused, "{} is not supported: nothing is stored; send the whole input", name);
  if (const auto* v = find(body, "background"); v != nullptr && v->is_bool() && v->get_bool())
    return fail(kRefused, "background is not supported: nothing is stored");
  return {};
}

}  // namespace

Result<ResponsesRequest> read_responses_request(std::string_view text) {
  TRY_ASSIGN(auto body, parse_object(text));
  TRY(refuse_state(body));
  json::object chat;
  if (const auto* model = find(body, "model")) chat["model"] = *model;
  TRY_ASSIGN(auto messages, messages_of(body));
  chat["messages"] = std::move(messages);
  TRY(add_tools(body, chat));
  TRY(add_format(body, chat));
  if (const auto* limit = find(body, "max_output_tokens")) chat["max_completion_tokens"] = *limit;
  if (const auto* reasoning = find(body, "reasoning"); reasoning != nullptr && reasoning->is_object())
    if (const auto* effort = find(reasoning->get_object(), "effort")) chat["reasoning_effort"] = *effort;
  if (find(body, "top_logprobs") != nullptr) chat["logprobs"] = true;
  ResponsesRequest out;
  // What is told again in the answer, with the defaults of the API.
  out.echo = {{"instructions", nullptr},
              {"max_output_tokens", nullptr},
              {"metadata", json::object()},
              {"parallel_tool_calls", true},
              {"previous_response_id", nullptr},
              {"reasoning", json::object{{"effort", nullptr}, {"summary", nullptr}}},
              {"temperature", nullptr},
              {"text", json::object{{"format", json::object{{"type", "text"}}}}},
              {"tool_choice", "auto"},
              {"tools", json::array()},
              {"top_p", nullptr},
              {"truncation", "disabled"},
              {"user", nullptr},
              {"model", ""}};
  for (auto& [name, value] : out.echo)
    if (const auto* given = find(body, std::string_view(name.data(), name.size()))) value = *given;
  out.echo["store"] = false;
  out.chat = finish_chat(body, std::move(chat),
                         {"model", "input", "instructions", "tools", "tool_choice", "text", "max_output_tokens",
                          "reasoning", "stream_options", "previous_response_id", "conversation", "prompt", "background",
                          "store", "include", "truncation", "metadata"});
  return out;
}

}  // namespace cocoon::openai
