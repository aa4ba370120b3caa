// Every message decoder, the views of the data path, peer records and proof-of-work messages.
#include "wire/answers.hpp"
#include "wire/packet.hpp"
#include "wire/peer_record.hpp"
#include "wire/pow.hpp"
#include "wire/testdata/all_messages.hpp"

using namespace cocoon;

namespace {

// What decodes, encodes; and the encoding is a fixed point.
void any_message(BytesView in) {
  const auto message = wire::decode_any<wire::testdata::AllMessages>(in);
  if (!message) return;
  const Bytes once = wire::encode(*message);
  const auto again = wire::decode_any<wire::testdata::AllMessages>(once);
  if (!again || wire::encode(*again) != once) __builtin_trap();
}

void data_path(BytesView in) {
  const auto answer = wire::peek_answer(in);
  if (answer.has_value() && answer->bytes.size() > in.size()) __builtin_trap();
  if (!answer || answer->kind != wire::AnswerKind::part || !answer->ex || answer->flags != 0) return;
  Bytes out;
  wire::readdress_part(in, Bits256{}, out);
  const auto part = wire::decode<wire::client::QueryAnswerPartEx>(out);
  if (!part || part->answer != to_bytes(answer->bytes) || part->flags != 0) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  any_message(in);
  data_path(in);
  if (const auto packet = wire::view_packet(in)) {
    any_message(packet->data);
    data_path(packet->data);
  }
  if (const auto record = wire::decode_peer_record(in)) wire::encode_peer_record(*record);
  (void)wire::pow::decode_challenge(in);
  (void)wire::pow::decode_response(in);
  return 0;
}
