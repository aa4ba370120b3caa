// What AMD's side brings: reports, endorsements, chains, lists, tables of hosts.
#include <cstdlib>

#include "tee/snp_certificates.hpp"
#include "tee/snp_verify.hpp"

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
  value_or_reason(tee::parse_snp_certificates(input));
  value_or_reason(tee::parse_snp_response(input));
  const auto certificate = tee::Certificate::read(input);
  value_or_reason(certificate);
  if (certificate) {
    value_or_reason(tee::read_endorsement(*certificate));
    if (certificate->issued_by(*certificate, tee::SignedWith::rsa_pss_sha384)) certificate->p384_key();
    tee::check_ocsp(input, *certificate, *certificate, now);
  }
  const auto list = tee::RevocationList::read(input);
  value_or_reason(list);
  if (list && certificate) list->revokes(*certificate);
  // A report with whatever follows it as its endorsement and chain: nothing of that can be signed.
  const auto report = input.first(std::min(size, tee::kSnpReport));
  const auto rest = input.subspan(report.size());
  tee::Verdict v;
  tee::verify_snp(v, report, rest, tee::AmdCollateral{to_bytes(rest), to_bytes(rest), {}}, tee::Trust::amd(), now);
  tee::verify_snp_endorsed(v, report, rest);
  v.settle();
  if (v.accepted) std::abort();
  return 0;
}
