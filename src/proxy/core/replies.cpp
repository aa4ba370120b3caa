#include "proxy/core/replies.hpp"

#include "tl/tl.hpp"

namespace cocoon::proxy {
namespace {

wire::client::QueryFinalInfo final_info(const Addressee& to, const Final& final) {
  wire::client::QueryFinalInfo info;
  info.tokens_used = final.tokens;
  if (to.debug) info.set_debug(final.worker_debug, final.proxy_debug);
  if (to.version >= 2) info.set_times(final.proxy_start, final.proxy_end, final.worker_start, final.worker_end);
  return info;
}

template <class Ex>
Bytes answer_ex(const Addressee& to, Bytes answer, const Final* final) {
  Ex out;
  out.request_id = to.request;
  out.answer = std::move(answer);
  if (final != nullptr) out.set_final_info(final_info(to, *final));
  return tl::encode_boxed(out);
}

template <class Old>
Bytes answer_old(const Addressee& to, Bytes answer, const Final* final) {
  Old out;
  out.answer = std::move(answer);
  out.is_completed = final != nullptr;
  out.request_id = to.request;
  if (final != nullptr) out.request_tokens_used = final->tokens;
  return tl::encode_boxed(out);
}

template <class Old>
Bytes error_old(const Addressee& to, int code, std::string text, const Final& final) {
  Old out;
  out.error_code = code;
  out.error = std::move(text);
  out.request_id = to.request;
  out.request_tokens_used = final.tokens;
  return tl::encode_boxed(out);
}

}  // namespace

Bytes reply_head(const Addressee& to, Bytes http_response, const Final* final) {
  return to.ex() ? answer_ex<wire::client::QueryAnswerEx>(to, std::move(http_response), final)
                 : answer_old<wire::client::QueryAnswer>(to, std::move(http_response), final);
}

Bytes reply_part(const Addressee& to, Bytes body, const Final* final) {
  return to.ex() ? answer_ex<wire::client::QueryAnswerPartEx>(to, std::move(body), final)
                 : answer_old<wire::client::QueryAnswerPart>(to, std::move(body), final);
}

Bytes reply_error(const Addressee& to, int code, std::string text, bool after_head, const Final& final) {
  if (!to.ex())
    return after_head ? error_old<wire::client::QueryAnswerPartError>(to, code, std::move(text), final)
                      : error_old<wire::client::QueryAnswerError>(to, code, std::move(text), final);
  wire::client::QueryAnswerErrorEx out;
  out.request_id = to.request;
  out.error_code = code;
  out.error = std::move(text);
  out.set_final_info(final_info(to, final));
  return tl::encode_boxed(out);
}

}  // namespace cocoon::proxy
