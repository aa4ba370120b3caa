#include "net/dialer.hpp"

namespace cocoon::net {

struct Dialer::State : std::enable_shared_from_this<Dialer::State> {
  State(Executor e, LinkConfig c, DialerOptions o)
      : executor(std::move(e)), config(std::move(c)), options(o), wake(executor) {}

  Task<> run();

  Executor executor;
  LinkConfig config;
  DialerOptions options;
  std::function<void(LinkPtr)> on_link;
  std::function<void(const Error&)> on_failure;
  tcp::endpoint target;
  asio::steady_timer wake;  // the pause between attempts; cut short by stop() and by the end of a link
  crypto::Random random = crypto::Random::from_os();
  std::uint64_t attempts = 0;
  bool stopped = false;
  asio::cancellation_signal give_up;  // ends an attempt that is under way
};

Millis backoff(const DialerOptions& options, unsigned failures, bool refused, double jitter) {
  const auto cap = static_cast<double>((refused ? options.after_refusal : options.most).count());
  const auto grown = static_cast<double>(options.first.count()) * static_cast<double>(1ull << std::min(failures, 30u));
  return Millis(static_cast<Millis::rep>(std::min(cap, grown) * (0.5 + 0.5 * jitter)));
}

Task<> Dialer::State::run() {
  const auto self = shared_from_this();
  unsigned failures = 0;
  while (!stopped) {
    ++attempts;
    auto link = co_await connect_link(executor, target, config);
    bool refused = false;
    if (stopped) {
      if (link) (*link)->close({net_cancelled, "not dialling any more"});
      break;
    }
    if (link) {
      const auto began = std::chrono::steady_clock::now();
      auto alive = std::make_shared<bool>(true);
      (*link)->on_closed([self, alive](const Error&) {
        *alive = false;
        self->wake.cancel();
      });
      on_link(std::move(*link));
      while (*alive && !stopped) {
        wake.expires_at(SteadyTime::max());
        co_await wake.async_wait(no_throw);
      }
      // A link that ended at once is a failure in all but name: its next dial must wait longer each time.
      failures = std::chrono::steady_clock::now() - began > std::chrono::seconds(5) ? 0 : failures + 1;
    } else {
      ++failures;
      const int code = link.error().code;
      refused = code == net_untrusted || code == net_malformed;
      if (on_failure) on_failure(link.error());
    }
    if (stopped) break;
    const double jitter = static_cast<double>(random.u64() >> 11) * 0x1p-53;
    wake.expires_after(backoff(options, failures == 0 ? 0 : failures - 1, refused, jitter));
    co_await wake.async_wait(no_throw);
  }
}

Dialer::Dialer(Executor executor, LinkConfig config, DialerOptions options, std::function<void(LinkPtr)> on_link,
               std::function<void(const Error&)> on_failure)
    : state_(std::make_shared<State>(std::move(executor), std::move(config), options)) {
  state_->on_link = std::move(on_link);
  state_->on_failure = std::move(on_failure);
}

Dialer::~Dialer() { stop(); }

void Dialer::start(tcp::endpoint target) {
  state_->target = target;
  asio::co_spawn(state_->executor, state_->run(),
                 asio::bind_cancellation_slot(state_->give_up.slot(), [self = state_](std::exception_ptr) {}));
}

void Dialer::stop() {
  if (std::exchange(state_->stopped, true)) return;
  state_->wake.cancel();
  state_->give_up.emit(asio::cancellation_type::terminal);
}

const tcp::endpoint& Dialer::target() const { return state_->target; }
std::uint64_t Dialer::attempts() const { return state_->attempts; }

}  // namespace cocoon::net
