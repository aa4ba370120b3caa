#include "tee/pck.hpp"

#include <memory>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "tee/der.hpp"

namespace cocoon::tee {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* p) const {
    free(p);
  }
};
void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;
using Store = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using StoreCtx = std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>>;
using Stack = std::unique_ptr<STACK_OF(X509), Free<free_stack>>;
using Object = std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>>;

X509Ptr read_x509(BytesView der) {
  const unsigned char* at = der.data();
  X509Ptr out(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (out && at != der.data() + der.size()) out.reset();
  ERR_clear_error();
  return out;
}

Result<P256Point> key_of(const X509* certificate) {
  const auto* key = X509_get0_pubkey(certificate);
  std::array<std::uint8_t, 80> raw{};
  std::size_t n = 0;
  char group[32] = {};
  const bool good =
      key && EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
      std::string_view(group) == "prime256v1" &&
      EVP_PKEY_get_octet_string_param(key, "pub", raw.data(), raw.size(), &n) == 1 && n == 65 && raw[0] == 4;
  ERR_clear_error();
  if (!good) return fail("a certificate of the chain has no uncompressed P-256 key");
  return P256Point::from(BytesView(raw).subspan(1));
}

Result<Time> time_of(const ASN1_TIME* text) {
  std::tm parts{};
  if (!text || ASN1_TIME_to_tm(text, &parts) != 1) return fail("a certificate of the chain has no readable validity");
  return from_unix(timegm(&parts));
}

std::string common_name(const X509* certificate) {
  char text[128] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
  std::string out(text);
  for (auto& c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  return out;
}

// OpenSSL's path validation with the chain's own root as anchor: whether that root is ours is another question.
Result<> check_path(X509* leaf, X509* ca, X509* root, Time now) {
  Store store(X509_STORE_new());
  StoreCtx ctx(X509_STORE_CTX_new());
  Stack trusted(sk_X509_new_null()), middle(sk_X509_new_null());
  if (!store || !ctx || !trusted || !middle || !sk_X509_push(trusted.get(), root) || !sk_X509_push(middle.get(), ca) ||
      X509_STORE_CTX_init(ctx.get(), store.get(), leaf, middle.get()) != 1)
    return fail("out of memory");
  X509_STORE_CTX_set0_trusted_stack(ctx.get(), trusted.get());
  auto* param = X509_STORE_CTX_get0_param(ctx.get());
  X509_VERIFY_PARAM_set_time(param, unix_time(now));
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CHECK_SS_SIGNATURE);
  const bool good = X509_verify_cert(ctx.get()) == 1;
  const int error = X509_STORE_CTX_get_error(ctx.get());
  const auto* chain = X509_STORE_CTX_get0_chain(ctx.get());
  const bool whole = good && chain && sk_X509_num(chain) == 3;
  ERR_clear_error();
  if (!good) return fail("{}", X509_verify_cert_error_string(error));
  if (!whole) return fail("the chain is not leaf, CA, root");
  if (X509_check_ca(leaf) != 0) return fail("the PCK certificate is a CA");
  return {};
}

template <std::size_t N>
Result<FixedBytes<N>> octets(const der::Item& item, std::string_view name) {
  if (item.tag != der::octet_string || item.content.size() != N) return fail("SGX extension {} is not valid", name);
  return FixedBytes<N>::from(item.content);
}

bool is_oid(BytesView content, std::string_view dotted) {
  const auto wanted = der::oid_content(dotted);
  return !wanted.empty() && std::ranges::equal(content, wanted);
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
    for (std::uint32_t i = 1; i <= 18; ++i) {
      if (!is_oid(id, fmt::format("{}.2.{}", kSgxExtensionsOid, i))) continue;
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
  }
  if (seen != 0x7fffe) return fail("SGX extension TCB is incomplete");
  return {};
}

Result<SgxExtensions> read_sgx(BytesView value) {
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
    const auto is = [&](std::string_view arc) { return is_oid(id, fmt::format("{}.{}", kSgxExtensionsOid, arc)); };
    bool first = true;
    if (is("1")) {
      first = once(1);
      TRY_ASSIGN(out.ppid, octets<16>(item, "PPID"));
    } else if (is("2")) {
      first = once(2);
      if (item.tag != der::sequence) return fail("SGX extension TCB is not a sequence");
      TRY(read_tcb(item.content, out));
    } else if (is("3")) {
      first = once(4);
      TRY_ASSIGN(out.pceid, octets<2>(item, "PCEID"));
    } else if (is("4")) {
      first = once(8);
      TRY_ASSIGN(out.fmspc, octets<6>(item, "FMSPC"));
    }
    if (!first) return fail("the SGX extensions repeat a field");
  }
  if (seen != 15) return fail("the SGX extensions lack PPID, TCB, PCEID or FMSPC");
  return out;
}

