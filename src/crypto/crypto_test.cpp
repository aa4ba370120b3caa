#include "crypto/crypto.hpp"

#include <gtest/gtest.h>

namespace cocoon::crypto {
namespace {

Bits256 filled(std::uint8_t v) {
  Bits256 out;
  out.fill(v);
  return out;
}

TEST(Sha, KnownValues) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  parts.update(as_bytes("a")).update(as_bytes("bc"));
  EXPECT_EQ(parts.finish(), sha256(as_bytes("abc")));
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Ed25519, Rfc8032FirstVector) {
  const KeyPair pair(fixed_from_hex<32>("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").value());
  EXPECT_EQ(to_hex(pair.public_key()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  auto signature = pair.sign({});
  EXPECT_TRUE(verify(pair.public_key(), {}, signature));
  signature[3] ^= 1;
  EXPECT_FALSE(verify(pair.public_key(), {}, signature));
}

TEST(X25519, SharedSecretOfEd25519Keys) {  // wire vectors enc-keys
  const KeyPair client(filled(0xc1));
  const KeyPair worker(filled(0xd2));
  const auto z = "da1c020272436b7dc0b02f207f84539da1116d889587c3cdaabe51570219aa2e";
  EXPECT_EQ(to_hex(shared_secret(client.seed(), worker.public_key()).value()), z);
  EXPECT_EQ(to_hex(shared_secret(worker.seed(), client.public_key()).value()), z);
  EXPECT_EQ(to_hex(x25519_point_from_ed25519(client.public_key()).value()),
            "6cf251d3cf2a8e08aab09c6ad68eca6d3d7421c948e4e8df0f48718429809f68");
  Bits256 one;
  one[0] = 1;  // y = 1: the neutral element
  EXPECT_FALSE(shared_secret(client.seed(), one).has_value());
}

TEST(Aes, CtrStreamsAndCbcRefusesOddLengths) {
  FixedBytes<16> iv;
  Aes256Ctr a(filled(1), iv);
  Aes256Ctr b(filled(1), iv);
  Bytes text = to_bytes("some text of more than one block");
  Bytes copy = text;
  a.apply(text);
  EXPECT_NE(text, copy);
  b.apply(std::span(text).first(5));
  b.apply(std::span(text).subspan(5));
  EXPECT_EQ(text, copy);
  auto cipher = aes256_cbc_encrypt(filled(1), iv, Bytes(32, 7)).value();
  EXPECT_EQ(aes256_cbc_decrypt(filled(1), iv, cipher).value(), Bytes(32, 7));
  EXPECT_FALSE(aes256_cbc_encrypt(filled(1), iv, Bytes(31, 7)).has_value());
}

TEST(Random, SameSeedSameRun) {
  Random a(filled(9));
  Random b(filled(9));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(a.u64(), b.u64());
  Random c = a;
  EXPECT_EQ(a.bits256(), c.bits256());
  for (int i = 0; i < 1000; ++i) EXPECT_LT(a.below(3), 3U);
  EXPECT_NE(Random::from_os().bits256(), Random::from_os().bits256());
}

}  // namespace
}  // namespace cocoon::crypto
