#include "node/collateral_cache.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "node/secrets.hpp"

namespace cocoon::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBundle = 8 * 1024 * 1024;

std::optional<tee::IntelCollateralName> parse_name(std::string_view stem) {
  tee::IntelCollateralName out;
  const auto first = stem.find('-'), last = stem.rfind('-');
  if (first == stem.npos || first == last) return std::nullopt;
  const auto tee = stem.substr(0, first), ca = stem.substr(last + 1);
  const auto fmspc = fixed_from_hex<6>(stem.substr(first + 1, last - first - 1));
  if (!fmspc || (tee != "tdx" && tee != "sgx") || (ca != "platform" && ca != "processor")) return std::nullopt;
  out.tdx = tee == "tdx";
  out.fmspc = *fmspc;
  out.processor_ca = ca == "processor";
  return out;
}

}  // namespace

std::string to_string(const tee::IntelCollateralName& name) {
  return fmt::format("{}-{}-{}", name.tdx ? "tdx" : "sgx", to_hex(name.fmspc.view()),
                     name.processor_ca ? "processor" : "platform");
}

Time fresh_until(const tee::IntelCollateral& c) {
  if (!c.tcb_info() || !c.qe_identity() || !c.pck_crl() || !c.root_crl() || !c.tcb_signer() || !c.qe_signer())
    return Time::min();
  return std::min({c.tcb_info()->next_update, c.qe_identity()->next_update, c.pck_crl()->next_update,
                   c.root_crl()->next_update, c.tcb_signer()->not_after, c.qe_signer()->not_after});
}

CollateralCache::CollateralCache(std::string directory, std::size_t limit)
    : directory_(std::move(directory)), limit_(std::max<std::size_t>(limit, 1)) {}

std::string CollateralCache::path_of(const tee::IntelCollateralName& name) const {
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
    const auto bundle = text ? tee::read_bundle(*text) : Result<tee::Bundle>(std::unexpected(text.error()));
    if (!name || !bundle || !bundle->intel) {
      skipped.push_back(file.path().string());
      continue;
    }
    entries_[*name].collateral = tee::IntelCollateral::read(*bundle->intel);
  }
  return skipped;
}

CollateralCache::Entry& CollateralCache::entry(const tee::IntelCollateralName& name, Time now) {
  if (!entries_.contains(name) && entries_.size() >= limit_)
    entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& e) { return e.second.asked; }));
  auto& out = entries_[name];
  out.asked = now;
  return out;
}

std::shared_ptr<const tee::IntelCollateral> CollateralCache::find(const tee::IntelCollateralName& name, Time now) {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return nullptr;
  at->second.asked = now;
  return at->second.collateral;
}

void CollateralCache::want(const tee::IntelCollateralName& name, Time now) { entry(name, now); }

Result<> CollateralCache::put(const tee::IntelCollateralName& name, tee::IntelCollateralFiles files, Time now) {
  auto fresh = tee::IntelCollateral::read(std::move(files));
  if (node::fresh_until(*fresh) == Time::min())
    return fail("{}: a part of the collateral cannot be read", to_string(name));
  auto& e = entry(name, now);
  // A service that serves older files than it did before is not followed back.
  if (e.collateral && node::fresh_until(*fresh) < node::fresh_until(*e.collateral)) return {};
  Result<> written;
  if (!directory_.empty()) {
    tee::Bundle bundle;
    bundle.intel = fresh->files();
    std::error_code ec;
    fs::create_directories(directory_, ec);
    written = write_file_atomically(path_of(name), tee::write_bundle(bundle), 0644);
  }
  e.collateral = std::move(fresh);
  e.fetched = now;
  return written;
}

std::vector<tee::IntelCollateralName> CollateralCache::due(Time now, Duration retry) {
  std::vector<tee::IntelCollateralName> out;
  for (auto& [name, e] : entries_) {
    if (e.tried != Time::min() && now < e.tried + retry) continue;
    if (e.collateral) {
      const auto until = node::fresh_until(*e.collateral);
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

Time CollateralCache::fresh_until(const tee::IntelCollateralName& name) const {
  const auto at = entries_.find(name);
  return at == entries_.end() || !at->second.collateral ? Time::min() : node::fresh_until(*at->second.collateral);
}

}  // namespace cocoon::node
