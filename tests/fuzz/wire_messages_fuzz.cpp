// A payload as it comes off the wire: what decodes must encode to bytes that decode to the same again.
#include <cstdlib>

#include "wire/answers.hpp"
#include "wire/messages.hpp"
#include "wire/packet.hpp"

namespace {

using namespace cocoon;

template <class Variant>
void round_trip(BytesView object) {
  const auto message = wire::decode_any<Variant>(object);
  if (!message) return;
  const Bytes once = wire::encode(*message);
  const auto again = wire::decode_any<Variant>(once);
  if (!again || wire::encode(*again) != once) std::abort();
}

bool inside(BytesView part, BytesView whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void look_at_object(BytesView object) {
  round_trip<wire::PacketToClient>(object);
  round_trip<wire::PacketToProxyFromClient>(object);
  round_trip<wire::QueryToProxyFromClient>(object);
  round_trip<wire::PacketToProxyFromWorker>(object);
  round_trip<wire::QueryToProxyFromWorker>(object);
  round_trip<wire::PacketToWorker>(object);
  round_trip<wire::QueryToWorker>(object);
  round_trip<wire::QueryToKeyManager>(object);
  if (const auto answer = wire::peek_answer(object)) {
    if (!inside(answer->bytes, object) || !inside(answer->final_info, object)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  look_at_object(input);
  if (const auto packet = wire::view_packet(input)) {
    if (!inside(packet->data, input) || !inside(packet->message, input)) std::abort();
    look_at_object(packet->data);
  }
  return 0;
}
