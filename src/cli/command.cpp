#include "cli/command.hpp"

#include <cstdio>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/attest_command.hpp"
#include "cli/chat.hpp"
#include "cli/keys_command.hpp"
#include "cli/ledger_command.hpp"
#include "cli/node_commands.hpp"
#include "cli/operator_command.hpp"
#include "cli/output.hpp"
#include "cli/up.hpp"
#include "cli/wallet_command.hpp"
#include "client/service/service.hpp"
#include "net/address.hpp"
#include "node/config.hpp"
#include "proxy/service/service.hpp"
#include "worker/service/service.hpp"

namespace cocoon::cli {
namespace {

constexpr auto kAbout =
    "Cocoon: private AI compute settled on TON.\n"
    "`cocoon up` runs a whole network on this machine; `cocoon chat` talks to it.\n"
    "The other commands run and operate single nodes.";

constexpr int kWrongUsage = 2;

struct Command {
  int status = 0;
};

void add_up(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand("up", "run a whole network on this machine: chain, engine, proxy, workers, client");
  auto options = std::make_shared<UpOptions>();
  sub->add_option("--state", options->network.state_dir, "directory of the network's keys, chain and logs")
      ->capture_default_str();
  sub->add_option("--workers", options->network.workers, "workers to run")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  sub->add_option("--port-base", options->network.port_base,
                  "moves every port: the API is at N, the proxy at N+1000.., workers at N+2000.., engine at N+3000, "
                  "chain at N+4000")
      ->check(CLI::Range(1024, 60000))
      ->capture_default_str();
  sub->add_option("--model", options->network.model_file,
                  "GGUF file to serve; default: the small model that comes with the source");
  sub->add_option("--model-name", options->network.model_name, "what the API calls it")->capture_default_str();
  sub->add_option("--engine", options->network.engine,
                  "URL of an engine that runs already (vLLM, llama-server, ...), which serves --model-name")
      ->check([](const std::string& url) {
        const auto parsed = net::parse_http_url(url);
        return parsed ? std::string() : parsed.error().what;
      })
      ->excludes("--model");
  sub->add_flag("--fixture-engine", options->network.fixture_engine, "fixed answers instead of a model, for benchmarks")
      ->excludes("--engine");
  sub->add_flag("--once", options->once, "ask one question, wait until it is charged and paid on chain, report, stop");
  sub->add_option("--prompt", options->prompt, "with --once: the question")->capture_default_str();
  sub->add_option("--max-tokens", options->max_tokens, "with --once: most tokens of the answer")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  sub->add_flag("--json", options->json, "with --once: one JSON object on standard output");
  sub->callback([options, &command] {
    if (options->network.model_file.empty()) options->network.model_file = default_model();
    command.status = up(*options);
  });
}

// A node's command: --config FILE, and --example to begin one.
template <class Config, class Run>
void add_node(CLI::App& app, Command& command, const std::string& name, const std::string& about, Run run,
              void (*add_orders)(CLI::App&, int&) = nullptr) {
  auto* sub = app.add_subcommand(name, about);
  auto file = std::make_shared<std::string>();
  auto example = std::make_shared<bool>(false);
  auto* config_option =
      sub->add_option("--config", *file,
                      "TOML file of the node to run; `cocoon " + name + " --example` prints one, every key explained");
  sub->add_flag("--example", *example, "print a configuration file with every key, its meaning and its default");
  if (add_orders != nullptr) {
    add_orders(*sub, command.status);
    for (auto* order : sub->get_subcommands(nullptr)) order->excludes(config_option);
  }
  sub->callback([=, &command] {
    if (!sub->get_subcommands().empty()) return;  // an order to a running node, not a node to run
    Config config;
    node::ConfigTable table;
    config.add_keys(table);
    if (*example) {
      say("{}", table.example());
      return;
    }
    if (file->empty()) {
      command.status = complain(name, Error{0, "--config FILE must be given; --example prints one to begin with"});
      return;
    }
    auto loaded = table.load_file(*file);
    command.status = loaded ? run(config) : complain(name, loaded.error());
  });
}

// The engine alone also runs without a file: `cocoon engine --model FILE.gguf`.
void add_engine(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand("engine", "run the embedded engine: an OpenAI-compatible server over llama.cpp");
  struct Words {
    std::string config, model, model_name, listen;
    bool example = false, fixture = false;
  };
  auto words = std::make_shared<Words>();
  sub->add_option("--model", words->model, "GGUF file to serve");
  sub->add_option("--model-name", words->model_name, "what the API calls it; default: what the file calls itself");
  sub->add_option("--listen", words->listen, "where to listen, ip:port on loopback; default 127.0.0.1:13000");
  sub->add_flag("--fixture", words->fixture, "no model: fixed answers, for benchmarks and tests");
  sub->add_option("--config", words->config, "TOML file; the options here go before what it says");
  sub->add_flag("--example", words->example, "print a configuration file with every key, its meaning and its default");
  sub->callback([words, &command] {
    EngineOptions options;
    node::ConfigTable table;
    options.add_keys(table);
    if (words->example) {
      say("{}", table.example());
      return;
    }
    if (!words->config.empty()) {
      if (auto loaded = table.load_file(words->config); !loaded) {
        command.status = complain("engine", loaded.error());
        return;
      }
    }
    if (!words->model.empty()) options.model = words->model;
    if (!words->model_name.empty()) options.model_name = words->model_name;
    if (!words->listen.empty()) options.listen = words->listen;
    options.fixture = options.fixture || words->fixture;
    if (options.model.empty() && !options.fixture)
      command.status = complain("engine", Error{0, "--model FILE.gguf or --config FILE must be given"});
    else
      command.status = run_engine(options);
  });
}

// What stands where no argument is expected, with the name that was probably meant.
std::string unexpected(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  for (const auto& word : app.remaining(true)) {
    std::vector<std::string> known;
    const bool option = word.starts_with("--");
    if (option)
      for (const auto* o : at->get_options())
        for (const auto& name : o->get_lnames()) known.push_back("--" + name);
    else if (!word.starts_with('-'))
      for (const auto* sub : at->get_subcommands([](const CLI::App*) { return true; }))
        known.push_back(sub->get_name());
    if (const auto near = node::nearest_name(word, known); !near.empty())
      return fmt::format("there is no {} \"{}\"; the nearest known one is \"{}\"", option ? "option" : "command", word,
                         near);
  }
  return {};
}

int wrong_usage(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  auto why = unexpected(app);
  if (why.empty()) why = error.what();
  say(stderr, "cocoon: {}\nRun with --help for more information.\n", why);
  return kWrongUsage;
}

}  // namespace

int complain(std::string_view command, const Error& error) {
  say(stderr, "cocoon{}{}: {}\n", command.empty() ? "" : " ", command, error.what);
  return 1;
}

int run(int argc, char** argv) {
  CLI::App app{kAbout, "cocoon"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("cocoon ") + COCOON_VERSION);
  app.get_formatter()->column_width(34);
  Command command;
  add_up(app, command);
  add_chat(app, command.status);
  add_node<client::ServiceConfig>(app, command, "client", "run a client: the HTTP API beside an application",
                                  client::run, add_client_orders);
  add_client_keys(*app.get_subcommand("client"), command.status);
  add_node<proxy::ServiceConfig>(app, command, "proxy", "run a proxy: matches clients and workers, keeps the accounts",
                                 proxy::run, add_proxy_orders);
  add_node<worker::ServiceConfig>(app, command, "worker", "run a worker: serves a model through any engine, earns",
                                  worker::run, add_worker_orders);
  add_engine(app, command);
  add_node<DevnetOptions>(app, command, "devnet", "run a local TON chain with a liteserver", run_devnet);
  add_wallet(app, command.status);
  add_ledger(app, command.status);
  add_root(app, command.status);
  add_attest(app, command.status);
  if (argc < 2) {
    say(stderr, "{}", app.help());
    return kWrongUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    command.status = wrong_usage(app, e);
    std::cout.flush();
  }
  if (!all_written() && command.status == 0) return complain("", Error{0, "standard output cannot be written"});
  return command.status;
}

}  // namespace cocoon::cli
