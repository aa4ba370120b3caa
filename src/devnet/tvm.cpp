#include "devnet/tvm.hpp"

#include <exception>
#include <utility>

#include <boost/json.hpp>

#include "devnet/emulator.hpp"
#include "devnet/tvm_thread.hpp"

extern "C" {
extern const unsigned char tonemu_config_boc[];
extern const unsigned long tonemu_config_boc_size;
}

namespace cocoon::devnet {
namespace {

namespace json = boost::json;

// An emulator whose heap has grown past this is replaced: a heap never shrinks.
constexpr std::size_t kTiredHeap = std::size_t{64} << 20;

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return fail("the TVM's answer is not a JSON object");
  return std::move(value.as_object());
}

// What both calls answer with: {"output": {...}, "logs": "..."}, or {"fail": true, "message": "..."}.
Result<json::object> parse_output(std::string_view text) {
  TRY_ASSIGN(auto answer, parse_object(text));
  auto* output = answer.if_contains("output");
  if (output && output->is_object()) return std::move(output->as_object());
  const auto* message = answer.if_contains("message");
  const std::string why = message && message->is_string() ? std::string(message->as_string()) : "no output";
  return fail("the TVM failed: {}", why);
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

bool is_true(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_bool() && value->as_bool();
}

std::optional<std::int64_t> integer_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value && value->is_int64()) return value->as_int64();
  return std::nullopt;
}

std::string log_of(const json::object& output) {
  auto log = text_of(output, "vm_log");
  if (log.size() > Tvm::kMaxLog) log.resize(Tvm::kMaxLog);
  return log;
}

Result<TransactionOutcome> read_transaction(std::string_view text) {
  TRY_ASSIGN(const auto output, parse_output(text));
  TransactionOutcome outcome;
  outcome.accepted = is_true(output, "success");
  outcome.vm_log = log_of(output);
  if (!outcome.accepted) {
    outcome.refusal = text_of(output, "error");
    if (auto code = integer_of(output, "vm_exit_code")) outcome.exit_code = static_cast<int>(*code);
    return outcome;
  }
  TRY_ASSIGN(outcome.transaction, from_base64(text_of(output, "transaction")));
  TRY_ASSIGN(outcome.shard_account, from_base64(text_of(output, "shard_account")));
  if (outcome.transaction.empty() || outcome.shard_account.empty())
    return fail("the TVM's answer lacks the transaction or the account");
  return outcome;
}

Result<GetMethodOutcome> read_get_method(std::string_view text) {
  TRY_ASSIGN(const auto output, parse_output(text));
  if (!is_true(output, "success")) return fail("the TVM refused the get-method: {}", text_of(output, "error"));
  GetMethodOutcome outcome;
  const auto exit_code = integer_of(output, "vm_exit_code");
  if (!exit_code) return fail("the TVM's answer has no exit code");
  outcome.exit_code = static_cast<int>(*exit_code);
  outcome.vm_log = log_of(output);
  outcome.gas_used = std::atoll(text_of(output, "gas_used").c_str());
  TRY_ASSIGN(outcome.stack, from_base64(text_of(output, "stack")));
  return outcome;
}

Result<> check_sizes(std::initializer_list<BytesView> arguments) {
  for (auto argument : arguments)
    if (argument.size() > Tvm::kMaxBoc)
      return fail("an argument of {} bytes, at most {}", argument.size(), Tvm::kMaxBoc);
  return {};
}

}  // namespace

BytesView mainnet_config_snapshot() { return {tonemu_config_boc, tonemu_config_boc_size}; }

class Tvm::Impl {
 public:
  explicit Impl(std::string config) : config_(std::move(config)), thread_(Emulator::kNativeStack) {}
  ~Impl() {
    if (thread_.running()) thread_.run([this] { emulator_.reset(); });
  }

  bool running() const { return thread_.running(); }
  std::uint64_t discarded() const { return discarded_; }

  // Runs `use` with a ready emulator on the big thread. An abort, or anything thrown, costs the emulator.
  template <class Use>
  Result<std::string> with_emulator(const Use& use) {
    Result<std::string> result = fail("the TVM did not run");
    thread_.run([&] { result = guarded(use); });
    return result;
  }

