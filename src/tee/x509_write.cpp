#include "tee/x509_write.hpp"

#include "tee/der.hpp"
#include "tee/pck.hpp"

namespace cocoon::tee {
namespace {

using namespace der;

Bytes key_info(const P256Point& key) {
  const auto algorithm = write_sequence({write_oid("1.2.840.10045.2.1"), write_oid("1.2.840.10045.3.1.7")});
  return write_sequence({algorithm, write_bits(join({Bytes{4}, to_bytes(key.view())}))});
}

Bytes standard_extensions(const CertificateSpec& spec) {
  const bool ca = spec.path_length >= 0;
  const auto constraints =
      ca ? write_sequence({Bytes{boolean, 1, 0xff}, write_small(static_cast<std::uint32_t>(spec.path_length))})
         : write_sequence({});
  // CA: keyCertSign, cRLSign; leaf: digitalSignature, nonRepudiation.
  const auto usage = ca ? write_bits(Bytes{0x06}, 1) : write_bits(Bytes{0xc0}, 6);
  const auto key_id = crypto::sha256(spec.key.view());
  return join({write_extension("2.5.29.14", false, item(octet_string, key_id.view().first(20))),
               write_extension("2.5.29.15", true, usage), write_extension("2.5.29.19", true, constraints)});
}

Bytes sgx_field(std::string_view arc, const Bytes& value) {
  return write_sequence({write_oid(fmt::format("{}.{}", kSgxExtensionsOid, arc)), value});
}

}  // namespace

Bytes issue_certificate(const CertificateSpec& spec, const P256Key& issuer) {
  const auto algorithm = write_sequence({write_oid("1.2.840.10045.4.3.2")});
  const auto validity = write_sequence({write_time(unix_time(spec.not_before)), write_time(unix_time(spec.not_after))});
  auto extensions = standard_extensions(spec);
  for (const auto& more : spec.extensions) append(extensions, more);
  const auto version = item(0xa0, write_small(2));
  const auto body =
      write_sequence({version, write_integer(spec.serial), algorithm, write_name(spec.issuer), validity,
                      write_name(spec.subject), key_info(spec.key), item(0xa3, item(sequence, extensions))});
  return write_sequence({body, algorithm, write_bits(p256_signature_der(issuer.sign(body)))});
}

Bytes sgx_extensions_value(const FixedBytes<16>& ppid, const FixedBytes<6>& fmspc) {
  Bytes tcb;
  for (int i = 1; i <= 16; ++i) append(tcb, sgx_field(fmt::format("2.{}", i), write_small(i <= 3 ? 3 : 1)));
  append(tcb, sgx_field("2.17", write_small(13)));
  append(tcb, sgx_field("2.18", item(octet_string, FixedBytes<16>{})));
  return write_sequence({sgx_field("1", item(octet_string, ppid)), sgx_field("2", item(sequence, tcb)),
                         sgx_field("3", item(octet_string, FixedBytes<2>{})), sgx_field("4", item(octet_string, fmspc)),
                         sgx_field("5", item(0x0a, Bytes{1}))});
}

}  // namespace cocoon::tee
