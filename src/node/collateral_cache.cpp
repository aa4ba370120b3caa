#include "node/collateral_cache.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "node/secrets.hpp"

namespace cocoon::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBundle = 8 * 1024 * 1024;

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<CollateralName> parse_amd(std::string_view product, std::string_view kind) {
  if (kind != "vcek" && kind != "vlek") return std::nullopt;
  for (const auto line : {tee::SnpProduct::milan, tee::SnpProduct::genoa, tee::SnpProduct::turin})
    if (product == lower_case(tee::to_string(line))) return tee::AmdCollateralName{line, kind == "vlek"};
  return std::nullopt;
}

std::optional<CollateralName> parse_name(std::string_view stem) {
  const auto first = stem.find('-'), last = stem.rfind('-');
  if (first == stem.npos || first == last) return std::nullopt;
  const auto tee = stem.substr(0, first), middle = stem.substr(first + 1, last - first - 1), ca = stem.substr(last + 1);
  if (tee == "snp") return parse_amd(middle, ca);
  const auto fmspc = fixed_from_hex<6>(middle);
  if (!fmspc || (tee != "tdx" && tee != "sgx") || (ca != "platform" && ca != "processor")) return std::nullopt;
  tee::IntelCollateralName out;
  out.tdx = tee == "tdx";
  out.fmspc = *fmspc;
  out.processor_ca = ca == "processor";
  return out;
}

// Collateral as it is used, and until when; an error when a part cannot be read.
struct Usable {
  tee::Collateral collateral;
  Time fresh_until;
};

Result<Usable> use(const CollateralName& name, tee::Bundle files) {
  Usable out;
  if (const auto* amd = std::get_if<tee::AmdCollateralName>(&name)) {
    if (!files.amd) return fail("{}: nothing of AMD's", to_string(name));
    auto until = tee::amd_fresh_until(*files.amd, *amd);
    if (!until) return std::unexpected(std::move(until).error().within(to_string(name)));
    out.fresh_until = *until;
    out.collateral.amd = std::make_shared<const tee::AmdCollateral>(*std::move(files.amd));
    return out;
  }
  if (!files.intel) return fail("{}: nothing of Intel's", to_string(name));
  out.collateral.intel = tee::IntelCollateral::read(*std::move(files.intel));
  const auto& c = *out.collateral.intel;
  if (!c.tcb_info() || !c.qe_identity() || !c.pck_crl() || !c.root_crl() || !c.tcb_signer() || !c.qe_signer())
    return fail("{}: a part of the collateral cannot be read", to_string(name));
  out.fresh_until = std::min({c.tcb_info()->next_update, c.qe_identity()->next_update, c.pck_crl()->next_update,
                              c.root_crl()->next_update, c.tcb_signer()->not_after, c.qe_signer()->not_after});
  return out;
}

}  // namespace

std::string to_string(const CollateralName& name) {
  if (const auto* amd = std::get_if<tee::AmdCollateralName>(&name))
    return fmt::format("snp-{}-{}", lower_case(tee::to_string(amd->product)), amd->vlek ? "vlek" : "vcek");
  const auto& intel = std::get<tee::IntelCollateralName>(name);
  return fmt::format("{}-{}-{}", intel.tdx ? "tdx" : "sgx", to_hex(intel.fmspc.view()),
                     intel.processor_ca ? "processor" : "platform");
}

CollateralCache::CollateralCache(std::string directory, std::size_t limit)
    : directory_(std::move(directory)), limit_(std::max<std::size_t>(limit, 1)) {}

std::string CollateralCache::path_of(const CollateralName& name) const {
  return (fs::path(directory_) / (to_string(name) + ".json")).string();
}

std::vector<std::string> CollateralCache::load() {
  std::vector<std::string> skipped;
  std::error_code ec;
  if (directory_.empty()) return skipped;
  for (const auto& file : fs::directory_iterator(directory_, ec)) {
    if (file.path().extension() != ".json" || entries_.size() >= limit_) continue;
    const auto name = parse_name(file.path().stem().string());
    const auto text = read_file(file.path().string(), kMaxBundle);
    auto bundle = text ? tee::read_bundle(*text) : Result<tee::Bundle>(std::unexpected(text.error()));
    auto usable = name && bundle ? use(*name, *std::move(bundle)) : Result<Usable>(fail("no collateral"));
    if (!usable) {
      skipped.push_back(file.path().string());
      continue;
    }
    entries_[*name] = {.collateral = std::move(usable->collateral), .fresh_until = usable->fresh_until};
  }
  return skipped;
}

CollateralCache::Entry& CollateralCache::entry(const CollateralName& name, Time now) {
  if (!entries_.contains(name) && entries_.size() >= limit_)
    entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& e) { return e.second.asked; }));
  auto& out = entries_[name];
  out.asked = now;
  return out;
}

tee::Collateral CollateralCache::find(const CollateralName& name, Time now) {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return {};
  at->second.asked = now;
  return at->second.collateral;
}

void CollateralCache::want(const CollateralName& name, Time now) { entry(name, now); }

Result<> CollateralCache::put(const CollateralName& name, tee::Bundle files, Time now) {
  TRY_ASSIGN(auto fresh, use(name, files));
  auto& e = entry(name, now);
  // A service that serves older files than it did before is not followed back.
  if (fresh.fresh_until < e.fresh_until) return {};
  Result<> written;
  if (!directory_.empty()) {
    std::error_code ec;
    fs::create_directories(directory_, ec);
    written = write_file_atomically(path_of(name), tee::write_bundle(files), 0644);
  }
  e.collateral = std::move(fresh.collateral);
  e.fresh_until = fresh.fresh_until;
  e.fetched = now;
  return written;
}

std::vector<CollateralName> CollateralCache::due(Vendor vendor, Time now) {
  std::vector<CollateralName> out;
  for (auto& [name, e] : entries_) {
    if (std::holds_alternative<tee::AmdCollateralName>(name) != (vendor == Vendor::amd)) continue;
    if (e.tried != Time::min() && now < e.tried + std::chrono::minutes(1)) continue;
    if (const auto until = e.fresh_until; until != Time::min()) {
      // Loaded from disk: when it was fetched is not known, so its last quarter of a month counts.
      const auto from =
          e.fetched == Time::min() ? until - std::chrono::hours(24 * 7) : e.fetched + (until - e.fetched) / 2;
      if (now < from) continue;
    }
    e.tried = now;
    out.push_back(name);
  }
  return out;
}

Time CollateralCache::fresh_until(const CollateralName& name) const {
  const auto at = entries_.find(name);
  return at == entries_.end() ? Time::min() : at->second.fresh_until;
}

}  // namespace cocoon::node
