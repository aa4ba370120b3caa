#include "tee/simulated.hpp"

#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tee/der.hpp"
#include "tee/pck.hpp"
#include "tee/quote.hpp"
#include "tee/x509_write.hpp"

namespace cocoon::tee {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 64 * 1024;
constexpr std::string_view kKeyLabel = "EC PRIVATE KEY";
constexpr auto kYear = std::chrono::hours(24 * 365);

FixedBytes<16> serial(crypto::Random& random) {
  FixedBytes<16> out;
  random.fill(out);
  out[0] = static_cast<std::uint8_t>((out[0] & 0x3f) | 0x40);
  return out;
}

// RFC 5915.
std::string key_pem(const P256Key& key) {
  const auto info = der::write_sequence({der::write_small(1), der::item(der::octet_string, key.scalar()),
                                         der::item(0xa0, der::write_oid("1.2.840.10045.3.1.7"))});
  return write_pem(info, kKeyLabel);
}

Result<P256Key> read_key(std::string_view pem) {
  TRY_ASSIGN(const auto blocks, read_pem(pem, kKeyLabel, 1));
  der::Reader whole(blocks[0]);
  TRY_ASSIGN(const auto content, whole.next(der::sequence));
  der::Reader fields(content);
  TRY(fields.next(der::integer));
  TRY_ASSIGN(const auto scalar, fields.next(der::octet_string));
  if (scalar.size() != 32) return fail("a P-256 key of {} bytes", scalar.size());
  return P256Key::from_scalar(Bits256::from(scalar));
}

Result<> write_file(const fs::path& path, std::string_view text, mode_t mode) {
  const auto fresh = path.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return fail("cannot write {}", fresh);
  const auto n = ::write(fd, text.data(), text.size());
  const bool good = n == static_cast<ssize_t>(text.size()) && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  ::close(fd);
  std::error_code ec;
  if (good) fs::rename(fresh, path, ec);
  if (!good || ec) return fail("cannot write {}", path.string());
  return {};
}

Result<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string out(kMaxFile + 1, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  if (in.gcount() <= 0) return fail("cannot read {}", path.string());
  out.resize(static_cast<std::size_t>(in.gcount()));
  if (out.size() > kMaxFile) return fail("{} is too large", path.string());
  return out;
}

Result<P256Key> load_key(const fs::path& path) {
  TRY_ASSIGN(auto text, read_file(path));
  auto key = read_key(text);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!key) return std::unexpected(std::move(key).error().within(path.string()));
  return key;
}

Result<> make_directory(const fs::path& directory) {
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec) return fail("cannot make {}: {}", directory.string(), ec.message());
  return {};
}

void put(Bytes& out, std::size_t offset, BytesView value) {
  std::ranges::copy(value, out.begin() + static_cast<std::ptrdiff_t>(offset));
}

void append_number(Bytes& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::string name_of(std::string_view network, std::string_view what) {
  return fmt::format("Cocoon simulated TEE {} ({}), NOT INTEL", what, network.substr(0, 24));
}

Bytes auth_data() {
  Bytes out(32);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
  return out;
}

}  // namespace

TdxMeasurements simulated_measurements(std::string_view image) {
  const auto measure = [&](std::string_view what) {
    return sha384(as_bytes(fmt::format("cocoon simulated {}\n{}", what, image)));
  };
  TdxMeasurements out;
  out.mrtd = measure("firmware");
  out.rtmr[0] = measure("configuration");
  out.rtmr[1] = measure("kernel");
  out.rtmr[2] = measure("command line and initrd");
  return out;
}

Bytes simulated_header_and_body(const TdxMeasurements& measured, const Bits512& report_data) {
  Bytes out(kQuoteHeader + kTdBody10);
  put(out, 0, Bytes{4, 0, 2, 0, 0x81});
  put(out, 12, kIntelQeVendor);
  const auto body = kQuoteHeader;
  put(out, body, Bytes{6, 1, 2});                                        // TEE_TCB_SVN
  put(out, body + 16, sha384(as_bytes("cocoon simulated TDX module")));  // MRSEAM
  put(out, body + 120, Bytes{0, 0, 0, 0x10});                            // TDATTRIBUTES: SEPT_VE_DISABLE
  put(out, body + 128, Bytes{0xe7, 0x18, 0x06});                         // XFAM
  put(out, body + 136, measured.mrtd);
  put(out, body + 184, measured.mrconfigid);
  put(out, body + 232, measured.mrowner);
  put(out, body + 280, measured.mrownerconfig);
  for (std::size_t i = 0; i < 4; ++i) put(out, body + 328 + 48 * i, measured.rtmr[i]);
  put(out, body + 520, report_data);
  return out;
}

Bytes simulated_qe_report(const Bits256& bound) {
  Bytes out(kEnclaveReport);
  put(out, 48, Bytes{0x11});                                                    // ATTRIBUTES: INIT, PROVISION_KEY
  put(out, 128, crypto::sha256(as_bytes("cocoon simulated quoting enclave")));  // MRSIGNER
  put(out, 256, Bytes{2, 0, 4, 0});                                             // ISVPRODID, ISVSVN
  put(out, 320, bound);
  return out;
}

Bytes assemble_quote(BytesView header_and_body, const P256Signature& signature, const P256Point& attestation_key,
                     BytesView qe_report, const P256Signature& qe_signature, BytesView auth, BytesView chain_pem) {
  Bytes inner;
  append(inner, qe_report);
  append(inner, qe_signature);
  append_number(inner, static_cast<std::uint32_t>(auth.size()), 2);
  append(inner, auth);
  append_number(inner, 5, 2);
  append_number(inner, static_cast<std::uint32_t>(chain_pem.size()), 4);
  append(inner, chain_pem);
  Bytes out = to_bytes(header_and_body);
  append_number(out, static_cast<std::uint32_t>(128 + 6 + inner.size()), 4);
  append(out, signature);
  append(out, attestation_key);
  append_number(out, 6, 2);
  append_number(out, static_cast<std::uint32_t>(inner.size()), 4);
  append(out, inner);
  return out;
}

