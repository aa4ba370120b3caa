#include <algorithm>
#include <bit>
#include <unordered_map>

#include "ton/boc.hpp"

namespace cocoon::ton {

namespace {

// Distinct cells in the order in which they are written: a parent before its children, the first child's tree first.
class Order {
 public:
  explicit Order(std::span<const Cell> roots) {
    for (std::size_t i = roots.size(); i-- > 0;) visit(roots[i]);
    std::reverse(cells_.begin(), cells_.end());
    for (std::size_t i = 0; i < cells_.size(); ++i) index_[cells_[i].hash()] = i;
  }

  const std::vector<Cell>& cells() const { return cells_; }
  std::size_t index(const Cell& c) const { return index_.at(c.hash()); }

 private:
  // Post-order without recursion, children from last to first.
  void visit(const Cell& root) {
    struct Step {
      Cell cell;
      unsigned refs_left;
    };
    if (!index_.try_emplace(root.hash(), 0).second) return;
    std::vector<Step> path{{root, root.ref_count()}};
    while (!path.empty()) {
      Step& top = path.back();
      if (top.refs_left == 0) {
        cells_.push_back(top.cell);
        path.pop_back();
        continue;
      }
      const Cell child = top.cell.ref(--top.refs_left);
      if (index_.try_emplace(child.hash(), 0).second) path.push_back({child, child.ref_count()});
    }
  }

  std::vector<Cell> cells_;
  std::unordered_map<Bits256, std::size_t> index_;
};

unsigned bytes_for(std::size_t value) { return std::max(1u, (static_cast<unsigned>(std::bit_width(value)) + 7) / 8); }

void put(Bytes& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xff));
}

void put_cell(Bytes& out, const Cell& c, const Order& order, unsigned ref_bytes) {
  const unsigned bits = c.bit_count();
  put(out, c.ref_count() + (c.is_exotic() ? 8u : 0u) + 32u * c.level_mask(), 1);
  put(out, bits / 8 + (bits + 7) / 8, 1);
  append(out, c.bytes());
  if ((bits & 7) != 0) out.back() = static_cast<std::uint8_t>(out.back() | (0x80u >> (bits & 7)));
  for (unsigned i = 0; i < c.ref_count(); ++i) put(out, order.index(c.ref(i)), ref_bytes);
}

}  // namespace

Bytes write_boc(std::span<const Cell> roots, BocOptions options) {
  COCOON_ASSERT(!roots.empty());
  const Order order(roots);
  const auto& cells = order.cells();
  const unsigned ref_bytes = bytes_for(std::max(cells.size(), roots.size()));
  Bytes data;
  std::vector<std::size_t> ends;
  ends.reserve(cells.size());
  for (const auto& c : cells) {
    put_cell(data, c, order, ref_bytes);
    ends.push_back(data.size());
  }
  const unsigned offset_bytes = bytes_for(data.size());

  Bytes out;
  out.reserve(data.size() + 64 + (options.index ? ends.size() * offset_bytes : 0));
  put(out, 0xb5ee9c72, 4);
  put(out, (options.index ? 0x80u : 0u) | (options.crc32c ? 0x40u : 0u) | ref_bytes, 1);
  put(out, offset_bytes, 1);
  put(out, cells.size(), ref_bytes);
  put(out, roots.size(), ref_bytes);
  put(out, 0, ref_bytes);
  put(out, data.size(), offset_bytes);
  for (const auto& r : roots) put(out, order.index(r), ref_bytes);
  if (options.index)
    for (auto end : ends) put(out, end, offset_bytes);
  append(out, data);
  if (options.crc32c) {
    const std::uint32_t crc = crc32c(out);
    for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(crc >> (8 * i) & 0xff));
  }
  return out;
}

Bytes write_boc(const Cell& root, BocOptions options) { return write_boc(std::span(&root, 1), options); }

}  // namespace cocoon::ton
