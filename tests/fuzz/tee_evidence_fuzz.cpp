// Evidence as a peer presents it: certificates, quotes, reports, chains.
#include <cstdlib>

#include "tee/certificate.hpp"
#include "tee/pck.hpp"
#include "tee/quote.hpp"
#include "tee/snp.hpp"

namespace {

template <class T>
void value_or_reason(const cocoon::Result<T>& result) {
  if (!result && result.error().what.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  const BytesView input(data, size);
  const Time now = from_unix(1'767'225'600);
  value_or_reason(tee::read_certificate(input, tee::Side::server, now));
  value_or_reason(tee::read_certificate(input, tee::Side::client, now));
  value_or_reason(tee::parse_quote(input));
  value_or_reason(tee::parse_snp_report(input));
  value_or_reason(tee::PckChain::read(input));
  return 0;
}
