#include "wire/answers.hpp"

#include <gtest/gtest.h>

#include "wire/packet.hpp"

namespace cocoon::wire {
namespace {

Bits256 id_of(std::uint8_t fill) {
  Bits256 out;
  out.fill(fill);
  return out;
}

TEST(Answers, PartsAreSeenWithoutCopying) {
  proxy::QueryAnswerPartEx part{.request_id = id_of(8), .answer = Bytes(1000, 'x')};
  const Bytes wire = encode(part);
  const auto view = peek_answer(wire);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->kind, AnswerKind::part);
  EXPECT_EQ(view->request_id, id_of(8));
  EXPECT_FALSE(view->final);
  EXPECT_EQ(view->bytes.size(), 1000u);
  EXPECT_GE(view->bytes.data(), wire.data());
  EXPECT_LT(view->bytes.data(), wire.data() + wire.size());
}

TEST(Answers, FinalInfoIsLeftForTheReaderToDecode) {
  proxy::QueryAnswerEx last{.request_id = id_of(1), .answer = to_bytes("body")};
  proxy::QueryFinalInfo info;
  info.tokens_used = {1, 2, 3, 4, 10};
  info.set_times(5, 6);
  last.set_final_info(info);
  const Bytes wire = encode(last);
  const auto view = peek_answer(wire);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->final);
  EXPECT_EQ(view->kind, AnswerKind::first);
  EXPECT_EQ(tl::decode_inline<proxy::QueryFinalInfo>(view->final_info).value(), info);
}

TEST(Answers, OldFormsAndErrorsAreReadToo) {
  client::QueryAnswerPart old{.answer = to_bytes("z"), .is_completed = true, .request_id = id_of(3)};
  old.request_tokens_used.total_tokens_used = 9;
  const Bytes wire = encode(old);
  const auto view = peek_answer(wire);
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->ex);
  EXPECT_TRUE(view->final);
  EXPECT_EQ(view->request_id, id_of(3));
  EXPECT_EQ(tl::decode_inline<TokensUsed>(view->final_info)->total_tokens_used, 9);

  const Bytes error = encode(client::QueryAnswerErrorEx{.request_id = id_of(4), .error_code = 652, .error = "slow"});
  const auto seen = peek_answer(error);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, AnswerKind::error);
  EXPECT_EQ(seen->error_code, 652);
  EXPECT_EQ(as_text(seen->bytes), "slow");

  const Bytes older = encode(proxy::QueryAnswerPartError{.error_code = 7, .error = "old", .request_id = id_of(5)});
  EXPECT_EQ(peek_answer(older)->error_code, 7);
  EXPECT_FALSE(peek_answer(encode(worker::EnabledDisabled{})));
  EXPECT_FALSE(is_answer(worker::EnabledDisabled::kId));
}

TEST(Answers, ReaddressingAPartEqualsEncodingItAnew) {
  Bytes out;
  for (std::size_t n = 0; n < 600; ++n) {
    const Bytes body(n, 'b');
    const Bytes expected = encode(client::QueryAnswerPartEx{.request_id = id_of(9), .answer = body});
    readdress_part(encode(proxy::QueryAnswerPartEx{.request_id = id_of(8), .answer = body}), id_of(9), out);
    ASSERT_EQ(out, expected) << n;
    readdress_part(encode(proxy::QueryAnswerPartCounted{id_of(8), body, {1, 2, 3, 4, 10}}), id_of(9), out);
    ASSERT_EQ(out, expected) << n;
  }
}

TEST(Answers, ACountedPartIsAPartWithItsCount) {
  const TokensUsed tokens{1, 2, 3, 4, 10};
  const Bytes wire = encode(proxy::QueryAnswerPartCounted{id_of(8), to_bytes("text"), tokens});
  const auto view = peek_answer(wire);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->kind, AnswerKind::part);
  EXPECT_TRUE(view->ex);
  EXPECT_FALSE(view->final);
  EXPECT_EQ(view->flags, 0U);
  EXPECT_EQ(as_text(view->bytes), "text");
  EXPECT_EQ(tl::decode_inline<TokensUsed>(view->counted).value(), tokens);
  for (std::size_t n = 0; n < wire.size(); ++n) EXPECT_FALSE(peek_answer(BytesView(wire).first(n))) << n;
  Bytes longer = wire;
  longer.insert(longer.end(), 4, 0);
  EXPECT_FALSE(peek_answer(longer));
}

TEST(Packets, ViewsEqualTheStructs) {
  const Bytes object = encode(client::GetWorkerTypesV2{});
  const Bytes query = make_query(-7, object);
  EXPECT_EQ(query, encode(tcp::Query{.id = -7, .data = object}));
  const auto view = view_packet(query);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->kind, PacketKind::query);
  EXPECT_EQ(view->id, -7);
  EXPECT_EQ(to_bytes(view->data), object);
  EXPECT_EQ(make_query_answer(5, object), encode(tcp::QueryAnswer{.id = 5, .data = object}));
  const Bytes error = encode(tcp::QueryError{.id = 1, .code = 621, .message = "no"});
  EXPECT_EQ(view_packet(error)->code, 621);
  EXPECT_EQ(as_text(view_packet(error)->message), "no");
  EXPECT_EQ(view_packet(encode(tcp::Connected{.id = 3}))->kind, PacketKind::connected);
  Bytes longer = query;
  longer.insert(longer.end(), 4, 0);
  EXPECT_FALSE(view_packet(longer));
  EXPECT_FALSE(view_packet(encode(client::GetWorkerTypesV2{})));
  EXPECT_FALSE(view_packet({}));
}

}  // namespace
}  // namespace cocoon::wire
