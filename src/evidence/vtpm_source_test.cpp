// Against swtpm: a real TPM 2.0 in software, prepared as Azure's paravisor prepares its own.
#include <gtest/gtest.h>

#include "evidence/source.hpp"

#ifdef COCOON_TPM2

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

namespace cocoon::evidence {
namespace {

namespace fs = std::filesystem;

// Two neighbouring ports that are free: swtpm's own protocol wants command port and control port side by side. Below
// the range from which the system takes ports of its own: who dials such a one again and again may meet himself.
int free_port() {
  for (int attempt = 0; attempt < 50; ++attempt) {
    const int port = 20000 + (2 * static_cast<int>(::getpid()) + 2 * attempt) % 10000;
    const int first = ::socket(AF_INET, SOCK_STREAM, 0), second = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const socklen_t size = sizeof address;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    bool good = ::bind(first, reinterpret_cast<sockaddr*>(&address), size) == 0;
    address.sin_port = htons(static_cast<std::uint16_t>(port + 1));
    good = good && ::bind(second, reinterpret_cast<sockaddr*>(&address), size) == 0;
    ::close(first);
    ::close(second);
    if (good) return port;
  }
  return -1;
}

class Swtpm {
 public:
  Swtpm() {
    char name[] = "/tmp/cocoon-swtpm-XXXXXX";
    directory_ = ::mkdtemp(name);
    port_ = free_port();
    const auto server = fmt::format("type=tcp,port={},bindaddr=127.0.0.1", port_);
    const auto control = fmt::format("type=tcp,port={},bindaddr=127.0.0.1", port_ + 1);
    const auto state = "dir=" + directory_.string();
    child_ = ::fork();
    if (child_ == 0) {
      ::execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--server", server.c_str(), "--ctrl",
               control.c_str(), "--flags", "not-need-init,startup-clear", "--seccomp", "action=none", nullptr);
      ::_exit(127);
    }
  }
  ~Swtpm() {
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
    fs::remove_all(directory_);
  }
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;

