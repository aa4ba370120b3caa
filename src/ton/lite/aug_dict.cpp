#include "ton/lite/aug_dict.hpp"

#include <bit>

namespace cocoon::ton::lite {
namespace {

// One node, taken apart.
struct Node {
  BitString label;
  std::uint64_t sum = 0;
  std::optional<Cell> left, right;  // of a fork
  CellSlice value;                  // of a leaf

  bool is_leaf() const { return !left; }
};

unsigned length_bits(unsigned max) { return static_cast<unsigned>(std::bit_width(max)); }

BitString load_label(CellSlice& s, unsigned max) {
  unsigned n = 0;
  if (!s.load_bit()) {  // hml_short
    while (s.ok() && n <= max && s.load_bit()) n++;
    if (n > max) s.reject("a label longer than the key");
    return s.load_bits(s.ok() ? n : 0);
  }
  const bool same = s.load_bit();
  const bool bit = same && s.load_bit();
  n = static_cast<unsigned>(s.load_uint(length_bits(max)));
  if (n > max) s.reject("a label longer than the key");
  if (!s.ok()) return {};
  if (!same) return s.load_bits(n);  // hml_long
  BitString out;
  for (unsigned i = 0; i < n; i++) out.push(bit);
  return out;
}

void store_label(CellBuilder& b, const BitString& label, unsigned max) {
  const unsigned n = label.size(), k = length_bits(max);
  bool same = true;
  for (unsigned i = 1; i < n; i++) same = same && label.at(i) == label.at(0);
  if (same && n > 1 && k < 2 * n - 1) {
    b.store_uint(3, 2).store_bit(label.at(0)).store_uint(n, k);
  } else if (k < n) {
    b.store_uint(2, 2).store_uint(n, k).store_bits(label);
  } else {
    b.store_bit(false);
    for (unsigned i = 0; i < n; i++) b.store_bit(true);
    b.store_bit(false).store_bits(label);
  }
}

std::uint64_t load_sum(CellSlice& s, AugShape shape) {
  if (s.load_uint(shape.prefix_bits) != 0) s.reject("a split depth");
  const auto sum = s.load_coins();
  if (s.load_bit()) s.reject("extra currencies");
  return sum;
}

void store_sum(CellBuilder& b, AugShape shape, std::uint64_t sum) {
  b.store_zeros(shape.prefix_bits).store_coins(sum).store_bit(false);
}

Result<Node> read_node(const Cell& cell, unsigned bits_left, AugShape shape) {
  CellSlice s(cell);
  Node node;
  node.label = load_label(s, bits_left);
  if (node.label.size() < bits_left) {
    node.left = s.load_ref();
    node.right = s.load_ref();
  }
  node.sum = load_sum(s, shape);
  if (node.is_leaf())
    node.value = s;
  else if (!s.at_end())
    s.reject("bits behind a fork");
  TRY(s.status());
  return node;
}

Result<std::uint64_t> sum_of(const Cell& cell, unsigned bits_left, AugShape shape) {
  TRY_ASSIGN(const auto node, read_node(cell, bits_left, shape));
  return node.sum;
}

Result<Cell> make_leaf(const BitString& label, AugShape shape, const Cell& value, std::uint64_t amount) {
  CellBuilder b;
  store_label(b, label, label.size());
  store_sum(b, shape, amount);
  b.store_cell(value);
  return b.finish();
}

// `bits_left`: of the key in front of this node, label included.
Result<Cell> make_fork(const BitString& label, unsigned bits_left, AugShape shape, const Cell& left,
                       const Cell& right) {
  const unsigned below = bits_left - label.size() - 1;
  TRY_ASSIGN(const auto left_sum, sum_of(left, below, shape));
  TRY_ASSIGN(const auto right_sum, sum_of(right, below, shape));
  if (left_sum + right_sum < left_sum) return fail("augmented dictionary: a sum over 64 bits");
  CellBuilder b;
  store_label(b, label, bits_left);
  b.store_ref(left).store_ref(right);
  store_sum(b, shape, left_sum + right_sum);
  return b.finish();
}

BitString tail(const BitString& bits, unsigned from) { return bits.slice(from, bits.size() - from); }

// The same node under a longer label, or a shorter one.
Result<Cell> relabel(const Node& node, const BitString& label, unsigned bits_left, AugShape shape) {
  if (node.is_leaf()) {
    CellBuilder b;
    store_label(b, label, bits_left);
    store_sum(b, shape, node.sum);
    b.store_slice(node.value);
    return b.finish();
  }
  return make_fork(label, bits_left, shape, *node.left, *node.right);
}

Result<Cell> set_in(const std::optional<Cell>& root, const BitString& key, AugShape shape, const Cell& value,
                    std::uint64_t amount) {
  if (!root) return make_leaf(key, shape, value, amount);
  TRY_ASSIGN(const auto node, read_node(*root, key.size(), shape));
  const unsigned common = node.label.common_prefix(key);
  if (common < node.label.size()) {
    TRY_ASSIGN(const auto old, relabel(node, tail(node.label, common + 1), key.size() - common - 1, shape));
    TRY_ASSIGN(const auto added, make_leaf(tail(key, common + 1), shape, value, amount));
    const bool right = key.at(common);
    return make_fork(key.slice(0, common), key.size(), shape, right ? old : added, right ? added : old);
  }
  if (node.is_leaf()) return make_leaf(key, shape, value, amount);
  const bool right = key.at(common);
  TRY_ASSIGN(const auto child, set_in(right ? *node.right : *node.left, tail(key, common + 1), shape, value, amount));
  return make_fork(node.label, key.size(), shape, right ? *node.left : child, right ? child : *node.right);
}

struct Erased {
  bool found = false;
  std::optional<Cell> rest;
};

Result<Erased> erase_in(const Cell& root, const BitString& key, AugShape shape) {
  TRY_ASSIGN(const auto node, read_node(root, key.size(), shape));
  const unsigned common = node.label.common_prefix(key);
  if (common < node.label.size()) return Erased{false, root};
  if (node.is_leaf()) return Erased{true, std::nullopt};
  const bool right = key.at(common);
  TRY_ASSIGN(auto child, erase_in(right ? *node.right : *node.left, tail(key, common + 1), shape));
  if (!child.found) return Erased{false, root};
  const auto& other = right ? *node.left : *node.right;
  if (child.rest) {
    TRY_ASSIGN(auto fork,
               make_fork(node.label, key.size(), shape, right ? other : *child.rest, right ? *child.rest : other));
    return Erased{true, fork};
  }
  const unsigned below = key.size() - common - 1;
  TRY_ASSIGN(const auto survivor, read_node(other, below, shape));
  BitString label = node.label;
  label.push(!right);
  label.append(survivor.label);
  TRY_ASSIGN(auto merged, relabel(survivor, label, key.size(), shape));
  return Erased{true, merged};
}

Result<> collect(const Cell& root, const BitString& prefix, AugShape shape, std::size_t limit,
                 std::vector<AugDict::Entry>& out) {
  TRY_ASSIGN(const auto node, read_node(root, shape.key_bits - prefix.size(), shape));
  BitString here = prefix;
  here.append(node.label);
  if (node.is_leaf()) {
    if (out.size() >= limit) return fail("augmented dictionary: more than {} entries", limit);
    out.push_back({here, node.value});
    return {};
  }
  BitString left = here, right = here;
  left.push(false);
  right.push(true);
  TRY(collect(*node.left, left, shape, limit, out));
  return collect(*node.right, right, shape, limit, out);
}

}  // namespace

Result<AugDict> AugDict::load(CellSlice& from, AugShape shape) {
  AugDict out(shape);
  out.root_ = from.load_maybe_ref();
  out.sum_ = load_sum(from, shape);
  TRY(from.status());
  return out;
}

void AugDict::store(CellBuilder& to) const {
  to.store_maybe_ref(root_);
  store_sum(to, shape_, sum_);
}

Result<std::vector<Cell>> AugDict::path(const BitString& key) const {
  if (key.size() != shape_.key_bits) return fail("augmented dictionary: a key of {} bits", key.size());
  std::vector<Cell> out;
  if (!root_) return out;
  out.push_back(*root_);
  BitString left = key;
  while (true) {
    TRY_ASSIGN(const auto node, read_node(out.back(), left.size(), shape_));
    const unsigned common = node.label.common_prefix(left);
    if (node.is_leaf() || common < node.label.size()) return out;
    out.push_back(left.at(common) ? *node.right : *node.left);
    left = tail(left, common + 1);
  }
}

Result<std::optional<CellSlice>> AugDict::find(const BitString& key) const {
  TRY_ASSIGN(const auto way, path(key));
  BitString left = key;
  for (std::size_t i = 0; i < way.size(); i++) {
    TRY_ASSIGN(const auto node, read_node(way[i], left.size(), shape_));
    if (node.label.common_prefix(left) < node.label.size()) return std::nullopt;
    if (node.is_leaf()) return node.value;
    left = tail(left, node.label.size() + 1);
  }
  return std::nullopt;
}

Result<> AugDict::set(const BitString& key, const Cell& value, std::uint64_t amount) {
  if (key.size() != shape_.key_bits) return fail("augmented dictionary: a key of {} bits", key.size());
  TRY_ASSIGN(auto root, set_in(root_, key, shape_, value, amount));
  TRY_ASSIGN(sum_, sum_of(root, shape_.key_bits, shape_));
  root_ = root;
  return {};
}

Result<bool> AugDict::erase(const BitString& key) {
  if (key.size() != shape_.key_bits) return fail("augmented dictionary: a key of {} bits", key.size());
  if (!root_) return false;
  TRY_ASSIGN(auto erased, erase_in(*root_, key, shape_));
  if (!erased.found) return false;
  root_ = erased.rest;
  sum_ = 0;
  if (root_) {
    TRY_ASSIGN(sum_, sum_of(*root_, shape_.key_bits, shape_));
  }
  return true;
}

Result<std::vector<AugDict::Entry>> AugDict::entries(std::size_t limit) const {
  std::vector<Entry> out;
  if (root_) TRY(collect(*root_, BitString(), shape_, limit, out));
  return out;
}

}  // namespace cocoon::ton::lite