SimulatedPlatform::SimulatedPlatform(const P256Key& pck, const P256Key& attestation, std::string chain_pem)
    : pck_(pck), attestation_(attestation), chain_(std::move(chain_pem)) {}

Bytes SimulatedPlatform::quote(const TdxMeasurements& measured, const Bits512& report_data) const {
  return complete_quote(simulated_header_and_body(measured, report_data));
}

Bytes SimulatedPlatform::complete_quote(Bytes header_and_body) const {
  const auto auth = auth_data();
  Bytes bound = to_bytes(attestation_.point().view());
  append(bound, auth);
  const auto qe_report = simulated_qe_report(crypto::sha256(bound));
  return assemble_quote(header_and_body, attestation_.sign(header_and_body), attestation_.point(), qe_report,
                        pck_.sign(qe_report), auth, as_bytes(chain_));
}

Result<> SimulatedPlatform::save(const fs::path& directory) const {
  TRY(make_directory(directory));
  TRY(write_file(directory / "platform-key.pem", key_pem(pck_), 0600));
  TRY(write_file(directory / "attestation-key.pem", key_pem(attestation_), 0600));
  return write_file(directory / "platform-chain.pem", chain_, 0644);
}

Result<SimulatedPlatform> SimulatedPlatform::load(const fs::path& directory) {
  TRY_ASSIGN(const auto pck, load_key(directory / "platform-key.pem"));
  TRY_ASSIGN(const auto attestation, load_key(directory / "attestation-key.pem"));
  TRY_ASSIGN(auto chain, read_file(directory / "platform-chain.pem"));
  TRY_ASSIGN(const auto certificates, PckChain::read(as_bytes(chain)));
  if (certificates.leaf().key != pck.point()) return fail("{}: the chain is not for this key", directory.string());
  return SimulatedPlatform(pck, attestation, std::move(chain));
}

SimulatedRoot::SimulatedRoot(const P256Key& root, const P256Key& ca, std::string root_pem, std::string ca_pem)
    : root_(root), ca_(ca), root_pem_(std::move(root_pem)), ca_pem_(std::move(ca_pem)) {}

SimulatedRoot SimulatedRoot::create(crypto::Random& random, Time now, std::string_view network) {
  const auto root = P256Key::generate(random), ca = P256Key::generate(random);
  const auto root_name = name_of(network, "root"), ca_name = name_of(network, "platform CA");
  CertificateSpec spec{
      root_name, root_name, root.point(), serial(random), now - std::chrono::hours(24), now + 20 * kYear, 1, {}};
  auto root_pem = write_pem(issue_certificate(spec, root), "CERTIFICATE");
  spec.subject = ca_name;
  spec.key = ca.point();
  spec.serial = serial(random);
  spec.not_after = now + 15 * kYear;
  spec.path_length = 0;
  auto ca_pem = write_pem(issue_certificate(spec, root), "CERTIFICATE");
  return {root, ca, std::move(root_pem), std::move(ca_pem)};
}

Result<> SimulatedRoot::save(const fs::path& directory) const {
  TRY(make_directory(directory));
  TRY(write_file(directory / "root-key.pem", key_pem(root_), 0600));
  TRY(write_file(directory / "ca-key.pem", key_pem(ca_), 0600));
  TRY(write_file(directory / "ca.pem", ca_pem_, 0644));
  return write_file(directory / "root.pem", root_pem_, 0644);
}

Result<SimulatedRoot> SimulatedRoot::load(const fs::path& directory) {
  TRY_ASSIGN(const auto root, load_key(directory / "root-key.pem"));
  TRY_ASSIGN(const auto ca, load_key(directory / "ca-key.pem"));
  TRY_ASSIGN(auto ca_pem, read_file(directory / "ca.pem"));
  TRY_ASSIGN(auto root_pem, read_file(directory / "root.pem"));
  TRY(read_simulated_root(root_pem));
  return SimulatedRoot(root, ca, std::move(root_pem), std::move(ca_pem));
}

TrustedRoot SimulatedRoot::trusted() const {
  // Our own PEM: it parses.
  return read_simulated_root(root_pem_).value_or(TrustedRoot{});
}

SimulatedPlatform SimulatedRoot::make_platform(crypto::Random& random, Time now) const {
  const auto pck = P256Key::generate(random), attestation = P256Key::generate(random);
  FixedBytes<16> ppid;
  random.fill(ppid);
  const auto fmspc = FixedBytes<6>::from(as_bytes("COCOON"));
  const auto issuer = common_name_of(ca_pem_);
  CertificateSpec spec{"Cocoon simulated PCK certificate", issuer,          pck.point(), serial(random),
                       now - std::chrono::hours(24),       now + 7 * kYear, -1,          {}};
  spec.extensions.push_back(der::write_extension(kSgxExtensionsOid, false, sgx_extensions_value(ppid, fmspc)));
  const auto leaf = write_pem(issue_certificate(spec, ca_), "CERTIFICATE");
  return {pck, attestation, leaf + ca_pem_ + root_pem_};
}

Result<TrustedRoot> read_simulated_root(std::string_view pem) {
  TRY_ASSIGN(const auto blocks, read_pem(pem, "CERTIFICATE", 1));
  return TrustedRoot{crypto::sha256(blocks[0]), common_name_of(pem), true};
}

}  // namespace cocoon::tee
