#include "openai/context_length.hpp"

#include <charconv>
#include <limits>

#include <boost/json.hpp>

#include "openai/json_object.hpp"

namespace cocoon::openai {
namespace {

namespace json = boost::json;

using Found = std::optional<std::int32_t>;

constexpr std::size_t kMaxPageBytes = std::size_t{1} << 20;

json::value parsed(std::string_view body) {
  json::error_code error;
  if (body.size() > kMaxPageBytes) return {};
  auto value = json::parse(json::string_view(body.data(), body.size()), error);
  return error ? json::value{} : value;
}

// The member at the end of a path of objects; null where the path ends early.
template <class... Names>
const json::value* at(const json::value* value, const Names&... names) {
  const auto step = [&value](std::string_view name) {
    const auto* object = value == nullptr ? nullptr : value->if_object();
    value = object == nullptr ? nullptr : object->if_contains(name);
  };
  (step(names), ...);
  return value;
}

Found positive(std::int64_t n) {
  if (n <= 0 || n > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<std::int32_t>(n);
}

Found tokens(const json::value* value) {
  const auto* n = value == nullptr ? nullptr : value->if_int64();
  return n == nullptr ? std::nullopt : positive(*n);
}

// The entry of that name, or the only one there is: engines may know their model by another name.
const json::value* entry_of(const json::value& page, std::string_view model) {
  const auto* data = at(&page, "data");
  const auto* list = data == nullptr ? nullptr : data->if_array();
  if (list == nullptr || list->empty()) return nullptr;
  for (const auto& entry : *list) {
    const auto* id = at(&entry, "id");
    if (id != nullptr && id->is_string() && std::string_view(id->get_string()) == model) return &entry;
  }
  return list->size() == 1 ? &list->front() : nullptr;
}

// llama-server: what one slot has.
Found in_props(std::string_view body, std::string_view) {
  const auto page = parsed(body);
  return tokens(at(&page, "default_generation_settings", "n_ctx"));
}

// Text Generation Inference. Of old ones that say no total, what is left for the prompt.
Found in_info(std::string_view body, std::string_view) {
  const auto page = parsed(body);
  if (const auto total = tokens(at(&page, "max_total_tokens"))) return total;
  return tokens(at(&page, "max_input_tokens")) ? tokens(at(&page, "max_input_tokens"))
                                               : tokens(at(&page, "max_input_length"));
}

// Ollama's parameters are lines of a name, spaces, a value.
Found line_named(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(name) || line.size() == name.size() || line[name.size()] != ' ') continue;
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ', name.size())));
    std::int64_t n = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), n).ec == std::errc()) return positive(n);
  }
  return std::nullopt;
}

// Ollama: the model's own, unless it is run with less.
Found in_show(std::string_view body, std::string_view) {
  const auto page = parsed(body);
  const auto* parameters = at(&page, "parameters");
  if (parameters != nullptr && parameters->is_string())
    if (const auto set = line_named(parameters->get_string(), "num_ctx")) return set;
  const auto* info = at(&page, "model_info");
  if (info == nullptr || !info->is_object()) return std::nullopt;
  for (const auto& [name, value] : info->get_object())
    if (std::string_view(name).ends_with(".context_length")) return tokens(&value);
  return std::nullopt;
}

constexpr ContextPage kPages[] = {{"/props", false, in_props}, {"/info", false, in_info}, {"/api/show", true, in_show}};

}  // namespace

Found context_in_models(std::string_view body, std::string_view model) {
  const auto page = parsed(body);
  const auto* entry = entry_of(page, model);
  for (const auto* name : {"max_model_len", "context_length"})
    if (const auto found = tokens(at(entry, name))) return found;
  return tokens(at(entry, "meta", "n_ctx"));
}

Found trained_context_in_models(std::string_view body, std::string_view model) {
  const auto page = parsed(body);
  return tokens(at(entry_of(page, model), "meta", "n_ctx_train"));
}

std::span<const ContextPage> context_pages() { return kPages; }

std::string context_question(std::string_view model) {
  return "{\"model\":" + json_quote(model) + ",\"name\":" + json_quote(model) + "}";
}

}  // namespace cocoon::openai
