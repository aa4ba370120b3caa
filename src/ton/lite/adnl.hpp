// ADNL over TCP: one side of an encrypted connection as a pure state machine, bytes in and bytes out.
//
// The client opens with 256 bytes: which server key it means (its key id), its own one-time key, and 160 bytes of
// session parameters sealed to the server. From then on each direction is one AES-256-CTR stream of packets: length,
// nonce, payload, SHA-256 of nonce and payload. The server's first packet is empty and proves that it holds its key.
#pragma once
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "crypto/crypto.hpp"

namespace cocoon::ton::lite {

// SHA-256 of the boxed public key: what a handshake names the server by.
Bits256 adnl_key_id(const crypto::PublicKey& key);

class AdnlConnection {
 public:
  static constexpr std::size_t kHandshakeSize = 256;
  static constexpr std::size_t kMaxPacket = std::size_t{16} << 20;  // payload bytes

  // `max_payload` limits what the peer may send; what we send is limited by kMaxPacket alone.
  // A client starts with the handshake in its output; it fails if `server` is not a point of the curve.
  static Result<AdnlConnection> client(const crypto::PublicKey& server, crypto::Random& random,
                                       std::size_t max_payload = kMaxPacket);
  static AdnlConnection server(const crypto::KeyPair& key, std::size_t max_payload = kMaxPacket);

  // Takes what arrived and returns the payloads of the packets that became whole. After an error the connection is
  // over: the caller closes it.
  Result<std::vector<Bytes>> receive(BytesView bytes, crypto::Random& random);
  // Seals one payload. Only once ready().
  Result<> send(BytesView payload, crypto::Random& random);
  // What has to be written to the socket now; asking takes it.
  Bytes take_output();

  // The handshake is over: for a client when the server has shown its key, for a server when the client has arrived.
  bool ready() const { return phase_ == Phase::open; }

 private:
  enum class Phase { server_waits_for_handshake, client_waits_for_proof, open, broken };
  struct Streams {
    crypto::Aes256Ctr in, out;
  };

  explicit AdnlConnection(Phase phase, std::size_t max_payload) : phase_(phase), max_payload_(max_payload) {}
  Result<> accept_handshake(BytesView handshake, crypto::Random& random);
  Result<std::optional<Bytes>> next_packet();
  void seal(BytesView payload, crypto::Random& random);

  Phase phase_;
  std::size_t max_payload_;
  std::optional<crypto::KeyPair> key_;  // of a server
  std::optional<Streams> streams_;
  Bytes input_;  // of the handshake as it came, of packets decrypted
  std::optional<std::size_t> packet_size_;
  Bytes output_;
};

// --- what packets carry

struct Query {
  Bits256 id;
  Bytes data;
};
struct QueryAnswer {
  Bits256 id;
  Bytes data;
};
struct Ping {
  std::uint64_t random_id = 0;
};
struct Pong {
  std::uint64_t random_id = 0;
};
using Payload = std::variant<Query, QueryAnswer, Ping, Pong>;

Bytes encode_payload(const Payload& payload);
// Unknown constructors are an error.
Result<Payload> decode_payload(BytesView bytes);

}  // namespace cocoon::ton::lite
