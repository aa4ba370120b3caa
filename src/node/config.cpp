#include "node/config.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>

#include <toml++/toml.h>

namespace cocoon::node {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string show_list(const std::vector<std::string>& list) {
  std::string out = "[";
  for (std::size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : ", ") + toml_quote(list[i]);
  return out + "]";
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  const auto best = std::min_element(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
  return best == candidates.end() ? std::string() : *best;
}

std::string toml_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    else
      out += c;
  }
  return out + '"';
}

ConfigTable& ConfigTable::add(Key key) {
  keys_.push_back(std::move(key));
  return *this;
}

ConfigTable& ConfigTable::key(std::string name, bool& target, std::string doc) {
  Key k{std::move(name), std::move(doc), Kind::boolean};
  k.shown_default = target ? "true" : "false";
  k.set_bool = [&target](bool v) { target = v; };
  return add(std::move(k));
}

ConfigTable& ConfigTable::key(std::string name, std::string& target, std::string doc) {
  Key k{std::move(name), std::move(doc), Kind::text};
  k.shown_default = toml_quote(target);
  k.set_text = [&target](std::string v) { target = std::move(v); };
  return add(std::move(k));
}

ConfigTable& ConfigTable::key(std::string name, std::vector<std::string>& target, std::string doc) {
  Key k{std::move(name), std::move(doc), Kind::list};
  k.shown_default = show_list(target);
  k.set_list = [&target](std::vector<std::string> v) { target = std::move(v); };
  return add(std::move(k));
}

ConfigTable& ConfigTable::key(std::string name, double& target, std::string doc, double min, double max) {
  Key k{std::move(name), std::move(doc), Kind::number};
  k.shown_default = fmt::format("{}", target);
  k.min = min;
  k.max = max;
  k.set_number = [&target](double v) { target = v; };
  return add(std::move(k));
}

ConfigTable& ConfigTable::key(std::string name, Duration& target, std::string doc) {
  Key k{std::move(name), std::move(doc) + " (seconds)", Kind::number};
  k.shown_default = fmt::format("{}", to_seconds(target));
  k.min = 0;
  k.max = 365.0 * 86400;
  k.set_number = [&target](double v) {
    target = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(v));
  };
  return add(std::move(k));
}

ConfigTable& ConfigTable::integer(std::string name, std::string doc, std::int64_t now, std::int64_t min,
                                  std::int64_t max, std::function<void(std::int64_t)> set) {
  Key k{std::move(name), std::move(doc), Kind::integer};
  k.shown_default = fmt::format("{}", now);
  k.min = static_cast<double>(min);
  k.max = static_cast<double>(max);
  k.set_int = [set = std::move(set)](std::int64_t v) { set(v); };
  return add(std::move(k));
}

ConfigTable& ConfigTable::required() {
  keys_.back().required = true;
  return *this;
}

ConfigTable& ConfigTable::ignore_unknown() {
  ignore_unknown_ = true;
  return *this;
}

const ConfigTable::Key* ConfigTable::find(std::string_view name) const {
  for (const auto& k : keys_)
    if (k.name == name) return &k;
  return nullptr;
}

std::string ConfigTable::nearest(std::string_view name) const {
  const Key* best = nullptr;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const auto& k : keys_) {
    // A key put in the wrong table is as near as its last part says.
    const auto tail = [](std::string_view s) { return s.substr(s.rfind('.') == s.npos ? 0 : s.rfind('.') + 1); };
    const auto d = std::min(edit_distance(name, k.name), edit_distance(tail(name), tail(k.name)) + 1);
    if (d < least) {
      least = d;
      best = &k;
    }
  }
  return best == nullptr ? std::string() : best->name;
}

struct ConfigTable::Loader {
  ConfigTable& table;
  std::string_view file;
  std::set<std::string, std::less<>> seen{};

  static unsigned line(const toml::node& n) { return n.source().begin.line; }

