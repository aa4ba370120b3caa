#include "engine/json_grammar.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace cocoon::engine {
namespace {

namespace json = boost::json;

// RFC 8259 with bounded white space: without the bound a small model fills its budget with blanks.
constexpr std::string_view kJson = R"gbnf(value  ::= object | array | string | number | ("true" | "false" | "null")
object ::= "{" ws ( string ":" ws value ws ("," ws string ":" ws value ws)* )? "}"
array  ::= "[" ws ( value ws ("," ws value ws)* )? "]"
string ::= "\"" char* "\""
char   ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F])
number ::= integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
ws     ::= | " " | "\n" [ \t]{0,20}
)gbnf";

// A text as a terminal of the grammar.
std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (c == '\n')
      out += "\\n";
    else if (u < 0x20 || u == 0x7f)
      out += fmt::format("\\x{:02X}", static_cast<unsigned>(u));
    else
      out += c;
  }
  return out + "\"";
}

const std::set<std::string_view> kAnnotations{
    "title",        "description",     "default",          "examples", "$schema",
    "$id",          "$comment",        "deprecated",       "readOnly", "writeOnly",
    "format",       "contentEncoding", "contentMediaType", "$defs",    "definitions",
    "discriminator"};

class Writer {
 public:
  // `prefix` begins the names of all rules: grammars of several schemas may stand in one.
  Writer(const json::value& root, const GrammarLimits& limits, std::string prefix = {})
      : root_(root), limits_(limits), prefix_(std::move(prefix)) {}

  // What stands for values of the schema in other rules; the rules that it needs are kept.
  Result<std::string> schema(const json::value& v, int depth);
  std::string rules() const {
    std::string out;
    for (std::size_t i = 0; i < rules_.size(); ++i) out += fmt::format("{}r{} ::= {}\n", prefix_, i, rules_[i]);
    return out;
  }

 private:
  std::string add(std::string body) {
    auto name = fmt::format("{}r{}", prefix_, rules_.size());
    rules_.push_back(std::move(body));
    return name;
  }
  Result<std::string> keywords(const json::object& o, int depth);
  Result<std::string> reference(std::string_view pointer, int depth);
  Result<std::string> either(const json::array& list, int depth);
  Result<std::string> merged(const json::object& o, const json::array& all, int depth);
  Result<std::string> of_type(const json::object& o, std::string_view type, int depth);
  Result<std::string> object(const json::object& o, int depth);
  Result<std::string> array(const json::object& o, int depth);
  Result<std::string> string(const json::object& o) const;
  Result<std::int64_t> count(const json::object& o, std::string_view name, std::int64_t otherwise) const;
  Result<> only(const json::object& o, std::initializer_list<std::string_view> known) const;

  const json::value& root_;
  const GrammarLimits& limits_;
  std::string prefix_;
  std::vector<std::string> rules_;
  std::map<std::string, std::string, std::less<>> references_;  // pointer -> rule
};

const json::value* find(const json::object& o, std::string_view name) {
  return o.if_contains(json::string_view(name.data(), name.size()));
}

std::string_view text_of(const json::value& v) {
  return v.is_string() ? std::string_view(v.get_string().data(), v.get_string().size()) : std::string_view();
}

Result<> Writer::only(const json::object& o, std::initializer_list<std::string_view> known) const {
  for (const auto& member : o) {
    const std::string_view name(member.key().data(), member.key().size());
    if (kAnnotations.contains(name) || std::find(known.begin(), known.end(), name) != known.end()) continue;
    return fail("the keyword '{}' of JSON schemas is not supported here", name);
  }
  return {};
}

Result<std::int64_t> Writer::count(const json::object& o, std::string_view name, std::int64_t otherwise) const {
  const auto* v = find(o, name);
  if (v == nullptr) return otherwise;
  if (!v->is_int64() || v->get_int64() < 0 || v->get_int64() > limits_.repeats)
    return fail("'{}' is no number from 0 to {}", name, limits_.repeats);
  return v->get_int64();
}

