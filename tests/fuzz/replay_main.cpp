// Runs a fuzz target without a fuzzer: every file of its corpus, then a fixed number of mutations of them.
// The mutations come from a fixed seed, so a failure is the same failure on every run and every machine. The input that
// ended the program is left in crash-TARGET in the working directory.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

// The name and shape are libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t mutations = 20000;
constexpr std::size_t largest_input = 1U << 16U;

const Input* current = nullptr;
std::string crash_file;

// Only what a signal handler may call.
extern "C" void keep_input(int number) {
  const int file = ::open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file >= 0 && current != nullptr && ::write(file, current->data(), current->size()) >= 0) ::close(file);
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void ask(const Input& input) {
  current = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Input read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::size_t below(std::mt19937_64& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

void mutate_once(std::mt19937_64& random, Input& input, const std::vector<Input>& corpus) {
  const auto byte = static_cast<std::uint8_t>(below(random, 256));
  if (input.empty()) {
    input.push_back(byte);
    return;
  }
  const std::size_t at = below(random, input.size());
  const auto position = input.begin() + static_cast<std::ptrdiff_t>(at);
  switch (below(random, 6)) {
    case 0:
      input[at] = static_cast<std::uint8_t>(input[at] ^ (1U << below(random, 8)));
      break;
    case 1:
      input[at] = byte;
      break;
    case 2:
      input.resize(at);
      break;
    case 3:
      input.insert(position, byte);
      break;
    case 4:  // an extreme length where a length may stand
      std::fill(position, position + static_cast<std::ptrdiff_t>(std::min<std::size_t>(4, input.size() - at)),
                static_cast<std::uint8_t>(byte & 1U ? 0xff : 0));
      break;
    default: {  // the tail of another input
      const Input& other = corpus[below(random, corpus.size())];
      input.resize(at);
      const std::size_t from = other.empty() ? 0 : below(random, other.size());
      input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
    }
  }
  if (input.size() > largest_input) input.resize(largest_input);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argc > 0 ? argv[0] : "replay");
    return 2;
  }
  crash_file = "crash-" + std::filesystem::path(argv[0]).filename().string();
  for (const int number : {SIGABRT, SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE}) std::signal(number, keep_input);
  std::vector<Input> corpus;
  for (const auto& path : files_of(argv[1])) corpus.push_back(read_file(path));
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no input\n", argv[1]);
    return 1;
  }
  for (const Input& input : corpus) ask(input);
  ask({});

  std::mt19937_64 random(1);
  for (std::size_t round = 0; round < mutations; ++round) {
    Input input = corpus[below(random, corpus.size())];
    for (std::size_t steps = 1 + below(random, 4); steps > 0; --steps) mutate_once(random, input, corpus);
    ask(input);
  }
  std::printf("%zu inputs and %zu mutations\n", corpus.size(), mutations);
  return 0;
}
