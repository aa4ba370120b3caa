#include "engine/llama_api.hpp"

#include <filesystem>
#include <mutex>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <llama_release.h>

#include "base/log.hpp"

namespace cocoon::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLlama = "libllama." COCOON_LLAMA_RELEASE ".so";
constexpr const char* kGgml = "libggml." COCOON_LLAMA_RELEASE ".so";

// Of a build tree (build/release/bin/cocoon beside build/llama) and of an installed one.
std::vector<fs::path> default_places() {
  std::error_code failed;
  const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
  if (failed) return {};
  return {here / "../../llama/lib", here / "../lib/cocoon/llama", here / "llama"};
}

Result<fs::path> find_libraries(const std::string& dir) {
  const auto places = dir.empty() ? default_places() : std::vector<fs::path>{dir};
  std::string looked;
  for (const auto& place : places) {
    std::error_code failed;
    if (fs::exists(place / kLlama, failed)) return fs::weakly_canonical(place, failed);
    looked += (looked.empty() ? "" : ", ") + place.lexically_normal().string();
  }
  return fail("{} not found in {}; run tools/llama/fetch.sh or name its folder (llama_dir)", kLlama, looked);
}

thread_local std::string complaint;

// What it says is of use to who looks for a fault in llama.cpp; what an operator has to know is in our own errors.
void forward_log(ggml_log_level level, const char* text, void*) {
  if (level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN) return;
  std::string_view line(text ? text : "");
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.empty()) return;
  if (level == GGML_LOG_LEVEL_ERROR && complaint.empty()) complaint = line;
  log::debug("engine", "llama.cpp: {}", line);
}

Result<void*> open_library(const fs::path& path) {
  if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
  const char* why = dlerror();
  return fail("cannot open {}: {}", path.string(), why ? why : "unknown reason");
}

template <class Function>
Result<> bind(void* library, const char* name, Function& to) {
  to = reinterpret_cast<Function>(dlsym(library, name));
  if (!to) return fail("{} has no function {}", kLlama, name);
  return {};
}

Result<LlamaApi> load(const std::string& dir) {
  TRY_ASSIGN(const auto place, find_libraries(dir));
  TRY_ASSIGN(void* const llama, open_library(place / kLlama));
  TRY_ASSIGN(void* const ggml, open_library(place / kGgml));
  LlamaApi api;
#define COCOON_LLAMA_BIND(name) TRY(bind(llama, #name, api.name));
  COCOON_LLAMA_FUNCTIONS(COCOON_LLAMA_BIND)
#undef COCOON_LLAMA_BIND
  decltype(&::ggml_backend_load_all_from_path) load_backends = nullptr;
  decltype(&::ggml_backend_dev_count) count_devices = nullptr;
  TRY(bind(ggml, "ggml_backend_load_all_from_path", load_backends));
  TRY(bind(ggml, "ggml_backend_dev_count", count_devices));
  decltype(&::ggml_backend_dev_by_type) device_by_type = nullptr;
  TRY(bind(ggml, "ggml_backend_dev_by_type", device_by_type));

  api.llama_log_set(forward_log, nullptr);
  load_backends(place.c_str());
  if (count_devices() == 0) return fail("no llama.cpp backend in {} runs on this processor", place.string());
  api.has_gpu = device_by_type(GGML_BACKEND_DEVICE_TYPE_GPU) != nullptr;
  api.llama_backend_init();
  return api;
}

}  // namespace

Result<const LlamaApi*> LlamaApi::open(const std::string& dir) {
  static std::mutex guard;
  static LlamaApi loaded;
  static bool done = false;
  std::lock_guard lock(guard);
  if (!done) {
    TRY_ASSIGN(loaded, load(dir));
    done = true;
  }
  return &loaded;
}

std::string LlamaApi::take_complaint() { return std::exchange(complaint, {}); }

}  // namespace cocoon::engine
