#include "tee/signed_json.hpp"

namespace cocoon::tee {
namespace {

// Finds where values begin and end; whether they are JSON is the parser's question.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool done() {
    skip_space();
    return at_ == text_.size();
  }
  // A string without escapes, without its quotes.
  Result<std::string_view> plain_string() {
    if (!take('"')) return fail("a string is expected at offset {}", at_);
    const auto end = text_.find('"', at_);
    if (end == text_.npos) return fail("the document ends within a string");
    const auto out = text_.substr(at_, end - at_);
    if (out.find('\\') != out.npos) return fail("an escaped string where none belongs");
    at_ = end + 1;
    return out;
  }
  // An object with its braces.
  Result<std::string_view> object() {
    skip_space();
    const auto begin = at_;
    if (at_ >= text_.size() || text_[at_] != '{') return fail("an object is expected at offset {}", at_);
    int depth = 0;
    for (bool in_string = false; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (in_string) {
        if (c == '\\')
          ++at_;
        else if (c == '"')
          in_string = false;
      } else if (c == '"') {
        in_string = true;
      } else if (c == '{') {
        ++depth;
      } else if (c == '}' && --depth == 0) {
        ++at_;
        return text_.substr(begin, at_ - begin);
      }
    }
    return fail("the document ends within an object");
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<SignedJson> open_signed_json(BytesView document, std::string_view name) {
  if (document.size() > kMaxSignedJson) return fail("a document of {} bytes", document.size());
  Scanner in(as_text(document));
  std::string_view body, signature;
  if (!in.take('{')) return fail("the document is not an object");
  for (int i = 0; i < 2; ++i) {
    if (i > 0 && !in.take(',')) return fail("the document has not both \"{}\" and \"signature\"", name);
    TRY_ASSIGN(const auto key, in.plain_string());
    if (!in.take(':')) return fail("\"{}\" has no value", key);
    if (key == name && body.empty()) {
      TRY_ASSIGN(body, in.object());
    } else if (key == "signature" && signature.empty()) {
      TRY_ASSIGN(signature, in.plain_string());
    } else {
      return fail("unexpected member of the document");
    }
  }
  if (!in.take('}') || !in.done()) return fail("the document does not end after \"{}\" and \"signature\"", name);
  SignedJson out;
  out.body = as_bytes(body);
  auto raw = fixed_from_hex<64>(signature);
  if (!raw) return std::unexpected(std::move(raw).error().within("signature"));
  out.is_signed.signature = *raw;
  out.is_signed.digest = crypto::sha256(out.body);
  return out;
}

}  // namespace cocoon::tee