  std::string tcti() const { return fmt::format("swtpm:host=127.0.0.1,port={}", port_); }
  // It listens on both ports, or it has died.
  bool wait() const {
    while (!listens(port_) || !listens(port_ + 1)) {
      if (::waitpid(child_, nullptr, WNOHANG) != 0) return false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  // As the kernel lists it: swtpm serves one caller at a time, and one who only tries would be that one.
  static bool listens(int port) {
    std::ifstream sockets("/proc/net/tcp");
    const auto listening = fmt::format(" 0100007F:{:04X} 00000000:0000 0A ", port);
    for (std::string line; std::getline(sockets, line);)
      if (line.find(listening) != std::string::npos) return true;
    return false;
  }

  fs::path directory_;
  int port_ = 0;
  pid_t child_ = 0;
};

// The key at its handle, and its public part.
Result<TPM2B_PUBLIC> make_attestation_key(ESYS_CONTEXT* esys) {
  TPM2B_PUBLIC in{};
  in.publicArea.type = TPM2_ALG_RSA;
  in.publicArea.nameAlg = TPM2_ALG_SHA256;
  in.publicArea.objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT |
                                   TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
  auto& rsa = in.publicArea.parameters.rsaDetail;
  rsa.symmetric.algorithm = TPM2_ALG_NULL;
  rsa.scheme.scheme = TPM2_ALG_RSASSA;
  rsa.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
  rsa.keyBits = 2048;
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION pcrs{};
  ESYS_TR key = ESYS_TR_NONE, persistent = ESYS_TR_NONE;
  TPM2B_PUBLIC* raw = nullptr;
  if (Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &in,
                         &outside, &pcrs, &key, &raw, nullptr, nullptr, nullptr) != 0)
    return fail("CreatePrimary");
  const TPM2B_PUBLIC out = *raw;
  Esys_Free(raw);
  if (Esys_EvictControl(esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, 0x81000003,
                        &persistent) != 0)
    return fail("EvictControl");
  Esys_FlushContext(esys, key);
  return out;
}

Result<> write_hcl(ESYS_CONTEXT* esys, BytesView bytes) {
  TPM2B_NV_PUBLIC about{};
  about.nvPublic.nvIndex = 0x01400001;
  about.nvPublic.nameAlg = TPM2_ALG_SHA256;
  about.nvPublic.attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE;
  about.nvPublic.dataSize = static_cast<UINT16>(bytes.size());
  const TPM2B_AUTH auth{};
  ESYS_TR handle = ESYS_TR_NONE;
  if (Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &auth, &about,
                          &handle) != 0)
    return fail("NV_DefineSpace");
  for (std::size_t at = 0; at < bytes.size();) {
    TPM2B_MAX_NV_BUFFER data{};
    data.size = static_cast<UINT16>(std::min<std::size_t>(512, bytes.size() - at));
    std::memcpy(data.buffer, bytes.data() + at, data.size);
    if (Esys_NV_Write(esys, handle, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
                      static_cast<UINT16>(at)) != 0)
      return fail("NV_Write");
    at += data.size;
  }
  return {};
}

void put(Bytes& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// An HCL report of an SNP machine that vouches for that key.
Bytes hcl_report(const TPM2B_PUBLIC& key) {
  const auto& n = key.publicArea.unique.rsa;
  const auto runtime = fmt::format(R"({{"keys":[{{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"{}"}}]}})",
                                   to_base64url({n.buffer, n.size}));
  Bytes out = to_bytes("HCLA");
  out.resize(0x20, 0);
  Bytes report(1184, 0);
  report[0] = 3;
  std::ranges::copy(crypto::sha256(as_bytes(runtime)), report.begin() + 0x50);
  append(out, report);
  for (const std::size_t value : {20 + runtime.size(), std::size_t{1}, std::size_t{2}, std::size_t{1}, runtime.size()})
    put(out, value, 4);
  append(out, as_bytes(runtime));
  return out;
}

Result<> prepare(const std::string& tcti_name) {
  TSS2_TCTI_CONTEXT* tcti = nullptr;
  ESYS_CONTEXT* esys = nullptr;
  if (Tss2_TctiLdr_Initialize(tcti_name.c_str(), &tcti) != 0 || Esys_Initialize(&esys, tcti, nullptr) != 0)
    return fail("cannot reach swtpm");
  const auto prepared = [&]() -> Result<> {
    TRY_ASSIGN(const auto key, make_attestation_key(esys));
    return write_hcl(esys, hcl_report(key));
  }();
  Esys_Finalize(&esys);
  Tss2_TctiLdr_Finalize(&tcti);
  return prepared;
}

TEST(Vtpm, EvidenceOfARealTpmIsAccepted) {
  const Swtpm swtpm;
  ASSERT_TRUE(swtpm.wait()) << "swtpm is not installed: tools/apt-packages.txt";
  const auto source = vtpm_source(swtpm.tcti());
  Challenge challenge;
  challenge.report_data = crypto::sha512(as_bytes("challenge"));
  const auto bare = source->collect(challenge);
  ASSERT_FALSE(bare) << "a TPM that no paravisor prepared";
  EXPECT_NE(bare.error().what.find("Azure"), std::string::npos) << bare.error().what;

  const auto prepared = prepare(swtpm.tcti());
  ASSERT_TRUE(prepared) << prepared.error().what;
  const auto found = source->collect(challenge);
  ASSERT_TRUE(found) << found.error().what;
  ASSERT_TRUE(found->vtpm);
  tee::Verdict v;
  tee::VtpmDemands demands;
  demands.nonce = to_bytes(challenge.report_data.view().first(32));
  const auto facts = tee::verify_vtpm(v, *found->vtpm, demands);
  v.settle();
  EXPECT_TRUE(v.accepted) << v.problem;
  EXPECT_TRUE(facts.selected.all());
  EXPECT_EQ(facts.pcrs[0], Bits256{}) << "a TPM that measured nothing";

  demands.nonce = to_bytes("another");
  tee::Verdict other;
  tee::verify_vtpm(other, *found->vtpm, demands);
  EXPECT_EQ(other.reason, "NONCE_MISMATCH");
}

TEST(Vtpm, WithoutATpm) {
  EXPECT_FALSE(vtpm_source("device:/nowhere/tpm0")->collect({}));
  EXPECT_FALSE(vtpm_source("no such tcti")->collect({}));
}

}  // namespace
}  // namespace cocoon::evidence

#endif
