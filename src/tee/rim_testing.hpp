// Reference manifests made for tests, signed as NVIDIA signs them. Tests only.
#pragma once
#include <string>
#include <vector>

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/pem.h>
#include <xmlsec/crypto.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include "tee/pki_testing.hpp"
#include "tee/x509.hpp"

namespace cocoon::tee::testing {

struct RimSpec {
  std::string product = "GH100", version, edition = "GPU";
  struct Golden {
    unsigned index;
    std::vector<FixedBytes<48>> alternatives;
    bool active = true;
  };
  std::vector<Golden> golden;
  std::vector<Bytes> signer;  // DER, leaf first
  std::string reference_uri;  // "" is the whole document
  std::string digest = "http://www.w3.org/2001/04/xmldsig-more#sha384";
  std::string transform = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
  std::string extra;  // put in front of the payload
};

inline std::string rim_template(const RimSpec& spec) {
  std::string out =
      "<SoftwareIdentity xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\" "
      "xmlns:ns2=\"http://www.w3.org/2001/04/xmlenc#sha384\" name=\"test\">";
  out += fmt::format("<Meta colloquialVersion=\"{}\" edition=\"{}\" product=\"{}\"/>", spec.version, spec.edition,
                     spec.product);
  out += spec.extra + "<Payload>";
  for (const auto& [index, alternatives, active] : spec.golden) {
    out += fmt::format("<Resource type=\"Measurement\" index=\"{}\" active=\"{}\" alternatives=\"{}\" size=\"48\"",
                       index, active ? "True" : "False", alternatives.size());
    for (std::size_t i = 0; i < alternatives.size(); ++i)
      out += fmt::format(" ns2:Hash{}=\"{}\"", i, to_hex(alternatives[i].view()));
    out += "/>";
  }
  out += fmt::format(
      "</Payload><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"
      "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/>"
      "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384\"/>"
      "<ds:Reference URI=\"{}\"><ds:Transforms><ds:Transform Algorithm=\"{}\"/>"
      "<ds:Transform Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/></ds:Transforms>"
      "<ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>"
      "<ds:SignatureValue></ds:SignatureValue><ds:KeyInfo><ds:X509Data>",
      spec.reference_uri, spec.transform, spec.digest);
  for (const auto& der : spec.signer) out += "<ds:X509Certificate>" + to_base64(der) + "</ds:X509Certificate>";
  return out + "</ds:X509Data></ds:KeyInfo></ds:Signature></SoftwareIdentity>";
}

// Needs read_rim to have been called once: it starts the libraries.
inline Bytes sign_rim(const RimSpec& spec, EVP_PKEY* key) {
  const auto text = rim_template(spec);
  OpensslPtr<xmlDoc, xmlFreeDoc> doc(
      xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr, XML_PARSE_NONET));
  must(doc != nullptr);
  OpensslPtr<BIO, BIO_free> pem(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PrivateKey(pem.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* pem_text = nullptr;
  const auto pem_size = BIO_get_mem_data(pem.get(), &pem_text);
  OpensslPtr<xmlSecDSigCtx, xmlSecDSigCtxDestroy> dsig(xmlSecDSigCtxCreate(nullptr));
  dsig->signKey =
      xmlSecCryptoAppKeyLoadMemory(reinterpret_cast<const xmlSecByte*>(pem_text), static_cast<xmlSecSize>(pem_size),
                                   xmlSecKeyDataFormatPem, nullptr, nullptr, nullptr);
  auto* node = xmlSecFindNode(xmlDocGetRootElement(doc.get()), xmlSecNodeSignature, xmlSecDSigNs);
  must(dsig->signKey && node && xmlSecDSigCtxSign(dsig.get(), node) == 0);
  xmlChar* out = nullptr;
  int size = 0;
  xmlDocDumpMemory(doc.get(), &out, &size);
  Bytes result(out, out + size);
  xmlFree(out);
  return result;
}

}  // namespace cocoon::tee::testing
