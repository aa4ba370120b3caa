// Images of peers as the root contract lists them (contracts.md 4.2). An image that leaves the list
// while we look is accepted for a grace yet, so that a network moves to new images without a gap. After a restart
// nothing is known of what was listed before: only what is listed then is accepted.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <fmt/core.h>

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
    std::erase_if(left_, [&](const auto& one) { return listed.contains(one.first) || now - one.second >= grace_; });
    listed_ = listed;
  }

  bool accepts(const Bits256& image, Time now) const {
    const auto left = left_.find(image);
    return listed_.contains(image) || (left != left_.end() && now - left->second < grace_);
  }
  // What an operator should read of a peer whose image is in its grace; empty of any other.
  std::string warning(const Bits256& image, std::string_view peer, Time now) const {
    const auto left = left_.find(image);
    if (left == left_.end() || !accepts(image, now)) return {};
    return fmt::format("the image of {} has left the root contract's list: it is refused in {:.0f} s", peer,
                       to_seconds(left->second + grace_ - now));
  }

 private:
  Duration grace_;
  std::set<Bits256> listed_;
  std::map<Bits256, Time> left_;  // when it was first missing
};

}  // namespace cocoon::role
