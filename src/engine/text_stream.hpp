// From the bytes of tokens to text that may be shown: whole UTF-8 characters only, and nothing past a stop sequence.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace cocoon::engine {

// The longest prefix of `bytes` that ends between characters. What is left is at most three bytes: the beginning of a
// character whose end has not come yet. Bytes that can never become a character do not count as a beginning.
std::size_t whole_characters(std::string_view bytes);

// `bytes` with everything that is not UTF-8 replaced by U+FFFD, one for each maximal part as Unicode recommends.
std::string as_utf8(std::string_view bytes);

// Holds back what could be the beginning of a stop sequence or of a character, however tokens divide them.
class TextStream {
 public:
  explicit TextStream(std::vector<std::string> stops);  // no empty strings

  // Takes a token's bytes; returns the text that is certain by now, perhaps nothing.
  std::string push(std::string_view bytes);
  // No more bytes: what was held back.
  std::string finish();
  // A stop sequence was met. The text before it was returned; it and what follows are dropped.
  bool stopped() const { return stopped_; }

 private:
  std::string take_text();

  std::vector<std::string> stops_;
  std::string bytes_;  // an unfinished character
  std::string text_;   // whole characters that may begin a stop sequence
  bool stopped_ = false;
};

}  // namespace cocoon::engine
