// The data path: answers of a request as they pass from worker to proxy to client (wire.md 4.7).
// Nothing here copies the answer's bytes; a proxy forwards a part by rewriting its constructor and request id in place.
#pragma once
#include "base/result.hpp"
#include "wire/messages.hpp"

namespace cocoon::wire {

enum class AnswerKind {
  first,  // queryAnswerEx, queryAnswer: the bytes are a boxed http.response
  part,   // queryAnswerPartEx, queryAnswerPartCounted, queryAnswerPart: raw body bytes
  error,  // queryAnswerErrorEx, queryAnswerError, queryAnswerPartError
};

struct AnswerView {
  std::uint32_t constructor = 0;
  AnswerKind kind = AnswerKind::part;
  bool ex = true;      // one of the Ex family; old forms always carry token counts
  bool final = false;  // Ex: flags bit 0; old: is_completed; errors: always
  Bits256 request_id;
  std::uint32_t flags = 0;  // Ex only
  int error_code = 0;       // errors only
  BytesView bytes;          // answer bytes, or the error's text, inside the input
  BytesView final_info;     // Ex: inline queryFinalInfo (undecoded), empty unless flags bit 0
                            // old: inline tokensUsed
  BytesView counted;        // queryAnswerPartCounted: inline tokensUsed of all parts so far; empty of others
};

// An object as carried in tcp.packet: any of the answer constructors of client.* or proxy.*. Everything but the final
// info is checked; decode that with tl::decode_inline<...>. Objects that are no answers are an error.
Result<AnswerView> peek_answer(BytesView object);

// True for the fifteen constructors that peek_answer reads.
bool is_answer(std::uint32_t constructor);

// Non-final proxy.queryAnswerPartEx or proxy.queryAnswerPartCounted as client.queryAnswerPartEx under another id, by
// one copy: the families lay out alike what both have. `object` must have passed peek_answer. `out` is overwritten.
void readdress_part(BytesView object, const Bits256& request_id, Bytes& out);

}  // namespace cocoon::wire
