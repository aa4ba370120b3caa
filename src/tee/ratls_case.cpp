#include "tee/case_judges.hpp"
#include "tee/quote.hpp"
#include "tee/ratls.hpp"
#include "tee/x509.hpp"

namespace cocoon::tee {

// Input cert: PEM, the leaf first. Is the evidence in it made for its key? What the evidence is worth is another case.
Result<std::string> judge_ratls_case(const CaseInputs& inputs) {
  TRY_ASSIGN(const auto pem, inputs.file("cert"));
  const auto blocks = read_pem(as_text(pem), "CERTIFICATE", 8);
  if (!blocks) return "REJECT:MALFORMED";
  const auto certificate = read_ratls_certificate(blocks->front());
  if (!certificate) return "REJECT:MALFORMED";
  const auto quote = parse_quote(certificate->quote);
  if (!quote) return fmt::format("REJECT:{}", to_string(QuoteFault(quote.error().code)));
  return certificate->binds(quote->report_data()) ? "BINDING_OK" : "REJECT:BINDING_MISMATCH";
}

}  // namespace cocoon::tee
