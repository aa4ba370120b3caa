#include "engine/echo_answers.hpp"

#include <cmath>

#include <fmt/format.h>

#include "engine/api_request.hpp"
#include "engine/api_response.hpp"
#include "openai/multipart.hpp"

namespace cocoon::engine {

namespace json = boost::json;

namespace {

constexpr std::size_t kVectorLength = 8;

const json::value* find(const json::object& o, std::string_view name) {
  return o.if_contains(json::string_view(name.data(), name.size()));
}

std::string_view text_of(const json::value* v) {
  return v && v->is_string() ? std::string_view(v->get_string().data(), v->get_string().size()) : std::string_view();
}

// Of length 1, the same for the same text.
std::vector<float> vector_of(const Prompt& input) {
  std::uint32_t seed = 2166136261U;
  const auto mix = [&](std::uint32_t byte) { seed = (seed ^ byte) * 16777619U; };
  if (const auto* text = std::get_if<std::string>(&input))
    for (const char c : *text) mix(static_cast<unsigned char>(c));
  else
    for (const auto token : std::get<std::vector<Token>>(input)) mix(static_cast<std::uint32_t>(token));
  std::vector<float> out;
  float length = 0;
  for (std::size_t i = 0; i < kVectorLength; ++i) {
    mix(static_cast<std::uint32_t>(i));
    out.push_back(static_cast<float>(seed % 2001) / 1000.0F - 1.0F);
    length += out.back() * out.back();
  }
  for (auto& x : out) x /= std::sqrt(std::max(length, 1e-6F));
  return out;
}

}  // namespace

json::value example_of(const json::value& schema, int depth) {
  const auto* o = schema.if_object();
  if (!o || depth == 0) return nullptr;
  if (const auto* v = find(*o, "const")) return *v;
  if (const auto* v = find(*o, "enum"); v && v->is_array() && !v->get_array().empty()) return v->get_array().front();
  const auto* type = find(*o, "type");
  if (type && type->is_array() && !type->get_array().empty()) type = &type->get_array().front();
  const auto name = text_of(type);
  if (name == "string") return "text";
  if (name == "integer" || name == "number") return 7;
  if (name == "boolean") return true;
  if (name == "array") {
    const auto* items = find(*o, "items");
    return json::array{items ? example_of(*items, depth - 1) : json::value("text")};
  }
  json::object out;
  if (const auto* properties = find(*o, "properties"); properties && properties->is_object())
    for (const auto& member : properties->get_object()) out[member.key()] = example_of(member.value(), depth - 1);
  return out;
}

std::vector<ToolCall> example_calls(const json::object& request) {
  const auto* tools = find(request, "tools");
  const auto* choice = find(request, "tool_choice");
  const auto* messages = find(request, "messages");
  if (!tools || !tools->is_array() || text_of(choice) == "none") return {};
  if (messages && messages->is_array() && !messages->get_array().empty())
    if (const auto* last = messages->get_array().back().if_object(); last && text_of(find(*last, "role")) == "tool")
      return {};
  const auto* named = choice && choice->is_object() ? find(choice->get_object(), "function") : nullptr;
  const auto wanted = named && named->is_object() ? text_of(find(named->get_object(), "name")) : std::string_view();
  const auto* parallel = find(request, "parallel_tool_calls");
  const bool all = parallel && parallel->is_bool() && parallel->get_bool();
  std::vector<ToolCall> out;
  for (const auto& tool : tools->get_array()) {
    const auto* object = tool.if_object();
    const auto* function = object ? find(*object, "function") : nullptr;
    if (!function || !function->is_object()) continue;
    const auto name = text_of(find(function->get_object(), "name"));
    if (!wanted.empty() && name != wanted) continue;
    const auto* parameters = find(function->get_object(), "parameters");
    out.push_back({std::string(name), parameters ? json::serialize(example_of(*parameters)) : "{}"});
    if (!all) break;
  }
  return out;
}

std::optional<std::string> example_content(const json::object& request) {
  const auto* format = find(request, "response_format");
  if (!format || !format->is_object()) return std::nullopt;
  const auto type = text_of(find(format->get_object(), "type"));
  if (type == "json_object") return R"({"answer":"text"})";
  const auto* named = type == "json_schema" ? find(format->get_object(), "json_schema") : nullptr;
  const auto* schema = named && named->is_object() ? find(named->get_object(), "schema") : nullptr;
  if (!schema) return std::nullopt;
  return json::serialize(example_of(*schema));
}

ApiResult<std::string> example_embeddings(const std::string& body) {
  auto request = parse_embeddings(body);
  if (!request) return std::unexpected(std::move(request.error()));
  std::vector<std::vector<float>> vectors;
  for (const auto& input : request->inputs) vectors.push_back(vector_of(input));
  return embeddings_json(request->model, vectors, request->base64, vectors.size() * 3);
}

ApiResult<std::string> example_transcription(const net::HttpRequest& request) {
  const auto form = openai::Form::parse(request.headers.get("content-type"), request.body);
  if (!form) return std::unexpected(invalid("file", form.error().what));
  const auto* file = form->find("file");
  if (!file) return std::unexpected(invalid("file", "'file' is missing"));
  return json::serialize(json::object{
      {"text", fmt::format("{} bytes of speech", file->content.size())},
      {"usage", json::object{{"type", "tokens"}, {"input_tokens", 12}, {"output_tokens", 4}, {"total_tokens", 16}}}});
}

}  // namespace cocoon::engine
