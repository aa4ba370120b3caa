// The data path: answers of a request as they pass from worker to proxy to client (wire.md 4.7).
// Nothing here copies the answer's bytes; a proxy forwards a part by rewriting its constructor and request id in place.
#pragma once
#include "base/result.hpp"
#include "wire/messages.hpp"

namespace cocoon::wire {

enum class AnswerKind {
  first,  // queryAnswerEx, queryAnswer: the bytes are a boxed http.response
  part,   // queryAnswerPartEx, queryAnswerPart: raw body bytes
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
};

// An object as carried in tcp.packet: any of the answer constructors of client.* or proxy.*. Everything but the final
// info is checked; decode that with tl::decode_inline<...>. Objects that are no answers are an error.
Result<AnswerView> peek_answer(BytesView object);

// True for the fourteen constructors that peek_answer reads.
bool is_answer(std::uint32_t constructor);

// Rewrites constructor and request id of an Ex answer in place. Both Ex families lay these out alike, so a non-final
// proxy.queryAnswerPartEx becomes a client.queryAnswerPartEx by this alone. `object` must have passed peek_answer.
void readdress(std::span<std::uint8_t> object, std::uint32_t constructor, const Bits256& request_id);

// A non-final part around body bytes that stay where they are: payload of the frame = head + body + tail.
struct PartEnvelope {
  Bytes head;
  Bytes tail;
};
PartEnvelope wrap_part(std::uint32_t constructor, const Bits256& request_id, std::size_t body_size);

}  // namespace cocoon::wire
