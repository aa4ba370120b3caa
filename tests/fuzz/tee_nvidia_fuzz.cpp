// What NVIDIA's side brings: SPDM evidence, and manifests of reference values.
#include <cstdlib>

#include "tee/nvidia_verify.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  const BytesView input(data, size);
  const auto evidence = tee::parse_spdm_evidence(input);
  if (!evidence && evidence.error().what.empty()) std::abort();
  if (evidence) {
    // Everything but the signature is signed, and nothing else is there.
    if (evidence->signed_part.size() + 96 != size) std::abort();
    for (const auto product : {tee::NvidiaProduct::hopper, tee::NvidiaProduct::ls10})
      (void)tee::rim_names(*evidence, product, "GH100");
  }
  const auto rim = tee::read_rim(input);
  if (!rim && rim.error().what.empty()) std::abort();
  if (rim)
    for (const auto& golden : rim->active)
      if (golden.alternatives.empty()) std::abort();
  tee::Verdict v;
  tee::verify_nvidia(v, input, as_text(input), {{to_bytes(input)}, {to_bytes(input)}}, {}, tee::NvidiaRoots::nvidia(),
                     from_unix(1'767'225'600));
  v.settle();
  if (v.accepted) std::abort();
  return 0;
}
