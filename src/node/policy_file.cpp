#include "node/policy_file.hpp"

#include <algorithm>
#include <sstream>

#include <toml++/toml.h>

#include "base/log.hpp"
#include "node/config.hpp"
#include "node/secrets.hpp"

namespace cocoon::node {
namespace {

constexpr std::size_t kMaxPolicyFile = 256 * 1024;

// A policy as it is written.
struct Written {
  std::string level = "tee", worst_tcb = "UpToDate";
  std::vector<std::string> kinds{"tdx", "snp"}, images, allowed_advisories, platforms, tiers;
  bool accept_unevaluated_collateral = false, allow_debug = false, allow_service_td = false, gpu_required = false,
       session_binding = false, only_known_platforms = false, gpu_reference_values = true, gpu_revocation = true,
       gpu_expired_signers = false;
  std::uint32_t min_evaluation_number = 0;
  unsigned max_vmpl = 0;
  Duration collateral_grace{0}, verdict_lifetime = std::chrono::hours(1);

  void add_keys(ConfigTable& t) {
    t.key("level", level,
          "tee: evidence must earn an accepted verdict; fake_tee: it must be there, unread; any: no evidence");
    t.key("kinds", kinds, "kinds of evidence that are accepted: tdx, snp, sgx");
    t.key("images", images, "image hashes, hex; empty: those that the root contract lists");
    t.key("worst_tcb", worst_tcb,
          "worst status of a platform: UpToDate, SWHardeningNeeded, ConfigurationNeeded, "
          "ConfigurationAndSWHardeningNeeded, "
          "TDRelaunchAdvised, OutOfDate, ...");
    t.key("min_evaluation_number", min_evaluation_number, "oldest tcbEvaluationDataNumber of collateral; 0: any", 0,
          1'000'000);
    t.key("allowed_advisories", allowed_advisories, "open advisories that are accepted, or \"any\"");
    t.key("debug", allow_debug, "accept machines in debug mode, which their owner can read");
    t.key("service_td", allow_service_td, "accept TDs with a service TD bound to them");
    t.key("max_vmpl", max_vmpl, "least privileged VMPL that may ask for an SNP report", 0, 3);
    t.key("session_binding", session_binding,
          "refuse peers whose evidence is not also made for the TLS session; older nodes cannot do that");
    t.key("gpu_required", gpu_required,
          "require verified GPU evidence bound to the machine's and to the session; older nodes cannot show any");
    t.key("gpu_reference_values", gpu_reference_values,
          "GPUs: firmware and driver must be what NVIDIA's manifests say (tee.gpu_collateral)");
    t.key("gpu_revocation", gpu_revocation, "GPUs: certificates must have good OCSP answers (tee.gpu_collateral)");
    t.key("gpu_expired_signers", gpu_expired_signers, "GPUs: take manifests whose signer has expired since it signed");
    t.key("platforms", platforms, "known machines, \"tier:id\" with the PPID or chip id in hex");
    t.key("only_known_platforms", only_known_platforms, "refuse machines that platforms does not list");
    t.key("tiers", tiers, "tiers of known machines that are accepted; empty: every machine");
    t.key("accept_unevaluated_collateral", accept_unevaluated_collateral,
          "accept genuine hardware whose revocation and TCB state has not been looked up");
    t.key("collateral_grace", collateral_grace, "how long stale collateral is used while its source is down");
    t.key("verdict_lifetime", verdict_lifetime, "how long a verdict holds at most");
  }
};

Result<tee::Policy::Level> read_level(const std::string& text) {
  using enum tee::Policy::Level;
  for (const auto level : {any, fake_tee, tee::Policy::Level::tee})
    if (text == to_string(level)) return level;
  return fail("level: \"{}\" is none of tee, fake_tee, any", text);
}

Result<tee::TeeKind> read_kind(const std::string& text) {
  for (const auto kind : {tee::TeeKind::tdx, tee::TeeKind::snp, tee::TeeKind::sgx})
    if (text == to_string(kind)) return kind;
  return fail("kinds: \"{}\" is none of tdx, snp, sgx", text);
}

Result<tee::KnownPlatform> read_platform(const std::string& text) {
  const auto at = text.find(':');
  if (at == std::string::npos || at == 0) return fail("platforms: \"{}\" is not tier:id", text);
  auto id = from_hex(std::string_view(text).substr(at + 1));
  if (!id || (id->size() != 16 && id->size() != 64))
    return fail("platforms: \"{}\" does not end in a PPID (32 hex digits) or a chip id (128)", text);
  return tee::KnownPlatform{*std::move(id), text.substr(0, at)};
}

Result<tee::Policy> understand(const std::string& name, const Written& w) {
  tee::Policy out;
  out.name = name;
  TRY_ASSIGN(out.level, read_level(w.level));
  out.kinds.clear();
  for (const auto& text : w.kinds) {
    TRY_ASSIGN(const auto kind, read_kind(text));
    out.kinds.push_back(kind);
  }
  for (const auto& text : w.images) {
    const auto hash = fixed_from_hex<32>(text);
    if (!hash) return fail("images: \"{}\" is not 64 hex digits", text);
    out.image_hashes.push_back(*hash);
  }
  TRY_ASSIGN(out.worst_tcb, tee::parse_tcb_status(w.worst_tcb));
  if (out.worst_tcb == tee::TcbStatus::not_judged) return fail("worst_tcb: say accept_unevaluated_collateral instead");
  out.min_evaluation_number = w.min_evaluation_number;
  out.any_advisory = std::ranges::find(w.allowed_advisories, "any") != w.allowed_advisories.end();
  out.allowed_advisories = w.allowed_advisories;
  out.allow_debug = w.allow_debug;
  out.allow_service_td = w.allow_service_td;
  out.max_vmpl = w.max_vmpl;
  out.session_binding = w.session_binding;
  out.gpu_required = w.gpu_required;
  out.gpu_reference_values = w.gpu_reference_values;
  out.gpu_revocation = w.gpu_revocation;
  out.gpu_expired_signers = w.gpu_expired_signers;
  for (const auto& text : w.platforms) {
    TRY_ASSIGN(auto platform, read_platform(text));
    out.platforms.push_back(std::move(platform));
  }
  out.only_known_platforms = w.only_known_platforms;
  out.tiers = w.tiers;
  out.accept_unevaluated_collateral = w.accept_unevaluated_collateral;
  out.collateral_grace = w.collateral_grace;
  out.verdict_lifetime = w.verdict_lifetime;
  return out;
}

Result<tee::Policy> read_policy(const std::string& name, const toml::table& table, std::string_view file_name) {
  Written written;
  ConfigTable keys;
  written.add_keys(keys);
  std::ostringstream text;
  text << table;
  const auto where = fmt::format("{}: policy \"{}\"", file_name, name);
  if (auto loaded = keys.load(text.str(), where); !loaded) return std::unexpected(std::move(loaded).error());
  auto out = understand(name, written);
  if (!out) return std::unexpected(std::move(out).error().within(where));
  return out;
}

}  // namespace

Result<Policies> parse_policies(std::string_view toml_text, std::string_view file_name) {
  toml::table root;
  try {
    root = toml::parse(toml_text, file_name);
  } catch (const toml::parse_error& e) {
    return fail("{}:{}: {}", file_name, e.source().begin.line, e.description());
  }
  Policies out;
  for (const auto& [key, node] : root) {
    if (key.str() != "policy" || !node.is_table())
      return fail("{}: \"{}\" is not known; policies are tables [policy.NAME]", file_name, key.str());
    for (const auto& [name, policy] : *node.as_table()) {
      const auto* table = policy.as_table();
      if (!table) return fail("{}: policy.{} is not a table", file_name, name.str());
      TRY_ASSIGN(auto read, read_policy(std::string(name.str()), *table, file_name));
      out.emplace(name.str(), std::move(read));
    }
  }
  if (out.empty()) return fail("{}: there is no [policy.NAME]", file_name);
  return out;
}

Result<Policies> load_policies(const std::string& path) {
  TRY_ASSIGN(const auto text, read_file(path, kMaxPolicyFile));
  return parse_policies(text, path);
}

Result<tee::Policy> find_policy(const std::string& reference) {
  if (reference == "default") return tee::Policy{};
  const auto at = reference.rfind('#');
  TRY_ASSIGN(const auto all, load_policies(reference.substr(0, at)));
  if (at == std::string::npos && all.size() == 1) return all.begin()->second;
  const auto name = at == std::string::npos ? std::string("default") : reference.substr(at + 1);
  const auto found = all.find(name);
  if (found == all.end()) return fail("{}: there is no policy \"{}\"", reference.substr(0, at), name);
  return found->second;
}

std::string policy_example() {
  Written written;
  ConfigTable keys;
  written.add_keys(keys);
  return "[policy.default]\n" + keys.example();
}

std::vector<std::string> looseness(const tee::Policy& policy) {
  using Level = tee::Policy::Level;
  if (policy.level == Level::any) return {"anybody is accepted, with or without evidence"};
  if (policy.level == Level::fake_tee) return {"evidence is not read: anybody can make it up"};
  std::vector<std::string> out;
  if (policy.accept_unevaluated_collateral) out.emplace_back("hardware is accepted whose patch level nobody checked");
  if (policy.any_advisory) out.emplace_back("every open advisory is accepted");
  if (policy.allow_debug) out.emplace_back("machines in debug mode are accepted: their owner can read them");
  if (tee::severity(policy.worst_tcb) >= tee::severity(tee::TcbStatus::revoked))
    out.emplace_back("even revoked platforms are accepted");
  return out;
}

}  // namespace cocoon::node
