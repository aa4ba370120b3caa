#include "openai/json_scanner.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cocoon::openai {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool ends_plain_text(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Of eight bytes that stand one after the other in memory, a bit in each that ends plain text. A byte that is zero
// (below 0x20) borrows when 1 (0x20) is taken from it; only behind it, borrowing may set bits that are wrong.
std::uint64_t ends_of_plain_text(std::uint64_t eight) {
  constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x80 * ones;
  const std::uint64_t quotes = eight ^ (ones * '"'), slashes = eight ^ (ones * '\\');
  return (((eight - 0x20 * ones) & ~eight) | ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes)) & tops;
}

// Where the plain part of a string ends that goes on at `at`.
std::size_t plain_until(std::string_view bytes, std::size_t at) {
  if constexpr (std::endian::native == std::endian::little)
    for (std::uint64_t eight = 0; bytes.size() - at >= sizeof eight; at += sizeof eight) {
      std::memcpy(&eight, bytes.data() + at, sizeof eight);
      if (const auto ends = ends_of_plain_text(eight); ends != 0)
        return at + static_cast<std::size_t>(std::countr_zero(ends)) / 8;
    }
  while (at < bytes.size() && !ends_plain_text(bytes[at])) ++at;
  return at;
}

}  // namespace

bool JsonScanner::fail() {
  state_ = State::failed;
  return false;
}

void JsonScanner::start(State state) {
  state_ = state;
  token_begin_ = text_begin_ = offset_;
  text_.clear();
  cut_ = false;
}

void JsonScanner::capture(std::string_view part) {
  const std::size_t room = kCapture - text_.size();
  text_.append(part.substr(0, room));
  cut_ = cut_ || part.size() > room;
}

// The text of the token that ends there.
std::string_view JsonScanner::text_until(std::uint64_t end) {
  const auto begin = std::max(text_begin_, piece_begin_);
  const auto part =
      piece_.substr(static_cast<std::size_t>(begin - piece_begin_), static_cast<std::size_t>(end - begin));
  if (text_begin_ < piece_begin_) {
    capture(part);
    return text_;
  }
  cut_ = part.size() > kCapture;
  return part.substr(0, kCapture);
}

bool JsonScanner::in_text() const {
  return state_ == State::string || state_ == State::escape || state_ == State::unicode || state_ == State::number;
}

bool JsonScanner::push(std::string_view bytes, JsonSink& sink) {
  if (failed()) return false;
  piece_ = bytes;
  const bool good = scan(bytes, sink);
  if (good && in_text() && text_begin_ < offset_) {
    const auto begin = std::max(text_begin_, piece_begin_);
    capture(piece_.substr(static_cast<std::size_t>(begin - piece_begin_)));
  }
  piece_ = {};
  piece_begin_ = offset_;
  return good || fail();
}

bool JsonScanner::scan(std::string_view bytes, JsonSink& sink) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (state_ == State::string)
      i = plain_until(bytes, i);
    else if (state_ == State::number)
      while (i < bytes.size() && number_takes(bytes[i])) ++i;
    offset_ = piece_begin_ + i;
    if (i == bytes.size()) return true;
    if (!step(bytes[i], sink)) return false;
  }
  offset_ = piece_begin_ + bytes.size();
  return true;
}

bool JsonScanner::step(char c, JsonSink& sink) {
  switch (state_) {
    case State::value:
      return is_space(c) || begin_value(c, sink);
    case State::first_item:
      return is_space(c) || (c == ']' ? close(c, sink) : begin_value(c, sink));
    case State::first_key:
      if (c == '}') return close(c, sink);
      [[fallthrough]];
    case State::key:
      if (is_space(c)) return true;
      start(State::string);
      ++text_begin_;
      string_is_key_ = true;
      return c == '"';
    case State::colon:
      if (c == ':') state_ = State::value;
      return c == ':' || is_space(c);
    case State::after_value:
      return is_space(c) || after_value(c, sink);
    case State::string:
      if (c == '"') return end_string(sink), true;
      if (c != '\\') return false;  // a control character
      state_ = State::escape;
      return true;
    case State::escape:
    case State::unicode:
      return in_escape(c);
    case State::number:
      if (!number_may_end()) return false;
      end_scalar(JsonKind::number, offset_, text_until(offset_), sink);
      return is_space(c) || after_value(c, sink);
    case State::literal:
      return in_literal(c, sink);
    case State::failed:
      break;
  }
  return false;
}

