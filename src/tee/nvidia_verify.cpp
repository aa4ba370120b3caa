#include "tee/nvidia_verify.hpp"

#include <algorithm>
#include <set>

#include "tee/der.hpp"

namespace cocoon::tee {
namespace {

constexpr std::size_t kMaxChain = 8;
constexpr std::size_t kMaxRims = 4;
constexpr std::uint8_t kDisabled = 0x55;
constexpr unsigned kNvdec0Index = 35;  // golden value that is absent while NVDEC0 is off
constexpr std::string_view kFwidOid = "2.23.133.5.4.1";
constexpr std::string_view kFetchRim = "fetch the reference values for these versions from NVIDIA again";

const TrustedRoot* find_root(const std::vector<TrustedRoot>& roots, const Certificate& root) {
  const auto at = std::ranges::find(roots, root.sha256(), &TrustedRoot::sha256);
  return at == roots.end() ? nullptr : &*at;
}

// Signatures and roles hold at every time; the time is a check of its own.
Result<> check_links(const std::vector<Certificate>& chain) {
  for (std::size_t i = 0; i < chain.size(); ++i) TRY(check_link(chain, i, SignedWith::ecdsa_sha384));
  return {};
}

Result<> check_times(Verdict& v, const std::vector<Certificate>& chain, Time now) {
  Result<> out;
  for (const auto& certificate : chain) {
    v.narrow(certificate.not_before(), certificate.not_after());
    if (out) out = certificate.valid_at(now);
  }
  return out;
}

// "GH100 A01 GSP FMC LF" is a Hopper, "LS_10 A01 FSP FMC LF" a switch.
std::optional<NvidiaProduct> product_of(std::string_view leaf_name, std::string& chip) {
  auto word = leaf_name.substr(0, leaf_name.find(' '));
  chip = word == "LS_10" ? "LS10" : std::string(word);
  if (chip == "LS10") return NvidiaProduct::ls10;
  if (chip.starts_with("GH1")) return NvidiaProduct::hopper;
  if (chip.starts_with("GB1") || chip.starts_with("GB2")) return NvidiaProduct::blackwell;
  return std::nullopt;
}

// The firmware's hash in the leaf: the one SHA-384 (OID, OCTET STRING of 48 bytes) inside the extension, whose
// structure around it differs between products.
Result<Bytes> certified_fwid(const Certificate& leaf) {
  TRY_ASSIGN(const auto value, leaf.extension(kFwidOid));
  if (!value) return fail("the leaf names no firmware");
  auto head = der::write_oid("2.16.840.1.101.3.4.2.2");
  append(head, Bytes{der::octet_string, 48});
  const auto first = std::ranges::search(*value, head);
  if (first.empty() || value->end() - first.end() < 48) return fail("the leaf's firmware hash is not SHA-384");
  if (!std::ranges::search(std::ranges::subrange(first.end(), value->end()), head).empty())
    return fail("the leaf names more than one firmware");
  return Bytes(first.end(), first.end() + 48);
}

void check_fwid(Verdict& v, const SpdmEvidence& evidence, const Certificate& leaf) {
  const auto told = evidence.field(NvidiaField::fwid);
  // The evidence is signed: where the hash is not in it, the device does not repeat what its certificate says
  // (switches).
  if (!told) return v.skip_check("fwid", "the device does not tell it; its certificate does");
  const auto certified = certified_fwid(leaf);
  v.require(certified && std::ranges::equal(*told, *certified), "fwid", "FWID_MISMATCH",
            certified ? "the evidence tells another firmware than its certificate" : certified.error().what, kForged);
}

void check_nonce(Verdict& v, const SpdmEvidence& evidence, const NvidiaDemands& demands) {
  if (!demands.nonce) return v.skip_check("nonce", "no nonce was demanded");
  v.require(evidence.nonce == *demands.nonce, "nonce", "NONCE_MISMATCH", "the evidence answers another nonce",
            "ask the device for fresh evidence");
}

// A good answer for `subject` among all that were fetched.
Result<Time> find_ocsp(const std::vector<Bytes>& responses, const Certificate& subject, const Certificate& issuer,
                       Time now) {
  Result<Time> last = fail("no OCSP response about '{}'", subject.common_name());
  for (const auto& response : responses) {
    auto found = check_ocsp(response, subject, issuer, now);
    if (found) return found;
    if (names_subject(response, subject, issuer)) last = std::move(found);
  }
  return last;
}

// Certificates [from, root) of the chain.
void check_answers(Verdict& v, std::string name, const std::vector<Certificate>& chain, std::size_t from,
                   const NvidiaCollateral& collateral, bool demanded, Time now) {
  if (collateral.ocsp.empty() && !demanded) return v.skip_check(std::move(name), "no OCSP responses at hand");
  Result<> good;
  for (std::size_t i = from; good && i + 1 < chain.size(); ++i) {
    const auto until = find_ocsp(collateral.ocsp, chain[i], chain[i + 1], now);
    if (until)
      v.narrow(Time::min(), *until);
    else
      good = std::unexpected(until.error());
  }
  v.require(good.has_value(), std::move(name), "OCSP", good ? "" : good.error().what,
            "fetch the OCSP responses again; a revoked device proves nothing");
}

void check_device(Verdict& v, const SpdmEvidence& evidence, const std::vector<Certificate>& chain,
                  const NvidiaCollateral& collateral, const NvidiaDemands& demands, const NvidiaRoots& roots, Time now,
                  NvidiaFacts& facts) {
  const auto links = check_links(chain);
  v.require(links.has_value(), "chain", "CHAIN", links ? "" : links.error().what, kForged);
  const auto* root = find_root(roots.device, chain.back());
  v.signer = root ? root->name : chain.back().common_name();
  v.simulated = root && root->simulated;
  v.require(root != nullptr, "root", "UNTRUSTED_ROOT",
            fmt::format("the device's chain ends in an unknown root ({})", chain.back().common_name()), kForged);
  const auto times = check_times(v, chain, now);
  v.require(times.has_value(), "validity", "CERT_TIME", times ? "" : times.error().what, "check this machine's clock");
  facts.product = product_of(chain.front().common_name(), facts.chip);
  v.require(facts.product.has_value(), "product", "UNSUPPORTED_PRODUCT",
            fmt::format("'{}' is no known device", chain.front().common_name()),
            "use a version that knows this device");
  // The certificate below the provisioner is of the chip itself: its serial number is the device's.
  v.platform_id = chain[1].serial();
  check_fwid(v, evidence, chain.front());
  check_nonce(v, evidence, demands);
  const auto key = chain.front().p384_key();
  v.require(key && p384_verify(*key, evidence.signed_part, evidence.signature), "signature", "REPORT_SIG_INVALID",
            key ? "the evidence is not signed by the device" : key.error().what, kForged);
  // The leaf is made on the chip at each start: no responder knows it.
  check_answers(v, "ocsp", chain, 1, collateral, demands.ocsp, now);
}

// --- Reference values

void check_rim_signer(Verdict& v, const Rim& rim, const NvidiaCollateral& collateral, const NvidiaDemands& demands,
                      const NvidiaRoots& roots, Time now) {
  v.require(rim.digest.has_value(), "rim-digest", "RIM_DIGEST_MISMATCH", rim.digest ? "" : rim.digest.error().what,
            kFetchRim);
  v.require(rim.signature.has_value(), "rim-signature", "RIM_SIG_INVALID",
            rim.signature ? "" : rim.signature.error().what, kFetchRim);
  const auto links = rim.signer.size() < 2 ? Result<>(fail("the manifest carries no chain")) : check_links(rim.signer);
  v.require(links.has_value(), "rim-chain", "RIM_CERT", links ? "" : links.error().what, kFetchRim);
  v.require(find_root(roots.rim, rim.signer.back()) != nullptr, "rim-root", "RIM_CERT",
            fmt::format("the manifest's chain ends in an unknown root ({})", rim.signer.back().common_name()),
            kFetchRim);
  Result<> valid;
  const auto judged_at = demands.expired_rim_signers ? rim.signer.front().not_before() : now;
  for (const auto& each : rim.signer)
    if (valid) valid = each.valid_at(judged_at);
  const bool expired = valid && rim.signer.front().not_after() < now;
  v.require(valid.has_value(), "rim-validity", "RIM_CERT", valid ? "" : valid.error().what,
            "fetch newer reference values, or accept expired signers in the policy",
            expired ? "the signer has expired; taken as of the time when it began to sign" : "");
  if (!expired)
    for (const auto& each : rim.signer) v.narrow(each.not_before(), each.not_after());
  check_answers(v, "rim-ocsp", rim.signer, 0, collateral, demands.ocsp, now);
}

// Is this manifest about this device?
bool fits(const Rim& rim, const NvidiaFacts& facts, bool driver) {
  return rim.product == facts.chip && rim.version == (driver ? facts.versions.driver : facts.versions.vbios);
}

// One manifest for the VBIOS, one for the driver when it has any; none about something else.
void check_rim_match(Verdict& v, const std::vector<Rim>& rims, const NvidiaFacts& facts, bool all) {
  std::string why;
  for (const bool driver : {true, false}) {
    if (driver && facts.versions.driver.empty()) continue;
    const auto n = std::ranges::count_if(rims, [&](const Rim& rim) { return fits(rim, facts, driver); });
    if ((n > 1 || (n == 0 && all)) && why.empty())
      why = fmt::format("{} manifests for {} {}", n, driver ? "driver" : "VBIOS",
                        driver ? facts.versions.driver : facts.versions.vbios);
  }
  for (const auto& rim : rims)
    if (why.empty() && !fits(rim, facts, true) && !fits(rim, facts, false))
      why = fmt::format("a manifest for {} {}", rim.product, rim.version);
  v.require(why.empty(), "rim-match", "RIM_VERSION", why, kFetchRim);
}

void compare(Verdict& v, const SpdmEvidence& evidence, const std::vector<Rim>& rims, NvidiaFacts& facts) {
  const auto nvdec0 = evidence.field(NvidiaField::nvdec0_status);
  const bool nvdec0_off = nvdec0 && nvdec0->size() == 1 && (*nvdec0)[0] == kDisabled;
  std::set<unsigned> seen;
  for (const auto& rim : rims) {
    for (const auto& golden : rim.active) {
      if (!seen.insert(golden.index).second)
        return v.fail_check("measurements", "MEASUREMENT_MISMATCH",
                            fmt::format("two manifests tell measurement {}", golden.index), kFetchRim);
      ++facts.golden;
      if (golden.index == kNvdec0Index && nvdec0_off && facts.product != NvidiaProduct::ls10) continue;
      const auto at = evidence.measurements.find(golden.index + 1);
      const bool same = at != evidence.measurements.end() &&
                        std::ranges::any_of(golden.alternatives, [&](const FixedBytes<48>& value) {
                          return std::ranges::equal(value, at->second);
                        });
      if (!same) facts.mismatches.push_back(golden.index);
    }
  }
  std::ranges::sort(facts.mismatches);
  std::string which;
  for (const auto index : facts.mismatches) which += fmt::format("{}{}", which.empty() ? "" : ",", index);
  v.require(
      facts.mismatches.empty(), "measurements", fmt::format("MEASUREMENT_MISMATCH({})", which),
      fmt::format("{} of {} golden values are not what the device measured", facts.mismatches.size(), facts.golden),
      "run the firmware and driver that NVIDIA signed reference values for");
}

void check_rims(Verdict& v, const SpdmEvidence& evidence, const NvidiaCollateral& collateral,
                const NvidiaDemands& demands, const NvidiaRoots& roots, Time now, NvidiaFacts& facts) {
  if (collateral.rims.empty() && !demands.rims) return v.skip_check("measurements", "no reference values at hand");
  if (collateral.rims.empty() || collateral.rims.size() > kMaxRims)
    return v.fail_check("measurements", "RIM_MISSING",
                        fmt::format("{} manifests of reference values", collateral.rims.size()), kFetchRim);
  std::vector<Rim> rims;
  for (const auto& xml : collateral.rims) {
    auto rim = read_rim(xml);
    if (!rim) return v.fail_check("rim-format", "RIM_MALFORMED", rim.error().what, kFetchRim);
    v.pass_check("rim-format", rim->product + " " + rim->version);
    check_rim_signer(v, *rim, collateral, demands, roots, now);
    rims.push_back(*std::move(rim));
  }
  check_rim_match(v, rims, facts, demands.all_rims);
  compare(v, evidence, rims, facts);
}

}  // namespace

NvidiaRoots NvidiaRoots::nvidia() {
  const auto root = [](std::string_view sha256, const char* name) {
    return TrustedRoot{fixed_from_hex<32>(sha256).value_or(Bits256{}), name, false};
  };
  return {{root("102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48", "NVIDIA Device Identity CA")},
          {root("12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1", "NVIDIA CoRIM signing Root CA")}};
}

Result<std::vector<std::string>> rim_names(const GpuEvidence& gpu) {
  TRY_ASSIGN(const auto evidence, parse_spdm_evidence(gpu.report));
  TRY_ASSIGN(const auto chain, read_certificates(gpu.chain, kMaxChain));
  std::string chip;
  const auto product = product_of(chain.front().common_name(), chip);
  if (!product) return fail("'{}' is no known device", chain.front().common_name());
  return rim_names(evidence, *product, chip);
}

NvidiaCollateral files_about(const GpuEvidence& gpu, const NvidiaFiles& files) {
  NvidiaCollateral out{{}, files.ocsp};
  if (const auto names = rim_names(gpu))
    for (const auto& name : *names)
      if (const auto found = files.rims.find(name); found != files.rims.end()) out.rims.push_back(found->second);
  return out;
}

NvidiaFacts verify_nvidia(Verdict& v, BytesView bytes, std::string_view chain_pem, const NvidiaCollateral& collateral,
                          const NvidiaDemands& demands, const NvidiaRoots& roots, Time now) {
  v.kind = TeeKind::gpu;
  NvidiaFacts facts;
  const auto evidence = parse_spdm_evidence(bytes);
  if (!evidence) {
    v.fail_check("format", "MALFORMED", evidence.error().what, "present SPDM 1.1 measurements with their request");
    return facts;
  }
  v.pass_check("format");
  const auto chain = read_certificates(chain_pem, kMaxChain);
  if (!chain || chain->size() < 3) {
    v.fail_check("chain", "CHAIN", chain ? "the device's chain is too short" : chain.error().what, kForged);
    return facts;
  }
  v.tcb = TcbStatus::valid;
  check_device(v, *evidence, *chain, collateral, demands, roots, now, facts);
  if (!facts.product) return facts;
  auto versions = versions_of(*evidence, *facts.product);
  v.require(versions.has_value(), "versions", "VERSIONS", versions ? "" : versions.error().what, kForged);
  if (!versions) return facts;
  facts.versions = *std::move(versions);
  check_rims(v, *evidence, collateral, demands, roots, now, facts);
  return facts;
}

}  // namespace cocoon::tee
