// Cells: immutable nodes of up to 1023 bits and 4 references, which everything on TON is made of.
//
// Reading: CellSlice. Writing: CellBuilder. Both keep the first error they meet and go on with harmless values (zeros,
// empty cells), so that a layout reads as a plain list of fields and is checked once at its end.
#pragma once
#include <memory>
#include <optional>
#include <string_view>

#include "ton/address.hpp"
#include "ton/bit_string.hpp"

namespace cocoon::ton {

inline constexpr unsigned kMaxCellRefs = 4;
// Deepest tree that comes from outside (BoC), and deepest that we build around such trees. The distance is what makes
// it impossible for a peer to bring our own fixed layouts over the limit.
inline constexpr unsigned kMaxBocDepth = 1024;
inline constexpr unsigned kMaxBuildDepth = 2048;

enum class CellType : std::uint8_t {
  ordinary = 0,
  pruned_branch = 1,
  library = 2,
  merkle_proof = 3,
  merkle_update = 4
};

class Cell;

namespace detail {
struct CellData;
using CellPtr = std::shared_ptr<const CellData>;
}  // namespace detail

// A handle to a cell, never null; copying shares. A default constructed one is the empty ordinary cell.
class Cell {
 public:
  Cell();
  // Copied even where it could be moved: a handle that was moved from would be null.
  Cell(const Cell&) = default;
  Cell& operator=(const Cell&) = default;

  unsigned bit_count() const;
  unsigned ref_count() const;
  BytesView bytes() const;     // ceil(bit_count / 8) bytes, padded with zero bits
  Cell ref(unsigned i) const;  // i < ref_count()

  CellType type() const;
  bool is_exotic() const { return type() != CellType::ordinary; }
  unsigned level_mask() const;  // 3 bits; 0 for every cell outside of a proof

  // Representation hash and depth; with `level` those of a cell under Merkle proofs (0 = what the unpruned cell has).
  const Bits256& hash(unsigned level = 3) const;
  unsigned depth(unsigned level = 3) const;

  friend bool operator==(const Cell& a, const Cell& b) { return a.data_ == b.data_ || a.hash() == b.hash(); }

 private:
  friend class CellBuilder;
  friend class CellSlice;
  explicit Cell(detail::CellPtr data) : data_(std::move(data)) {}
  detail::CellPtr data_;
};

namespace detail {
struct CellData {
  std::array<std::uint8_t, 128> bytes{};
  std::array<CellPtr, kMaxCellRefs> refs{};
  std::uint16_t bits = 0;
  std::uint8_t ref_count = 0;
  CellType type = CellType::ordinary;
  std::uint8_t level_mask = 0;
  std::uint16_t top_depth = 0;
  Bits256 top_hash;  // representation hash; `lower` holds the others, lowest level first
  struct HashDepth {
    Bits256 hash;
    std::uint16_t depth;
  };
  std::vector<HashDepth> lower;
};
}  // namespace detail

inline unsigned Cell::bit_count() const { return data_->bits; }
inline unsigned Cell::ref_count() const { return data_->ref_count; }
inline BytesView Cell::bytes() const { return {data_->bytes.data(), (data_->bits + 7u) / 8u}; }
inline CellType Cell::type() const { return data_->type; }
inline unsigned Cell::level_mask() const { return data_->level_mask; }

class CellSlice;

// Collects bits and references. What does not fit (1023 bits, 4 references, values wider than their field) is
// remembered and told by finish().
class CellBuilder {
 public:
  CellBuilder& store_uint(std::uint64_t value, unsigned bits);  // value < 2^bits, bits <= 64
  CellBuilder& store_int(std::int64_t value, unsigned bits);
  CellBuilder& store_bit(bool);
  CellBuilder& store_zeros(unsigned bits);
  CellBuilder& store_bits(const BitString&);
  CellBuilder& store_bytes(BytesView);
  template <std::size_t N>
  CellBuilder& store_bytes(const FixedBytes<N>& b) {
    return store_bytes(b.view());
  }
  // VarUInteger: a length in bytes of `length_bits` bits, then so many bytes, as few as the value needs.
  CellBuilder& store_var_uint(std::uint64_t value, unsigned length_bits);
  CellBuilder& store_coins(std::uint64_t nano) { return store_var_uint(nano, 4); }
  CellBuilder& store_address(const Address&);
  CellBuilder& store_maybe_address(const std::optional<Address>&);  // absent: addr_none, bits 00
  CellBuilder& store_ref(const Cell&);
  CellBuilder& store_maybe_ref(const std::optional<Cell>&);
  CellBuilder& store_cell(const Cell& content);     // its bits and references, inline
  CellBuilder& store_slice(const CellSlice& rest);  // what is left of it, inline

