#include "ton/lite/adnl.hpp"

#include <algorithm>

#include "tl/tl.hpp"
#include "ton/lite/schema.hpp"

namespace cocoon::ton::lite {
namespace {

constexpr std::size_t kParams = 160, kNonce = 32, kChecksum = 32, kLength = 4;
constexpr std::uint8_t kEd25519Id[4] = {0xc6, 0xb4, 0x13, 0x48};  // pub.ed25519 key:int256 = PublicKey

// The two streams that session parameters describe, as the server (which receives on the second) sees them.
struct SessionKeys {
  Bits256 first_key, second_key;
  FixedBytes<16> first_iv, second_iv;

  explicit SessionKeys(BytesView params)
      : first_key(Bits256::from(params)),
        second_key(Bits256::from(params.subspan(32))),
        first_iv(FixedBytes<16>::from(params.subspan(64))),
        second_iv(FixedBytes<16>::from(params.subspan(80))) {}
  ~SessionKeys() {
    crypto::wipe(first_key);
    crypto::wipe(second_key);
  }
  SessionKeys(const SessionKeys&) = delete;
  SessionKeys& operator=(const SessionKeys&) = delete;
};

// The stream that seals session parameters: keyed by the shared secret and the parameters' hash.
crypto::Aes256Ctr handshake_stream(const Bits256& secret, const Bits256& hash) {
  Bits256 key;
  FixedBytes<16> iv;
  std::copy_n(secret.begin(), 16, key.begin());
  std::copy_n(hash.begin() + 16, 16, key.begin() + 16);
  std::copy_n(hash.begin(), 4, iv.begin());
  std::copy_n(secret.begin() + 20, 12, iv.begin() + 4);
  crypto::Aes256Ctr stream(key, iv);
  crypto::wipe(key);
  return stream;
}

std::uint32_t read_length(BytesView b) {
  return static_cast<std::uint32_t>(b[0]) | static_cast<std::uint32_t>(b[1]) << 8 |
         static_cast<std::uint32_t>(b[2]) << 16 | static_cast<std::uint32_t>(b[3]) << 24;
}

}  // namespace

Bits256 adnl_key_id(const crypto::PublicKey& key) {
  return crypto::Sha256().update(kEd25519Id).update(key.view()).finish();
}

Result<AdnlConnection> AdnlConnection::client(const crypto::PublicKey& server, crypto::Random& random,
                                              std::size_t max_payload) {
  const crypto::KeyPair own(random.bits256());
  TRY_ASSIGN(auto secret, crypto::shared_secret(own.seed(), server));
  Bytes params(kParams);
  random.fill(params);
  const SessionKeys keys(params);
  const auto hash = crypto::sha256(params);

  AdnlConnection connection(Phase::client_waits_for_proof, max_payload);
  connection.streams_.emplace(
      Streams{crypto::Aes256Ctr(keys.first_key, keys.first_iv), crypto::Aes256Ctr(keys.second_key, keys.second_iv)});
  handshake_stream(secret, hash).apply(params);
  crypto::wipe(secret);
  auto& out = connection.output_;
  append(out, adnl_key_id(server));
  append(out, own.public_key());
  append(out, hash);
  append(out, params);
  return connection;
}

AdnlConnection AdnlConnection::server(const crypto::KeyPair& key, std::size_t max_payload) {
  AdnlConnection connection(Phase::server_waits_for_handshake, max_payload);
  connection.key_ = key;
  return connection;
}

Result<> AdnlConnection::accept_handshake(BytesView handshake, crypto::Random& random) {
  const auto key_id = Bits256::from(handshake);
  const auto peer = crypto::PublicKey::from(handshake.subspan(32));
  const auto hash = Bits256::from(handshake.subspan(64));
  if (key_id != adnl_key_id(key_->public_key())) return fail("ADNL handshake: it names another server key");
  TRY_ASSIGN(auto secret, crypto::shared_secret(key_->seed(), peer));
  Bytes params = to_bytes(handshake.subspan(96));
  handshake_stream(secret, hash).apply(params);
  crypto::wipe(secret);
  if (crypto::sha256(params) != hash) return fail("ADNL handshake: the session parameters do not match their hash");
  const SessionKeys keys(params);
  crypto::wipe(params);
  streams_.emplace(
      Streams{crypto::Aes256Ctr(keys.second_key, keys.second_iv), crypto::Aes256Ctr(keys.first_key, keys.first_iv)});
  phase_ = Phase::open;
  seal({}, random);
  return {};
}

Result<std::vector<Bytes>> AdnlConnection::receive(BytesView bytes, crypto::Random& random) {
  if (phase_ == Phase::broken) return fail("ADNL: the connection is over");
  const auto broken = [this](Error error) {
    phase_ = Phase::broken;
    return std::unexpected(std::move(error));
  };
  if (phase_ == Phase::server_waits_for_handshake) {
    const auto take = std::min(bytes.size(), kHandshakeSize - input_.size());
    append(input_, bytes.first(take));
    bytes = bytes.subspan(take);
    if (input_.size() < kHandshakeSize) return std::vector<Bytes>{};
    auto accepted = accept_handshake(input_, random);
    if (!accepted) return broken(std::move(accepted).error());
    input_.clear();
  }

  std::vector<Bytes> payloads;
  // What is kept never exceeds one packet: bytes are taken from the input in portions and whole packets leave at once.
  while (!bytes.empty()) {
    const auto wanted = packet_size_.value_or(kLength) - input_.size();
    const auto take = std::min(bytes.size(), wanted);
    const auto start = input_.size();
    append(input_, bytes.first(take));
    streams_->in.apply(std::span(input_).subspan(start));
    bytes = bytes.subspan(take);
    auto packet = next_packet();
    if (!packet) return broken(std::move(packet).error());
    if (!*packet) continue;
    if (phase_ == Phase::client_waits_for_proof) {
      if (!(*packet)->empty()) return broken({0, "ADNL handshake: the server's first packet is not empty"});
      phase_ = Phase::open;
    } else if (!(*packet)->empty()) {
      payloads.push_back(std::move(**packet));
    }
  }
  return payloads;
}

// Looks at the decrypted input after it grew to what was wanted, or less.
Result<std::optional<Bytes>> AdnlConnection::next_packet() {
  if (!packet_size_) {
    if (input_.size() < kLength) return std::nullopt;
    const std::size_t size = read_length(input_);
    input_.clear();
    if (size < kNonce + kChecksum || size > kNonce + kChecksum + max_payload_)
      return fail("ADNL: a packet of {} bytes, {} to {} allowed", size, kNonce + kChecksum,
                  kNonce + kChecksum + max_payload_);
    packet_size_ = size;
    return std::nullopt;
  }
  if (input_.size() < *packet_size_) return std::nullopt;
  const auto body = BytesView(input_).first(input_.size() - kChecksum);
  if (crypto::sha256(body) != Bits256::from(BytesView(input_).last(kChecksum)))
    return fail("ADNL: a packet does not match its checksum");
  Bytes payload = to_bytes(body.subspan(kNonce));
  packet_size_.reset();
  input_.clear();
  if (input_.capacity() > (std::size_t{1} << 20)) input_.shrink_to_fit();
  return payload;
}

Result<> AdnlConnection::send(BytesView payload, crypto::Random& random) {
  if (phase_ != Phase::open) return fail("ADNL: the connection is not open");
  if (payload.size() > kMaxPacket) return fail("ADNL: a payload of {} bytes, at most {}", payload.size(), kMaxPacket);
  seal(payload, random);
  return {};
}

void AdnlConnection::seal(BytesView payload, crypto::Random& random) {
  const auto start = output_.size();
  const auto size = static_cast<std::uint32_t>(kNonce + payload.size() + kChecksum);
  output_.reserve(start + kLength + size);
  for (int shift = 0; shift < 32; shift += 8) output_.push_back(static_cast<std::uint8_t>(size >> shift));
  append(output_, random.bits256());
  append(output_, payload);
  append(output_, crypto::sha256(BytesView(output_).subspan(start + kLength)));
  streams_->out.apply(std::span(output_).subspan(start));
}

Bytes AdnlConnection::take_output() { return std::exchange(output_, {}); }

Bytes encode_payload(const Payload& payload) {
  struct Encode {
    Bytes operator()(const Query& q) const { return tl::encode_boxed(AdnlQuery{q.id, q.data}); }
    Bytes operator()(const QueryAnswer& a) const { return tl::encode_boxed(AdnlAnswer{a.id, a.data}); }
    Bytes operator()(const Ping& p) const { return tl::encode_boxed(TcpPing{p.random_id}); }
    Bytes operator()(const Pong& p) const { return tl::encode_boxed(TcpPong{p.random_id}); }
  };
  return std::visit(Encode{}, payload);
}

Result<Payload> decode_payload(BytesView bytes) {
  using Wire = std::variant<AdnlQuery, AdnlAnswer, TcpPing, TcpPong>;
  struct Convert {
    Payload operator()(AdnlQuery& q) const { return Query{q.query_id, std::move(q.query)}; }
    Payload operator()(AdnlAnswer& a) const { return QueryAnswer{a.query_id, std::move(a.answer)}; }
    Payload operator()(TcpPing& p) const { return Ping{p.random_id}; }
    Payload operator()(TcpPong& p) const { return Pong{p.random_id}; }
  };
  auto message = tl::decode_boxed<Wire>(bytes);
  if (!message) return std::unexpected(std::move(message).error().within("ADNL payload"));
  return std::visit(Convert{}, *message);
}

}  // namespace cocoon::ton::lite
