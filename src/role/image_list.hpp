// Images of peers as the root contract lists them (attestation.md 6, contracts.md 4.2). An image that leaves the list
// while we look is accepted for a grace yet, so that a network moves to new images without a gap. After a restart
// nothing is known of what was listed before: only what is listed then is accepted.
#pragma once
#include <map>
#include <set>
#include <string>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace cocoon::role {

class ImageList {
 public:
  explicit ImageList(Duration grace) : grace_(grace) {}

  // A newer state of the root contract.
  void adopt(const std::set<Bits256>& listed, Time now) {
    for (const auto& image : listed_)
      if (!listed.contains(image)) left_.emplace(image, now);
    for (const auto& image : listed) left_.erase(image);
    listed_ = listed;
  }

  bool lists(const Bits256& image) const { return listed_.contains(image); }
  bool accepts(const Bits256& image, Time now) const {
    const auto left = left_.find(image);
    return lists(image) || (left != left_.end() && now - left->second < grace_);
  }

 private:
  Duration grace_;
  std::set<Bits256> listed_;
  std::map<Bits256, Time> left_;  // when it was first missing
};

}  // namespace cocoon::role
