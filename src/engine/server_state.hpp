// What the server's lifecycle (server.cpp) and its routes (routes.cpp) share. Private to this room.
#pragma once
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "base/time.hpp"
#include "engine/api_error.hpp"
#include "engine/api_response.hpp"
#include "engine/metrics.hpp"
#include "engine/server.hpp"
#include "net/http_server.hpp"

namespace cocoon::engine {

struct EngineServer::State {
  net::Executor executor;
  EngineConfig config;
  std::unique_ptr<Model> model;          // null until loaded
  std::unique_ptr<Scheduler> scheduler;  // null until loaded and after stop()
  std::string load_error;                // why there will be no model
  std::string name;
  Time loaded_at{};
  Metrics metrics;
  std::mt19937_64 random{std::random_device{}()};
  std::unique_ptr<net::HttpServer> server;
  std::thread loader;
  std::atomic<bool> stopping = false;

  bool ready() const { return scheduler != nullptr; }
  std::string new_id(std::string_view prefix);
};

using ServerState = EngineServer::State;

// Answers one request, whatever it is.
net::Task<> serve(std::shared_ptr<ServerState> state, const net::HttpRequest& request, net::HttpResponder& responder);

}  // namespace cocoon::engine
