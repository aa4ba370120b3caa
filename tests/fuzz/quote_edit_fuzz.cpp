// A genuine quote and a genuine certificate with some bytes changed: never accepted.
// The input is a list of edits, three bytes each: where (little-endian), and what to flip there.
#include <cstdlib>

#include "tee/certificate.hpp"
#include "tee/quote.hpp"
#include "tee/verify.hpp"

namespace {

using namespace cocoon;

struct World {
  Time now = from_unix(1'790'000'000);
  crypto::Random random{Bits256{}};
  tee::SimulatedRoot root = tee::SimulatedRoot::create(random, now, "fuzz");
  tee::SimulatedPlatform platform = root.make_platform(random, now);
  crypto::KeyPair key{random.bits256()};
  tee::Trust trust{{root.trusted()}};
  Bytes quote = platform.quote(tee::simulated_measurements("fuzz"), tee::report_data(key.public_key()));
  Bytes certificate = tee::make_certificate(key, evidence(quote), FixedBytes<16>{}, now);
  // The PEM text after this may change its line breaks without meaning anything else.
  std::size_t signed_bytes = static_cast<std::size_t>(tee::parse_quote(quote).value().pck_chain.data() - quote.data());

  tee::Evidence evidence(Bytes from) const {
    tee::TdxEvidence out;
    out.quote = std::move(from);
    out.user_claims = to_bytes(key.public_key().view());
    return out;
  }
  bool accepts(Bytes from) const {
    return tee::verify(evidence(std::move(from)), key.public_key(), tee::Policy{}, trust, now).accepted;
  }
};

Bytes edited(Bytes from, BytesView edits, std::size_t range) {
  for (; edits.size() >= 3; edits = edits.subspan(3)) {
    auto& byte = from[(edits[0] | std::size_t{edits[1]} << 8) % range];
    byte = static_cast<std::uint8_t>(byte ^ edits[2]);
  }
  return from;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  const BytesView edits = BytesView(data, size).first(std::min<std::size_t>(size, 30));
  // A judgement costs eight signatures: each input asks one question, and one in eight asks the dear one.
  if (crypto::sha256(edits)[0] % 8 == 0) {
    auto quote = edited(world.quote, edits, world.signed_bytes);
    const bool same = quote == world.quote;
    if (world.accepts(std::move(quote)) != same) std::abort();
    return 0;
  }
  const auto certificate = edited(world.certificate, edits, world.certificate.size());
  if (tee::read_certificate(certificate, tee::Side::server, world.now).has_value() !=
      (certificate == world.certificate))
    std::abort();
  return 0;
}
