// ADNL connections with a hostile other side: noise instead of a handshake, damaged packets, and well sealed packets
// with anything inside, in pieces of any size.
#include <algorithm>
#include <cstdlib>

#include "ton/lite/adnl.hpp"
#include "ton/lite/client.hpp"

namespace {

using namespace cocoon;
using namespace cocoon::ton;

constexpr std::size_t kMaxPayload = 4096;

// The input's bytes one after another, then zeros.
class Input {
 public:
  explicit Input(BytesView bytes) : bytes_(bytes) {}
  std::uint8_t byte() { return bytes_.empty() ? std::uint8_t{0} : take(1)[0]; }
  BytesView take(std::size_t n) {
    const auto out = bytes_.first(std::min(n, bytes_.size()));
    bytes_ = bytes_.subspan(out.size());
    return out;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  BytesView bytes_;
};

crypto::Random random_of(std::uint8_t fill) {
  Bits256 seed;
  seed.fill(fill);
  return crypto::Random(seed);
}

const crypto::KeyPair& server_key() {
  static const crypto::KeyPair key{crypto::Seed{}};
  return key;
}

// Whatever arrives at a server: at most an error, and nothing after it.
void noise(Input& input) {
  auto random = random_of(1);
  auto server = lite::AdnlConnection::server(server_key(), kMaxPayload);
  bool broken = false;
  while (!input.empty()) {
    const auto got = server.receive(input.take(1 + input.byte()), random);
    if (broken && got) std::abort();
    broken = broken || !got;
    if (got)
      for (const auto& payload : *got)
        if (payload.size() > kMaxPayload) std::abort();
  }
}

// A client that has shaken hands; its bytes are changed on the way wherever the input says so.
void damaged(Input& input) {
  auto ours = random_of(1), theirs = random_of(2);
  auto client = lite::AdnlConnection::client(server_key().public_key(), ours).value();
  auto server = lite::AdnlConnection::server(server_key(), kMaxPayload);
  if (!server.receive(client.take_output(), theirs)) std::abort();
  if (!client.receive(server.take_output(), ours)) std::abort();
  while (!input.empty()) {
    const Bytes payload = to_bytes(input.take(input.byte()));
    if (!client.send(payload, ours)) std::abort();
    auto wire = client.take_output();
    const std::size_t at = input.byte();
    const auto change = input.byte();
    if (at < wire.size()) wire[at] = static_cast<std::uint8_t>(wire[at] ^ change);
    const auto got = server.receive(wire, theirs);
    const bool touched = at < wire.size() && change != 0;
    if (!touched && !got) std::abort();
    if (!touched && !payload.empty() && (got->size() != 1 || got->front() != payload)) std::abort();
    if (touched && got && !got->empty()) std::abort();
    if (touched) return;
  }
}

// A server that holds its key and says anything at all to a lite client with requests under way.
void lying(Input& input) {
  auto random = random_of(2);
  const Time now{std::chrono::seconds(1)};
  lite::LiteClient client(server_key().public_key(), random_of(1));
  auto server = lite::AdnlConnection::server(server_key(), lite::AdnlConnection::kMaxPacket);
  client.ask(lite::encode_request(lite::GetTime{}), now + std::chrono::seconds(9));
  if (!client.open(now)) std::abort();
  if (!server.receive(client.take_output(), random)) std::abort();
  if (!client.receive(server.take_output(), now)) std::abort();
  const auto asked = server.receive(client.take_output(), random);
  if (!asked || asked->size() != 1) std::abort();
  const auto query = lite::decode_payload(asked->front());
  if (!query) std::abort();
  while (!input.empty() && client.state() == lite::LiteClient::State::open) {
    const bool answer = (input.byte() & 1) != 0;
    const auto body = input.take(input.byte());
    const auto bytes = answer
                           ? lite::encode_payload(lite::QueryAnswer{std::get<lite::Query>(*query).id, to_bytes(body)})
                           : to_bytes(body);
    if (!server.send(bytes, random)) std::abort();
    const auto taken = client.receive(server.take_output(), now);
    if (!taken && client.state() != lite::LiteClient::State::closed) std::abort();
    for (const auto& done : client.take_completions())
      if (done.answer) (void)lite::decode_answer<lite::GetTime>(*done.answer);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(BytesView(data, size));
  switch (input.byte() % 3) {
    case 0:
      noise(input);
      break;
    case 1:
      damaged(input);
      break;
    default:
      lying(input);
  }
  return 0;
}
