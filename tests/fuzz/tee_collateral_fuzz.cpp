// What vendors publish and what others put into certificates, as a hostile network would serve it: TCB info,
// identities, revocation lists, certificates, signed JSON, bundles, corpora. The first byte says which.
#include <cstdlib>

#include "tee/corpus.hpp"
#include "tee/presented.hpp"
#include "tee/session_binding.hpp"
#include "tee/tcb_info.hpp"

namespace {

using namespace cocoon;

template <class T>
void value_or_reason(const Result<T>& result) {
  if (!result && result.error().what.empty()) std::abort();
}

// Levels are sorted, and a level that matches is reached.
void check_levels(const tee::TcbInfo& info) {
  tee::ComponentSvns best;
  best.fill(0xff);
  FixedBytes<16> tdx;
  tdx.fill(0xff);
  if (!info.levels.empty() && info.match(best, 0xffff, &tdx) != &info.levels.front()) std::abort();
  for (std::size_t i = 1; i < info.levels.size(); ++i)
    if (info.levels[i - 1].sgx < info.levels[i].sgx) std::abort();
}

void check_crl(const tee::Crl& crl) {
  for (const auto serial : crl.revoked)
    if (!crl.lists(serial)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView input(data + 1, size - 1);
  switch (data[0] % 7) {
    case 0: {
      const auto info = tee::read_tcb_info(input);
      value_or_reason(info);
      if (info) check_levels(*info);
      break;
    }
    case 1:
      value_or_reason(tee::read_qe_identity(input));
      break;
    case 2: {
      const auto crl = tee::read_crl(input);
      value_or_reason(crl);
      if (crl) check_crl(*crl);
      break;
    }
    case 3:
      value_or_reason(tee::read_x509(input));
      break;
    case 4:
      value_or_reason(tee::read_ratls_certificate(input));
      break;
    case 5:
      value_or_reason(tee::read_presented(input, from_unix(1'767'225'600)));
      break;
    default:
      value_or_reason(tee::read_bundle(as_text(input)));
      value_or_reason(tee::parse_corpus(as_text(input)));
      if (const auto evidence = tee::decode_session_evidence(input); !evidence)
        value_or_reason(evidence);
      else if (tee::decode_session_evidence(tee::encode_session_evidence(*evidence)) != evidence)
        std::abort();
  }
  return 0;
}
