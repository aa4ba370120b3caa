#include "devnet/emulator.hpp"

#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <mutex>
#include <new>
#include <type_traits>
#include <vector>

#include <pthread.h>
#include <sys/mman.h>

#include "emu.h"
#include "emu_names.inc"

namespace {

using cocoon::devnet::EmulatorAbort;

// A C++ exception inside the module: the address of the thrown object in the module's memory.
struct ModuleException {
  u32 object;
};

constexpr std::size_t kPage = 65536;
constexpr u32 kMaxPages = static_cast<u32>(cocoon::devnet::Emulator::kMaxHeap / kPage);
// The module ships with 64 KiB of shadow stack, which a message of 500 nested cells overflows.
constexpr u32 kShadowStack = 8u << 20;
// A function's frame is taken after the check at its entry: what one frame and our own host code may use.
constexpr u32 kShadowStackReserve = 256u << 10;
constexpr std::size_t kNativeStackReserve = std::size_t{2} << 20;
constexpr u32 kNoSuchCall = static_cast<u32>(-52);  // emscripten's ENOSYS
constexpr u32 kBadDescriptor = 8;

}  // namespace

// What the module imports from. wabt 1.0.32 hands imports called through the function table a pointer to the
// instance's pointer to this, direct calls the pointer itself: a first member that points home makes both work.
struct Z_a_instance_t {
  Z_a_instance_t* self = this;
  Z_emu_instance_t* module = nullptr;
  u32 last_exception = 0;
  u32 uncaught = 0;
  std::vector<u32> caught;
  u64 counter = 0x9e3779b97f4a7c15u;
};

namespace {

using Host = Z_a_instance_t;

// ---- memory ----

std::uint8_t* at(Host& host, u32 address, std::size_t size) {
  auto& memory = host.module->w2c_Da;
  if (std::size_t{address} + size > memory.size) throw EmulatorAbort{"the host was given an address out of bounds"};
  return memory.data + address;
}

template <class T>
T load(Host& host, u32 address) {
  T value;
  std::memcpy(&value, at(host, address, sizeof value), sizeof value);
  return value;
}

template <class T>
void store(Host& host, u32 address, T value) {
  std::memcpy(at(host, address, sizeof value), &value, sizeof value);
}

// ---- function types ----

std::mutex& types_mutex() {
  static std::mutex mutex;
  return mutex;
}

u32 type_number(std::vector<int> type) {
  static std::vector<std::vector<int>> types;
  std::lock_guard lock(types_mutex());
  for (std::size_t i = 0; i < types.size(); i++)
    if (types[i] == type) return static_cast<u32>(i + 1);
  types.push_back(std::move(type));
  return static_cast<u32>(types.size());
}

template <class T>
constexpr int wasm_type() {
  if constexpr (std::is_same_v<T, u32>) return WASM_RT_I32;
  if constexpr (std::is_same_v<T, u64>) return WASM_RT_I64;
  if constexpr (std::is_same_v<T, f32>) return WASM_RT_F32;
  return WASM_RT_F64;
}

template <class R, class... A>
u32 type_of() {
  static const u32 number = [] {
    std::vector<int> type{static_cast<int>(sizeof...(A)), std::is_void_v<R> ? 0 : 1, wasm_type<A>()...};
    if constexpr (!std::is_void_v<R>) type.push_back(wasm_type<R>());
    return type_number(std::move(type));
  }();
  return number;
}

}  // namespace

// ---- what wasm2c's output expects of a runtime (in place of wabt's, which longjmps and handles signals) ----

extern "C" {

bool wasm_rt_is_initialized(void) { return true; }

void wasm_rt_trap(wasm_rt_trap_t trap) {
  static constexpr const char* kNames[] = {"none",
                                           "memory access out of bounds",
                                           "integer overflow",
                                           "division by zero",
                                           "invalid conversion",
                                           "unreachable code",
                                           "invalid indirect call",
                                           "uncaught exception",
                                           "stack exhausted"};
  const auto number = static_cast<std::size_t>(trap);
  throw EmulatorAbort{number < std::size(kNames) ? kNames[number] : "unknown trap"};
}

uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...) {
  std::vector<int> type{static_cast<int>(params), static_cast<int>(results)};
  va_list list;
  va_start(list, results);
  for (uint32_t i = 0; i < params + results; i++) type.push_back(va_arg(list, int));
  va_end(list);
  return type_number(std::move(type));
}

