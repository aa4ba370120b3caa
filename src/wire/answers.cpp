#include "wire/answers.hpp"

#include <algorithm>

namespace cocoon::wire {
namespace {

constexpr std::ptrdiff_t kFlags = 4, kTokensUsed = 5 * 8;  // bytes

struct Form {
  std::uint32_t constructor;
  AnswerKind kind;
  bool ex;
};

constexpr Form kForms[] = {
    {proxy::QueryAnswerPartEx::kId, AnswerKind::part, true},
    {client::QueryAnswerPartEx::kId, AnswerKind::part, true},
    {proxy::QueryAnswerPartCounted::kId, AnswerKind::part, true},
    {proxy::QueryAnswerEx::kId, AnswerKind::first, true},
    {client::QueryAnswerEx::kId, AnswerKind::first, true},
    {proxy::QueryAnswerErrorEx::kId, AnswerKind::error, true},
    {client::QueryAnswerErrorEx::kId, AnswerKind::error, true},
    {proxy::QueryAnswer::kId, AnswerKind::first, false},
    {client::QueryAnswer::kId, AnswerKind::first, false},
    {proxy::QueryAnswerPart::kId, AnswerKind::part, false},
    {client::QueryAnswerPart::kId, AnswerKind::part, false},
    {proxy::QueryAnswerError::kId, AnswerKind::error, false},
    {client::QueryAnswerError::kId, AnswerKind::error, false},
    {proxy::QueryAnswerPartError::kId, AnswerKind::error, false},
    {client::QueryAnswerPartError::kId, AnswerKind::error, false},
};

const Form* form_of(std::uint32_t constructor) {
  const auto* at = std::ranges::find(kForms, constructor, &Form::constructor);
  return at == std::end(kForms) ? nullptr : at;
}

void read_ex(tl::Reader& in, AnswerView& out) {
  out.request_id = in.fixed<32>();
  if (out.kind == AnswerKind::error) out.error_code = in.i32();
  out.bytes = in.bytes();
  if (out.constructor == proxy::QueryAnswerPartCounted::kId) {
    out.counted = in.take(kTokensUsed);
    return;
  }
  out.flags = in.flags();
  out.final = out.kind == AnswerKind::error || tl::has_bit(out.flags, 0);
  if (tl::has_bit(out.flags, 0)) out.final_info = in.take(in.left());
}

void read_old(tl::Reader& in, AnswerView& out) {
  if (out.kind == AnswerKind::error) out.error_code = in.i32();
  out.bytes = in.bytes();
  out.final = out.kind == AnswerKind::error || in.boolean();
  out.request_id = in.fixed<32>();
  out.final_info = in.take(kTokensUsed);
}

}  // namespace

bool is_answer(std::uint32_t constructor) { return form_of(constructor) != nullptr; }

Result<AnswerView> peek_answer(BytesView object) {
  tl::Reader in(object);
  const std::uint32_t constructor = in.u32();
  const Form* form = form_of(constructor);
  if (form == nullptr) return fail("{:08x} is no answer", constructor);
  AnswerView out{.constructor = constructor, .kind = form->kind, .ex = form->ex};
  form->ex ? read_ex(in, out) : read_old(in, out);
  TRY(in.finish());
  return out;
}

void readdress_part(BytesView object, const Bits256& request_id, Bytes& out) {
  const bool counted = peek_id(object) == proxy::QueryAnswerPartCounted::kId;
  out.assign(object.begin(), object.end() - (counted ? kTokensUsed : kFlags));
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(client::QueryAnswerPartEx::kId >> (8 * i));
  std::ranges::copy(request_id, out.begin() + 4);
  out.resize(out.size() + kFlags);  // none is set
}

}  // namespace cocoon::wire