  std::unexpected<Error> refuse(const toml::node& n, const std::string& key, const std::string& why) const {
    return fail("{}:{}: {}: {}", file, line(n), key, why);
  }

  Result<> range(const toml::node& n, const Key& k, double v) const {
    if (v >= k.min && v <= k.max) return {};
    return refuse(n, k.name, fmt::format("must be from {} to {}", k.min, k.max));
  }

  Result<> set(const toml::node& n, const Key& k) const {
    switch (k.kind) {
      case Kind::boolean:
        if (!n.is_boolean()) return refuse(n, k.name, "true or false expected");
        k.set_bool(*n.value<bool>());
        return {};
      case Kind::integer:
        if (!n.is_integer()) return refuse(n, k.name, "a whole number expected");
        TRY(range(n, k, static_cast<double>(*n.value<std::int64_t>())));
        k.set_int(*n.value<std::int64_t>());
        return {};
      case Kind::number:
        if (!n.is_number()) return refuse(n, k.name, "a number expected");
        TRY(range(n, k, *n.value<double>()));
        k.set_number(*n.value<double>());
        return {};
      case Kind::text:
        if (!n.is_string()) return refuse(n, k.name, "text in quotes expected");
        k.set_text(*n.value<std::string>());
        return {};
      case Kind::list:
        return set_list(n, k);
    }
    return {};
  }

  Result<> set_list(const toml::node& n, const Key& k) const {
    if (!n.is_array()) return refuse(n, k.name, "a list of texts expected");
    std::vector<std::string> out;
    for (const auto& item : *n.as_array()) {
      if (!item.is_string()) return refuse(item, k.name, "a list of texts expected");
      out.push_back(*item.value<std::string>());
    }
    k.set_list(std::move(out));
    return {};
  }

  Result<> walk(const toml::table& t, const std::string& prefix) {
    for (const auto& [name, node] : t) {
      const auto full = prefix + std::string(name.str());
      if (const auto* k = table.find(full)) {
        TRY(set(node, *k));
        seen.insert(full);
      } else if (node.is_table()) {
        TRY(walk(*node.as_table(), full + "."));
      } else if (!table.ignore_unknown_) {
        return refuse(node, full, "unknown key; the nearest known one is \"" + table.nearest(full) + "\"");
      }
    }
    return {};
  }
};

Result<> ConfigTable::load(std::string_view text, std::string_view file_name) {
  try {
    const auto parsed = toml::parse(text, file_name);
    Loader loader{*this, file_name};
    TRY(loader.walk(parsed, ""));
    for (const auto& k : keys_)
      if (k.required && !loader.seen.contains(k.name))
        return fail("{}: {} must be given: {}", file_name, k.name, k.doc);
    return {};
  } catch (const toml::parse_error& e) {
    return fail("{}:{}: {}", file_name, e.source().begin.line, e.description());
  } catch (const std::exception& e) {
    return fail("{}: {}", file_name, e.what());
  }
}

Result<> ConfigTable::load_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail("{}: cannot be read; `cocoon ROLE --example` prints one to begin with", path);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return load(text, path);
}

std::string ConfigTable::example() const {
  std::string out;
  std::string section;
  const auto section_of = [](const std::string& name) {
    const auto dot = name.rfind('.');
    return dot == std::string::npos ? std::string() : name.substr(0, dot);
  };
  auto sorted = keys_;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Key& a, const Key& b) {
    return section_of(a.name).empty() && !section_of(b.name).empty();
  });
  for (const auto& k : sorted) {
    if (section_of(k.name) != section) {
      section = section_of(k.name);
      out += fmt::format("\n[{}]\n", section);
    }
    const auto key = k.name.substr(section.empty() ? 0 : section.size() + 1);
    out += fmt::format("# {}{}\n{} = {}\n", k.doc, k.required ? " (must be given)" : "", key, k.shown_default);
  }
  return out;
}

}  // namespace cocoon::node