void wasm_rt_allocate_memory(wasm_rt_memory_t* memory, uint32_t initial_pages, uint32_t max_pages) {
  const u32 limit = max_pages < kMaxPages ? max_pages : kMaxPages;
  void* base = initial_pages > limit ? MAP_FAILED
                                     : mmap(nullptr, std::size_t{limit} * kPage, PROT_READ | PROT_WRITE,
                                            MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) throw EmulatorAbort{"no memory for an instance"};
  memory->data = static_cast<std::uint8_t*>(base);
  memory->pages = initial_pages;
  memory->max_pages = limit;
  memory->size = static_cast<u32>(initial_pages * kPage);
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t* memory, uint32_t delta) {
  const u32 old = memory->pages;
  if (delta > memory->max_pages - old) return static_cast<uint32_t>(-1);
  memory->pages = old + delta;
  memory->size = static_cast<u32>(memory->pages * kPage);
  return old;
}

void wasm_rt_free_memory(wasm_rt_memory_t* memory) {
  if (memory->data) munmap(memory->data, std::size_t{memory->max_pages} * kPage);
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t* table, uint32_t elements, uint32_t max_elements) {
  table->data = static_cast<wasm_rt_funcref_t*>(std::calloc(elements, sizeof(wasm_rt_funcref_t)));
  if (!table->data) throw EmulatorAbort{"no memory for an instance"};
  table->size = elements;
  table->max_size = max_elements;
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t* table) { std::free(table->data); }
}

