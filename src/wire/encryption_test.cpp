#include "wire/encryption.hpp"

#include "wire/testdata/load.hpp"

namespace cocoon::wire::encryption {
namespace {

using testdata::vectors;
namespace json = boost::json;

std::string text_at(const json::value& object, std::string_view key) {
  return json::value_to<std::string>(object.at(key));
}
Bits256 bits_at(const json::value& object, std::string_view key) {
  return fixed_from_hex<32>(text_at(object, key)).value();
}

struct Keys {
  Bits256 shared, request, answer;
};
Keys keys() {
  const auto& in = vectors().at("enc-keys").at("input");
  const crypto::KeyPair client(bits_at(in, "client_seed")), worker(bits_at(in, "worker_seed"));
  const Bits256 shared = crypto::shared_secret(client.seed(), worker.public_key()).value();
  const std::string nonce = text_at(vectors().at("enc-message-keys").at("input"), "encryption_nonce");
  return {shared, message_key(shared, nonce, Direction::request), message_key(shared, nonce, Direction::answer)};
}

TEST(Encryption, KeyVectors) {
  const auto& in = vectors().at("enc-keys").at("input");
  const auto& out = vectors().at("enc-keys").at("output");
  const crypto::KeyPair client(bits_at(in, "client_seed")), worker(bits_at(in, "worker_seed"));
  EXPECT_EQ(client.public_key(), bits_at(out, "client_pub"));
  EXPECT_EQ(worker.public_key(), bits_at(out, "worker_pub"));
  EXPECT_EQ(crypto::x25519_point_from_ed25519(client.public_key()).value(), bits_at(out, "client_x"));
  EXPECT_EQ(crypto::x25519_point_from_ed25519(worker.public_key()).value(), bits_at(out, "worker_x"));
  EXPECT_EQ(crypto::shared_secret(client.seed(), worker.public_key()).value(), bits_at(out, "shared"));
  EXPECT_EQ(crypto::shared_secret(worker.seed(), client.public_key()).value(), bits_at(out, "shared"));
  const auto& message = vectors().at("enc-message-keys").at("output");
  EXPECT_EQ(keys().request, bits_at(message, "client_to_worker"));
  EXPECT_EQ(keys().answer, bits_at(message, "worker_to_client"));
  const auto& test_key = vectors().at("enc-test-key");
  EXPECT_EQ(to_hex(crypto::KeyPair(bits_at(test_key.at("input"), "seed")).public_key().view()),
            text_at(test_key, "output"));
}

TEST(Encryption, StringVectors) {
  const std::map<std::string, std::string> texts = {
      {"enc-str-0", ""},
      {"enc-str-2", "hi"},
      {"enc-str-4", "user"},
      {"enc-str-16", std::string(16, 'x')},
      {"enc-str-15", std::string(15, 'x')},
      {"enc-str-12", "привет"},
  };
  const Bits256 key = keys().request;
  for (const auto& [id, text] : texts) {
    const auto& vector = vectors().at(id);
    const Bytes prefix = from_hex(text_at(vector.at("input"), "prefix")).value();
    EXPECT_EQ(prefix_size(text.size()), prefix.size()) << id;
    EXPECT_EQ(encrypt_string(key, text, prefix).value(), text_at(vector, "output")) << id;
    EXPECT_EQ(decrypt_string(key, text_at(vector, "output")).value(), text) << id;
  }
}

// The strings of the vector of a whole message; their places in JSON are the openai room's.
TEST(Encryption, StringsOfTheRequestVector) {
  const std::string message = testdata::output("enc-request-json");
  const json::value request = json::parse(message);
  const Bits256 key = keys().request;
  EXPECT_EQ(decrypt_string(key, text_at(request.at("messages").at(0), "content")).value(), "hi");
  EXPECT_EQ(decrypt_string(key, text_at(request.at("messages").at(0), "role")).value(), "user");
  EXPECT_EQ(decrypt_string(key, json::value_to<std::string>(request.at("stop").at(0))).value(), "END");
}

TEST(Encryption, EveryLengthThereAndBack) {
  crypto::Random random(Bits256{});
  const Bits256 key = keys().answer;
  for (std::size_t n = 0; n < 70; ++n) {
    const std::string text(n, 'q');
    const std::string sealed = encrypt_string(key, text, random);
    EXPECT_NE(sealed, encrypt_string(key, text, random)) << "prefixes are random";
    EXPECT_EQ(decrypt_string(key, sealed).value(), text);
  }
}

TEST(Encryption, WhatIsBentOrForeignIsRefused) {
  crypto::Random random(Bits256{});
  const Bits256 key = keys().request;
  const std::string sealed = encrypt_string(key, "a secret of some length", random);
  for (std::size_t i = 4; i < sealed.size(); ++i) {
    std::string bent = sealed;
    bent[i] = bent[i] == '0' ? '1' : '0';
    EXPECT_FALSE(decrypt_string(key, bent)) << i;
    EXPECT_FALSE(decrypt_string(key, sealed.substr(0, i))) << i;
  }
  EXPECT_FALSE(decrypt_string(keys().answer, sealed));
  EXPECT_EQ(decrypt_string(key, "DEC_plain").value(), "plain");
  for (const std::string text : {"", "a", "ENC", "XYZ_00"}) EXPECT_EQ(decrypt_string(key, text).error().code, 621);
  EXPECT_FALSE(decrypt_string(key, "ENC_"));
  EXPECT_FALSE(encrypt_string(key, "text", Bytes(16, 16)));
}

TEST(Encryption, KeysAreReadInThreeForms) {
  const Bits256 key = keys().shared;
  EXPECT_EQ(parse_key(to_hex(key.view())).value(), key);
  EXPECT_EQ(parse_key(to_base64(key.view())).value(), key);
  EXPECT_EQ(parse_key(as_text(key.view())).value(), key);
  EXPECT_FALSE(parse_key(""));
  EXPECT_FALSE(parse_key(std::string(64, 'z')));
  EXPECT_FALSE(parse_key(std::string(44, 'A')));
}

}  // namespace
}  // namespace cocoon::wire::encryption