Result<std::string> Writer::schema(const json::value& v, int depth) {
  if (depth > limits_.depth) return fail("the schema is nested deeper than {}", limits_.depth);
  if (rules_.size() > limits_.rules) return fail("the schema makes more than {} rules", limits_.rules);
  if (v.is_bool() && v.get_bool()) return "value";
  if (!v.is_object()) return fail("a schema is neither an object nor true");
  return keywords(v.get_object(), depth);
}

Result<std::string> Writer::keywords(const json::object& o, int depth) {
  if (const auto* ref = find(o, "$ref")) {
    TRY(only(o, {"$ref"}));
    return reference(text_of(*ref), depth);
  }
  if (const auto* one = find(o, "const")) {
    TRY(only(o, {"const", "type"}));
    return add(literal(json::serialize(*one)));
  }
  if (const auto* list = find(o, "enum")) {
    TRY(only(o, {"enum", "type"}));
    if (!list->is_array() || list->get_array().empty()) return fail("'enum' is no list of values");
    std::string out;
    for (const auto& one : list->get_array()) out += (out.empty() ? "" : " | ") + literal(json::serialize(one));
    return add(std::move(out));
  }
  for (const auto* name : {"anyOf", "oneOf"}) {
    if (const auto* list = find(o, name)) {
      TRY(only(o, {name, "type"}));
      if (!list->is_array() || list->get_array().empty()) return fail("'{}' is no list of schemas", name);
      return either(list->get_array(), depth);
    }
  }
  if (const auto* list = find(o, "allOf")) {
    if (!list->is_array() || list->get_array().empty()) return fail("'allOf' is no list of schemas");
    return merged(o, list->get_array(), depth);
  }
  const auto* type = find(o, "type");
  if (type == nullptr) {
    if (find(o, "properties") != nullptr) return of_type(o, "object", depth);
    if (find(o, "items") != nullptr) return of_type(o, "array", depth);
    TRY(only(o, {}));
    return "value";
  }
  if (!type->is_array()) return of_type(o, text_of(*type), depth);
  std::string out;
  for (const auto& one : type->get_array()) {
    // What is said of other types does not concern this one.
    json::object alone = o;
    const auto name = text_of(one);
    if (name != "object")
      for (const auto* n : {"properties", "required", "additionalProperties"}) alone.erase(n);
    if (name != "array")
      for (const auto* n : {"items", "prefixItems", "minItems", "maxItems"}) alone.erase(n);
    if (name != "string")
      for (const auto* n : {"minLength", "maxLength"}) alone.erase(n);
    TRY_ASSIGN(const auto rule, of_type(alone, name, depth));
    out += (out.empty() ? "" : " | ") + rule;
  }
  if (out.empty()) return fail("'type' is an empty list");
  return add(std::move(out));
}

// A rule is named before its body is known, so that schemas may speak of themselves.
Result<std::string> Writer::reference(std::string_view pointer, int depth) {
  if (const auto known = references_.find(pointer); known != references_.end()) return known->second;
  if (!pointer.starts_with('#')) return fail("'$ref' {} points out of the schema", pointer);
  boost::system::error_code missing;
  const auto* target = root_.find_pointer(json::string_view(pointer.data() + 1, pointer.size() - 1), missing);
  if (target == nullptr) return fail("'$ref' {} points nowhere", pointer);
  const auto index = rules_.size();
  const auto name = add({});
  references_.emplace(pointer, name);
  TRY_ASSIGN(auto body, schema(*target, depth + 1));
  if (body == name) return fail("'$ref' {} is its own definition", pointer);
  rules_[index] = std::move(body);
  return name;
}

Result<std::string> Writer::either(const json::array& list, int depth) {
  std::string out;
  for (const auto& one : list) {
    TRY_ASSIGN(const auto rule, schema(one, depth + 1));
    out += (out.empty() ? "" : " | ") + rule;
  }
  return add(std::move(out));
}

