#include "worker/core/replies.hpp"

#include <algorithm>

#include "wire/http_edit.hpp"

namespace cocoon::worker {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool travels(const std::string& name) {
  static constexpr std::string_view kOfOneConnection[] = {
      "host",    "connection", "transfer-encoding", "content-length", "keep-alive",
      "trailer", "te",         "upgrade",           "server",         "date"};
  return std::ranges::find(kOfOneConnection, name) == std::end(kOfOneConnection);
}

wire::proxy::QueryFinalInfo final_info(const Ending& e) {
  wire::proxy::QueryFinalInfo out;
  out.tokens_used = tokens_used(e.tokens);
  if (e.with_debug) out.set_debug(e.debug);
  if (e.with_times) out.set_times(e.start, e.end);
  return out;
}

}  // namespace

wire::TokensUsed tokens_used(const market::AdjustedUsage& u) {
  return {u.prompt, u.cached, u.completion, u.reasoning, u.total};
}

Bytes first_answer(const ReplyForm& form, Bytes http_response, const Ending* ending) {
  if (!form.ex) {
    wire::proxy::QueryAnswer m{std::move(http_response), ending != nullptr, form.request_id, {}};
    if (ending != nullptr) m.tokens_used = tokens_used(ending->tokens);
    return wire::encode(m);
  }
  wire::proxy::QueryAnswerEx m;
  m.request_id = form.request_id;
  m.answer = std::move(http_response);
  if (ending != nullptr) m.set_final_info(final_info(*ending));
  return wire::encode(m);
}

Bytes part(const ReplyForm& form, BytesView body) {
  if (!form.ex) return wire::encode(wire::proxy::QueryAnswerPart{to_bytes(body), false, form.request_id, {}});
  wire::proxy::QueryAnswerPartEx m;
  m.request_id = form.request_id;
  m.answer = to_bytes(body);
  return wire::encode(m);
}

Bytes counted_part(const Bits256& request_id, BytesView body, const market::AdjustedUsage& so_far) {
  return wire::encode(wire::proxy::QueryAnswerPartCounted{request_id, to_bytes(body), tokens_used(so_far)});
}

Bytes last_part(const ReplyForm& form, Bytes body, const Ending& ending) {
  if (!form.ex) {
    return wire::encode(
        wire::proxy::QueryAnswerPart{std::move(body), true, form.request_id, tokens_used(ending.tokens)});
  }
  wire::proxy::QueryAnswerPartEx m;
  m.request_id = form.request_id;
  m.answer = std::move(body);
  m.set_final_info(final_info(ending));
  return wire::encode(m);
}

Bytes error(const ReplyForm& form, int code, std::string text, bool after_first, const Ending& ending) {
  const auto tokens = tokens_used(ending.tokens);
  if (!form.ex && after_first)
    return wire::encode(wire::proxy::QueryAnswerPartError{code, std::move(text), form.request_id, tokens});
  if (!form.ex) return wire::encode(wire::proxy::QueryAnswerError{code, std::move(text), form.request_id, tokens});
  wire::proxy::QueryAnswerErrorEx m;
  m.request_id = form.request_id;
  m.error_code = code;
  m.error = std::move(text);
  m.set_final_info(final_info(ending));
  return wire::encode(m);
}

Bytes http_response(int status, const Headers& from_engine, BytesView payload, bool complete, double start,
                    double end) {
  wire::http::Response r;
  r.http_version = "HTTP/1.1";
  r.status_code = status;
  bool typed = false;
  for (const auto& [name, value] : from_engine) {
    const std::string key = lower(name);
    if (!travels(key)) continue;
    typed = typed || key == "content-type";
    r.headers.push_back({name, value});
  }
  if (!typed) r.headers.push_back({"Content-Type", "application/json"});  // D3
  r.headers.push_back({"X-Cocoon-Worker-Start", wire::seconds_text(start)});
  r.headers.push_back({"X-Cocoon-Worker-End", wire::seconds_text(end)});
  if (complete)
    r.headers.push_back({"Content-Length", std::to_string(payload.size())});
  else
    r.headers.push_back({"Transfer-Encoding", "chunked"});
  r.payload = to_bytes(payload);
  return wire::encode(r);
}

}  // namespace cocoon::worker
