#include "openai/usage.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace cocoon::openai {
namespace {

std::optional<std::int64_t> count_in(const JsonToken& t) {
  if (t.kind != JsonKind::number || t.cut || t.text.starts_with('-')) return std::nullopt;
  std::int64_t v = 0;
  const auto [end, error] = std::from_chars(t.text.data(), t.text.data() + t.text.size(), v);
  if (error != std::errc() || end != t.text.data() + t.text.size()) return std::nullopt;
  return v;
}

bool raise(std::int64_t& to, std::int64_t v) {
  if (v <= to) return false;
  to = v;
  return true;
}

}  // namespace

bool Usage::grow(const Usage& other) {
  bool grew = raise(prompt, other.prompt);
  grew = raise(cached, other.cached) || grew;
  grew = raise(completion, other.completion) || grew;
  return raise(reasoning, other.reasoning) || grew;
}

void UsageScanner::token(const JsonToken& t) {
  if (choices_ == Choices::open)
    choices_ = t.kind == JsonKind::array_end && t.depth == 1 ? Choices::empty : Choices::filled;
  if (inside_) return in_usage(t);
  if (t.depth == 1) top_level(t);
}

void UsageScanner::top_level(const JsonToken& t) {
  if (t.kind == JsonKind::key) {
    member_ = t.text;
  } else if (member_ == "usage" && t.kind == JsonKind::object_begin) {
    inside_ = has_usage_ = true;
    current_ = {};
  } else if (member_ == "choices" && t.kind == JsonKind::array_begin) {
    choices_ = Choices::open;
  } else if (member_ == "error" && t.kind != JsonKind::null) {
    has_error_ = true;
  }
}

void UsageScanner::in_usage(const JsonToken& t) {
  if (t.depth == 1 && t.kind == JsonKind::object_end) {
    inside_ = false;
    if (usage_.grow(current_) && grown_) grown_(usage_, t.begin);
  } else if (t.kind == JsonKind::key) {
    if (t.depth == 2) count_ = t.text;
    if (t.depth == 3) detail_ = t.text;
  } else if (const auto n = count_in(t); n && t.depth == 2) {
    if (count_ == "prompt_tokens" || count_ == "input_tokens") raise(current_.prompt, *n);
    if (count_ == "completion_tokens" || count_ == "output_tokens") raise(current_.completion, *n);
    if (count_ == "reasoning_tokens") raise(current_.reasoning, *n);
  } else if (n && t.depth == 3) {
    const bool of_prompt = count_ == "prompt_tokens_details" || count_ == "input_tokens_details";
    const bool of_completion = count_ == "completion_tokens_details" || count_ == "output_tokens_details";
    if (of_prompt && detail_ == "cached_tokens") raise(current_.cached, *n);
    if (of_completion && detail_ == "reasoning_tokens") raise(current_.reasoning, *n);
  }
}

}  // namespace cocoon::openai
