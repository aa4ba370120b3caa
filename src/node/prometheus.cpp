#include "node/prometheus.hpp"

#include <fmt/core.h>

namespace cocoon::node {

PrometheusText& PrometheusText::begin(std::string_view name, std::string_view help, std::string_view type) {
  name_ = "cocoon_" + std::string(name);
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, help, name_, type);
  return *this;
}

PrometheusText& PrometheusText::sample(double value, Labels labels) {
  text_ += name_;
  char before = '{';
  for (const auto& [key, label] : labels) {
    text_ += before;
    text_ += key;
    text_ += "=\"";
    for (const char c : label) {
      if (c == '"' || c == '\\') text_ += '\\';
      text_ += c == '\n' ? ' ' : c;
    }
    text_ += '"';
    before = ',';
  }
  if (labels.size() != 0) text_ += '}';
  // Whole numbers without an exponent, others as short as they can be read back.
  text_ += value == static_cast<double>(static_cast<std::int64_t>(value))
               ? fmt::format(" {}\n", static_cast<std::int64_t>(value))
               : fmt::format(" {}\n", value);
  return *this;
}

}  // namespace cocoon::node