bool JsonScanner::begin_value(char c, JsonSink& sink) {
  start(State::value);
  if (c == '{' || c == '[') {
    if (static_cast<int>(open_.size()) >= max_depth_) return false;
    sink.token({c == '{' ? JsonKind::object_begin : JsonKind::array_begin,
                static_cast<int>(open_.size()),
                offset_,
                offset_ + 1,
                {},
                false});
    open_.push_back(c);
    state_ = c == '{' ? State::first_key : State::first_item;
    return true;
  }
  if (c == '"') {
    state_ = State::string;
    ++text_begin_;
    string_is_key_ = false;
    return true;
  }
  if (c == '-' || is_digit(c)) {
    state_ = State::number;
    digits_ = c == '-' ? Digits::minus : c == '0' ? Digits::zero : Digits::integer;
    return true;
  }
  literal_ = c == 't' ? "true" : c == 'f' ? "false" : c == 'n' ? "null" : "";
  literal_at_ = 1;
  state_ = State::literal;
  return !literal_.empty();
}

bool JsonScanner::close(char c, JsonSink& sink) {
  if (open_.empty() || open_.back() != (c == '}' ? '{' : '[')) return false;
  open_.pop_back();
  sink.token({c == '}' ? JsonKind::object_end : JsonKind::array_end,
              static_cast<int>(open_.size()),
              offset_,
              offset_ + 1,
              {},
              false});
  value_done();
  return true;
}

void JsonScanner::value_done() {
  state_ = State::after_value;
  if (open_.empty()) ++count_;
}

bool JsonScanner::after_value(char c, JsonSink& sink) {
  if (open_.empty()) return documents_ == Documents::many && begin_value(c, sink);
  if (c == ',') {
    state_ = open_.back() == '{' ? State::key : State::value;
    return true;
  }
  return (c == '}' || c == ']') && close(c, sink);
}

bool JsonScanner::in_escape(char c) {
  if (state_ == State::unicode) {
    if (--unicode_left_ == 0) state_ = State::string;
    return is_hex(c);
  }
  if (c == 'u') {
    state_ = State::unicode;
    unicode_left_ = 4;
    return true;
  }
  state_ = State::string;
  return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
}

bool JsonScanner::in_literal(char c, JsonSink& sink) {
  if (c != literal_[literal_at_++]) return false;
  if (literal_at_ < literal_.size()) return true;
  end_scalar(literal_ == "null" ? JsonKind::null : JsonKind::boolean, offset_ + 1, literal_, sink);
  return true;
}

bool JsonScanner::number_takes(char c) {
  using enum Digits;
  const auto to = [this](Digits next) { return digits_ = next, true; };
  const bool exponent_begins = c == 'e' || c == 'E';
  switch (digits_) {
    case minus:
      return is_digit(c) && to(c == '0' ? zero : integer);
    case zero:
    case integer:
      if (is_digit(c)) return digits_ == integer;
      return c == '.' ? to(point) : exponent_begins && to(exponent_mark);
    case point:
      return is_digit(c) && to(fraction);
    case fraction:
      return is_digit(c) || (exponent_begins && to(exponent_mark));
    case exponent_mark:
      if (c == '+' || c == '-') return to(exponent_sign);
      [[fallthrough]];
    case exponent_sign:
      return is_digit(c) && to(exponent);
    case exponent:
      return is_digit(c);
  }
  return false;
}

bool JsonScanner::number_may_end() const {
  using enum Digits;
  return digits_ == zero || digits_ == integer || digits_ == fraction || digits_ == exponent;
}

void JsonScanner::end_scalar(JsonKind kind, std::uint64_t end, std::string_view text, JsonSink& sink) {
  value_done();
  sink.token({kind, static_cast<int>(open_.size()), token_begin_, end, text, cut_});
}

void JsonScanner::end_string(JsonSink& sink) {
  const auto text = text_until(offset_);
  if (!string_is_key_) return end_scalar(JsonKind::string, offset_ + 1, text, sink);
  state_ = State::colon;
  sink.token({JsonKind::key, static_cast<int>(open_.size()), token_begin_, offset_ + 1, text, cut_});
}

bool JsonScanner::finish(JsonSink& sink) {
  if (state_ == State::number && number_may_end()) end_scalar(JsonKind::number, offset_, text_until(offset_), sink);
  const bool whole = open_.empty() && (state_ == State::after_value ||
                                       (state_ == State::value && count_ == 0 && documents_ == Documents::many));
  return whole || fail();
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p < end) {
    std::uint64_t eight = 0;
    if (static_cast<std::size_t>(end - p) >= sizeof eight) {
      std::memcpy(&eight, p, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        p += sizeof eight;
        continue;
      }
    }
    if (*p < 0x80) {
      ++p;
      continue;
    }
    const int more = *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : 0;
    if (more == 0 || end - p <= more) return false;
    const bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    const bool beyond = (*p == 0xed && p[1] > 0x9f) || (*p == 0xf4 && p[1] > 0x8f);
    if (overlong || beyond) return false;
    for (int i = 1; i <= more; ++i)
      if ((p[i] & 0xc0) != 0x80) return false;
    p += more + 1;
  }
  return true;
}

}  // namespace cocoon::openai
