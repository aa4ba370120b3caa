// The official TVM and transaction executor as one sandboxed instance: the host side of a WebAssembly module that
// tools/tvm has turned into C. Internal to this room; everybody else uses Tvm (tvm.hpp).
//
// The module can touch nothing outside its own memory: every access, indirect call and stack frame is checked, and it
// is given no files, no clock and no randomness (a counter stands for both, so equal calls give equal results).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace cocoon::devnet {

// The module trapped, called abort() or hit a limit. The instance is in an unknown state and must be discarded.
struct EmulatorAbort {
  std::string what;
};

// Made and used on one thread, whose stack must be at least kNativeStack bytes. Every member may throw EmulatorAbort.
class Emulator {
 public:
  static constexpr std::size_t kNativeStack = std::size_t{64} << 20;
  static constexpr std::size_t kMaxHeap = std::size_t{512} << 20;

  Emulator();
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  // Makes the transaction executor for a configuration (BoC, base64). Verbosity 0 keeps VM logs short.
  // False: the module does not accept the configuration.
  bool set_config(const std::string& config_boc64, int verbosity);
  // Answers in the module's JSON. set_config() must have succeeded; `libs` may be empty.
  std::string transaction(const std::string& libs, const std::string& shard_account, const std::string& message,
                          const std::string& params_json);
  std::string get_method(const std::string& params_json, const std::string& stack_boc64,
                         const std::string& config_boc64);
  std::string version();
  std::size_t heap_bytes() const;  // never shrinks

 private:
  struct State;
  std::uint32_t put(const std::string& text);
  std::string take(std::uint32_t address);

  std::unique_ptr<State> state_;
  std::uint32_t executor_ = 0;
};

}  // namespace cocoon::devnet