  unsigned bit_count() const { return bits_; }
  unsigned ref_count() const { return ref_count_; }

  // The cell, or what did not fit.
  Result<Cell> finish() const;
  // For layouts that fit whatever their values are: ends the process if that reasoning was wrong.
  Cell must_finish() const;
  // As finish(), for an exotic cell: the first 8 bits say which; its shape is checked.
  Result<Cell> finish_exotic() const;

 private:
  bool room_for(unsigned bits);
  Result<Cell> make(CellType) const;

  std::array<std::uint8_t, 128> bytes_{};
  unsigned bits_ = 0;
  std::array<detail::CellPtr, kMaxCellRefs> refs_{};
  unsigned ref_count_ = 0;
  const char* error_ = nullptr;
};

// Reads a cell front to back. After the first error every load gives zero, nothing or an empty cell.
class CellSlice {
 public:
  CellSlice() = default;  // the empty cell
  // An exotic cell (a pruned branch, a library) cannot be read as data: the slice fails from the start.
  explicit CellSlice(Cell cell);
  static CellSlice of_exotic(Cell cell);  // reads the raw bits of an exotic cell

  bool load_bit() { return load_uint(1) != 0; }
  std::uint64_t load_uint(unsigned bits);  // bits <= 64
  std::int64_t load_int(unsigned bits);    // 1..64
  std::uint8_t load_u8() { return static_cast<std::uint8_t>(load_uint(8)); }
  std::uint32_t load_u32() { return static_cast<std::uint32_t>(load_uint(32)); }
  std::uint64_t load_u64() { return load_uint(64); }
  BitString load_bits(unsigned count);
  Bytes load_bytes(unsigned count);
  template <std::size_t N>
  FixedBytes<N> load_fixed() {
    FixedBytes<N> out;
    load_into(out);
    return out;
  }
  Bits256 load_bits256() { return load_fixed<32>(); }
  // VarUInteger; a length over 8 bytes is an error.
  std::uint64_t load_var_uint(unsigned length_bits);
  std::uint64_t load_coins() { return load_var_uint(4); }
  Address load_address();                       // standard, no anycast
  std::optional<Address> load_maybe_address();  // or none (bits 00)
  Cell load_ref();
  std::optional<Cell> load_maybe_ref();
  CellSlice load_ref_slice() { return CellSlice(load_ref()); }

  // The same without moving.
  std::uint64_t peek_uint(unsigned bits) const;  // 0 if fewer bits are left
  // The rest as a cell of its own; the slice is then at its end.
  Cell load_rest();
  void skip_rest();

  unsigned bits_left() const { return bit_end_ - bit_; }
  unsigned refs_left() const { return ref_end_ - ref_; }
  bool at_end() const { return bits_left() == 0 && refs_left() == 0; }

  bool ok() const { return error_ == nullptr; }
  // Marks the slice as failed, for a rule of the layout that the caller checks. `why` must be a literal.
  void reject(const char* why);
  // Was everything so far there and well formed?
  Result<> status() const;
  // As status(), and nothing may be left.
  Result<> end() const;

 private:
  friend class CellBuilder;
  bool take(unsigned bits);
  void load_into(std::span<std::uint8_t> out);

  Cell cell_;
  unsigned bit_ = 0, bit_end_ = 0;
  unsigned ref_ = 0, ref_end_ = 0;
  const char* error_ = nullptr;
};

}  // namespace cocoon::ton

template <>
struct std::hash<cocoon::ton::Cell> {
  std::size_t operator()(const cocoon::ton::Cell& c) const noexcept { return std::hash<cocoon::Bits256>{}(c.hash()); }
};
