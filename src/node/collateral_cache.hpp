// Collateral on disk and in memory: what was downloaded for which platform, when it must be renewed, and what is at
// hand. No network: collateral_service.hpp fetches.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tee/presented.hpp"
#include "tee/verify.hpp"

namespace cocoon::node {

// The name of a platform's collateral in files and logs: "tdx-90c06f000000-platform".
std::string to_string(const tee::IntelCollateralName&);

class CollateralCache {
 public:
  // `directory`: one bundle per platform, <name>.json; empty: memory only. At most `limit` platforms, because the names
  // come from peers; the one that was asked for least recently makes room.
  explicit CollateralCache(std::string directory, std::size_t limit = 256);

  // Reads what the directory holds; files that are no bundles are skipped and named in the result.
  std::vector<std::string> load();

  // Null when there is none. Asking keeps an entry from being forgotten.
  std::shared_ptr<const tee::IntelCollateral> find(const tee::IntelCollateralName&, Time now);
  // A name without an entry is remembered as wanted. An entry that is older in no part replaces the one before; the
  // file is written before the entry is used. An error: the file could not be written (the entry is used all the same).
  void want(const tee::IntelCollateralName&, Time now);
  Result<> put(const tee::IntelCollateralName&, tee::IntelCollateralFiles, Time now);

  // What to fetch now: wanted and absent, or past the middle of its remaining life, not tried within `retry`.
  std::vector<tee::IntelCollateralName> due(Time now, Duration retry = std::chrono::minutes(1));
  // The end of the window in which all parts of the entry are valid; Time::min() when there is none.
  Time fresh_until(const tee::IntelCollateralName&) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::shared_ptr<const tee::IntelCollateral> collateral;  // null: wanted only
    Time fetched = Time::min(), tried = Time::min(), asked = Time::min();
  };
  Entry& entry(const tee::IntelCollateralName&, Time now);
  std::string path_of(const tee::IntelCollateralName&) const;

  std::string directory_;
  std::size_t limit_;
  std::map<tee::IntelCollateralName, Entry> entries_;
};

// When the first of its parts goes stale; Time::min() when a part cannot be read.
Time fresh_until(const tee::IntelCollateral&);

}  // namespace cocoon::node
