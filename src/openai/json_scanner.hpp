// A strict JSON tokenizer for bytes that arrive in any pieces: constant memory, one pass, no tree.
// The data path uses it to find a few numbers in bodies it does not want to hold; requests use its offsets to keep the
// caller's own spelling of everything it does not change.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace cocoon::openai {

enum class JsonKind { object_begin, object_end, array_begin, array_end, key, string, number, boolean, null };

struct JsonToken {
  JsonKind kind = JsonKind::null;
  int depth = 0;            // open containers around the token; a container's own begin and end have its outer depth
  std::uint64_t begin = 0;  // offsets in the whole stream, quotes and braces included
  std::uint64_t end = 0;
  // Key, string: between the quotes, escapes untouched; number, boolean: as written. Valid during the call.
  std::string_view text;
  bool cut = false;  // text was longer than kCapture and is only its beginning
};

class JsonSink {
 public:
  virtual void token(const JsonToken&) = 0;

 protected:
  ~JsonSink() = default;
};

class JsonScanner {
 public:
  static constexpr std::size_t kCapture = 128;

  enum class Documents { one, many };  // many: values one after the other, with or without space between them

  explicit JsonScanner(Documents documents, int max_depth = 64) : documents_(documents), max_depth_(max_depth) {}

  // Feeds bytes; tokens go to `sink` as they complete. False as soon as the bytes are no JSON, and ever after.
  bool push(std::string_view bytes, JsonSink& sink);
  // Says that no more bytes come. True if what came was whole: exactly one value, or any number of them.
  bool finish(JsonSink& sink);

  bool failed() const { return state_ == State::failed; }
  std::uint64_t offset() const { return offset_; }  // of the next byte; of the offending one after a failure
  std::uint64_t documents() const { return count_; }

 private:
  enum class State : std::uint8_t {
    value,       // a value must come
    first_item,  // after [: a value or ]
    first_key,   // after {: a key or }
    key,         // after a comma in an object
    colon,
    after_value,  // a comma or the container's end; between documents: space or the next value
    string,
    escape,
    unicode,
    number,
    literal,
    failed,
  };
  // Where in the grammar of a number we are.
  enum class Digits : std::uint8_t { minus, zero, integer, point, fraction, exponent_mark, exponent_sign, exponent };

  bool step(char c, JsonSink& sink);
  bool begin_value(char c, JsonSink& sink);
  bool close(char c, JsonSink& sink);
  bool after_value(char c, JsonSink& sink);
  bool in_escape(char c);
  bool in_literal(char c, JsonSink& sink);
  bool number_takes(char c);
  bool number_may_end() const;
  void end_scalar(JsonKind kind, std::uint64_t end, std::string_view text, JsonSink& sink);
  void end_string(JsonSink& sink);
  void value_done();
  void start(State state);
  void capture(std::string_view part);
  std::string_view text_until(std::uint64_t end);
  bool in_text() const;
  bool scan(std::string_view bytes, JsonSink& sink);
  bool fail();

  Documents documents_;
  int max_depth_;
  State state_ = State::value;
  Digits digits_ = Digits::minus;
  bool string_is_key_ = false;
  unsigned unicode_left_ = 0;
  std::string_view literal_;
  std::size_t literal_at_ = 0;
  std::string open_;  // '{' or '[' of each container around
  std::uint64_t offset_ = 0;
  std::uint64_t token_begin_ = 0;
  std::uint64_t text_begin_ = 0;  // behind the quote of a string
  // Text that lies in one piece is a view of it. Of text that began in an earlier piece, text_ holds what came before.
  std::string_view piece_;
  std::uint64_t piece_begin_ = 0;
  std::string text_;
  bool cut_ = false;
  std::uint64_t count_ = 0;
};

// Well-formed UTF-8 (no overlong forms, no surrogates)?
bool is_utf8(std::string_view);

}  // namespace cocoon::openai
