#include "ton/dict.hpp"

#include <algorithm>
#include <bit>

namespace cocoon::ton {

namespace {

unsigned length_bits(unsigned max) { return static_cast<unsigned>(std::bit_width(max)); }

// One node: its label, then either two branches or the value.
struct Node {
  BitString label;
  CellSlice rest;
};

BitString load_label(CellSlice& s, unsigned max) {
  BitString out;
  if (!s.load_bit()) {  // hml_short: unary length
    unsigned n = 0;
    while (s.load_bit())
      if (++n > max) break;
    if (n <= max) return s.load_bits(n);
  } else if (!s.load_bit()) {  // hml_long
    const auto n = static_cast<unsigned>(s.load_uint(length_bits(max)));
    if (n <= max) return s.load_bits(n);
  } else {  // hml_same
    const bool bit = s.load_bit();
    const auto n = static_cast<unsigned>(s.load_uint(length_bits(max)));
    if (n <= max) {
      for (unsigned i = 0; i < n && s.ok(); ++i) out.push(bit);
      return out;
    }
  }
  s.reject("a label in a hashmap is longer than what is left of the key");
  return out;
}

// The shortest of the three forms; among equals hml_short, then hml_long, as everybody writes them.
void store_label(CellBuilder& b, const BitString& label, unsigned max) {
  const unsigned n = label.size();
  const unsigned k = length_bits(max);
  bool same = n > 1;
  for (unsigned i = 1; i < n && same; ++i) same = label.at(i) == label.at(0);
  if (same && k < 2 * n - 1) {
    b.store_uint(0b11, 2).store_bit(label.at(0)).store_uint(n, k);
  } else if (k < n) {
    b.store_uint(0b10, 2).store_uint(n, k).store_bits(label);
  } else {
    b.store_bit(false);
    for (unsigned i = 0; i < n; ++i) b.store_bit(true);
    b.store_bit(false).store_bits(label);
  }
}

Result<Node> open(const Cell& c, unsigned max) {
  Node out{{}, CellSlice(c)};
  out.label = load_label(out.rest, max);
  TRY(out.rest.status());
  if (out.label.size() < max && (out.rest.bits_left() != 0 || out.rest.refs_left() != 2))
    return fail("a fork in a hashmap has two branches and nothing else");
  return out;
}

Result<Cell> make_leaf(const BitString& label, unsigned max, const CellSlice& value) {
  CellBuilder b;
  store_label(b, label, max);
  return b.store_slice(value).finish();
}

Result<Cell> make_fork(const BitString& label, unsigned max, const Cell& zero, const Cell& one) {
  CellBuilder b;
  store_label(b, label, max);
  return b.store_ref(zero).store_ref(one).finish();
}

// A fork that was passed on the way down.
struct Passed {
  BitString label;
  unsigned max = 0;
  bool went = false;
  Cell other;
};

Result<Cell> climb(Cell below, const std::vector<Passed>& path) {
  for (std::size_t i = path.size(); i-- > 0;) {
    const Passed& p = path[i];
    TRY_ASSIGN(below, p.went ? make_fork(p.label, p.max, p.other, below) : make_fork(p.label, p.max, below, p.other));
  }
  return below;
}

// Where the walk for a key ended: at `node`, having used `used` bits of the key before its label.
struct Walk {
  std::vector<Passed> path;
  Node node;
  unsigned used = 0;
  unsigned common = 0;  // bits of the label that agree with the key
};

Result<Walk> walk(const Cell& root, const BitString& key) {
  Walk w;
  Cell at = root;
  for (;;) {
    const unsigned max = key.size() - w.used;
    TRY_ASSIGN(w.node, open(at, max));
    w.common = w.node.label.common_prefix(key.slice(w.used, max));
    if (w.common < w.node.label.size() || w.node.label.size() == max) return w;
    const unsigned fork = w.used + w.node.label.size();
    const bool bit = key.at(fork);
    const Cell zero = w.node.rest.load_ref(), one = w.node.rest.load_ref();
    w.path.push_back({w.node.label, max, bit, bit ? zero : one});
    at = bit ? one : zero;
    w.used = fork + 1;
  }
}

bool found(const Walk& w, const BitString& key) { return w.common == key.size() - w.used; }

// The node found shares only a part of its label with the key: a fork takes its place.
Result<Cell> split(const Walk& w, const BitString& key, const CellSlice& value) {
  const BitString& label = w.node.label;
  const unsigned max = key.size() - w.used;
  const unsigned below = max - w.common - 1;
  const BitString old_label = label.slice(w.common + 1, label.size() - w.common - 1);
  TRY_ASSIGN(const Cell old_node, make_leaf(old_label, below, w.node.rest));
  TRY_ASSIGN(const Cell leaf, make_leaf(key.slice(w.used + w.common + 1, below), below, value));
  const BitString shared = label.slice(0, w.common);
  return label.at(w.common) ? make_fork(shared, max, leaf, old_node) : make_fork(shared, max, old_node, leaf);
}

}  // namespace

Dict::Dict(unsigned key_bits, std::optional<Cell> root) : key_bits_(key_bits), root_(std::move(root)) {
  COCOON_ASSERT(key_bits >= 1 && key_bits <= kMaxCellBits);
}

Result<std::optional<CellSlice>> Dict::find(const BitString& key) const {
  if (key.size() != key_bits_) return fail("a key of {} bits in a hashmap of {}", key.size(), key_bits_);
  if (!root_) return std::nullopt;
  TRY_ASSIGN(auto w, walk(*root_, key));
  if (!found(w, key)) return std::nullopt;
  return w.node.rest;
}

Result<> Dict::set(const BitString& key, const Cell& value) {
  if (key.size() != key_bits_) return fail("a key of {} bits in a hashmap of {}", key.size(), key_bits_);
  const auto content = CellSlice::of_exotic(value);
  if (!root_) {
    TRY_ASSIGN(root_, make_leaf(key, key_bits_, content));
    return {};
  }
  TRY_ASSIGN(auto w, walk(*root_, key));
  TRY_ASSIGN(auto changed,
             found(w, key) ? make_leaf(w.node.label, key.size() - w.used, content) : split(w, key, content));
  TRY_ASSIGN(root_, climb(changed, w.path));
  return {};
}

Result<bool> Dict::erase(const BitString& key) {
  if (key.size() != key_bits_) return fail("a key of {} bits in a hashmap of {}", key.size(), key_bits_);
  if (!root_) return false;
  TRY_ASSIGN(auto w, walk(*root_, key));
  if (!found(w, key)) return false;
  if (w.path.empty()) {
    root_.reset();
    return true;
  }
  // The fork above keeps one branch only: both become one node.
  const Passed fork = std::move(w.path.back());
  w.path.pop_back();
  const unsigned below = fork.max - fork.label.size() - 1;
  TRY_ASSIGN(auto sibling, open(fork.other, below));
  BitString label = fork.label;
  label.push(!fork.went);
  label.append(sibling.label);
  TRY_ASSIGN(auto merged, make_leaf(label, fork.max, sibling.rest));
  TRY_ASSIGN(root_, climb(merged, w.path));
  return true;
}

Result<std::vector<Dict::Entry>> Dict::entries(std::size_t limit) const {
  std::vector<Entry> out;
  if (!root_) return out;
  struct Step {
    Cell cell;
    BitString prefix;
  };
  std::vector<Step> open_branches{{*root_, {}}};
  while (!open_branches.empty()) {
    Step step = open_branches.back();
    open_branches.pop_back();
    TRY_ASSIGN(auto node, open(step.cell, key_bits_ - step.prefix.size()));
    step.prefix.append(node.label);
    if (step.prefix.size() == key_bits_) {
      if (out.size() == limit) return fail("a hashmap of more than {} entries", limit);
      out.push_back({step.prefix, node.rest});
      continue;
    }
    const Cell zero = node.rest.load_ref(), one = node.rest.load_ref();
    BitString with_one = step.prefix;
    with_one.push(true);
    step.prefix.push(false);
    open_branches.push_back({one, with_one});
    open_branches.push_back({zero, step.prefix});
  }
  return out;
}

}  // namespace cocoon::ton