namespace {

// ---- C++ exceptions as emscripten compiles them: calls that may throw leave the module and come back through here
// ----

template <class R, class... A>
R invoke(Host& host, u32 index, A... args) {
  auto* module = host.module;
  const u32 stack = EMU_emscripten_stack_get_current(module);
  try {
    const auto& table = module->w2c_Ma;
    if (index >= table.size || !table.data[index].func || table.data[index].func_type != type_of<R, A...>())
      wasm_rt_trap(WASM_RT_TRAP_CALL_INDIRECT);
    const auto& entry = table.data[index];
    return reinterpret_cast<R (*)(void*, A...)>(entry.func)(entry.module_instance, args...);
  } catch (const ModuleException&) {
    EMU_emscripten_stack_restore(module, stack);
    EMU_setThrew(module, 1, 0);
    if constexpr (!std::is_void_v<R>) return R{};
  }
}

// The header in front of a thrown object, as emscripten's library lays it out.
constexpr u32 kHeaderSize = 24;
constexpr u32 kType = 4, kDestructor = 8, kCaught = 12, kRethrown = 13, kAdjusted = 16;

u32 field(u32 object, u32 offset) { return object - kHeaderSize + offset; }

u32 find_matching_catch(Host& host, std::initializer_list<u32> types) {
  auto* module = host.module;
  const u32 object = host.last_exception;
  if (!object) {
    EMU_emscripten_tempret_set(module, 0);
    return 0;
  }
  store<u32>(host, field(object, kAdjusted), object);
  const u32 thrown = load<u32>(host, field(object, kType));
  u32 caught = thrown;
  if (thrown) {
    for (u32 type : types) {
      if (type == 0 || type == thrown) break;
      if (EMU_cxa_can_catch(module, type, thrown, field(object, kAdjusted))) {
        caught = type;
        break;
      }
    }
  }
  EMU_emscripten_tempret_set(module, caught);
  return object;
}

u32 pop_caught(Host& host) {
  if (host.caught.empty()) throw EmulatorAbort{"no exception is being handled"};
  const u32 object = host.caught.back();
  host.caught.pop_back();
  return object;
}

u32 host_cxa_find_matching_catch_2(Host& host) { return find_matching_catch(host, {}); }
u32 host_cxa_find_matching_catch_3(Host& host, u32 a) { return find_matching_catch(host, {a}); }
u32 host_cxa_find_matching_catch_4(Host& host, u32 a, u32 b) { return find_matching_catch(host, {a, b}); }
u32 host_cxa_find_matching_catch_6(Host& host, u32 a, u32 b, u32 c, u32 d) {
  return find_matching_catch(host, {a, b, c, d});
}

void host_cxa_throw(Host& host, u32 object, u32 type, u32 destructor) {
  store<u32>(host, field(object, kAdjusted), 0);
  store<u32>(host, field(object, kType), type);
  store<u32>(host, field(object, kDestructor), destructor);
  host.last_exception = object;
  host.uncaught++;
  throw ModuleException{object};
}

void host_cxa_rethrow(Host& host) {
  const u32 object = pop_caught(host);
  if (load<u8>(host, field(object, kRethrown)) == 0) {
    host.caught.push_back(object);
    store<u8>(host, field(object, kRethrown), 1);
    store<u8>(host, field(object, kCaught), 0);
    host.uncaught++;
  }
  host.last_exception = object;
  throw ModuleException{object};
}

void host_resumeException(Host& host, u32 object) {
  if (!host.last_exception) host.last_exception = object;
  throw ModuleException{host.last_exception};
}

u32 host_cxa_begin_catch(Host& host, u32 object) {
  if (load<u8>(host, field(object, kCaught)) == 0) {
    store<u8>(host, field(object, kCaught), 1);
    host.uncaught--;
  }
  store<u8>(host, field(object, kRethrown), 0);
  host.caught.push_back(object);
  EMU_cxa_increment_exception_refcount(host.module, object);
  return EMU_cxa_get_exception_ptr(host.module, object);
}

void host_cxa_end_catch(Host& host) {
  EMU_setThrew(host.module, 0, 0);
  EMU_cxa_decrement_exception_refcount(host.module, pop_caught(host));
  host.last_exception = 0;
}

u32 host_cxa_uncaught_exceptions(Host& host) { return host.uncaught; }
u32 host_llvm_eh_typeid_for(Host&, u32 type) { return type; }

// ---- heap, time, randomness ----

u32 host_emscripten_get_heap_max(Host&) { return static_cast<u32>(cocoon::devnet::Emulator::kMaxHeap); }

u32 host_emscripten_resize_heap(Host& host, u32 wanted) {
  auto& memory = host.module->w2c_Da;
  const auto pages = static_cast<u32>((std::size_t{wanted} + kPage - 1) / kPage);
  return pages <= memory.pages || wasm_rt_grow_memory(&memory, pages - memory.pages) != static_cast<u32>(-1) ? 1 : 0;
}

u64 next_number(Host& host) {  // splitmix64
  u64 z = host.counter += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

u32 host_random_get(Host& host, u32 address, u32 size) {
  auto* out = at(host, address, size);
  for (u32 i = 0; i < size; i++) out[i] = static_cast<u8>(next_number(host));
  return 0;
}

// The module's only inline JavaScript is libsodium asking for a random number.
u32 host_emscripten_asm_const_int(Host& host, u32, u32, u32) { return static_cast<u32>(next_number(host)); }
double host_emscripten_date_now(Host&) { return 0; }

u32 host_clock_time_get(Host& host, u32, u64, u32 out) {
  store<u64>(host, out, 0);
  return 0;
}

void broken_down_time(Host& host, u64 time, u32 out) {
  const auto seconds = static_cast<time_t>(time);
  tm t{};
  gmtime_r(&seconds, &t);
  const s32 values[9] = {t.tm_sec, t.tm_min, t.tm_hour, t.tm_mday, t.tm_mon, t.tm_year, t.tm_wday, t.tm_yday, 0};
  std::memcpy(at(host, out, sizeof values), values, sizeof values);
}

void host_gmtime_js(Host& host, u64 time, u32 out) { broken_down_time(host, time, out); }
void host_localtime_js(Host& host, u64 time, u32 out) { broken_down_time(host, time, out); }

void host_tzset_js(Host& host, u32 zone, u32 daylight, u32 standard_name, u32 daylight_name) {
  store<u32>(host, zone, 0);
  store<u32>(host, daylight, 0);
  for (u32 name : {standard_name, daylight_name}) std::memcpy(at(host, name, 4), "UTC", 4);
}

void host_abort_js(Host&) { throw EmulatorAbort{"the emulator called abort()"}; }
void host_emscripten_log_formatted(Host&, u32, u32) {}

// ---- files: there are none; what is written is counted and dropped ----

u32 host_environ_sizes_get(Host& host, u32 count, u32 size) {
  store<u32>(host, count, 0);
  store<u32>(host, size, 0);
  return 0;
}
u32 host_environ_get(Host&, u32, u32) { return 0; }

u32 host_fd_write(Host& host, u32, u32 vectors, u32 count, u32 out) {
  u32 total = 0;
  for (u32 i = 0; i < count; i++) total += load<u32>(host, vectors + 8 * i + 4);
  store<u32>(host, out, total);
  return 0;
}
u32 host_fd_close(Host&, u32) { return 0; }
u32 host_fd_read(Host&, u32, u32, u32, u32) { return kBadDescriptor; }
u32 host_fd_seek(Host&, u32, u64, u32, u32) { return kBadDescriptor; }
u32 host_syscall_ioctl(Host&, u32, u32, u32) { return kNoSuchCall; }
u32 host_syscall_openat(Host&, u32, u32, u32, u32) { return kNoSuchCall; }
u32 host_syscall_fcntl64(Host&, u32, u32, u32) { return kNoSuchCall; }
u32 host_syscall_getdents64(Host&, u32, u32, u32) { return kNoSuchCall; }
u32 host_syscall_lstat64(Host&, u32, u32) { return kNoSuchCall; }
u32 host_syscall_newfstatat(Host&, u32, u32, u32, u32) { return kNoSuchCall; }
u32 host_syscall_stat64(Host&, u32, u32) { return kNoSuchCall; }
u32 host_syscall_fstat64(Host&, u32, u32) { return kNoSuchCall; }
u32 host_munmap_js(Host&, u32, u32, u32, u32, u32, u64) { return kNoSuchCall; }

}  // namespace

#include "emu_imports.inc"

namespace cocoon::devnet {
namespace {

// The lowest address this thread's frames may reach.
std::uintptr_t native_stack_limit() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) throw EmulatorAbort{"this thread's stack is unknown"};
  void* lowest = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  return reinterpret_cast<std::uintptr_t>(lowest) + kNativeStackReserve;
}

}  // namespace

