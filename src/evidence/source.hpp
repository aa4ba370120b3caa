// Where a machine's own evidence comes from: one interface over TDX, SEV-SNP, vTPM, GPU and the simulated TEE.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "evidence/kernel.hpp"
#include "tee/certificate.hpp"
#include "tee/collateral.hpp"
#include "tee/evidence.hpp"
#include "tee/nvidia.hpp"
#include "tee/session_binding.hpp"
#include "tee/simulated.hpp"
#include "tee/vtpm_verify.hpp"

namespace cocoon::evidence {

using tee::GpuEvidence;

// What the evidence is to be bound to.
struct Challenge {
  Bits512 report_data;  // of CPUs; a vTPM's quote answers its first 32 bytes
  Bits256 gpu_nonce;    // of GPUs (tee::gpu_nonce)
};

struct Collected {
  tee::Evidence cpu;       // tdx, snp, simulated; NoEvidence from the other sources
  tee::AmdCollateral amd;  // snp: ASK and ARK, where the host handed them to the guest
  std::optional<tee::VtpmEvidence> vtpm;
  std::vector<GpuEvidence> gpus;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual std::string name() const = 0;  // for people: "TDX through configfs-tsm"
  // Fresh evidence; takes milliseconds to seconds. The error says what is missing and what to do. May be called again.
  virtual Result<Collected> collect(const Challenge&) = 0;
};

// TDX or SNP, whichever the kernel offers, through /sys/kernel/config/tsm/report (Linux 6.7). `vmpl`: SNP only.
std::unique_ptr<Source> tsm_source(std::shared_ptr<Kernel>, unsigned vmpl = 0);
// TDX through /dev/tdx_guest and the host's quote generation service.
std::unique_ptr<Source> tdx_device_source(std::shared_ptr<Kernel>);
// SNP through /dev/sev-guest.
std::unique_ptr<Source> snp_device_source(std::shared_ptr<Kernel>, unsigned vmpl = 0);
// An Azure confidential VM's vTPM through tpm2-tss. `tcti` as tpm2-tss names it ("device:/dev/tpmrm0"). Does not fetch
// the TD quote or the VCEK: services outside the machine have them.
std::unique_ptr<Source> vtpm_source(std::string tcti);
// GPUs through NVIDIA's management library, opened when it is first asked ("libnvidia-ml.so.1").
std::unique_ptr<Source> nvml_source(std::string library);
std::unique_ptr<Source> simulated_source(tee::SimulatedPlatform platform, tee::TdxMeasurements measured);

// The best CPU source that this machine has: configfs-tsm, then the devices. An error lists what was looked for.
Result<std::unique_ptr<Source>> detect_cpu_source(std::shared_ptr<Kernel>);
// Finds the VCEK (PEM) that endorses a report, elsewhere than at the host. Takes as long as a network does.
using Endorse = std::function<Result<std::string>(BytesView report)>;
// `source`, completed where the host hands out no endorsement: each (chip, TCB) is asked for once. What does not
// endorse the report is refused.
std::unique_ptr<Source> endorsed_source(std::shared_ptr<Source> source, Endorse);
// What a node makes its RA-TLS certificates with (wire.md 2.4): evidence over the certificate's key. An SNP machine
// whose host hands out no endorsement cannot, unless the source is endorsed: the error says so.
tee::Attester attest_with(std::shared_ptr<Source>);
// What a node proves its sessions with (tee/session_binding.hpp): the GPUs answer first, then the CPU's evidence names
// what they said. `gpus`: null where there are none to show. GPUs that fail are left out, and that is logged: a peer
// that asks for them refuses us, the others do not.
tee::SessionAttester attest_sessions_with(std::shared_ptr<Source> cpu, std::shared_ptr<Source> gpus);

}  // namespace cocoon::evidence
