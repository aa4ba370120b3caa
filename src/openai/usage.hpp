// Token counts wherever an engine puts them in its JSON, found while the bytes pass (wire.md 5.5).
#pragma once
#include <functional>

#include "openai/json_scanner.hpp"

namespace cocoon::openai {

// An engine's own counts: raw tokens. `cached` is part of `prompt`, `reasoning` part of `completion`.
struct Usage {
  std::int64_t prompt = 0;
  std::int64_t cached = 0;
  std::int64_t completion = 0;
  std::int64_t reasoning = 0;

  // Each count keeps its maximum. True if any grew.
  bool grow(const Usage&);
  friend bool operator==(const Usage&, const Usage&) = default;
};

// Reads the member `usage` of each JSON value in a sequence:
//   prompt_tokens, completion_tokens (or input_tokens, output_tokens); cached_tokens in prompt_tokens_details (or
//   input_tokens_details); reasoning_tokens in completion_tokens_details (or output_tokens_details) or directly in
//   usage. Counts that are no unsigned integers are passed over.
class UsageScanner final : private JsonSink {
 public:
  // Called at the closing brace of a usage object in which some count grew, with the offset of that brace.
  using Grown = std::function<void(const Usage&, std::uint64_t brace)>;

  explicit UsageScanner(JsonScanner::Documents documents, Grown grown = {})
      : scanner_(documents), grown_(std::move(grown)) {}

  bool push(std::string_view bytes) { return scanner_.push(bytes, *this); }  // false: no JSON, ever after
  bool finish() { return scanner_.finish(*this); }

  const Usage& usage() const { return usage_; }
  std::uint64_t offset() const { return scanner_.offset(); }
  bool failed() const { return scanner_.failed(); }
  std::uint64_t documents() const { return scanner_.documents(); }

  // Of the values so far: was there a usage object, an empty `choices`, an `error` that is not null?
  bool has_usage() const { return has_usage_; }
  bool has_empty_choices() const { return choices_ == Choices::empty; }
  bool has_error() const { return has_error_; }

 private:
  enum class Choices { absent, open, empty, filled };

  void token(const JsonToken&) override;
  void top_level(const JsonToken&);
  void in_usage(const JsonToken&);

  JsonScanner scanner_;
  Grown grown_;
  Usage usage_;
  Usage current_;
  std::string member_;   // of the value
  std::string count_;    // of usage
  std::string detail_;   // of usage.*_details
  bool inside_ = false;  // the usage object
  bool has_usage_ = false;
  bool has_error_ = false;
  Choices choices_ = Choices::absent;
};

}  // namespace cocoon::openai
