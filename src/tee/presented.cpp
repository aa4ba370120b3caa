#include "tee/presented.hpp"

#include <boost/json.hpp>

#include "tee/quote.hpp"
#include "tee/snp.hpp"
#include "tee/x509.hpp"

namespace cocoon::tee {
namespace {

namespace json = boost::json;

Result<json::value> parse_json(std::string_view text) {
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 16;
  auto out = json::parse(text, ec, {}, options);
  if (ec || !out.is_object()) return fail("this is not a JSON object");
  return out;
}

// base64 of a member; empty when it is absent.
Result<Bytes> blob(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  if (!value) return Bytes{};
  if (!value->is_string()) return fail("\"{}\" is not base64", name);
  auto out = from_base64(value->get_string());
  if (!out) return std::unexpected(std::move(out).error().within(name));
  return *std::move(out);
}

Result<Bundle> bundle_of(const json::object& from) {
  Bundle out;
  if (const auto* part = from.if_contains("intel"); part && part->is_object()) {
    const auto& intel = part->get_object();
    auto& files = out.intel.emplace();
    TRY_ASSIGN(files.tcb_info, blob(intel, "tcb_info"));
    TRY_ASSIGN(files.qe_identity, blob(intel, "qe_identity"));
    TRY_ASSIGN(files.tcb_signer, blob(intel, "tcb_signer"));
    TRY_ASSIGN(files.qe_signer, blob(intel, "qe_signer"));
    TRY_ASSIGN(files.pck_crl, blob(intel, "pck_crl"));
    TRY_ASSIGN(files.root_crl, blob(intel, "root_crl"));
  }
  if (const auto* part = from.if_contains("amd"); part && part->is_object()) {
    const auto& amd = part->get_object();
    auto& files = out.amd.emplace();
    TRY_ASSIGN(files.ask, blob(amd, "ask"));
    TRY_ASSIGN(files.ark, blob(amd, "ark"));
    TRY_ASSIGN(files.crl, blob(amd, "crl"));
  }
  return out;
}

Result<Presented> read_certificate_of_any_kind(BytesView der, Time now) {
  auto ours = read_certificate(der, Side::server, now);
  if (!ours) ours = read_certificate(der, Side::client, now);
  Presented out;
  if (ours) {
    out.form = "Cocoon certificate";
    out.evidence = std::move(ours->evidence);
    out.key = ours->public_key;
    return out;
  }
  auto theirs = read_ratls_certificate(der);
  if (!theirs)
    return fail("neither a Cocoon certificate ({}) nor another with evidence ({})", ours.error().what,
                theirs.error().what);
  out.form = fmt::format("{} certificate", to_string(theirs->profile));
  TdxEvidence evidence;
  evidence.quote = theirs->quote;
  out.evidence = std::move(evidence);
  out.foreign = *std::move(theirs);
  return out;
}

Result<Presented> read_object(std::string_view text, Time now) {
  TRY_ASSIGN(const auto root, parse_json(text));
  const auto* object = &root.get_object();
  // The answer of /attestation: the node itself.
  if (const auto* self = object->if_contains("self"); self && self->is_object()) object = &self->get_object();
  TRY_ASSIGN(const auto certificate, blob(*object, "certificate"));
  if (certificate.empty()) return fail("the JSON holds no certificate");
  TRY_ASSIGN(auto out, read_certificate_of_any_kind(certificate, now));
  if (const auto* collateral = object->if_contains("collateral"); collateral && collateral->is_object()) {
    TRY_ASSIGN(auto bundle, bundle_of(collateral->get_object()));
    out.intel = std::move(bundle.intel);
    out.amd = std::move(bundle.amd);
  }
  return out;
}

}  // namespace

Result<Presented> read_presented(BytesView file, Time now) {
  if (file.empty() || file.size() > kMaxPresented) return fail("a file of {} bytes", file.size());
  const auto text = as_text(file);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{') return read_object(text, now);
  // A quote holds PEM inside: only a file that begins with it is PEM.
  if (first != text.npos && text.substr(first).starts_with("-----BEGIN CERTIFICATE-----")) {
    TRY_ASSIGN(const auto blocks, read_pem(text, "CERTIFICATE", 8));
    return read_certificate_of_any_kind(blocks.front(), now);
  }
  if (file[0] == 0x30) return read_certificate_of_any_kind(file, now);
  Presented out;
  if (file.size() == kSnpReport && parse_snp_report(file)) {
    SnpEvidence evidence;
    evidence.report = to_bytes(file);
    out.form = "SNP report";
    out.evidence = std::move(evidence);
    return out;
  }
  TdxEvidence evidence;
  evidence.quote = to_bytes(file.first(std::min(file.size(), kMaxQuote + 1)));
  const auto quote = parse_quote(evidence.quote);
  if (!quote)
    return fail("not a certificate, SNP report or /attestation answer, and as an Intel quote: {}", quote.error().what);
  out.form = "Intel quote";
  out.evidence = std::move(evidence);
  return out;
}

Result<Bundle> read_bundle(std::string_view text) {
  TRY_ASSIGN(const auto root, parse_json(text));
  return bundle_of(root.get_object());
}

std::string write_bundle(const Bundle& bundle) {
  json::object out;
  if (bundle.intel)
    out["intel"] = {
        {"tcb_info", to_base64(bundle.intel->tcb_info)},     {"qe_identity", to_base64(bundle.intel->qe_identity)},
        {"tcb_signer", to_base64(bundle.intel->tcb_signer)}, {"qe_signer", to_base64(bundle.intel->qe_signer)},
        {"pck_crl", to_base64(bundle.intel->pck_crl)},       {"root_crl", to_base64(bundle.intel->root_crl)}};
  if (bundle.amd)
    out["amd"] = {
        {"ask", to_base64(bundle.amd->ask)}, {"ark", to_base64(bundle.amd->ark)}, {"crl", to_base64(bundle.amd->crl)}};
  return json::serialize(out);
}

}  // namespace cocoon::tee