// Objects that must all hold are one object with the members of all.
Result<std::string> Writer::merged(const json::object& o, const json::array& all, int depth) {
  json::object out = o;
  out.erase("allOf");
  for (const auto& v : all) {
    const auto* part = v.if_object();
    if (part != nullptr)
      if (const auto* ref = find(*part, "$ref")) {
        const auto pointer = text_of(*ref);
        boost::system::error_code missing;
        const auto* target =
            pointer.starts_with('#')
                ? root_.find_pointer(json::string_view(pointer.data() + 1, pointer.size() - 1), missing)
                : nullptr;
        part = target == nullptr ? nullptr : target->if_object();
      }
    if (part == nullptr) return fail("'allOf' holds what is no schema of this document");
    for (const auto& member : *part) {
      auto& to = out[member.key()];
      if (to.is_null()) {
        to = member.value();
      } else if (to.is_object() && member.value().is_object()) {
        for (const auto& inner : member.value().get_object()) to.get_object()[inner.key()] = inner.value();
      } else if (to.is_array() && member.value().is_array() && member.key() == "required") {
        for (const auto& name : member.value().get_array()) to.get_array().push_back(name);
      } else if (to != member.value() &&
                 !kAnnotations.contains(std::string_view(member.key().data(), member.key().size()))) {
        return fail("'allOf' says two things of '{}'", std::string_view(member.key().data(), member.key().size()));
      }
    }
  }
  return schema(out, depth + 1);
}

Result<std::string> Writer::of_type(const json::object& o, std::string_view type, int depth) {
  if (type == "object") return object(o, depth);
  if (type == "array") return array(o, depth);
  if (type == "string") return string(o);
  TRY(only(o, {"type"}));
  if (type == "number" || type == "integer") return std::string(type);
  if (type == "boolean") return add(R"("true" | "false")");
  if (type == "null") return add(R"("null")");
  return fail("there is no type '{}' in JSON schemas", type);
}

Result<std::string> Writer::string(const json::object& o) const {
  TRY(only(o, {"type", "minLength", "maxLength"}));
  TRY_ASSIGN(const auto least, count(o, "minLength", 0));
  TRY_ASSIGN(const auto most, count(o, "maxLength", -1));
  if (least == 0 && most < 0) return std::string("string");
  if (most >= 0 && most < least) return fail("'maxLength' is less than 'minLength'");
  return most < 0 ? fmt::format(R"("\"" char{{{},}} "\"")", least)
                  : fmt::format(R"("\"" char{{{},{}}} "\"")", least, most);
}

Result<std::string> Writer::array(const json::object& o, int depth) {
  TRY(only(o, {"type", "items", "prefixItems", "minItems", "maxItems"}));
  TRY_ASSIGN(const auto least, count(o, "minItems", 0));
  TRY_ASSIGN(const auto most, count(o, "maxItems", -1));
  if (most >= 0 && most < least) return fail("'maxItems' is less than 'minItems'");
  if (const auto* tuple = find(o, "prefixItems")) {
    if (!tuple->is_array()) return fail("'prefixItems' is no list");
    std::string out = R"("[" ws)";
    for (const auto& one : tuple->get_array()) {
      TRY_ASSIGN(const auto rule, schema(one, depth + 1));
      out += (&one == &tuple->get_array().front() ? " " : R"( "," ws )") + rule + " ws";
    }
    return add(out + R"( "]")");
  }
  std::string item = "value";
  if (const auto* items = find(o, "items")) {
    TRY_ASSIGN(item, schema(*items, depth + 1));
  }
  if (most == 0) return add(R"("[" ws "]")");
  const auto more = most < 0 ? fmt::format("{{{},}}", std::max<std::int64_t>(0, least - 1))
                             : fmt::format("{{{},{}}}", std::max<std::int64_t>(0, least - 1), most - 1);
  const auto list = fmt::format(R"({0} ws ("," ws {0} ws){1})", item, more);
  return add(least > 0 ? fmt::format(R"("[" ws {} "]")", list) : fmt::format(R"("[" ws ({})? "]")", list));
}

