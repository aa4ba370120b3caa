#include "worker/core/replies.hpp"

#include "base/text.hpp"
#include "wire/http_edit.hpp"

namespace cocoon::worker {
namespace {

bool travels(std::string_view name) {
  static constexpr std::string_view kOfOneConnection[] = {
      "host",    "connection", "transfer-encoding", "content-length", "keep-alive",
      "trailer", "te",         "upgrade",           "server",         "date"};
  return !is_one_of_ignoring_case(name, kOfOneConnection);
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
  wire::http::ResponseView r;
  r.http_version = "HTTP/1.1";
  r.status_code = status;
  r.headers.reserve(from_engine.size() + 4);
  bool typed = false;
  for (const auto& [name, value] : from_engine) {
    if (!travels(name)) continue;
    typed = typed || equal_ignoring_case(name, "content-type");
    r.headers.push_back({name, value});
  }
  if (!typed) r.headers.push_back({"Content-Type", "application/json"});  // D3
  const auto start_text = wire::seconds_text(start), end_text = wire::seconds_text(end);
  const auto length = std::to_string(payload.size());
  r.headers.push_back({"X-Cocoon-Worker-Start", start_text});
  r.headers.push_back({"X-Cocoon-Worker-End", end_text});
  if (complete)
    r.headers.push_back({"Content-Length", length});
  else
    r.headers.push_back({"Transfer-Encoding", "chunked"});
  r.payload = payload;
  return wire::encode(r);
}

}  // namespace cocoon::worker
