// Answers on their way from the core to their callers: the data path of the client.
#include <fmt/format.h>

#include "base/text.hpp"
#include "client/service/api_state.hpp"
#include "openai/chat.hpp"
#include "openai/json_object.hpp"
#include "wire/error_codes.hpp"
#include "wire/http_edit.hpp"

namespace cocoon::client {

using net::HttpHeaders;
using net::Task;

namespace {

std::string unix_micros(Time t) { return wire::seconds_text(unix_seconds(t)); }

bool is_event_stream(const HttpHeaders& headers) {
  return headers.get("content-type").starts_with("text/event-stream");
}

// What a worker may say to our caller in headers: nothing about connections, and nothing that is ours to say.
bool may_pass(const net::HttpHeader& header) {
  if (!net::is_valid_header(header) || net::is_hop_by_hop(header.name)) return false;
  static constexpr std::string_view kOurs[] = {"set-cookie", "x-request-id", "server", "vary"};
  return !is_one_of_ignoring_case(header.name, kOurs) && !starts_ignoring_case(header.name, "access-control-");
}

HttpHeaders answer_headers(Headers of_worker, const Exchange& x) {
  HttpHeaders out;
  out.reserve(of_worker.size() + x.common.size() + 3);
  for (auto& [name, value] : of_worker) {
    net::HttpHeader header{std::move(name), std::move(value)};
    if (may_pass(header)) out.add(std::move(header.name), std::move(header.value));
  }
  if (!out.has("content-type")) out.add("Content-Type", std::string(kJson));  // D3
  out.add("X-Cocoon-Client-Start", unix_micros(x.received));
  out.add("X-Cocoon-Client-End", unix_micros(x.head_at));
  for (const auto& h : x.common) out.add(h.name, h.value);
  return out;
}

// Debug texts of other nodes as members of an object: JSON where they are, else a string.
std::string debug_member(std::string_view name, const std::string& text) {
  const auto object = openai::JsonObject::parse(text);
  return fmt::format("\"{}\":{}", name, object ? object->text() : openai::json_quote(text));
}

// Into a JSON answer: a member of the object that is the whole body, else a line of its own (wire.md 5.3).
void add_debug(std::string& body, const std::string& debug) {
  if (auto object = openai::JsonObject::parse(body)) {
    object->set("debug", debug);
    body = object->text() + "\n";
  } else {
    body += "{\"debug\":" + debug + "}\n";
  }
}

// An engine's error in the shape of its own maker, as everybody else's.
std::string error_in_shape(const Exchange& x, int status, std::string body) {
  const auto object = openai::JsonObject::parse(body);
  const auto* error = object ? object->find("error") : nullptr;
  const bool nested = error != nullptr && error->kind == openai::JsonKind::object_begin;
  if (nested && !x.translation) return body;
  const auto piece = openai::read_chat_piece(body);
  openai::ApiError told{status, wire::kErrorGeneric, piece && !piece->error.empty() ? piece->error : body};
  if (!openai::is_utf8(told.message) || told.message.size() > kMaxForeignError)
    told.message = fmt::format("the engine answered with status {}", status);
  return error_text(x, told);
}

}  // namespace

std::string error_text(const Exchange& x, const openai::ApiError& e) {
  return openai::is_translated(x.request.path()) ? openai::translated_error_body(x.request.path(), e)
                                                 : openai::error_body(e);
}

std::string debug_text(const ApiEnd& end, Time received, Time head_at) {
  return fmt::format(R"({{{},{},"client":{{"type":"client","start_time":{:.6f},"answer_receive_start_at":{:.6f},)"
                     R"("answer_receive_end_at":{:.6f}}}}})",
                     debug_member("proxy", end.proxy_debug), debug_member("worker", end.worker_debug),
                     unix_seconds(received), unix_seconds(head_at), unix_seconds(wall_clock()));
}

void ApiServer::State::count_first_byte(Exchange& x, int code) {
  ++stats.responses[code];
  stats.first_byte.add(to_seconds(wall_clock() - x.received));
}

// Nothing is written before the first byte of the body or the end has come, so that failures up to there have a status
// of their own. True: the caller has got all of it.
Task<bool> ApiServer::State::carry(Exchange& x, ApiAnswer& answer) {
  co_await answer.wait();
  auto body = answer.take_bytes();
  if (body.empty() && answer.failure()) {
    const auto why = co_await explain(x, *answer.failure());
    co_await refuse(x, why);
    co_return false;
  }
  if (answer.gone() || !answer.head()) {
    x.responder.abort();  // a caller that only ended its side may still be reading
    co_return false;
  }
  x.head_at = wall_clock();
  auto headers = answer_headers(answer.take_headers(), x);
  if (answer.end()) co_return co_await whole(x, answer, std::move(headers), std::move(body));
  const bool events = is_event_stream(headers);
  const bool as_it_comes = answer.head()->status < 400 && (events || (!x.debug && !x.translation));
  if (as_it_comes) co_return co_await stream(x, answer, std::move(headers), std::move(body));
  // What is to be changed as one is sent as one: errors, JSON that gets debug texts or is translated.
  while (!answer.over()) {
    co_await answer.wait();
    body += answer.take_bytes();
    if (body.size() > config.max_unread) break;
  }
  if (answer.end()) co_return co_await whole(x, answer, std::move(headers), std::move(body));
  if (answer.failure()) co_await refuse(x, failure_of(*answer.failure()));
  co_return false;
}

Task<bool> ApiServer::State::whole(Exchange& x, ApiAnswer& answer, HttpHeaders headers, std::string body) {
  const int code = answer.head()->status;
  // An empty body at status 200 is a failure in disguise (D1), an empty one at another says too little (D4).
  if (body.empty() && code != 204 && code != 304) {
    auto f = failure(502, wire::kErrorFailure, "the worker's answer is empty");
    f.retry_after = 1;
    if (code >= 400)
      f = failure(code, wire::kErrorGeneric, fmt::format("the worker answered with status {} and nothing else", code));
    co_await refuse(x, f);
    co_return false;
  }
  const bool events = is_event_stream(headers);
  if (code >= 400) {
    body = error_in_shape(x, code, std::move(body));
    headers.set("Content-Type", std::string(kJson));
    if ((code == 429 || code == 502 || code == 503) && !headers.has("retry-after")) headers.add("Retry-After", "1");
  } else if (x.translation && events) {
    std::string told;
    x.translation->push(body, told);
    x.translation->finish(told);
    body = std::move(told);
  } else if (x.translation) {
    auto told = x.translation->whole(body);
    if (!told) {
      const auto f = failure(502, wire::kErrorFailure, "the worker's answer cannot be read: " + told.error().what);
      co_await refuse(x, f);
      co_return false;
    }
    body = std::move(*told);
  }
  if (x.debug && !events) add_debug(body, debug_text(*answer.end(), x.received, x.head_at));
  count_first_byte(x, code);
  stats.bytes_sent.add(static_cast<double>(body.size()), wall_clock());
  const auto sent = co_await x.responder.respond(code, std::move(headers), std::move(body));
  co_return sent.has_value() && code < 400;
}

namespace {

// The bytes of a stream as the caller gets them.
std::string told(Exchange& x, std::string bytes) {
  if (!x.translation) return bytes;
  std::string out;
  x.translation->push(bytes, out);
  return out;
}

// The last of a stream that has failed.
std::string last_words(Exchange& x, const Failure& f, std::string bytes, bool between_events) {
  if (x.translation) return told(x, std::move(bytes)) + x.translation->error_event(f);
  if (!bytes.empty()) between_events = bytes.ends_with("\n\n");
  if (!between_events) bytes += "\n\n";
  return bytes + openai::error_event(f);
}

}  // namespace

// The rest of it, as it comes.
Task<bool> ApiServer::State::stream(Exchange& x, ApiAnswer& answer, HttpHeaders headers, std::string first) {
  const bool events = is_event_stream(headers);
  const int code = answer.head()->status;
  const auto count = [&](const std::string& bytes) {
    stats.bytes_sent.add(static_cast<double>(bytes.size()), wall_clock());
  };
  bool between_events = first.ends_with("\n\n");
  first = told(x, std::move(first));
  count_first_byte(x, code);
  count(first);
  auto sent = co_await x.responder.start(code, std::move(headers), std::move(first));
  while (sent) {
    co_await answer.wait();
    auto bytes = answer.take_bytes();
    if (answer.gone()) co_return false;
    if (answer.failure()) {
      if (!events) {
        x.responder.abort();
        co_return false;
      }
      auto last = last_words(x, failure_of(*answer.failure()), std::move(bytes), between_events);
      count(last);
      co_await x.responder.finish(std::move(last));
      co_return false;
    }
    between_events = bytes.ends_with("\n\n");
    bytes = told(x, std::move(bytes));
    if (answer.end()) {
      if (x.translation) x.translation->finish(bytes);
      // A line of its own, which readers of events pass over.
      else if (x.debug)
        add_debug(bytes, debug_text(*answer.end(), x.received, x.head_at));
      count(bytes);
      sent = co_await x.responder.finish(std::move(bytes));
      co_return sent.has_value();
    }
    count(bytes);
    if (!bytes.empty()) sent = co_await x.responder.write(std::move(bytes));
  }
  co_return false;
}

}  // namespace cocoon::client