Result<SgxExtensions> sgx_of(const X509* leaf) {
  Object id(OBJ_txt2obj(std::string(kSgxExtensionsOid).c_str(), 1));
  const int at = id ? X509_get_ext_by_OBJ(leaf, id.get(), -1) : -1;
  if (at < 0) return fail("the PCK certificate has no SGX extensions");
  if (X509_get_ext_by_OBJ(leaf, id.get(), at) >= 0) return fail("the PCK certificate has SGX extensions twice");
  const auto* value = X509_EXTENSION_get_data(X509_get_ext(leaf, at));
  return read_sgx({ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))});
}

}  // namespace

Result<std::vector<Bytes>> read_pem(std::string_view text, std::string_view label, std::size_t limit) {
  const auto begin = fmt::format("-----BEGIN {}-----", label), end = fmt::format("-----END {}-----", label);
  std::vector<Bytes> out;
  for (auto at = text.find(begin); at != text.npos; at = text.find(begin)) {
    text.remove_prefix(at + begin.size());
    const auto stop = text.find(end);
    if (stop == text.npos) return fail("PEM block '{}' does not end", label);
    std::string body;
    for (const char c : text.substr(0, stop))
      if (c != '\n' && c != '\r' && c != ' ' && c != '\t') body.push_back(c);
    TRY_ASSIGN(auto der, from_base64(body));
    if (out.size() >= limit) return fail("more than {} PEM blocks", limit);
    out.push_back(std::move(der));
    text.remove_prefix(stop + end.size());
  }
  if (out.empty()) return fail("no PEM block '{}'", label);
  return out;
}

std::string common_name_of(std::string_view pem) {
  const auto ders = read_pem(pem, "CERTIFICATE", 3);
  if (!ders) return {};
  const auto certificate = read_x509(ders->front());
  return certificate ? common_name(certificate.get()) : std::string();
}

std::string write_pem(BytesView der, std::string_view label) {
  const auto body = to_base64(der);
  auto out = fmt::format("-----BEGIN {}-----\n", label);
  for (std::size_t i = 0; i < body.size(); i += 64) out.append(body, i, 64).push_back('\n');
  return out + fmt::format("-----END {}-----\n", label);
}

Result<PckChain> read_pck_chain(BytesView pem, Time now) {
  TRY_ASSIGN(const auto ders, read_pem(as_text(pem), "CERTIFICATE", 3));
  if (ders.size() != 3) return fail("the PCK chain has {} certificates, expected 3", ders.size());
  std::array<X509Ptr, 3> certificates;
  PckChain out;
  out.not_before = Time::min();
  out.not_after = Time::max();
  for (std::size_t i = 0; i < 3; ++i) {
    certificates[i] = read_x509(ders[i]);
    if (!certificates[i]) return fail("certificate {} of the PCK chain is malformed", i + 1);
    const auto* certificate = certificates[i].get();
    TRY_ASSIGN(const auto key, key_of(certificate));
    if (i == 0) out.leaf_key = key;
    if (i == 2) out.root_key_id = sha384(der::join({Bytes{4}, to_bytes(key.view())}));
    TRY_ASSIGN(const auto from, time_of(X509_get0_notBefore(certificate)));
    TRY_ASSIGN(const auto until, time_of(X509_get0_notAfter(certificate)));
    out.not_before = std::max(out.not_before, from);
    out.not_after = std::min(out.not_after, until);
  }
  out.root_sha256 = crypto::sha256(ders[2]);
  out.root_name = common_name(certificates[2].get());
  out.path = check_path(certificates[0].get(), certificates[1].get(), certificates[2].get(), now);
  out.sgx = sgx_of(certificates[0].get());
  return out;
}

}  // namespace cocoon::tee
