// The kernel's interfaces to attestation hardware, as few calls as possible, so that tests can put a recorded machine
// in their place. Errors carry errno as their code.
#pragma once
#include <filesystem>
#include <memory>

#include "base/bytes.hpp"

namespace cocoon::evidence {

// What the SEV-SNP guest driver returns.
struct SnpDeviceReport {
  Bytes response;      // MSG_REPORT_RSP: status, size, report
  Bytes certificates;  // the host's table (tee/snp_certificates.hpp); may be empty
};

class Kernel {
 public:
  virtual ~Kernel() = default;

  // Files and directories; paths are absolute.
  virtual Result<> make_directory(const std::filesystem::path&) = 0;
  virtual Result<> remove_directory(const std::filesystem::path&) = 0;
  virtual bool exists(const std::filesystem::path&) = 0;
  // In one read or write call each, as attributes of configfs want it. `limit`: more than that is an error (EFBIG).
  virtual Result<Bytes> read(const std::filesystem::path&, std::size_t limit) = 0;
  virtual Result<> write(const std::filesystem::path&, BytesView) = 0;

  // TDX_CMD_GET_REPORT0 of /dev/tdx_guest: the TDREPORT (1024 bytes).
  virtual Result<Bytes> tdx_report(const std::filesystem::path& device, const Bits512& report_data) = 0;
  // SNP_GET_EXT_REPORT of /dev/sev-guest.
  virtual Result<SnpDeviceReport> snp_report(const std::filesystem::path& device, const Bits512& report_data,
                                             unsigned vmpl) = 0;
  // One request to the quote generation service of the host: vsock, port 4050. At most 64 KiB come back.
  virtual Result<Bytes> ask_quote_service(BytesView request) = 0;
};

// The machine that we run on. `root` is put in front of every path: "/" outside tests.
std::unique_ptr<Kernel> linux_kernel(const std::filesystem::path& root = "/");

}  // namespace cocoon::evidence
