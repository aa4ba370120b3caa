// The disk under a proxy, as the store room promises it: one snapshot, replaced all or nothing, on disk once the write
// is answered. Before that answer a crash may keep the new one or the old one, and a disk that lies about its cache may
// leave a mixture of both.
#pragma once
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "faults.hpp"

namespace cocoon::sim {

// What was written, under a number that the auditor knows it by. Number 0 is the empty disk.
struct Image {
  std::uint64_t number = 0;
  Bytes data;
};

class Disk {
 public:
  explicit Disk(std::uint64_t first_number = 0) : next_number_(first_number) {}
  std::uint64_t next_number() { return ++next_number_; }
  void begin(Image image) { unsynced_ = std::move(image); }
  void sync() {
    if (!unsynced_) return;
    history_.push_back(std::move(durable_));
    durable_ = *std::exchange(unsynced_, std::nullopt);
  }
  void abandon() { unsynced_.reset(); }  // the write failed; the process knows

  // After the process died. A torn image has no number of its own: it must not be accepted.
  void crash(Dice& dice, Faults& faults) {
    if (!unsynced_) return;
    auto written = *std::exchange(unsynced_, std::nullopt);
    auto torn = tear(durable_.data, written.data, dice);
    if (torn != durable_.data && torn != written.data && faults.strikes(Fault::write_torn)) {
      torn_ = std::move(torn);
    } else if (dice.percent(50)) {
      faults.count(Fault::write_kept);
      history_.push_back(std::move(durable_));
      durable_ = std::move(written);
    } else {
      faults.count(Fault::write_lost);
    }
  }

  const Image& durable() const { return durable_; }
  const std::optional<Bytes>& torn() const { return torn_; }
  void repair() { torn_.reset(); }  // the operator puts the last good one back

  std::size_t history() const { return history_.size(); }
  // An older copy, `back` writes ago (1: the one before). The newer ones are kept aside.
  Image older(std::size_t back) const { return history_.at(history_.size() - back); }
  void replace(Image image) {
    history_.push_back(std::move(durable_));
    durable_ = std::move(image);
  }

 private:
  static Bytes tear(const Bytes& old, const Bytes& young, Dice& dice) {
    Bytes out = young;
    const auto at = young.empty() ? 0 : dice.below(young.size());
    for (std::size_t i = at; i < out.size(); ++i) out[i] = i < old.size() ? old[i] : 0;
    if (out.size() > old.size() && dice.percent(30)) out.resize(std::max(old.size(), at));
    return out;
  }

  std::uint64_t next_number_;
  Image durable_;
  std::optional<Image> unsynced_;
  std::optional<Bytes> torn_;
  std::vector<Image> history_;
};

}  // namespace cocoon::sim
