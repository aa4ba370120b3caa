#include "wire/answers.hpp"

#include <algorithm>

namespace cocoon::wire {
namespace {

struct Form {
  std::uint32_t constructor;
  AnswerKind kind;
  bool ex;
};

constexpr Form kForms[] = {
    {proxy::QueryAnswerPartEx::kId, AnswerKind::part, true},
    {client::QueryAnswerPartEx::kId, AnswerKind::part, true},
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
  out.flags = in.flags();
  out.final = out.kind == AnswerKind::error || tl::has_bit(out.flags, 0);
  if (tl::has_bit(out.flags, 0)) out.final_info = in.take(in.left());
}

void read_old(tl::Reader& in, AnswerView& out) {
  if (out.kind == AnswerKind::error) out.error_code = in.i32();
  out.bytes = in.bytes();
  out.final = out.kind == AnswerKind::error || in.boolean();
  out.request_id = in.fixed<32>();
  out.final_info = in.take(5 * 8);
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

void readdress(std::span<std::uint8_t> object, std::uint32_t constructor, const Bits256& request_id) {
  if (object.size() < 36) return;
  for (std::size_t i = 0; i < 4; ++i) object[i] = static_cast<std::uint8_t>(constructor >> (8 * i));
  std::ranges::copy(request_id, object.begin() + 4);
}

PartEnvelope wrap_part(std::uint32_t constructor, const Bits256& request_id, std::size_t body_size) {
  const std::size_t object_size = 4 + 32 + tl::string_size(body_size) + 4;
  PartEnvelope out;
  tl::Writer head(out.head);
  head.u32(tcp::Packet::kId);
  head.bytes_header(object_size);
  head.u32(constructor);
  head.raw(request_id.view());
  head.bytes_header(body_size);
  tl::Writer tail(out.tail);
  tail.bytes_padding(body_size);
  tail.u32(0);
  tail.bytes_padding(object_size);
  return out;
}

}  // namespace cocoon::wire