struct Emulator::State {
  Z_emu_instance_t module{};
  Z_a_instance_t host;

  State() { host.module = &module; }
  ~State() {
    wasm_rt_free_funcref_table(&module.w2c_Ma);
    wasm_rt_free_memory(&module.w2c_Da);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Emulator::Emulator() : state_(std::make_unique<State>()) {
  static std::once_flag once;
  std::call_once(once, Z_emu_init_module);
  auto* module = &state_->module;
  module->native_stack_limit = native_stack_limit();
  Z_emu_instantiate(module, &state_->host);
  EMU_call_ctors(module);
  const u32 stack = EMU_malloc(module, kShadowStack);
  if (!stack) throw EmulatorAbort{"no memory for the instance's stack"};
  EMU_emscripten_stack_restore(module, (stack + kShadowStack) & ~15u);
  module->shadow_stack_limit = stack + kShadowStackReserve;
}

Emulator::~Emulator() = default;

std::uint32_t Emulator::put(const std::string& text) {
  const auto size = static_cast<u32>(text.size() + 1);
  if (text.size() >= kMaxHeap) throw EmulatorAbort{"an argument is too large"};
  const u32 address = EMU_malloc(&state_->module, size);
  if (!address) throw EmulatorAbort{"no memory for an argument"};
  std::memcpy(at(state_->host, address, size), text.c_str(), size);
  return address;
}

std::string Emulator::take(std::uint32_t address) {
  const auto& memory = state_->module.w2c_Da;
  if (address == 0 || address >= memory.size) throw EmulatorAbort{"the emulator gave no answer"};
  const auto* begin = memory.data + address;
  const auto* end = static_cast<const std::uint8_t*>(std::memchr(begin, 0, memory.size - address));
  if (!end) throw EmulatorAbort{"the emulator's answer has no end"};
  std::string out(begin, end);
  EMU_free(&state_->module, address);
  return out;
}

bool Emulator::set_config(const std::string& config_boc64, int verbosity) {
  auto* module = &state_->module;
  if (executor_) EMU_destroy_emulator(module, executor_);
  executor_ = 0;
  const u32 config = put(config_boc64);
  executor_ = EMU_create_emulator(module, config, static_cast<u32>(verbosity));
  EMU_free(module, config);
  return executor_ != 0;
}

std::string Emulator::transaction(const std::string& libs, const std::string& shard_account, const std::string& message,
                                  const std::string& params_json) {
  auto* module = &state_->module;
  if (!executor_) throw EmulatorAbort{"no configuration is set"};
  const u32 args[4] = {libs.empty() ? 0 : put(libs), put(shard_account), put(message), put(params_json)};
  auto answer = take(EMU_emulate_with_emulator(module, executor_, args[0], args[1], args[2], args[3]));
  for (u32 arg : args)
    if (arg) EMU_free(module, arg);
  return answer;
}

std::string Emulator::get_method(const std::string& params_json, const std::string& stack_boc64,
                                 const std::string& config_boc64) {
  auto* module = &state_->module;
  const u32 args[3] = {put(params_json), put(stack_boc64), put(config_boc64)};
  auto answer = take(EMU_run_get_method(module, args[0], args[1], args[2]));
  for (u32 arg : args) EMU_free(module, arg);
  return answer;
}

std::string Emulator::version() { return take(EMU_version(&state_->module)); }

std::size_t Emulator::heap_bytes() const { return state_->module.w2c_Da.size; }

}  // namespace cocoon::devnet
