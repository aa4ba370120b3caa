// The message, frame, string, proof-of-work and peer-record vectors of wire-vectors.json.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "crypto/crypto.hpp"
#include "wire/answers.hpp"
#include "wire/frame.hpp"
#include "wire/packet.hpp"
#include "wire/peer_record.hpp"
#include "wire/pow.hpp"
#include "wire/testdata/all_messages.hpp"
#include "wire/testdata/load.hpp"

namespace cocoon::wire {
namespace {

using testdata::AllMessages;
using testdata::output_bytes;
using testdata::vectors;

// The one payload of a frame, whatever its number.
Result<Bytes> payload_of(BytesView frame) {
  if (frame.size() < kFrameHeader) return fail("no frame");
  FrameWriter counter;
  FrameReader reader;
  const std::uint32_t number = frame[4];
  for (std::uint32_t i = 0; i < number; ++i) {
    reader.push(encode_frame(i, Bytes(4)));
    TRY(reader.next());
  }
  reader.push(frame);
  TRY_ASSIGN(const auto got, reader.next());
  if (!got) return fail("frame is not whole");
  if (reader.buffered() != 0) return fail("more than a frame");
  return to_bytes(*got);
}

// Decodes a boxed object and encodes it again; follows what tcp.* carries.
void expect_round_trip(BytesView object, const std::string& id) {
  const auto message = decode_any<AllMessages>(object);
  ASSERT_TRUE(message) << id << ": " << message.error().what;
  EXPECT_EQ(to_hex(encode(*message)), to_hex(object)) << id;
  if (const auto view = view_packet(object); view && !view->data.empty()) expect_round_trip(view->data, id);
}

TEST(Vectors, MessagesAndFrames) {
  std::size_t seen = 0;
  for (const auto& [id, vector] : vectors()) {
    const std::string group = testdata::json::value_to<std::string>(vector.at("group"));
    if (group != "tcp" && group != "frame" && group != "client" && group != "worker" && group != "keymanager" &&
        group != "http")
      continue;
    ++seen;
    const Bytes raw = output_bytes(id);
    if (const auto payload = payload_of(raw)) {
      expect_round_trip(*payload, id);
      EXPECT_EQ(encode_frame(raw[4], *payload), raw) << id;
    } else {
      expect_round_trip(raw, id);
    }
  }
  EXPECT_EQ(seen, 45u);
}

TEST(Vectors, ValuesAreWhereTheTextSaysTheyAre) {
  const auto run = decode<client::RunQueryEx>(output_bytes("client-runQueryEx"));
  ASSERT_TRUE(run);
  EXPECT_EQ(run->model_name, "m");
  EXPECT_EQ(run->max_coefficient, 4000);
  EXPECT_EQ(run->max_tokens, 16);
  EXPECT_EQ(run->timeout, 114.0);
  EXPECT_EQ(run->request_id[0], 0x40);
  EXPECT_EQ(run->min_config_version, 17);
  EXPECT_EQ(run->flags, 3u);
  const auto request = decode<http::Request>(run->query);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "/v1/chat/completions");
  EXPECT_EQ(request->headers.size(), 2u);
  EXPECT_EQ(encode(*request), output_bytes("http-request"));

  const auto connected = decode<client::ConnectedToProxy>(output_bytes("client-connectedToProxy-short"));
  ASSERT_TRUE(connected);
  const auto& auth = std::get<client::ProxyConnectionAuthShort>(connected->auth);
  EXPECT_EQ(auth.nonce, 0x1122334455667788);
  EXPECT_EQ(auth.secret_hash, crypto::sha256(as_bytes("correct horse")));
  EXPECT_TRUE(std::holds_alternative<proxy::SignedPaymentEmpty>(connected->signed_payment));

  const auto last = decode<proxy::QueryAnswerPartEx>(output_bytes("proxy-queryAnswerPartEx-last"));
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->is_final());
  EXPECT_EQ(last->final_info.tokens_used, (TokensUsed{10, 0, 20, 5, 35}));
  EXPECT_EQ(last->final_info.worker_start_time, 1700000000.25);
}

