#include "engine/metrics.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace cocoon::engine {
namespace {

void head(std::string_view name, std::string_view kind, std::string_view help, std::string& to) {
  to += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, kind, help);
}

void counter(std::string_view name, std::string_view help, std::uint64_t value, std::string& to) {
  head(name, "counter", help, to);
  to += fmt::format("{} {}\n", name, value);
}

void gauge(std::string_view name, std::string_view help, std::uint64_t value, std::string& to) {
  head(name, "gauge", help, to);
  to += fmt::format("{} {}\n", name, value);
}

}  // namespace

void Histogram::observe(double seconds) {
  const auto at = std::ranges::lower_bound(kBounds, seconds) - kBounds.begin();
  ++counts_[static_cast<std::size_t>(at)];
  sum_ += seconds;
}

void Histogram::write(std::string_view name, std::string_view help, std::string& to) const {
  head(name, "histogram", help, to);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    count += counts_[i];
    to += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, kBounds[i], count);
  }
  count += counts_.back();
  to += fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name, count, sum_);
}

std::string Metrics::text(const Scheduler* scheduler) const {
  std::string out;
  head("cocoon_engine_http_requests_total", "counter", "HTTP requests by route and status", out);
  for (const auto& [key, count] : requests_)
    out += fmt::format("cocoon_engine_http_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", key.first, key.second,
                       count);
  first_text_.write("cocoon_engine_first_text_seconds", "From a request to the first text of its answer", out);
  answer_.write("cocoon_engine_answer_seconds", "From a request to the end of its answer", out);
  gauge("cocoon_engine_ready", "1 when the model is loaded", scheduler ? 1 : 0, out);
  if (!scheduler) return out;

  const auto& c = scheduler->counters();
  counter("cocoon_engine_prompt_tokens_total", "Tokens of prompts", c.prompt_tokens, out);
  counter("cocoon_engine_cached_tokens_total", "Tokens of prompts that were computed before", c.cached_tokens, out);
  counter("cocoon_engine_completion_tokens_total", "Tokens of answers", c.completion_tokens, out);
  counter("cocoon_engine_embedded_tokens_total", "Tokens of embedded texts", c.embedded_tokens, out);
  counter("cocoon_engine_finished_total", "Answers that ended by themselves", c.finished, out);
  counter("cocoon_engine_cancelled_total", "Answers given up because nobody waited for them", c.cancelled, out);
  counter("cocoon_engine_failed_total", "Answers that failed", c.failed, out);
  counter("cocoon_engine_steps_total", "Batches decoded", c.steps, out);
  head("cocoon_engine_busy_seconds_total", "counter", "Time spent computing", out);
  out += fmt::format("cocoon_engine_busy_seconds_total {}\n", static_cast<double>(c.busy_microseconds) / 1e6);
  gauge("cocoon_engine_running", "Answers being computed", c.running, out);
  gauge("cocoon_engine_queued", "Requests waiting for a slot", c.queued, out);
  gauge("cocoon_engine_slots", "Answers that can be computed at once", scheduler->slots(), out);
  return out;
}

}  // namespace cocoon::engine
