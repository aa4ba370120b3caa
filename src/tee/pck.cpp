#include "tee/pck.hpp"

#include <algorithm>

#include "tee/der.hpp"

namespace cocoon::tee {
namespace {

template <std::size_t N>
Result<FixedBytes<N>> octets(const der::Item& item, std::string_view name) {
  if (item.tag != der::octet_string || item.content.size() != N) return fail("SGX extension {} is not valid", name);
  return FixedBytes<N>::from(item.content);
}

// The arcs of an identifier below the SGX extensions' own: {2, 17} for PCESVN; empty when it is another's.
BytesView arcs_below_sgx(BytesView id) {
  static const auto prefix = der::oid_content(kSgxExtensionsOid);
  if (id.size() <= prefix.size() || !std::ranges::equal(id.first(prefix.size()), prefix)) return {};
  return id.subspan(prefix.size());
}

Result<std::uint32_t> bounded(const der::Item& item, std::uint32_t limit) {
  if (item.tag != der::integer) return fail("SGX extension TCB: an SVN is not a number");
  TRY_ASSIGN(const auto value, der::small_integer(item.content));
  if (value > limit) return fail("SGX extension TCB: SVN {} is out of range", value);
  return value;
}

Result<> read_tcb(BytesView content, SgxExtensions& out) {
  std::uint32_t seen = 0;
  der::Reader reader(content);
  while (!reader.empty()) {
    TRY_ASSIGN(const auto pair, reader.next(der::sequence));
    der::Reader inner(pair);
    TRY_ASSIGN(const auto id, inner.next(der::oid));
    TRY_ASSIGN(const auto value, inner.next());
    const auto arcs = arcs_below_sgx(id);
    if (arcs.size() != 2 || arcs[0] != 2 || arcs[1] < 1 || arcs[1] > 18) continue;
    const std::uint32_t i = arcs[1];
    if (seen >> i & 1) return fail("SGX extension TCB repeats a component");
    seen |= 1u << i;
    if (i <= 16) {
      TRY_ASSIGN(const auto svn, bounded(value, 0xff));
      out.component_svns[i - 1] = static_cast<std::uint8_t>(svn);
    } else if (i == 17) {
      TRY_ASSIGN(const auto svn, bounded(value, 0xffff));
      out.pcesvn = static_cast<std::uint16_t>(svn);
    } else {
      TRY_ASSIGN(out.cpusvn, octets<16>(value, "CPUSVN"));
    }
  }
  if (seen != 0x7fffe) return fail("SGX extension TCB is incomplete");
  return {};
}

}  // namespace

Result<SgxExtensions> read_sgx_extensions(BytesView value) {
  SgxExtensions out;
  der::Reader whole(value);
  TRY_ASSIGN(const auto content, whole.next(der::sequence));
  der::Reader reader(content);
  unsigned seen = 0;
  const auto once = [&seen](unsigned bit) {
    const bool first = !(seen & bit);
    seen |= bit;
    return first;
  };
  while (!reader.empty()) {
    TRY_ASSIGN(const auto pair, reader.next(der::sequence));
    der::Reader inner(pair);
    TRY_ASSIGN(const auto id, inner.next(der::oid));
    TRY_ASSIGN(const auto item, inner.next());
    const auto arcs = arcs_below_sgx(id);
    const unsigned arc = arcs.size() == 1 ? arcs[0] : 0;
    bool first = true;
    if (arc == 1) {
      first = once(1);
      TRY_ASSIGN(out.ppid, octets<16>(item, "PPID"));
    } else if (arc == 2) {
      first = once(2);
      if (item.tag != der::sequence) return fail("SGX extension TCB is not a sequence");
      TRY(read_tcb(item.content, out));
    } else if (arc == 3) {
      first = once(4);
      TRY_ASSIGN(out.pceid, octets<2>(item, "PCEID"));
    } else if (arc == 4) {
      first = once(8);
      TRY_ASSIGN(out.fmspc, octets<6>(item, "FMSPC"));
    }
    if (!first) return fail("the SGX extensions repeat a field");
  }
  if (seen != 15) return fail("the SGX extensions lack PPID, TCB, PCEID or FMSPC");
  return out;
}

Result<PckChain> PckChain::read(BytesView pem) {
  PckChain out;
  TRY_ASSIGN(out.ders_, read_pem(as_text(pem), "CERTIFICATE", 3));
  if (out.ders_.size() != 3) return fail("the PCK chain has {} certificates, expected 3", out.ders_.size());
  for (std::size_t i = 0; i < 3; ++i) {
    auto read = read_x509(out.ders_[i]);
    if (!read)
      return std::unexpected(std::move(read).error().within(fmt::format("certificate {} of the chain", i + 1)));
    out.certificates_[i] = *read;
  }
  return out;
}

FixedBytes<48> PckChain::root_key_id() const { return sha384(der::join({Bytes{4}, to_bytes(root().key.view())})); }

Time PckChain::not_before() const {
  return std::ranges::max(certificates_, {}, &X509Certificate::not_before).not_before;
}
Time PckChain::not_after() const { return std::ranges::min(certificates_, {}, &X509Certificate::not_after).not_after; }

Result<> check_issued(const X509Certificate& issuer, const X509Certificate& subject, std::uint32_t cas_below) {
  const auto name = issuer.common_name();
  if (!std::ranges::equal(subject.issuer, issuer.subject))
    return fail("\"{}\" names another issuer than \"{}\"", subject.common_name(), name);
  if (!issuer.is_ca || !issuer.signs_certificates) return fail("\"{}\" may not issue certificates", name);
  if (issuer.path_len && *issuer.path_len < cas_below) return fail("\"{}\" may not issue a CA", name);
  return {};
}

}  // namespace cocoon::tee
