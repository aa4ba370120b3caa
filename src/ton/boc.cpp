#include "ton/boc.hpp"

#include <algorithm>
#include <bit>

#include "ton/cell_hash.hpp"

namespace cocoon::ton {

namespace {

constexpr std::uint32_t kMagic = 0xb5ee9c72;
constexpr std::uint32_t kMagicIndex = 0x68ff65f3;
constexpr std::uint32_t kMagicIndexCrc = 0xacc3a728;

struct Header {
  bool has_index = false, has_crc = false, has_cache_bits = false, legacy = false;
  unsigned ref_bytes = 0, offset_bytes = 0;
  std::size_t cells = 0, roots = 0, data_size = 0;
};

// One cell as it lies in the bytes.
struct RawCell {
  std::size_t at = 0;    // first descriptor byte
  std::size_t next = 0;  // first byte behind it
  std::size_t content = 0, refs = 0;
  unsigned bits = 0, ref_count = 0;
};

class Reader {
 public:
  Reader(BytesView in, const BocLimits& limits) : in_(in), limits_(limits) {}

  Result<std::vector<Cell>> read() {
    if (in_.size() > limits_.bytes) return fail("a bag of cells of {} bytes, at most {}", in_.size(), limits_.bytes);
    TRY(read_header());
    TRY(read_root_list());
    TRY(find_cells());
    TRY(check_end());
    return make_cells();
  }

 private:
  bool has(std::size_t n) const { return in_.size() - at_ >= n; }

  std::uint64_t number_at(std::size_t at, unsigned bytes) const {
    std::uint64_t out = 0;
    for (unsigned i = 0; i < bytes; ++i) out = out << 8 | in_[at + i];
    return out;
  }
  std::uint64_t number(unsigned bytes) {
    const auto out = number_at(at_, bytes);
    at_ += bytes;
    return out;
  }

  Result<> read_header() {
    if (!has(6)) return fail("too short for a bag of cells");
    const auto magic = static_cast<std::uint32_t>(number(4));
    const auto flags = static_cast<unsigned>(number(1));
    h_.offset_bytes = static_cast<unsigned>(number(1));
    if (magic == kMagic) {
      h_.has_index = (flags & 0x80) != 0;
      h_.has_crc = (flags & 0x40) != 0;
      h_.has_cache_bits = (flags & 0x20) != 0;
      if ((flags & 0x18) != 0) return fail("unknown flags in a bag of cells");
      h_.ref_bytes = flags & 7;
    } else if (magic == kMagicIndex || magic == kMagicIndexCrc) {
      h_.legacy = true;
      h_.has_index = true;
      h_.has_crc = magic == kMagicIndexCrc;
      h_.ref_bytes = flags;
    } else {
      return fail("not a bag of cells");
    }
    if (h_.has_cache_bits && !h_.has_index) return fail("a bag of cells with cache bits but no index");
    if (h_.ref_bytes < 1 || h_.ref_bytes > 4) return fail("references of {} bytes in a bag of cells", h_.ref_bytes);
    if (h_.offset_bytes < 1 || h_.offset_bytes > 8)
      return fail("offsets of {} bytes in a bag of cells", h_.offset_bytes);
    return read_counts();
  }

  Result<> read_counts() {
    if (!has(3u * h_.ref_bytes + h_.offset_bytes)) return fail("a bag of cells ends within its header");
    h_.cells = number(h_.ref_bytes);
    h_.roots = number(h_.ref_bytes);
    const auto absent = number(h_.ref_bytes);
    const auto data_size = number(h_.offset_bytes);
    if (absent != 0) return fail("a bag of cells with absent cells");
    if (h_.cells < 1 || h_.cells > limits_.cells) return fail("a bag of {} cells, at most {}", h_.cells, limits_.cells);
    if (h_.roots < 1 || h_.roots > limits_.roots || h_.roots > h_.cells || (h_.legacy && h_.roots != 1))
      return fail("a bag of cells with {} roots", h_.roots);
    if (data_size > in_.size() || data_size < 2 * h_.cells) return fail("a bag of cells of an impossible size");
    h_.data_size = static_cast<std::size_t>(data_size);
    return {};
  }

  Result<> read_root_list() {
    if (h_.legacy) {
      roots_.push_back(0);
      return {};
    }
    if (!has(h_.roots * h_.ref_bytes)) return fail("a bag of cells ends within its list of roots");
    for (std::size_t i = 0; i < h_.roots; ++i) {
      roots_.push_back(static_cast<std::size_t>(number(h_.ref_bytes)));
      if (roots_.back() >= h_.cells) return fail("a bag of cells names a root that it does not hold");
    }
    return {};
  }

  Result<> find_cells() {
    const std::size_t index_at = at_;
    const std::size_t index_size = h_.has_index ? h_.cells * h_.offset_bytes : 0;
    if (!has(index_size) || in_.size() - at_ - index_size < h_.data_size)
      return fail("a bag of cells is shorter than it says");
    const std::size_t data_at = at_ + index_size;
    const std::size_t data_end = data_at + h_.data_size;
    raw_.reserve(h_.cells);
    at_ = data_at;
    for (std::size_t i = 0; i < h_.cells; ++i) {
      TRY(find_cell(data_end));
      if (!h_.has_index) continue;
      std::uint64_t end = number_at(index_at + i * h_.offset_bytes, h_.offset_bytes);
      if (h_.has_cache_bits) end >>= 1;
      if (end != at_ - data_at) return fail("the index of a bag of cells disagrees with its cells");
    }
    if (at_ != data_end) return fail("a bag of cells holds less than it says");
    return {};
  }

