#include "cli/up.hpp"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>

#include <signal.h>
#include <unistd.h>

#include "cli/chain.hpp"
#include "cli/http.hpp"
#include "cli/output.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/settlement.hpp"
#include "contract_code/contract_code.hpp"
#include "devnet/treasury.hpp"
#include "node/secrets.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/bodies.hpp"

namespace cocoon::cli {
namespace {

constexpr Duration kSoon = std::chrono::seconds(10);
constexpr int kMaxFailures = 5;
constexpr std::uintmax_t kSmallSpace = 64 * 1024;  // less is left on a disk that is full

std::atomic<bool> stop_asked{false};

extern "C" void ask_to_stop(int) { stop_asked = true; }

// What each party needs to begin, and below which it is given more (nanoTON).
struct Allowance {
  const char* who;
  ton::Address address;
  std::uint64_t low, amount;
};

class Network {
 public:
  Network(UpOptions options, LocalNetwork network)
      : options_(std::move(options)),
        network_(std::move(network)),
        progress_(6 + (options_.network.engine.empty() ? 1 : 0) + (options_.once ? 1 : 0), options_.json) {}
  ~Network() { stop(); }

  Result<> start();
  Result<Report> ask_once();
  Result<> serve();
  void stop();
  Progress& progress() { return progress_; }
  std::string ready_text() const;

 private:
  struct Child {
    Process process;
    std::vector<std::string> arguments;
    Time started = wall_clock();
    int failures = 0;  // in a row: ends soon after the start
  };

  Result<> check_ports();
  Result<> start_chain();
  Result<> fund();
  Result<> pay_from_treasury(const Allowance&);
  Result<> register_network();
  Result<> run(const std::string& name, const std::vector<std::string>& arguments);
  Result<> wait_healthy(const std::string& name, int port);
  Result<> all_alive();
  Result<> pause();
  std::string last_words(const Process&) const;
  ledger::WalletQueue::Config wallet(const Party& p) const { return {p.seed, p.owner, contract_code::wallet()}; }

