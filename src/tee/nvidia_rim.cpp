#include "tee/nvidia_rim.hpp"

#ifdef COCOON_GPU_RIM

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <map>

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include "tee/openssl_ptr.hpp"
#include "tee/x509.hpp"

namespace cocoon::tee {
namespace {

constexpr std::string_view kSwid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
constexpr std::string_view kSha384 = "http://www.w3.org/2001/04/xmlenc#sha384";
constexpr unsigned kMaxAlternatives = 64;
constexpr std::size_t kMaxResources = 512;
constexpr std::size_t kMaxSigners = 8;

using Document = OpensslPtr<xmlDoc, xmlFreeDoc>;
using Dsig = OpensslPtr<xmlSecDSigCtx, xmlSecDSigCtxDestroy>;
void free_text(xmlChar* text) { xmlFree(text); }
using Text = OpensslPtr<xmlChar, free_text>;

void be_silent(const char*, int, const char*, const char*, const char*, int, const char*) {}

// Both libraries are started once for the process; they need no end.
bool libraries_ready() {
  static const bool ready = [] {
    xmlInitParser();
    const bool good =
        xmlSecInit() == 0 && xmlSecCheckVersion() == 1 && xmlSecCryptoAppInit(nullptr) == 0 && xmlSecCryptoInit() == 0;
    xmlSecErrorsSetCallback(be_silent);
    return good;
  }();
  return ready;
}

std::string_view view(const xmlChar* text) { return text ? reinterpret_cast<const char*>(text) : ""; }
const xmlChar* xml(const char* text) { return reinterpret_cast<const xmlChar*>(text); }

bool is(const xmlNode* node, std::string_view ns, std::string_view name) {
  return node->type == XML_ELEMENT_NODE && view(node->name) == name && node->ns && view(node->ns->href) == ns;
}

// The one child of that name; an error when there is none or another.
Result<xmlNode*> only_child(xmlNode* parent, std::string_view ns, std::string_view name) {
  xmlNode* found = nullptr;
  for (auto* child = parent->children; child; child = child->next) {
    if (!is(child, ns, name)) continue;
    if (found) return fail("the manifest has two elements {}", name);
    found = child;
  }
  if (!found) return fail("the manifest has no element {}", name);
  return found;
}

Result<std::string> attribute(xmlNode* node, const char* name, std::string_view ns = {}) {
  const Text text(ns.empty() ? xmlGetNoNsProp(node, xml(name))
                             : xmlGetNsProp(node, xml(name), xml(std::string(ns).c_str())));
  if (!text) return fail("element {} of the manifest lacks {}", view(node->name), name);
  std::string out(view(text.get()));
  if (out.size() > 256) return fail("attribute {} of {} bytes", name, out.size());
  return out;
}

Result<unsigned> number(xmlNode* node, const char* name, unsigned limit) {
  TRY_ASSIGN(const auto text, attribute(node, name));
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > limit)
    return fail("{} of the manifest is \"{}\"", name, text);
  return value;
}

Result<Document> parse(BytesView bytes) {
  if (bytes.empty() || bytes.size() > kMaxRim) return fail("a manifest of {} bytes, at most {}", bytes.size(), kMaxRim);
  // Neither the network nor a DTD nor entities; no XML_PARSE_HUGE, so libxml2's own limits stay on.
  constexpr int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  const OpensslPtr<xmlParserCtxt, xmlFreeParserCtxt> ctx(xmlNewParserCtxt());
  if (!ctx) return fail("out of memory");
  Document out(xmlCtxtReadMemory(ctx.get(), reinterpret_cast<const char*>(bytes.data()), static_cast<int>(bytes.size()),
                                 nullptr, nullptr, options));
  if (!out) return fail("the manifest is no well-formed XML");
  if (out->intSubset || out->extSubset) return fail("the manifest has a DTD");
  return out;
}

// --- What it says

Result<GoldenMeasurement> read_resource(xmlNode* node) {
  GoldenMeasurement out;
  TRY_ASSIGN(out.index, number(node, "index", 253));
  TRY_ASSIGN(const auto size, number(node, "size", 64));
  TRY_ASSIGN(const auto alternatives, number(node, "alternatives", kMaxAlternatives));
  if (size != 48 || alternatives == 0) return fail("measurement {} of {} bytes in the manifest", out.index, size);
  for (unsigned i = 0; i < alternatives; ++i) {
    TRY_ASSIGN(const auto text, attribute(node, fmt::format("Hash{}", i).c_str(), kSha384));
    TRY_ASSIGN(const auto value, fixed_from_hex<48>(text));
    out.alternatives.push_back(value);
  }
  return out;
}

Result<> read_payload(xmlNode* payload, Rim& out) {
  std::size_t resources = 0;
  for (auto* child = payload->children; child; child = child->next) {
    if (child->type != XML_ELEMENT_NODE) continue;
    if (!is(child, kSwid, "Resource")) return fail("the manifest's payload holds an element {}", view(child->name));
    if (++resources > kMaxResources) return fail("more than {} measurements in the manifest", kMaxResources);
    TRY_ASSIGN(const auto type, attribute(child, "type"));
    TRY_ASSIGN(const auto active, attribute(child, "active"));
    if (type != "Measurement" || (active != "True" && active != "False"))
      return fail("the manifest has a resource of type \"{}\", active \"{}\"", type, active);
    TRY_ASSIGN(auto golden, read_resource(child));
    if (active == "True") out.active.push_back(std::move(golden));
  }
  std::ranges::sort(out.active, {}, &GoldenMeasurement::index);
  if (std::ranges::adjacent_find(out.active, {}, &GoldenMeasurement::index) != out.active.end())
    return fail("the manifest repeats a measurement");
  if (out.active.empty()) return fail("the manifest has no active measurement");
  return {};
}

Result<> read_content(xmlNode* root, Rim& out) {
  if (!is(root, kSwid, "SoftwareIdentity")) return fail("the manifest is no SWID tag");
  TRY_ASSIGN(auto* const meta, only_child(root, kSwid, "Meta"));
  TRY_ASSIGN(out.product, attribute(meta, "product"));
  TRY_ASSIGN(out.edition, attribute(meta, "edition"));
  TRY_ASSIGN(out.version, attribute(meta, "colloquialVersion"));
  TRY_ASSIGN(auto* const payload, only_child(root, kSwid, "Payload"));
  return read_payload(payload, out);
}

// --- Who signed it

Result<std::vector<Certificate>> read_signers(xmlNode* signature) {
  const auto ns = view(xmlSecDSigNs);
  TRY_ASSIGN(auto* const info, only_child(signature, ns, "KeyInfo"));
  TRY_ASSIGN(auto* const data, only_child(info, ns, "X509Data"));
  std::vector<Certificate> out;
  for (auto* child = data->children; child; child = child->next) {
    if (!is(child, ns, "X509Certificate")) continue;
    if (out.size() >= kMaxSigners) return fail("more than {} signer certificates", kMaxSigners);
    const Text text(xmlNodeGetContent(child));
    std::string body(view(text.get()));
    std::erase_if(body, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    TRY_ASSIGN(const auto der, from_base64(body));
    TRY_ASSIGN(auto certificate, Certificate::read(der));
    out.push_back(std::move(certificate));
  }
  if (out.empty()) return fail("the manifest's signature names no certificate");
  return out;
}

// Only what NVIDIA uses may be asked for: the whole document, enveloped, canonical XML, SHA-384, ECDSA.
bool allow_only_the_profile(xmlSecDSigCtx* dsig) {
  dsig->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
  for (const auto transform :
       {xmlSecTransformEnvelopedId, xmlSecTransformInclC14N11Id, xmlSecTransformInclC14NId, xmlSecTransformSha384Id})
    if (xmlSecDSigCtxEnableReferenceTransform(dsig, transform) < 0) return false;
  for (const auto transform : {xmlSecTransformInclC14N11Id, xmlSecTransformInclC14NId, xmlSecTransformEcdsaSha384Id})
    if (xmlSecDSigCtxEnableSignatureTransform(dsig, transform) < 0) return false;
  return true;
}

// Exactly one reference, and it is to the whole document without the signature.
Result<> check_shape(xmlNode* signature) {
  const auto ns = view(xmlSecDSigNs);
  TRY_ASSIGN(auto* const info, only_child(signature, ns, "SignedInfo"));
  TRY_ASSIGN(auto* const reference, only_child(info, ns, "Reference"));
  TRY_ASSIGN(const auto uri, attribute(reference, "URI"));
  if (!uri.empty()) return fail("the signature is over a part of the manifest");
  TRY_ASSIGN(auto* const transforms, only_child(reference, ns, "Transforms"));
  bool enveloped = false;
  for (auto* child = transforms->children; child; child = child->next) {
    if (!is(child, ns, "Transform")) continue;
    TRY_ASSIGN(const auto algorithm, attribute(child, "Algorithm"));
    enveloped = enveloped || algorithm == view(xmlSecHrefEnveloped);
  }
  if (!enveloped) return fail("the manifest's signature is not enveloped");
  for (auto* child = signature->children; child; child = child->next)
    if (is(child, ns, "Object")) return fail("the manifest's signature carries an object");
  return {};
}

void check_signature(xmlNode* signature, Rim& out) {
  out.digest = check_shape(signature);
  if (!out.digest) {
    out.signature = fail("the signature is not over the manifest");
    return;
  }
  const auto pem = write_pem(out.signer.front().der(), "CERTIFICATE");
  const Dsig dsig(xmlSecDSigCtxCreate(nullptr));
  if (dsig)
    dsig->signKey = xmlSecCryptoAppKeyLoadMemory(reinterpret_cast<const xmlSecByte*>(pem.data()),
                                                 static_cast<xmlSecSize>(pem.size()), xmlSecKeyDataFormatCertPem,
                                                 nullptr, nullptr, nullptr);
  if (!dsig || !dsig->signKey || !allow_only_the_profile(dsig.get())) {
    out.digest = out.signature = fail("the signer's key cannot be used");
    return;
  }
  const bool done = xmlSecDSigCtxVerify(dsig.get(), signature) == 0;
  const auto references = xmlSecPtrListGetSize(&dsig->signedInfoReferences);
  const auto* reference =
      references == 1 ? static_cast<const xmlSecDSigReferenceCtx*>(xmlSecPtrListGetItem(&dsig->signedInfoReferences, 0))
                      : nullptr;
  if (!reference || reference->status != xmlSecDSigStatusSucceeded) out.digest = fail("the manifest was changed");
  if (!done || dsig->status != xmlSecDSigStatusSucceeded)
    out.signature = fail("the manifest is not signed by '{}'", out.signer.front().common_name());
}

}  // namespace

bool can_read_rims() { return true; }

Result<Rim> read_rim(BytesView bytes) {
  if (!libraries_ready()) return fail("libxml2 and xmlsec1 do not start");
  TRY_ASSIGN(const auto document, parse(bytes));
  auto* root = xmlDocGetRootElement(document.get());
  if (!root) return fail("the manifest is empty");
  Rim out;
  TRY(read_content(root, out));
  TRY_ASSIGN(auto* const signature, only_child(root, view(xmlSecDSigNs), "Signature"));
  TRY_ASSIGN(out.signer, read_signers(signature));
  check_signature(signature, out);
  return out;
}

}  // namespace cocoon::tee

#else

namespace cocoon::tee {

bool can_read_rims() { return false; }
Result<Rim> read_rim(BytesView) { return fail("this build has no part that reads RIMs (COCOON_GPU_RIM)"); }

}  // namespace cocoon::tee

#endif
