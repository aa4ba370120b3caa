// NVIDIA's reference integrity manifests: SWID tags in XML under an XML signature (attestation.md 4).
// Reading them needs libxml2 and xmlsec1, a part of the build that can be left out (COCOON_GPU_RIM): then read_rim()
// says so, and everything else of GPU evidence still works.
#pragma once
#include <string>
#include <vector>

#include "tee/vendor_pki.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxRim = 1024 * 1024;

// What one measurement may be: any of the alternatives.
struct GoldenMeasurement {
  unsigned index = 0;  // of the manifest; the measurement block has index + 1
  std::vector<FixedBytes<48>> alternatives;
};

struct Rim {
  std::string product;                    // "GH100"
  std::string edition;                    // "GPU", "SWITCH"
  std::string version;                    // "550.90.07" or "96.00.9F.00.01"
  std::vector<GoldenMeasurement> active;  // by index, each once
  Result<> digest;                        // the document is the one that was signed
  Result<> signature;                     // and it was signed by signer.front()
  std::vector<Certificate> signer;        // leaf, CAs, root as the manifest carries them; judged by nobody yet
};

// Total on any bytes: no DTD, no entity, no network, no stylesheet, no reference but the whole document, at most
// kMaxRim bytes. Golden values are read from the very tree whose signature was checked.
Result<Rim> read_rim(BytesView xml);
bool can_read_rims();

}  // namespace cocoon::tee
