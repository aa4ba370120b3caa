// Reading requests that are translated (translation.hpp) as trees: they are small beside the work they cause, and are
// spelt anew anyway. Private to this room: it shows Boost.JSON.
#pragma once
#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/result.hpp"
#include "openai/chat.hpp"
#include "openai/sse.hpp"

namespace cocoon::openai::trees {

namespace json = boost::json;

inline constexpr int kRefused = 621;  // wire.md 2.7

// One object, UTF-8, within the usual limits (json_object.hpp).
Result<json::object> parse_object(std::string_view text);
// Absent and null are nullptr.
const json::value* find(const json::object&, std::string_view name);
std::string_view text_of(const json::value* v);  // empty when it is no string
inline std::string_view text_of(const json::object& o, std::string_view name) { return text_of(find(o, name)); }
std::string quoted_or_text(const json::value&);  // a string as it is, all else as JSON text
inline std::string_view view(const json::string& s) { return {s.data(), s.size()}; }

// Moves members that neither side renames from `from` to `to`.
void move_rest(json::object& from, json::object& to, std::initializer_list<std::string_view> except);

// "event: NAME\ndata: JSON\n\n"
void append_event(std::string& out, std::string_view name, const json::object& data);

// Events of a chat stream, one piece after another; true at [DONE]. Bytes that are no events are an error.
class ChatEvents {
 public:
  void push(std::string_view bytes) { reader_.push(bytes); }
  // The next piece; nothing when more bytes are needed.
  Result<std::optional<ChatPiece>> next();
  bool done() const { return done_; }

 private:
  SseReader reader_;
  bool done_ = false;
};

}  // namespace cocoon::openai::trees
