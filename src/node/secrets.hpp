// Secret keys in files: 64 hex digits, readable by the owner only.
#pragma once
#include <string>

#include "crypto/crypto.hpp"

namespace cocoon::node {

// Reads a seed; refuses a file that others can read, and anything but 64 hex digits.
Result<crypto::Seed> load_seed(const std::string& path);
// As load_seed, but makes a new random one first if there is no file. The file is complete or absent, never torn.
Result<crypto::Seed> load_or_create_seed(const std::string& path);

// Writes a small file so that readers see the old or the new content, never a part.
Result<> write_file_atomically(const std::string& path, std::string_view content, unsigned mode = 0600);
Result<std::string> read_file(const std::string& path, std::size_t limit = 64 * 1024 * 1024);

}  // namespace cocoon::node
