// How the parts of the proxy core speak: effects of one event, at one time.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/log.hpp"
#include "proxy/core/events.hpp"
#include "wire/error_codes.hpp"
#include "wire/frame.hpp"
#include "wire/messages.hpp"

namespace cocoon::proxy {

class Io {
 public:
  Io(Time at, std::vector<Effect>& out) : now(at), out_(out) {}

  const Time now;

  void emit(Effect effect) { out_.push_back(std::move(effect)); }
  void send(role::LinkId link, Bytes packet) { emit(role::SendPacket{link, std::move(packet)}); }
  template <tl::Boxed T>
  void send(role::LinkId link, const T& message) {
    send(link, wire::encode(message));
  }
  template <class T>
  void answer(role::LinkId link, std::int64_t id, const T& result) {
    emit(role::Answer{link, id, wire::encode(result)});
  }
  void refuse(role::LinkId link, std::int64_t id, int code, std::string why) {
    emit(role::AnswerError{link, id, code, std::move(why)});
  }
  void close(role::LinkId link, std::string why) { emit(role::CloseLink{link, std::move(why)}); }

  template <class... A>
  void debug(fmt::format_string<A...> text, A&&... a) {
    say(log::Level::debug, fmt::format(text, std::forward<A>(a)...));
  }
  template <class... A>
  void info(fmt::format_string<A...> text, A&&... a) {
    say(log::Level::info, fmt::format(text, std::forward<A>(a)...));
  }
  template <class... A>
  void warn(fmt::format_string<A...> text, A&&... a) {
    say(log::Level::warn, fmt::format(text, std::forward<A>(a)...));
  }
  template <class... A>
  void error(fmt::format_string<A...> text, A&&... a) {
    say(log::Level::error, fmt::format(text, std::forward<A>(a)...));
  }

 private:
  void say(log::Level level, std::string text) { emit(role::Log{static_cast<int>(level), std::move(text)}); }

  std::vector<Effect>& out_;
};

// The largest object that a frame carries inside tcp.packet, with room for what wraps it (wire.md 2.6.1).
inline constexpr std::size_t kLargestObject = wire::kMaxPayload - 64;

}  // namespace cocoon::proxy
