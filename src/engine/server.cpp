#include "engine/server.hpp"

#include <fmt/core.h>

#include "base/log.hpp"
#include "engine/server_state.hpp"

namespace cocoon::engine {
namespace {

struct Loaded {
  std::unique_ptr<Model> model;
  std::unique_ptr<Scheduler> scheduler;
};

Result<Loaded> load(const EngineConfig& config, const std::atomic<bool>& give_up) {
  Loaded out;
  TRY_ASSIGN(out.model, Model::load(config.model, config.llama_dir, &give_up));
  TRY_ASSIGN(out.scheduler, Scheduler::start(*out.model, config.scheduler));
  return out;
}

void install(ServerState& state, Result<Loaded> loaded) {
  if (state.stopping) return;
  const auto tell = std::exchange(state.config.on_loaded, nullptr);
  if (!loaded) {
    state.load_error = loaded.error().what;
    log::error("engine", "{}", state.load_error);
    if (tell) tell(std::unexpected(std::move(loaded).error()));
    return;
  }
  state.model = std::move(loaded->model);
  state.scheduler = std::move(loaded->scheduler);
  state.name = state.config.model_name.empty() ? state.model->name() : state.config.model_name;
  state.loaded_at = wall_clock();
  log::info("engine", "serving {} on port {}: {} slots of {} tokens, {} thread(s)", state.name, state.server->port(),
            state.scheduler->slots(), state.scheduler->context_length(), state.config.scheduler.threads);
  if (tell) tell({});
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("[::1]:") || address.starts_with("localhost:");
}

}  // namespace

std::string ServerState::new_id(std::string_view prefix) {
  return fmt::format("{}-{:016x}{:016x}", prefix, random(), random());
}

EngineServer::EngineServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
EngineServer::~EngineServer() { stop(); }

Result<std::unique_ptr<EngineServer>> EngineServer::start(net::Executor executor, EngineConfig config) {
  if (!is_loopback(config.listen))
    return fail("the engine has no authentication and listens on loopback only, not on {}", config.listen);
  auto state = std::make_shared<State>();
  state->executor = executor;
  state->config = std::move(config);
  const std::weak_ptr<State> weak = state;
  state->server = std::make_unique<net::HttpServer>(
      executor, net::HttpServerOptions{},
      [weak](const net::HttpRequest& request, net::HttpResponder& responder) -> net::Task<> {
        auto self = weak.lock();
        if (self) co_await serve(std::move(self), request, responder);
      });
  TRY(state->server->listen(state->config.listen));
  // Owned by `state` and joined before it goes: a plain reference is enough.
  state->loader = std::thread([&s = *state, weak] {
    auto loaded = load(s.config, s.stopping);
    net::asio::post(s.executor, [weak, loaded = std::move(loaded)]() mutable {
      if (const auto self = weak.lock()) install(*self, std::move(loaded));
    });
  });
  return std::unique_ptr<EngineServer>(new EngineServer(std::move(state)));
}

std::uint16_t EngineServer::port() const { return state_->server->port(); }
bool EngineServer::ready() const { return state_->ready(); }

void EngineServer::stop() {
  state_->stopping = true;
  state_->server->close();
  if (state_->loader.joinable()) state_->loader.join();
  state_->scheduler.reset();
}

}  // namespace cocoon::engine
