#include "tee/presented.hpp"

#include <boost/json.hpp>

#include "tee/nvidia_verify.hpp"
#include "tee/quote.hpp"
#include "tee/snp.hpp"
#include "tee/x509.hpp"

namespace cocoon::tee {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxRims = 64;  // of a bundle

Result<json::value> parse_json(std::string_view text) {
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 16;
  auto out = json::parse(text, ec, {}, options);
  if (ec) return fail("this is not JSON");
  return out;
}

Result<Bytes> base64_of(const json::value& value, std::string_view name) {
  if (!value.is_string()) return fail("\"{}\" is not base64", name);
  auto out = from_base64(value.get_string());
  if (!out) return std::unexpected(std::move(out).error().within(name));
  return *std::move(out);
}

// base64 of a member; empty when it is absent.
Result<Bytes> blob(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value ? base64_of(*value, name) : Bytes{};
}

// 32 bytes as hex digits.
Result<Bits256> hex_of(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  if (value == nullptr || !value->is_string()) return fail("\"{}\" is not hex", name);
  auto out = fixed_from_hex<32>(value->get_string());
  if (!out) return std::unexpected(std::move(out).error().within(name));
  return *out;
}

Result<NvidiaFiles> nvidia_of(const json::object& from) {
  NvidiaFiles out;
  const auto* rims = from.if_contains("rims");
  const auto* ocsp = from.if_contains("ocsp");
  if (rims && rims->is_object()) {
    if (rims->get_object().size() > kMaxRims) return fail("{} manifests", rims->get_object().size());
    for (const auto& [name, value] : rims->get_object()) {
      TRY_ASSIGN(out.rims[name], base64_of(value, name));
    }
  }
  if (ocsp && ocsp->is_array()) {
    if (ocsp->get_array().size() > kMaxOcspAnswers) return fail("{} OCSP answers", ocsp->get_array().size());
    for (const auto& value : ocsp->get_array()) {
      TRY_ASSIGN(out.ocsp.emplace_back(), base64_of(value, "ocsp"));
    }
  }
  return out;
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
  if (const auto* part = from.if_contains("nvidia"); part && part->is_object()) {
    TRY_ASSIGN(out.nvidia, nvidia_of(part->get_object()));
  }
  return out;
}

Result<ShownSession> session_of(const json::object& from, const crypto::PublicKey& key) {
  ShownSession out;
  const auto* side = from.if_contains("side");
  if (side == nullptr || (*side != "client" && *side != "server")) return fail("\"side\" is neither client nor server");
  out.challenge.prover = *side == "server" ? Side::server : Side::client;
  TRY_ASSIGN(out.challenge.exporter, hex_of(from, "exporter"));
  TRY_ASSIGN(out.challenge.verifier_nonce, hex_of(from, "verifier_nonce"));
  out.challenge.prover_key = key;
  TRY_ASSIGN(const auto evidence, blob(from, "evidence"));
  TRY_ASSIGN(out.evidence, decode_session_evidence(evidence));
  return out;
}

Result<LoneGpu> gpu_of(const json::value& from) {
  const auto* object = from.if_object();
  if (object == nullptr) return fail("it is no JSON object");
  LoneGpu out;
  TRY_ASSIGN(out.nonce, hex_of(*object, "nonce"));
  TRY_ASSIGN(out.evidence.report, blob(*object, "evidence"));
  TRY_ASSIGN(const auto chain, blob(*object, "certificate"));
  out.evidence.chain = to_text(chain);
  return out;
}

Result<Presented> read_gpus(const json::array& from) {
  if (from.empty() || from.size() > kMaxGpus) return fail("a list of {} pieces of GPU evidence", from.size());
  Presented out;
  out.form = "GPU evidence";
  for (const auto& one : from) {
    auto gpu = gpu_of(one);
    if (!gpu) return std::unexpected(std::move(gpu).error().within(fmt::format("GPU {}", out.gpus.size())));
    out.gpus.push_back(*std::move(gpu));
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

// Whom an answer of /attestation is asked about.
Result<const json::object*> pick(const json::object& page, std::string_view peer) {
  const auto* self = page.if_contains("self");
  if (peer.empty()) return self && self->is_object() ? &self->get_object() : &page;
  const auto* peers = page.if_contains("peers");
  std::string known;
  if (peers && peers->is_array())
    for (const auto& one : peers->get_array()) {
      const auto* address = one.is_object() ? one.get_object().if_contains("address") : nullptr;
      if (address == nullptr || !address->is_string()) continue;
      if (std::string_view(address->get_string()) == peer) return &one.get_object();
      known += " " + std::string(address->get_string());
    }
  return fail("the answer is not about a peer {}; it is about{}", peer, known.empty() ? " none" : known);
}

Result<Presented> read_json(std::string_view text, Time now, std::string_view peer) {
  TRY_ASSIGN(const auto root, parse_json(text));
  if (root.is_array()) return read_gpus(root.get_array());
  if (!root.is_object()) return fail("this is neither a JSON object nor a list");
  TRY_ASSIGN(const auto* object, pick(root.get_object(), peer));
  TRY_ASSIGN(const auto certificate, blob(*object, "certificate"));
  if (certificate.empty()) return fail("the JSON holds no certificate");
  TRY_ASSIGN(auto out, read_certificate_of_any_kind(certificate, now));
  if (const auto* collateral = object->if_contains("collateral"); collateral && collateral->is_object()) {
    TRY_ASSIGN(out.collateral, bundle_of(collateral->get_object()));
  }
  if (const auto* session = object->if_contains("session"); session && session->is_object() && out.key) {
    auto shown = session_of(session->get_object(), *out.key);
    if (!shown) return std::unexpected(std::move(shown).error().within("session"));
    out.session = *std::move(shown);
  }
  return out;
}

}  // namespace

Result<Presented> read_presented(BytesView file, Time now, std::string_view peer) {
  if (file.empty() || file.size() > kMaxPresented) return fail("a file of {} bytes", file.size());
  const auto text = as_text(file);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && (text[first] == '{' || text[first] == '[')) return read_json(text, now, peer);
  if (!peer.empty()) return fail("only an answer of /attestation tells of peers");
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
  if (!root.is_object()) return fail("this is not a JSON object");
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
  if (bundle.nvidia) {
    json::object rims;
    json::array ocsp;
    for (const auto& [name, xml] : bundle.nvidia->rims) rims[name] = to_base64(xml);
    for (const auto& answer : bundle.nvidia->ocsp) ocsp.emplace_back(to_base64(answer));
    out["nvidia"] = {{"rims", std::move(rims)}, {"ocsp", std::move(ocsp)}};
  }
  return json::serialize(out);
}

std::string write_session(const SessionEvidence& evidence, const SessionChallenge& challenge) {
  return json::serialize(json::object{{"side", challenge.prover == Side::server ? "server" : "client"},
                                      {"exporter", to_hex(challenge.exporter)},
                                      {"verifier_nonce", to_hex(challenge.verifier_nonce)},
                                      {"evidence", to_base64(encode_session_evidence(evidence))}});
}

Collateral collateral_of(Bundle bundle) {
  Collateral out;
  if (bundle.intel) out.intel = IntelCollateral::read(*std::move(bundle.intel));
  if (bundle.amd) out.amd = std::make_shared<const AmdCollateral>(*std::move(bundle.amd));
  if (bundle.nvidia) out.nvidia = std::make_shared<const NvidiaFiles>(*std::move(bundle.nvidia));
  return out;
}

namespace {

Verdict judge_lone_gpus(const std::vector<LoneGpu>& gpus, const Policy& policy, const Trust& trust, Time now,
                        const Collateral& collateral) {
  Verdict v;
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    const auto& [evidence, nonce] = gpus[i];
    const auto files = collateral.nvidia ? files_about(evidence, *collateral.nvidia) : NvidiaCollateral{};
    const auto facts =
        verify_nvidia(v, evidence.report, evidence.chain, files, gpu_demands(policy, nonce), trust.gpus, now);
    v.pass_check("gpu", fmt::format("GPU {}: {} driver {} VBIOS {}", i, facts.chip, facts.versions.driver,
                                    facts.versions.vbios));
  }
  v.image_hash = image_hash_of_nothing();
  v.settle();
  return v;
}

}  // namespace

Verdict judge_presented(const Presented& shown, const Policy& policy, const Trust& trust, Time now,
                        const Collateral& collateral) {
  if (!shown.gpus.empty()) return judge_lone_gpus(shown.gpus, policy, trust, now, collateral);
  if (!shown.key) {
    auto v = verify_unbound(shown.evidence, policy, trust, now, collateral);
    if (shown.foreign) {
      v.require(shown.foreign->binds(v.report_data), "report-data", "BINDING_MISMATCH",
                "the evidence was made for another key", kForged, shown.form);
      v.settle();
    }
    return v;
  }
  if (!shown.session) {
    auto v = verify(shown.evidence, *shown.key, policy, trust, now, collateral);
    if (policy.session_binding)
      v.fail_check("session", "SESSION_MISSING", "nothing proves that the evidence is for a session",
                   "ask the node itself (HOST:PORT), or another node's /attestation about it");
    v.settle();
    return v;
  }
  auto certificate = verify(shown.evidence, *shown.key, at_certificate(policy), trust, now, collateral);
  if (!certificate.accepted) return certificate;
  return verify_session(shown.session->evidence, shown.session->challenge, certificate, policy, trust, now, collateral);
}

}  // namespace cocoon::tee
