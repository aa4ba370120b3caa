#include <cstdio>

#include "base/log.hpp"
#include "cli/node_commands.hpp"
#include "engine/echo_backend.hpp"
#include "engine/server.hpp"
#include "node/process.hpp"

namespace cocoon::cli {

void EngineOptions::add_keys(node::ConfigTable& t) {
  t.key("log_level", log_level, "what is logged: trace, debug, info, warn, error or off");
  t.key("engine.listen", listen,
        "where the engine listens, ip:port; keep it on loopback, the API has no authentication");
  t.key("engine.model", model, "path of a GGUF file");
  t.key("engine.model_name", model_name, "what the API calls the model; empty: what the file calls itself");
  t.key("engine.llama_dir", llama_dir, "folder of the llama.cpp libraries; empty: beside the executable");
  t.key("engine.slots", slots, "requests computed at the same time", 1, 64);
  t.key("engine.threads", threads, "threads that compute", 1, 256);
  t.key("engine.fixture", fixture, "no model: fixed answers, for benchmarks and tests");
}

int run_engine(const EngineOptions& o) {
  log::set_up("engine", log::level_from_name(o.log_level, log::Level::info));
  net::asio::io_context io(1);
  if (o.fixture) {
    engine::EchoConfig config;
    config.listen = o.listen;
    if (!o.model_name.empty()) config.model = o.model_name;
    auto server = engine::EchoBackend::start(io.get_executor(), config);
    if (!server) return complain("engine", server.error());
    log::info("engine", "fixture engine at 127.0.0.1:{}", (*server)->port());
    return node::run_until_signal(io, [&]() -> net::Task<> {
      (*server)->stop();
      co_return;
    });
  }
  engine::EngineConfig config;
  config.model = o.model;
  config.model_name = o.model_name;
  config.listen = o.listen;
  config.llama_dir = o.llama_dir;
  config.scheduler.slots = static_cast<decltype(config.scheduler.slots)>(o.slots);
  config.scheduler.threads = static_cast<decltype(config.scheduler.threads)>(o.threads);
  bool failed = false;
  config.on_loaded = [&](const Result<>& loaded) {
    if (loaded) return log::info("engine", "model {} is loaded", o.model);
    failed = true;
    complain("engine", loaded.error());
    io.stop();
  };
  auto server = engine::EngineServer::start(io.get_executor(), std::move(config));
  if (!server) return complain("engine", server.error());
  log::info("engine", "listening at 127.0.0.1:{}", (*server)->port());
  const int status = node::run_until_signal(io, [&]() -> net::Task<> { co_return; });
  (*server)->stop();
  return failed ? 1 : status;
}

}  // namespace cocoon::cli
