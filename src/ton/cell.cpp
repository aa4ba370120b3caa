#include "ton/cell.hpp"

#include <algorithm>
#include <bit>

#include "crypto/crypto.hpp"
#include "ton/cell_hash.hpp"

namespace cocoon::ton {

namespace detail {

namespace {

unsigned hash_index(unsigned mask, unsigned level) {
  return static_cast<unsigned>(std::popcount(mask & ((1u << std::min(level, 3u)) - 1u)));
}

// References of Merkle cells are one level deeper than the cell itself.
unsigned ref_level(CellType type, unsigned level) {
  return type == CellType::merkle_proof || type == CellType::merkle_update ? level + 1 : level;
}

Result<CellData::HashDepth> hash_at(const CellData& c, unsigned level, const Bits256* previous) {
  CellData::HashDepth out{};
  std::array<std::uint8_t, 2 + 128 + 4 * 34> buffer{};
  std::size_t n = 0;
  const unsigned mask = c.level_mask & ((1u << level) - 1u);
  buffer[n++] = static_cast<std::uint8_t>(c.ref_count + (c.type == CellType::ordinary ? 0u : 8u) + 32u * mask);
  buffer[n++] = static_cast<std::uint8_t>(c.bits / 8u + (c.bits + 7u) / 8u);
  if (previous) {
    std::copy(previous->begin(), previous->end(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
    n += 32;
  } else {
    n += write_padded_bits(c, buffer.data() + n);
  }
  const unsigned inner = ref_level(c.type, level);
  unsigned depth = 0;
  for (unsigned i = 0; i < c.ref_count; ++i) {
    const unsigned d = depth_of(*c.refs[i], inner);
    buffer[n++] = static_cast<std::uint8_t>(d >> 8);
    buffer[n++] = static_cast<std::uint8_t>(d & 0xff);
    depth = std::max(depth, d + 1);
  }
  for (unsigned i = 0; i < c.ref_count; ++i) {
    const Bits256& h = hash_of(*c.refs[i], inner);
    std::copy(h.begin(), h.end(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
    n += 32;
  }
  if (depth > kMaxBuildDepth) return fail("cells nested more than {} deep", kMaxBuildDepth);
  out.depth = static_cast<std::uint16_t>(depth);
  out.hash = crypto::sha256({buffer.data(), n});
  return out;
}

Result<> check_merkle_ref(const CellData& c, unsigned ref, unsigned ref_count) {
  const CellData& child = *c.refs[ref];
  const std::size_t at = 1 + 32u * ref;
  const std::size_t depth_at = 1 + 32u * ref_count + 2u * ref;
  const unsigned depth = static_cast<unsigned>(c.bytes[depth_at] << 8) | c.bytes[depth_at + 1];
  if (Bits256::from(BytesView(c.bytes).subspan(at)) != hash_of(child, 0) || depth != depth_of(child, 0))
    return fail("a Merkle cell does not name the tree below it");
  return {};
}

Result<> check_merkle(CellData& c, unsigned ref_count) {
  if (c.ref_count != ref_count || c.bits != 8 + ref_count * (256 + 16)) return fail("a Merkle cell of a wrong size");
  unsigned mask = 0;
  for (unsigned i = 0; i < ref_count; ++i) {
    TRY(check_merkle_ref(c, i, ref_count));
    mask |= c.refs[i]->level_mask;
  }
  c.level_mask = static_cast<std::uint8_t>(mask >> 1);
  return {};
}

Result<> check_pruned(CellData& c) {
  const unsigned mask = c.bits >= 16 ? c.bytes[1] : 0u;
  if (mask < 1 || mask > 7 || c.ref_count != 0) return fail("a pruned branch of a wrong shape");
  const auto hashes = static_cast<unsigned>(std::popcount(mask));
  if (c.bits != 16 + hashes * (256 + 16)) return fail("a pruned branch of a wrong size");
  c.level_mask = static_cast<std::uint8_t>(mask);
  for (unsigned i = 0; i < hashes; ++i) {
    const std::size_t depth_at = 2 + 32u * hashes + 2u * i;
    const unsigned depth = static_cast<unsigned>(c.bytes[depth_at] << 8) | c.bytes[depth_at + 1];
    if (depth > kMaxBuildDepth) return fail("a pruned branch that claims a depth of {}", depth);
    c.lower.push_back({Bits256::from(BytesView(c.bytes).subspan(2 + 32u * i)), static_cast<std::uint16_t>(depth)});
  }
  return {};
}

}  // namespace

const Bits256& hash_of(const CellData& c, unsigned level) {
  const unsigned i = hash_index(c.level_mask, level);
  return i < c.lower.size() ? c.lower[i].hash : c.top_hash;
}

unsigned depth_of(const CellData& c, unsigned level) {
  const unsigned i = hash_index(c.level_mask, level);
  return i < c.lower.size() ? c.lower[i].depth : c.top_depth;
}

std::size_t write_padded_bits(const CellData& c, std::uint8_t* to) {
  const std::size_t n = (c.bits + 7u) / 8u;
  std::copy_n(c.bytes.begin(), n, to);
  if ((c.bits & 7) != 0) to[n - 1] = static_cast<std::uint8_t>(to[n - 1] | (0x80u >> (c.bits & 7)));
  return n;
}

Result<> seal(CellData& c) {
  switch (c.type) {
    case CellType::ordinary:
      for (unsigned i = 0; i < c.ref_count; ++i)
        c.level_mask = static_cast<std::uint8_t>(c.level_mask | c.refs[i]->level_mask);
      break;
    case CellType::pruned_branch:
      TRY(check_pruned(c));
      break;
    case CellType::library:
      if (c.bits != 8 + 256 || c.ref_count != 0) return fail("a library cell of a wrong size");
      break;
    case CellType::merkle_proof:
      TRY(check_merkle(c, 1));
      break;
    case CellType::merkle_update:
      TRY(check_merkle(c, 2));
      break;
  }
  // One hash per significant level; a pruned branch carries all but its own.
  Bits256 previous;
  bool first = true;
  const auto top = static_cast<unsigned>(std::bit_width(static_cast<unsigned>(c.level_mask)));
  for (unsigned level = 0; level <= top; ++level) {
    const bool significant = level == 0 || (c.level_mask >> (level - 1) & 1) != 0;
    if (!significant || (c.type == CellType::pruned_branch && level != top)) continue;
    TRY_ASSIGN(auto made, hash_at(c, level, first ? nullptr : &previous));
    first = false;
    previous = made.hash;
    if (level == top) {
      c.top_hash = made.hash;
      c.top_depth = made.depth;
    } else {
      c.lower.push_back(made);
    }
  }
  return {};
}

}  // namespace detail

Cell::Cell() {
  static const detail::CellPtr empty = [] {
    auto data = std::make_shared<detail::CellData>();
    COCOON_ASSERT(detail::seal(*data).has_value());
    return data;
  }();
  data_ = empty;
}

Cell Cell::ref(unsigned i) const {
  COCOON_ASSERT(i < ref_count());
  return Cell(data_->refs[i]);
}

const Bits256& Cell::hash(unsigned level) const { return detail::hash_of(*data_, level); }
unsigned Cell::depth(unsigned level) const { return detail::depth_of(*data_, level); }

}  // namespace cocoon::ton
