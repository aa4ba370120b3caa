// Intel's TCB info (versions 2 and 3) and enclave identities: how well patched a platform, its TDX module and its
// quoting enclave are (attestation.md 2). Parsed values; whether they are signed and current, intel.hpp judges.
#pragma once
#include "tee/signed_json.hpp"
#include "tee/verdict.hpp"

namespace cocoon::tee {

// One status with what was published about it.
struct TcbJudgement {
  TcbStatus status = TcbStatus::not_supported;
  Time date;
  std::vector<std::string> advisories;
};

using ComponentSvns = std::array<std::uint8_t, 16>;

struct TcbLevel : TcbJudgement {
  ComponentSvns sgx{};
  std::uint16_t pcesvn = 0;
  ComponentSvns tdx{};  // TDX only
};

struct IsvLevel : TcbJudgement {
  std::uint16_t isvsvn = 0;
};

struct TdxModule {
  Bits384 mrsigner;
  FixedBytes<8> attributes, mask;
};

struct TdxModuleIdentity : TdxModule {
  std::string id;  // "TDX_01"
  std::vector<IsvLevel> levels;
};

struct TcbInfo {
  unsigned version = 0;
  bool tdx = false;
  Time issued, next_update;
  FixedBytes<6> fmspc;
  FixedBytes<2> pceid;
  std::uint32_t evaluation_number = 0;
  std::optional<TdxModule> module;
  std::vector<TdxModuleIdentity> modules;
  std::vector<TcbLevel> levels;  // highest first, whatever the order in the document
  Signed is_signed;

  bool valid_at(Time now) const { return issued <= now && now <= next_update; }
  // The first level that every SVN of the platform reaches, or null. `tdx`: TEE_TCB_SVN of the TD; its components 0 and
  // 1 are the TDX module's own when component 1 is not 0, and then not compared.
  const TcbLevel* match(const ComponentSvns& sgx, std::uint16_t pcesvn, const FixedBytes<16>* tdx) const;
  // The identity that judges a TDX module of this version (TEE_TCB_SVN component 1), or null.
  const TdxModuleIdentity* module_of(std::uint8_t version) const;
};

Result<TcbInfo> read_tcb_info(BytesView document);

struct QeIdentity {
  std::string id;  // "QE", "TD_QE"
  unsigned version = 0;
  Time issued, next_update;
  std::uint32_t evaluation_number = 0;
  FixedBytes<4> miscselect, miscselect_mask;
  FixedBytes<16> attributes, attributes_mask;
  Bits256 mrsigner;
  std::uint16_t isvprodid = 0;
  std::vector<IsvLevel> levels;  // highest first
  Signed is_signed;

  bool valid_at(Time now) const { return issued <= now && now <= next_update; }
};

Result<QeIdentity> read_qe_identity(BytesView document);

// The first level not above `isvsvn`, or null.
const IsvLevel* match(const std::vector<IsvLevel>& levels, std::uint16_t isvsvn);

// The worst of the parts, as Intel's library merges them: out of date together with configuration needed is
// OutOfDateConfigurationNeeded, and so on.
TcbStatus merge(TcbStatus, TcbStatus);
// What a TD is told that was launched on an outdated module and now runs on one of this status.
TcbStatus relaunch_advised(TcbStatus current);
bool is_out_of_date(TcbStatus);

}  // namespace cocoon::tee