TEST(Vectors, TruncatedOrBentMessagesAreErrorsOrValues) {
  std::size_t values = 0, errors = 0;
  for (const auto& [id, vector] : vectors()) {
    const auto raw = from_hex(vector.at("output").is_string() ? testdata::output(id) : "?");
    if (!raw || !decode_any<AllMessages>(*raw)) continue;
    for (std::size_t n = 0; n < raw->size(); ++n)
      EXPECT_FALSE(decode_any<AllMessages>(BytesView(*raw).first(n))) << id << " cut at " << n;
    Bytes bent = *raw;
    for (std::size_t bit = 0; bit < bent.size() * 8; ++bit) {
      bent[bit / 8] = static_cast<std::uint8_t>(bent[bit / 8] ^ (1u << (bit % 8)));
      const auto got = decode_any<AllMessages>(bent);
      (got ? values : errors) += 1;
      // What decodes, encodes to something that decodes to the same bytes again.
      if (got) {
        const Bytes again = encode(*got);
        ASSERT_EQ(encode(*decode_any<AllMessages>(again)), again) << id;
      }
      const auto answer = peek_answer(bent);
      EXPECT_LE(answer ? answer->bytes.size() : 0, bent.size());
      bent[bit / 8] = static_cast<std::uint8_t>(bent[bit / 8] ^ (1u << (bit % 8)));
    }
  }
  EXPECT_GT(values, 1000u);
  EXPECT_GT(errors, 1000u);
}

TEST(Vectors, Strings) {
  std::size_t seen = 0;
  for (const auto& [id, vector] : vectors()) {
    if (vector.at("group") != "tl-string") continue;
    ++seen;
    const std::string input = testdata::json::value_to<std::string>(vector.at("input"));
    const std::size_t n = std::stoul(input.substr(2));
    const Bytes wire = tl::encode_inline(std::string(n, input[0]));
    const std::string hex = to_hex(wire), expected = testdata::output(id);
    const auto gap = expected.find("...");
    EXPECT_TRUE(hex.starts_with(expected.substr(0, gap))) << id;
    if (gap != std::string::npos) {
      EXPECT_TRUE(hex.ends_with(expected.substr(gap + 3))) << id;
    }
    EXPECT_EQ(wire.size(), static_cast<std::size_t>(vector.at("total_bytes").to_number<int>())) << id;
    if (vector.contains("sha256")) {
      EXPECT_EQ(to_hex(crypto::sha256(wire).view()), testdata::json::value_to<std::string>(vector.at("sha256")));
    }
  }
  EXPECT_EQ(seen, 9u);
}

TEST(Vectors, ProofOfWork) {
  for (const std::string id : {"pow-0", "pow-1", "pow-8", "pow-16", "pow-20"}) {
    const auto& vector = vectors().at(id);
    const Bytes raw = *from_hex(testdata::json::value_to<std::string>(vector.at("input").at("challenge")));
    const auto challenge = pow::decode_challenge(raw);
    ASSERT_TRUE(challenge) << id;
    EXPECT_EQ(to_hex(pow::encode_challenge(*challenge).view()), to_hex(raw));
    const auto nonce = pow::solve(*challenge, pow::kDefaultMaxDifficulty);
    ASSERT_TRUE(nonce) << id;
    EXPECT_EQ(*nonce, vector.at("nonce").to_number<std::uint64_t>()) << id;
    EXPECT_EQ(pow::zero_bits(challenge->salt, *nonce), vector.at("zero_bits").to_number<int>()) << id;
    EXPECT_TRUE(pow::verify(*challenge, *nonce));
    EXPECT_EQ(to_hex(pow::encode_response(*nonce).view()), testdata::output(id));
    EXPECT_EQ(*pow::decode_response(output_bytes(id)), *nonce);
  }
  const auto& negative = vectors().at("pow-negative-12");
  const auto salt = *fixed_from_hex<16>(testdata::json::value_to<std::string>(negative.at("input").at("salt")));
  const auto nonce = negative.at("nonce").to_number<std::uint64_t>();
  EXPECT_FALSE(pow::verify({12, salt}, nonce));
  EXPECT_EQ(pow::zero_bits(salt, nonce), negative.at("zero_bits_le").to_number<int>());
}

TEST(Vectors, PeerRecords) {
  for (const std::string id : {"peer-info-tdx-zero", "peer-info-sev"}) {
    const Bytes raw = output_bytes(id);
    EXPECT_EQ(*peer_record_size(BytesView(raw).first(4)), raw.size() - 4);
    const auto record = decode_peer_record(BytesView(raw).subspan(4));
    ASSERT_TRUE(record) << id << record.error().what;
    EXPECT_EQ(record->source_ip, "10.0.0.1");
    EXPECT_EQ(record->destination_port, 11102);
    EXPECT_EQ(record->family, id == "peer-info-sev" ? PeerRecord::Family::sev : PeerRecord::Family::tdx);
    EXPECT_EQ(to_hex(encode_peer_record(*record)), to_hex(raw));
    for (std::size_t n = 0; n + 4 < raw.size(); ++n)
      EXPECT_FALSE(decode_peer_record(BytesView(raw).subspan(4, n))) << n;
  }
}

}  // namespace
}  // namespace cocoon::wire
