#include "node/secrets.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cocoon::node {
namespace {

std::string trim(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

Result<> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const auto n = write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail("{}: cannot be written: {}", path, std::strerror(errno));
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (fsync(fd) != 0) return fail("{}: cannot be synced: {}", path, std::strerror(errno));
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail("{}: cannot be read: {}", path, error.message());
  if (size > limit) return fail("{}: {} bytes, at most {} are read", path, size, limit);
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail("{}: cannot be read", path);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

Result<> write_file_atomically(const std::string& path, std::string_view content, unsigned mode) {
  const auto beside = path + ".new";
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, static_cast<mode_t>(mode));
  if (fd < 0) return fail("{}: cannot be written: {}", beside, std::strerror(errno));
  auto written = write_all(fd, content, beside);
  close(fd);
  TRY(std::move(written));
  if (rename(beside.c_str(), path.c_str()) != 0) return fail("{}: cannot be replaced: {}", path, std::strerror(errno));
  return {};
}

Result<crypto::Seed> load_seed(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return fail("{}: cannot be read: {}", path, std::strerror(errno));
  if ((info.st_mode & 077) != 0) return fail("{}: a secret that others can read; run: chmod 600 {}", path, path);
  TRY_ASSIGN(auto text, read_file(path, 4096));
  auto seed = fixed_from_hex<32>(trim(std::move(text)));
  if (!seed) return fail("{}: 64 hex digits expected: {}", path, seed.error().what);
  return *seed;
}

Result<crypto::Seed> load_or_create_seed(const std::string& path) {
  if (access(path.c_str(), F_OK) == 0) return load_seed(path);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const auto seed = crypto::Random::from_os().bits256();
  TRY(write_file_atomically(path, to_hex(seed) + "\n"));
  return seed;
}

}  // namespace cocoon::node
