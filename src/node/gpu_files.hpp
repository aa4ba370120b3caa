// NVIDIA's reference values and OCSP answers in a directory of files: NAME.xml by the name NVIDIA publishes a manifest
// under, *.der.
#pragma once
#include <filesystem>

#include "tee/nvidia_verify.hpp"

namespace cocoon::node {

// The reference values for these very devices, and every OCSP answer, as they are now. What cannot be read is not
// there. Names come from the devices: they name files in the directory and nothing outside.
tee::NvidiaFiles gpu_files_in(const std::filesystem::path& directory, const std::vector<tee::GpuEvidence>&);

}  // namespace cocoon::node
