// A TEE without hardware: structurally genuine TDX quotes under a root made for one network. Everything is checked on
// the real path; only the pinned root differs. It proves who set the network up, nothing about a machine.
#pragma once
#include <filesystem>
#include <string>

#include "tee/evidence.hpp"
#include "tee/p256.hpp"

namespace cocoon::tee {

// One simulated machine: the platform (PCK) key, an attestation key certified by it, and the chain to the root.
class SimulatedPlatform {
 public:
  SimulatedPlatform(const P256Key& pck, const P256Key& attestation, std::string chain_pem);

  // A TDX quote of version 4 over these values.
  Bytes quote(const TdxMeasurements&, const Bits512& report_data) const;
  // Signs any header and body (attestation.md 2) and adds the certification: the whole quote.
  Bytes complete_quote(Bytes header_and_body) const;
  const std::string& chain_pem() const { return chain_; }

  // A directory with platform-key.pem and attestation-key.pem (mode 0600) and platform-chain.pem.
  Result<> save(const std::filesystem::path& directory) const;
  static Result<SimulatedPlatform> load(const std::filesystem::path& directory);

 private:
  P256Key pck_, attestation_;
  std::string chain_;
};

// The root of a network, made at `up` time and kept by whoever runs it; nodes get a platform, never this key.
class SimulatedRoot {
 public:
  static SimulatedRoot create(crypto::Random&, Time now, std::string_view network);
  // root-key.pem (mode 0600), ca-key.pem (mode 0600), root.pem, ca.pem.
  Result<> save(const std::filesystem::path& directory) const;
  static Result<SimulatedRoot> load(const std::filesystem::path& directory);

  const std::string& certificate_pem() const { return root_pem_; }
  TrustedRoot trusted() const;
  SimulatedPlatform make_platform(crypto::Random&, Time now) const;

 private:
  SimulatedRoot(const P256Key& root, const P256Key& ca, std::string root_pem, std::string ca_pem);
  P256Key root_, ca_;
  std::string root_pem_, ca_pem_;
};

// The certificate alone is all a verifier needs.
Result<TrustedRoot> read_simulated_root(std::string_view pem);

// The measurements a simulated machine has when it boots that image ("cocoon-worker 0.1.0"): the same text gives the
// same measurements everywhere, so the registry can list the hash in advance.
TdxMeasurements simulated_measurements(std::string_view image);

// The parts of a quote by hand; inside this room and its tests.
Bytes simulated_header_and_body(const TdxMeasurements&, const Bits512& report_data);
Bytes simulated_qe_report(const Bits256& bound);
Bytes assemble_quote(BytesView header_and_body, const P256Signature& signature, const P256Point& attestation_key,
                     BytesView qe_report, const P256Signature& qe_signature, BytesView auth_data, BytesView chain_pem);

}  // namespace cocoon::tee
