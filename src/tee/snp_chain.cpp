#include "tee/snp_chain.hpp"

#include <array>

#include "tee/der.hpp"

namespace cocoon::tee {
namespace {

constexpr std::string_view kAmd = "1.3.6.1.4.1.3704.1.";

Result<Bytes> required(const Certificate& certificate, std::string_view arc) {
  TRY_ASSIGN(auto value, certificate.extension(fmt::format("{}{}", kAmd, arc)));
  if (!value) return fail("the endorsement lacks AMD's extension {}{}", kAmd, arc);
  return *std::move(value);
}

// An INTEGER of one SVN.
Result<std::uint8_t> svn(const Certificate& certificate, std::string_view arc) {
  TRY_ASSIGN(const auto value, required(certificate, arc));
  der::Reader reader(value);
  TRY_ASSIGN(const auto content, reader.next(der::integer));
  TRY_ASSIGN(const auto number, der::small_integer(content));
  if (number > 0xff || !reader.empty()) return fail("the endorsement's extension {}{} is no SVN", kAmd, arc);
  return static_cast<std::uint8_t>(number);
}

Result<std::string> ia5(const Certificate& certificate, std::string_view arc) {
  constexpr std::uint8_t ia5_string = 0x16;
  TRY_ASSIGN(const auto value, required(certificate, arc));
  der::Reader reader(value);
  TRY_ASSIGN(const auto content, reader.next(ia5_string));
  if (!reader.empty() || content.size() > 256) return fail("the endorsement's extension {}{} is malformed", kAmd, arc);
  auto out = to_text(content);
  for (const char c : out)
    if (c < 0x20 || c > 0x7e) return fail("the endorsement's extension {}{} is not printable", kAmd, arc);
  return out;
}

// "Milan-B0" and "Milan" are Milan.
Result<SnpProduct> product_named(std::string_view name) {
  const auto line = name.substr(0, name.find('-'));
  for (const auto product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin})
    if (line == to_string(product)) return product;
  return fail("\"{}\" is no known SEV-SNP product", name);
}

// Chip id or raw value: AMD puts the bytes into the extension without DER around them.
Result<Bytes> hwid_of(const Certificate& certificate, SnpProduct product) {
  TRY_ASSIGN(auto out, required(certificate, "4"));
  const std::size_t expected = product == SnpProduct::turin ? 8 : 64;
  if (out.size() != expected) return fail("a {} VCEK with a hwid of {} bytes", to_string(product), out.size());
  return out;
}

Result<SnpTcb> tcb_of(const Certificate& certificate, SnpProduct product) {
  SnpTcb out;
  TRY_ASSIGN(out.boot_loader, svn(certificate, "3.1"));
  TRY_ASSIGN(out.tee, svn(certificate, "3.2"));
  TRY_ASSIGN(out.snp, svn(certificate, "3.3"));
  TRY_ASSIGN(out.microcode, svn(certificate, "3.8"));
  if (product == SnpProduct::turin) {
    TRY_ASSIGN(out.fmc, svn(certificate, "3.9"));
  }
  return out;
}

Result<> check_cas(const Certificate& ask, const Certificate& ark) {
  TRY(ark.issued_by(ark, SignedWith::rsa_pss_sha384));
  TRY(ask.issued_by(ark, SignedWith::rsa_pss_sha384));
  for (const auto* ca : {&ask, &ark}) {
    if (!ca->is_ca()) return fail("'{}' may not issue certificates", ca->common_name());
    if (ca->unknown_critical()) return fail("'{}' has a critical extension that is not understood", ca->common_name());
  }
  return {};
}

}  // namespace

Result<SnpEndorsement> read_endorsement(const Certificate& certificate) {
  SnpEndorsement out;
  if (certificate.common_name() != "SEV-VCEK" && certificate.common_name() != "SEV-VLEK")
    return fail("'{}' is neither a VCEK nor a VLEK", certificate.common_name());
  out.vlek = certificate.common_name() == "SEV-VLEK";
  TRY_ASSIGN(const auto name, ia5(certificate, "2"));
  TRY_ASSIGN(out.product, product_named(name));
  TRY_ASSIGN(out.tcb, tcb_of(certificate, out.product));
  TRY_ASSIGN(const auto provider, certificate.extension(fmt::format("{}5", kAmd)));
  if (out.vlek) {
    TRY_ASSIGN(const auto hwid, certificate.extension(fmt::format("{}4", kAmd)));
    if (hwid) return fail("a VLEK that names a chip");
    TRY_ASSIGN(out.provider, ia5(certificate, "5"));
  } else {
    if (provider) return fail("a VCEK that names a cloud provider");
    TRY_ASSIGN(out.hwid, hwid_of(certificate, out.product));
  }
  TRY_ASSIGN(out.key, certificate.p384_key());
  return out;
}

Result<AmdChain> AmdChain::read(const AmdCollateral& files) {
  auto ask = Certificate::read(files.ask);
  if (!ask) return std::unexpected(std::move(ask).error().within("ASK"));
  auto ark = Certificate::read(files.ark);
  if (!ark) return std::unexpected(std::move(ark).error().within("ARK"));
  AmdChain out(*std::move(ask), *std::move(ark));
  if (!files.crl.empty()) {
    TRY_ASSIGN(out.crl_, RevocationList::read(files.crl));
  }
  const auto& root = out.ark_.common_name();
  if (!root.starts_with("ARK-")) return fail("'{}' is no ARK", root);
  TRY_ASSIGN(out.product_, product_named(std::string_view(root).substr(4)));
  const auto& name = out.ask_.common_name();
  out.vlek_ = name == fmt::format("SEV-VLEK-{}", to_string(out.product_));
  if (!out.vlek_ && name != fmt::format("SEV-{}", to_string(out.product_)))
    return fail("'{}' is neither ASK nor ASVK of {}", name, to_string(out.product_));
  out.signatures_ = check_cas(out.ask_, out.ark_);
  if (out.crl_) out.list_signature_ = out.crl_->issued_by(out.ark_, SignedWith::rsa_pss_sha384);
  return out;
}

Result<> AmdChain::fits(const SnpEndorsement& endorsement) const {
  if (endorsement.product != product_)
    return fail("a {} endorsement under a {} root", to_string(endorsement.product), to_string(product_));
  if (endorsement.vlek != vlek_)
    return fail("'{}' does not issue {}s", ask_.common_name(), endorsement.vlek ? "VLEK" : "VCEK");
  return {};
}

}  // namespace cocoon::tee
