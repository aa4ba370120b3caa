#include "node/gpu_files.hpp"

#include <algorithm>

#include "node/secrets.hpp"

namespace cocoon::node {
namespace {

// Of a manifest; of an OCSP answer, which nobody reads when it is larger. Peers make us read them.
constexpr std::size_t kMaxManifest = 1024 * 1024, kMaxAnswerFile = 16 * 1024;

// A name that a device tells is a file's name, and no way out of the directory.
bool is_file_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.front() != '.' && std::ranges::all_of(name, plain);
}

}  // namespace

tee::NvidiaFiles gpu_files_in(const std::filesystem::path& directory, const std::vector<tee::GpuEvidence>& gpus) {
  tee::NvidiaFiles out;
  for (const auto& gpu : gpus) {
    const auto names = tee::rim_names(gpu);
    if (!names) continue;
    for (const auto& name : *names) {
      if (!is_file_name(name) || out.rims.contains(name)) continue;
      if (auto manifest = read_file((directory / (name + ".xml")).string(), kMaxManifest))
        out.rims.emplace(name, to_bytes(*manifest));
    }
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() != ".der" || out.ocsp.size() == tee::kMaxOcspAnswers) continue;
    if (auto answer = read_file(entry.path().string(), kMaxAnswerFile)) out.ocsp.push_back(to_bytes(*answer));
  }
  return out;
}

}  // namespace cocoon::node