  // d1 = references + 8 exotic + 16 stored hashes + 32 level mask; d2 = bytes of content, whole and started.
  Result<> find_cell(std::size_t data_end) {
    RawCell c;
    c.at = at_;
    if (data_end - at_ < 2) return fail("a bag of cells ends within a cell");
    const unsigned d1 = in_[at_], d2 = in_[at_ + 1];
    c.ref_count = d1 & 7;
    if (c.ref_count > kMaxCellRefs) return fail("a cell with {} references", c.ref_count);
    const std::size_t content = (d2 >> 1) + (d2 & 1);
    std::size_t stored = 0;
    if ((d1 & 16) != 0) stored = stored_hashes(d1) * (32 + 2);
    const std::size_t size = 2 + stored + content + c.ref_count * h_.ref_bytes;
    if (data_end - at_ < size) return fail("a bag of cells ends within a cell");
    c.content = at_ + 2 + stored;
    c.refs = c.content + content;
    c.bits = static_cast<unsigned>(content * 8);
    if ((d2 & 1) != 0) {
      const unsigned last = in_[c.refs - 1];
      if ((last & 0x7f) == 0) return fail("a cell whose last byte is empty");
      c.bits -= static_cast<unsigned>(std::countr_zero(last)) + 1;
    }
    at_ += size;
    c.next = at_;
    raw_.push_back(c);
    return {};
  }

  // A pruned branch (no references, exotic) stores its own hash only: the others are its content.
  static std::size_t stored_hashes(unsigned d1) {
    const bool exotic_leaf = (d1 & 15) == 8;
    return exotic_leaf ? 1 : static_cast<std::size_t>(std::popcount(d1 >> 5)) + 1;
  }

  Result<> check_end() {
    if (h_.has_crc) {
      if (!has(4)) return fail("a bag of cells lacks its checksum");
      std::uint32_t stored = 0;
      for (unsigned i = 0; i < 4; ++i) stored |= static_cast<std::uint32_t>(in_[at_ + i]) << (8 * i);
      if (stored != crc32c(in_.first(at_))) return fail("the checksum of a bag of cells is wrong");
      at_ += 4;
    }
    if (at_ != in_.size()) return fail("{} bytes follow a bag of cells", in_.size() - at_);
    return {};
  }

  Result<std::vector<Cell>> make_cells() {
    std::vector<Cell> made(h_.cells);
    for (std::size_t i = h_.cells; i-- > 0;) {
      TRY_ASSIGN(made[i], make_cell(i, made));
    }
    std::vector<Cell> out;
    out.reserve(roots_.size());
    for (auto r : roots_) out.push_back(made[r]);
    return out;
  }

  Result<Cell> make_cell(std::size_t i, const std::vector<Cell>& made) {
    const RawCell& c = raw_[i];
    const unsigned d1 = in_[c.at];
    CellBuilder b;
    BitString bits;
    bits.append(in_.subspan(c.content, c.refs - c.content), 0, c.bits);
    b.store_bits(bits);
    for (unsigned r = 0; r < c.ref_count; ++r) {
      const auto to = number_at(c.refs + r * h_.ref_bytes, h_.ref_bytes);
      if (to <= i || to >= h_.cells) return fail("a cell refers backwards or out of its bag");
      b.store_ref(made[static_cast<std::size_t>(to)]);
    }
    TRY_ASSIGN(auto cell, (d1 & 8) != 0 ? b.finish_exotic() : b.finish());
    if (cell.depth() > limits_.depth) return fail("cells nested more than {} deep", limits_.depth);
    if (cell.level_mask() != d1 >> 5) return fail("a cell of another level than it says");
    if ((d1 & 16) != 0) TRY(check_stored_hashes(c, cell));
    return cell;
  }

  Result<> check_stored_hashes(const RawCell& c, const Cell& cell) {
    const std::size_t n = stored_hashes(in_[c.at]);
    const bool pruned = cell.type() == CellType::pruned_branch;
    if (!pruned && n != static_cast<std::size_t>(std::popcount(cell.level_mask())) + 1)
      return fail("a cell stores a wrong number of hashes");
    std::size_t index = 0;
    for (unsigned level = 0; level <= 3; ++level) {
      const bool significant = level == 0 || (cell.level_mask() >> (level - 1) & 1) != 0;
      const bool own = level == static_cast<unsigned>(std::bit_width(cell.level_mask()));
      if (!significant || (pruned && !own)) continue;
      const std::size_t hash_at = c.at + 2 + 32 * index;
      const std::size_t depth_at = c.at + 2 + 32 * n + 2 * index;
      ++index;
      if (Bits256::from(in_.subspan(hash_at)) != cell.hash(level) || number_at(depth_at, 2) != cell.depth(level))
        return fail("a cell stores a hash that is not its own");
    }
    return {};
  }

  BytesView in_;
  const BocLimits& limits_;
  std::size_t at_ = 0;
  Header h_;
  std::vector<std::size_t> roots_;
  std::vector<RawCell> raw_;
};

}  // namespace

Result<std::vector<Cell>> read_boc_roots(BytesView in, const BocLimits& limits) { return Reader(in, limits).read(); }

Result<Cell> read_boc(BytesView in, const BocLimits& limits) {
  TRY_ASSIGN(auto roots, read_boc_roots(in, limits));
  if (roots.size() != 1) return fail("a bag with one root was expected, this one has {}", roots.size());
  return roots.front();
}

}  // namespace cocoon::ton
