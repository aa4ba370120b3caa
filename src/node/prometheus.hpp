// Prometheus' text format, for values read when they are asked for.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace cocoon::node {

class PrometheusText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a metric; the samples that follow belong to it. Names without the "cocoon_" in front; counters end in
  // _total.
  PrometheusText& counter(std::string_view name, std::string_view help) { return begin(name, help, "counter"); }
  PrometheusText& gauge(std::string_view name, std::string_view help) { return begin(name, help, "gauge"); }
  PrometheusText& sample(double value, Labels labels = {});

  std::string take() { return std::move(text_); }

 private:
  PrometheusText& begin(std::string_view name, std::string_view help, std::string_view type);
  std::string text_;
  std::string name_;
};

}  // namespace cocoon::node