  Result<> set_config(std::string config) {
    std::swap(config_, config);
    const auto retire = [this] { emulator_.reset(); };
    thread_.run(retire);
    auto made = with_emulator([](Emulator&, const std::string&) { return std::string(); });
    if (made) return {};
    std::swap(config_, config);
    return std::unexpected(std::move(made).error());
  }

 private:
  template <class Use>
  Result<std::string> guarded(const Use& use) {
    bool ready = false;
    try {
      if (!emulator_ && !make()) return fail("the TVM does not accept the configuration");
      ready = true;
      auto out = use(*emulator_, config_);
      if (emulator_->heap_bytes() > kTiredHeap) emulator_.reset();
      return out;
    } catch (const EmulatorAbort& abort) {
      discard(ready);
      return fail("the TVM aborted: {}", abort.what);
    } catch (const std::exception& error) {
      discard(ready);
      return fail("the TVM aborted: {}", error.what());
    } catch (...) {  // an exception inside the module that nothing in it caught
      discard(ready);
      return fail("the TVM aborted: an exception left it");
    }
  }

  bool make() {
    auto emulator = std::make_unique<Emulator>();
    if (!emulator->set_config(config_, 0)) return false;
    emulator_ = std::move(emulator);
    return true;
  }

  void discard(bool in_use) {
    emulator_.reset();
    if (in_use) discarded_++;
  }

  std::string config_;  // base64
  std::unique_ptr<Emulator> emulator_;
  std::uint64_t discarded_ = 0;
  BigStackThread thread_;
};

Tvm::Tvm(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tvm::~Tvm() = default;
Tvm::Tvm(Tvm&&) noexcept = default;
Tvm& Tvm::operator=(Tvm&&) noexcept = default;

Result<Tvm> Tvm::create(BytesView config) {
  TRY(check_sizes({config}));
  auto impl = std::make_unique<Impl>(to_base64(config));
  if (!impl->running()) return fail("cannot start a thread with {} MiB of stack", Emulator::kNativeStack >> 20);
  TRY(impl->with_emulator([](Emulator&, const std::string&) { return std::string(); }));
  return Tvm(std::move(impl));
}

Result<TransactionOutcome> Tvm::run_transaction(const TransactionRequest& request) {
  TRY(check_sizes({request.shard_account, request.message, request.libraries}));
  const auto libraries = to_base64(request.libraries);
  const auto account = to_base64(request.shard_account);
  const auto message = to_base64(request.message);
  const auto params =
      fmt::format(R"({{"utime":{},"lt":"{}","rand_seed":"{}","ignore_chksig":{},"debug_enabled":false}})", request.now,
                  request.lt, to_hex(request.random_seed), request.ignore_signatures);
  TRY_ASSIGN(const auto answer, impl_->with_emulator([&](Emulator& emulator, const std::string&) {
    return emulator.transaction(libraries, account, message, params);
  }));
  return read_transaction(answer);
}

Result<GetMethodOutcome> Tvm::run_get_method(const GetMethodRequest& request) {
  TRY(check_sizes({request.code, request.data, request.stack, request.libraries}));
  const auto gas =
      request.gas_limit <= 0 || request.gas_limit > kMaxGetMethodGas ? kMaxGetMethodGas : request.gas_limit;
  const auto params = fmt::format(
      R"({{"code":"{}","data":"{}","verbosity":0,"libs":"{}","address":"{}:{}","unixtime":{},"balance":"{}",)"
      R"("rand_seed":"{}","gas_limit":"{}","method_id":{},"debug_enabled":false}})",
      to_base64(request.code), to_base64(request.data), to_base64(request.libraries), request.workchain,
      to_hex(request.account), request.now, request.balance, to_hex(request.random_seed), gas, request.method_id);
  const auto stack = to_base64(request.stack);
  TRY_ASSIGN(const auto answer, impl_->with_emulator([&](Emulator& emulator, const std::string& config) {
    return emulator.get_method(params, stack, config);
  }));
  return read_get_method(answer);
}

Result<> Tvm::set_config(BytesView config) {
  TRY(check_sizes({config}));
  return impl_->set_config(to_base64(config));
}

std::uint64_t Tvm::discarded_instances() const { return impl_->discarded(); }

Result<std::string> Tvm::version() {
  return impl_->with_emulator([](Emulator& emulator, const std::string&) { return emulator.version(); });
}

}  // namespace cocoon::devnet