// Rules for the rest of the members, once with nothing before them and once after a comma.
Result<std::string> Writer::object(const json::object& o, int depth) {
  TRY(only(o, {"type", "properties", "required", "additionalProperties"}));
  const auto* properties = find(o, "properties");
  if (properties != nullptr && !properties->is_object()) return fail("'properties' is no object");
  const auto* more = find(o, "additionalProperties");
  const bool open = more != nullptr ? !more->is_bool() || more->get_bool() : properties == nullptr;
  std::string extra;
  if (open) {
    std::string value = "value";
    if (more != nullptr) {
      TRY_ASSIGN(value, schema(*more, depth + 1));
    }
    extra = add("string \":\" ws " + value + " ws");
  }
  std::set<std::string, std::less<>> required;
  if (const auto* list = find(o, "required")) {
    if (!list->is_array()) return fail("'required' is no list");
    for (const auto& name : list->get_array()) required.emplace(text_of(name));
  }
  std::string first = open ? add(fmt::format(R"(({0} ("," ws {0})*)?)", extra)) : std::string();
  std::string next = open ? add(fmt::format(R"(("," ws {})*)", extra)) : std::string();
  if (properties != nullptr) {
    const auto& members = properties->get_object();
    for (auto it = members.end(); it != members.begin();) {
      --it;
      const std::string_view name(it->key().data(), it->key().size());
      TRY_ASSIGN(const auto value, schema(it->value(), depth + 1));
      const auto pair = add(literal(json::serialize(it->key())) + " \":\" ws " + value + " ws");
      const bool must = required.erase(std::string(name)) > 0;
      const auto here = fmt::format("{} {}", pair, next);
      first = add(must ? here : first.empty() ? fmt::format("({})?", here) : fmt::format("{} | {}", here, first));
      next = add(must ? fmt::format(R"("," ws {})", here) : fmt::format(R"(("," ws {})? {})", pair, next));
    }
  }
  if (!required.empty()) return fail("'required' names '{}', which is not in 'properties'", *required.begin());
  return add(fmt::format(R"("{{" ws {} "}}")", first));
}

Result<json::value> parse(std::string_view text, int depth) {
  json::parse_options options;
  options.max_depth = static_cast<std::size_t>(depth) * 2;
  boost::system::error_code bad;
  auto value = json::parse(json::string_view(text.data(), text.size()), bad, {}, options);
  if (bad) return fail("the schema is no JSON: {}", bad.message());
  return value;
}

Result<std::string> within(std::string grammar, const GrammarLimits& limits) {
  if (grammar.size() > limits.bytes) return fail("a grammar of more than {} bytes", limits.bytes);
  return grammar;
}

}  // namespace

std::string json_object_grammar() { return "root ::= object ws\n" + std::string(kJson); }

Result<std::string> schema_grammar(std::string_view schema, const GrammarLimits& limits) {
  TRY_ASSIGN(const auto root, parse(schema, limits.depth));
  Writer writer(root, limits);
  TRY_ASSIGN(const auto start, writer.schema(root, 0));
  return within(fmt::format("root ::= ws {} ws\n{}{}", start, writer.rules(), kJson), limits);
}

Result<std::string> tools_grammar(const std::vector<ToolSpec>& tools, bool parallel, std::string_view begin,
                                  std::string_view end, const GrammarLimits& limits) {
  if (tools.empty()) return fail("there are no tools");
  std::string rules, calls;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const auto& tool = tools[i];
    TRY_ASSIGN(const auto root,
               parse(tool.parameters.empty() ? R"({"type":"object"})" : tool.parameters, limits.depth));
    Writer writer(root, limits, fmt::format("t{}-", i));
    auto arguments = writer.schema(root, 0);
    if (!arguments) return std::unexpected(std::move(arguments).error().within("parameters of " + tool.name));
    const auto head = fmt::format(R"({{"name": {}, "arguments": )", json::serialize(json::string(tool.name)));
    rules += fmt::format("{}t{} ::= {} {} ws {}\n", writer.rules(), i, literal(head), *arguments, literal("}"));
    calls += fmt::format("{}t{}", calls.empty() ? "" : " | ", i);
  }
  const auto more = parallel ? fmt::format(" ({} call){{0,{}}}", literal("\n"), kMaxCalls - 1) : std::string();
  return within(fmt::format("root ::= call{}\ncall ::= {} ({}) {}\n{}{}", more, literal(begin), calls, literal(end),
                            rules, kJson),
                limits);
}

}  // namespace cocoon::engine