  UpOptions options_;
  LocalNetwork network_;
  Progress progress_;
  std::vector<std::pair<std::string, Child>> children_;  // in the order of their start
  std::optional<Chain> chain_;
};

// The end of the log; where the disk is full, the log may miss it.
std::string Network::last_words(const Process& process) const {
  auto words = last_lines(process.log_file(), 8);
  std::error_code none;
  const auto space = std::filesystem::space(network_.options().state_dir, none);
  if (!none && space.available < kSmallSpace)
    words += fmt::format("No space left on the disk of {}\n", network_.options().state_dir);
  return words;
}

Result<> Network::pause() {
  if (stop_asked) return fail("stopped");
  usleep(30'000);
  return all_alive();
}

Result<> Network::all_alive() {
  for (auto& [name, child] : children_)
    if (const auto end = child.process.ended())
      return fail("{} {}; its last words:\n{}", name, *end, last_words(child.process));
  return {};
}

Result<> Network::run(const std::string& name, const std::vector<std::string>& arguments) {
  TRY_ASSIGN(auto process, Process::start(name, own_program(), arguments, network_.path("log/" + name + ".log")));
  children_.emplace_back(name, Child{.process = std::move(process), .arguments = arguments});
  return {};
}

// A node is healthy when its /health says so; until then it says what it waits for.
Result<> Network::wait_healthy(const std::string& name, int port) {
  const auto until = wall_clock() + options_.patience;
  std::string waiting_for = "to start";
  while (wall_clock() < until) {
    if (auto reply = http_get(fmt::format("http://127.0.0.1:{}/health", port), std::chrono::seconds(2))) {
      if (reply->status == 200) return {};
      waiting_for = health_reason(reply->body);
    }
    progress_.note(waiting_for);
    TRY(pause());
  }
  return fail("{} is not ready after {:.0f} s: {}; see {}", name, to_seconds(options_.patience), waiting_for,
              network_.path("log/" + name + ".log"));
}

// Somebody else on one of our ports would answer in a node's place.
Result<> Network::check_ports() {
  const auto& p = network_.ports();
  std::vector<int> all{p.client_api(),    p.proxy_http(), p.proxy_workers(),
                       p.proxy_clients(), p.engine(),     p.liteserver()};
  for (int i = 0; i < network_.options().workers; ++i) all.push_back(p.worker_http(i));
  net::asio::io_context io;
  for (const int port : all) {
    net::tcp::acceptor acceptor(io);
    boost::system::error_code error;
    acceptor.open(net::tcp::v4(), error);
    acceptor.set_option(net::tcp::acceptor::reuse_address(true), error);
    if (acceptor.bind({net::asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)}, error); error)
      return fail("port {} is taken ({}); is another network running? --port-base N moves all ports", port,
                  error.message());
  }
  return {};
}

Result<> Network::start_chain() {
  TRY(run("devnet", {"devnet", "--config", network_.path("devnet.toml")}));
  const auto address = fmt::format("127.0.0.1:{}", network_.ports().liteserver());
  const auto key = crypto::KeyPair(network_.liteserver_seed()).public_key();
  const auto until = wall_clock() + options_.patience;
  for (;;) {
    auto chain = Chain::connect(address, key);
    if (chain) {
      chain_ = std::move(*chain);
      return {};
    }
    if (wall_clock() > until) return std::unexpected(std::move(chain).error());
    TRY(pause());
  }
}

Result<> Network::pay_from_treasury(const Allowance& a) {
  TRY_ASSIGN(const auto have, chain_->balance(a.address));
  if (have >= a.low) return {};
  progress_.note(fmt::format("{} for the {}", ton_text(a.amount), a.who));
  TRY_ASSIGN(const auto seed, node::load_seed(network_.path("keys/treasury.key")));
  const crypto::KeyPair owner(seed);
  const auto treasury = ton::address_of(devnet::treasury_state_init(owner.public_key()));
  const auto paid = [&]() -> Result<bool> {
    if (stop_asked) return fail("stopped");
    TRY_ASSIGN(const auto now, chain_->balance(a.address));
    return now >= have + a.amount / 2;
  };
  TRY_ASSIGN(const auto view, chain_->account(treasury));
  if (!view.account) return fail("the chain has no treasury at {}", ton::to_raw_text(treasury));
  TRY_ASSIGN(const auto seqno, devnet::treasury_seqno(*view.account));
  TRY_ASSIGN(const auto message, devnet::treasury_payment(owner, treasury, seqno, a.address, a.amount));
  TRY(chain_->send_external(ton::write_boc(message)));
  return chain_->wait_until(paid, options_.patience, std::string("the payment to the ") + a.who);
}

Result<> Network::fund() {
  using ton::kTon;
  std::vector<Allowance> list{{"operator", network_.operator_wallet().address, 20 * kTon, 100 * kTon},
                              {"client", network_.client_wallet().address, 150 * kTon, 1000 * kTon},
                              {"proxy", network_.proxy_wallet().address, 20 * kTon, 200 * kTon}};
  for (const auto& w : network_.worker_wallets()) list.push_back({"worker", w.address, 5 * kTon, 20 * kTon});
  for (const auto& a : list) TRY(pay_from_treasury(a));
  return {};
}

// The root contract is made once. Later starts tell it what has changed: other ports, other images, other models.
Result<> Network::register_network() {
  const auto wanted = network_.wanted_root();
  std::vector<ton::OutgoingMessage> messages;
  const auto tell = [&](ton::Cell body) {
    messages.push_back({network_.root(), ton::kTon / 5, std::move(body), std::nullopt});
  };
  TRY_ASSIGN(const auto view, chain_->account(network_.root()));
  if (!view.account || view.account->active() == nullptr) {
    messages.push_back({network_.root(), ton::kTon / 2, std::nullopt, network_.root_init()});
  } else {
    TRY_ASSIGN(const auto have, chain_->root(network_.root()));
    if (!have.registered_proxies.contains(1) || have.registered_proxies.at(1) != network_.proxy_endpoints()) {
      ton::RootUpdateProxy update;
      update.seqno = 1;
      update.endpoints.text = network_.proxy_endpoints();
      TRY_ASSIGN(auto body, ton::build_body(update));
      tell(body);
    }
    for (const auto& h : wanted.proxy_hashes)
      if (!have.proxy_hashes.contains(h)) tell(ton::build_body(ton::RootAddProxyHash{.hash = h}));
    for (const auto& h : wanted.worker_hashes)
      if (!have.worker_hashes.contains(h)) tell(ton::build_body(ton::RootAddWorkerHash{.hash = h}));
    for (const auto& h : wanted.model_hashes)
      if (!have.model_hashes.contains(h)) tell(ton::build_body(ton::RootAddModelHash{.hash = h}));
  }
  if (messages.empty()) return {};
  TRY(chain_->send_from_wallet(wallet(network_.operator_wallet()), std::move(messages), options_.patience));
  const auto registered = [&]() -> Result<bool> {
    if (stop_asked) return fail("stopped");
    const auto root = chain_->root(network_.root());
    return root && root->registered_proxies.contains(1) && root->registered_proxies.at(1) == network_.proxy_endpoints();
  };
  return chain_->wait_until(registered, options_.patience, "the registration in the root contract");
}

Result<> Network::start() {
  const auto& ports = network_.ports();
  TRY(check_ports());
  progress_.begin("a local TON chain");
  TRY(network_.write_configs());
  TRY(start_chain());
  progress_.begin("coins for everybody, from the faucet");
  TRY(fund());
  progress_.begin("the root contract: images, models, prices");
  TRY(register_network());
  if (network_.options().engine.empty()) {
    progress_.begin("the engine and its model " + network_.options().model_name);
    TRY(run("engine", {"engine", "--config", network_.path("engine.toml")}));
    TRY(wait_healthy("engine", ports.engine()));
  }
  progress_.begin("the proxy: contract deployed, state committed on chain");
  TRY(run("proxy", {"proxy", "--config", network_.path("proxy.toml")}));
  TRY(wait_healthy("proxy", ports.proxy_http()));
  const auto workers = network_.options().workers;
  progress_.begin(workers == 1 ? std::string("the worker, attested to the proxy") : fmt::format("{} workers", workers));
  for (int i = 0; i < workers; ++i) {
    const auto name = fmt::format("worker-{}", i + 1);
    TRY(run(name, {"worker", "--config", network_.path(name + ".toml")}));
  }
  for (int i = 0; i < workers; ++i) TRY(wait_healthy(fmt::format("worker-{}", i + 1), ports.worker_http(i)));
  progress_.begin("the client: proxy verified, contract funded");
  TRY(run("client", {"client", "--config", network_.path("client.toml")}));
  TRY(wait_healthy("client", ports.client_api()));
  progress_.end();
  return {};
}

Result<Report> Network::ask_once() {
  progress_.begin("asking, and waiting for charge and payout on chain");
  TRY_ASSIGN(auto watch, SettlementWatch::begin(network_, *chain_));
  const auto api = fmt::format("http://127.0.0.1:{}", network_.ports().client_api());
  TRY_ASSIGN(auto report, ask_for_report(api, network_.options().model_name, options_.prompt, options_.max_tokens,
                                         options_.patience));
  report.adjusted_tokens = report.cost_nano / network_.wanted_root().params.price_per_token;
  TRY_ASSIGN(report.settlement, watch.wait(*chain_, report.adjusted_tokens, options_.patience));
  TRY(add_attested(report, api, fmt::format("http://127.0.0.1:{}", network_.ports().proxy_http())));
  progress_.end();
  return report;
}

// Keeps the network up: a node that ends is started again, unless it ends soon after its start five times in a row. Who
// is killed from outside has not failed.
Result<> Network::serve() {
  while (!stop_asked) {
    usleep(100'000);
    for (auto& [name, child] : children_) {
      const auto end = child.process.ended();
      if (!end || stop_asked) continue;
      const bool failed = wall_clock() - child.started < kSoon && !child.process.killed();
      child.failures = failed ? child.failures + 1 : 0;
      if (child.failures > kMaxFailures)
        return fail("{} {} again and again; its last words:\n{}", name, *end, last_words(child.process));
      say(stderr, "{} {}: starting it again\n", name, *end);
      TRY_ASSIGN(child.process,
                 Process::start(name, own_program(), child.arguments, network_.path("log/" + name + ".log")));
      child.started = wall_clock();
    }
  }
  return {};
}

void Network::stop() {
  chain_.reset();
  // The other way round: nobody loses what it still talks to.
  for (auto it = children_.rbegin(); it != children_.rend(); ++it)
    if (!it->second.process.stop(std::chrono::seconds(10)))
      say(stderr, "{} did not stop in time and was killed\n", it->first);
  children_.clear();
}

std::string Network::ready_text() const {
  const auto& p = network_.ports();
  const auto base = p.base == 10000 ? std::string() : fmt::format(" --api http://127.0.0.1:{}", p.client_api());
  return fmt::format(
      "\nYour Cocoon network is up ({:.0f} s). Ctrl-C stops it; the next start resumes with balances intact.\n\n"
      "  talk          {} chat{}\n"
      "  API           http://127.0.0.1:{}/v1   (OpenAI-shaped; model \"{}\")\n"
      "  try           curl http://127.0.0.1:{}/v1/chat/completions -H 'Content-Type: application/json' \\\n"
      "                  -d '{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n"
      "  status        http://127.0.0.1:{}/jsonstats  client,  :{} proxy,  :{} worker\n"
      "  logs          {}\n\n",
      to_seconds(progress_.total()), own_program(), base, p.client_api(), network_.options().model_name, p.client_api(),
      network_.options().model_name, p.client_api(), p.proxy_http(), p.worker_http(0), network_.path("log"));
}

int failure(Progress& progress, const Error& error) {
  progress.failed();
  if (stop_asked)
    say(stderr, "stopped\n");
  else
    say(stderr, "cocoon up: {}\n", error.what);
  return stop_asked ? 130 : 1;
}

}  // namespace

int up(UpOptions options) {
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);

  auto opened = LocalNetwork::open(options.network);
  if (!opened) {
    say(stderr, "cocoon up: {}\n", opened.error().what);
    return 1;
  }
  Network network(options, std::move(*opened));
  if (auto started = network.start(); !started) return failure(network.progress(), started.error());
  if (options.once) {
    auto report = network.ask_once();
    if (!report) return failure(network.progress(), report.error());
    report->seconds = to_seconds(network.progress().total());
    say("{}\n", options.json ? to_json(*report) : to_words(*report));
    std::fflush(stdout);
    return 0;
  }
  say("{}", network.ready_text());
  std::fflush(stdout);
  if (auto served = network.serve(); !served) return failure(network.progress(), served.error());
  say(stderr, "stopping\n");
  return 0;
}

}  // namespace cocoon::cli
