// Collateral on disk and in memory: what was downloaded for which platform, when it must be renewed, and what is at
// hand. No network: collateral_service.hpp fetches.
#pragma once
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "tee/presented.hpp"
#include "tee/snp_verify.hpp"
#include "tee/verify.hpp"

namespace cocoon::node {

// What is published together: of one platform family of Intel's, of one product line of AMD's.
using CollateralName = std::variant<tee::IntelCollateralName, tee::AmdCollateralName>;
// Its name in files and logs: "tdx-90c06f000000-platform", "snp-milan-vcek".
std::string to_string(const CollateralName&);

class CollateralCache {
 public:
  // `directory`: one bundle per name, <name>.json; empty: memory only. At most `limit` of them, because the names
  // come from peers; the one that was asked for least recently makes room.
  explicit CollateralCache(std::string directory, std::size_t limit = 256);

  // Reads what the directory holds; files that are no bundles are skipped and named in the result.
  std::vector<std::string> load();

  // Nothing in it when there is none. Asking keeps an entry from being forgotten.
  tee::Collateral find(const CollateralName&, Time now);
  // A name without an entry is remembered as wanted. An entry that is older in no part replaces the one before; the
  // file is written before the entry is used. An error: the file could not be written (the entry is used all the same).
  void want(const CollateralName&, Time now);
  Result<> put(const CollateralName&, tee::Bundle, Time now);

  // What to fetch now of one vendor's: wanted and absent, or past the middle of its remaining life, not tried in the
  // last minute.
  enum class Vendor { intel, amd };
  std::vector<CollateralName> due(Vendor vendor, Time now);
  // The end of the window in which all parts of the entry are valid; Time::min() when there is none.
  Time fresh_until(const CollateralName&) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    tee::Collateral collateral;  // nothing in it: wanted only
    Time fresh_until = Time::min();
    Time fetched = Time::min(), tried = Time::min(), asked = Time::min();
  };
  Entry& entry(const CollateralName&, Time now);
  std::string path_of(const CollateralName&) const;

  std::string directory_;
  std::size_t limit_;
  std::map<CollateralName, Entry> entries_;
};

}  // namespace cocoon::node
