// Configuration as a described, validated table: every key has a name, a default, a meaning and a check. A node's TOML
// file may hold only keys of its table; an unknown key is refused with the nearest known name.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace cocoon::node {

class ConfigTable {
 public:
  // `name` is dotted ("chain.liteserver"): the last part is the key, what stands before is the TOML table. `target`
  // holds the default when the key is declared and the configured value after load(); it must outlive the table.
  ConfigTable& key(std::string name, bool& target, std::string doc);
  ConfigTable& key(std::string name, std::string& target, std::string doc);
  ConfigTable& key(std::string name, std::vector<std::string>& target, std::string doc);
  ConfigTable& key(std::string name, double& target, std::string doc, double min, double max);
  // Whole numbers of any width, min <= value <= max.
  template <std::integral Int>
  ConfigTable& key(std::string name, Int& target, std::string doc, std::int64_t min, std::int64_t max) {
    return integer(std::move(name), std::move(doc), static_cast<std::int64_t>(target), min, max,
                   [&target](std::int64_t v) { target = static_cast<Int>(v); });
  }
  // Seconds, fractions allowed, 0 <= value <= 365 days.
  ConfigTable& key(std::string name, Duration& target, std::string doc);
  // The last declared key must be given.
  ConfigTable& required();

  // For commands that read only a part of a node's file.
  ConfigTable& ignore_unknown();

  // Reads TOML text; errors name the file, the line and the key.
  Result<> load(std::string_view toml_text, std::string_view file_name);
  Result<> load_file(const std::string& path);

  // A complete file: each key with its meaning above it and its default (or present) value.
  std::string example() const;

 private:
  enum class Kind { boolean, integer, number, text, list };
  struct Key {
    std::string name;
    std::string doc;
    Kind kind;
    bool required = false;
    std::string shown_default{};
    double min = 0;
    double max = 0;
    std::function<void(bool)> set_bool;
    std::function<void(std::int64_t)> set_int;
    std::function<void(double)> set_number;
    std::function<void(std::string)> set_text;
    std::function<void(std::vector<std::string>)> set_list;
  };
  struct Loader;

  ConfigTable& integer(std::string name, std::string doc, std::int64_t now, std::int64_t min, std::int64_t max,
                       std::function<void(std::int64_t)> set);
  ConfigTable& add(Key key);
  const Key* find(std::string_view name) const;
  std::string nearest(std::string_view name) const;

  std::vector<Key> keys_;
  bool ignore_unknown_ = false;
};

// The candidate that takes the fewest typing errors to become `name`; empty when there are none.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

// TOML text of a string value, quoted and escaped.
std::string toml_quote(std::string_view text);

}  // namespace cocoon::node
