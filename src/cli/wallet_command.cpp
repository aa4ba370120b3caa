#include "cli/wallet_command.hpp"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/chain.hpp"
#include "cli/node_commands.hpp"
#include "contract_code/contract_code.hpp"
#include "node/common_config.hpp"
#include "node/secrets.hpp"
#include "ton/contracts/state.hpp"

namespace cocoon::cli {
namespace {

// A node's configuration file names the chain, the root and the wallet: enough for every command here.
struct Where {
  std::string config;
  node::CommonConfig common{"cocoon", 0};

  void add_options(CLI::App& sub) {
    sub.add_option("--config", config, "configuration file of a node (client.toml, proxy.toml, worker-1.toml)")
        ->required();
  }
  Result<> load() {
    // Only the common keys matter; the role's own are read past.
    node::ConfigTable table;
    common.add_keys(table);
    table.ignore_unknown();
    return table.load_file(config);
  }
  Result<Chain> connect() const {
    const auto key = from_base64(common.liteserver_key);
    if (!key || key->size() != 32) return fail("chain.liteserver_key: base64 of 32 bytes expected");
    return Chain::connect(common.liteserver, crypto::PublicKey::from(*key));
  }
  Result<ledger::WalletQueue::Config> wallet() const {
    TRY_ASSIGN(const auto seed, node::load_seed(common.wallet_key_file));
    TRY_ASSIGN(const auto owner, ton::address_from_text(common.owner));
    return ledger::WalletQueue::Config{seed, owner, contract_code::wallet()};
  }
};

Result<> show_wallet(Where& where) {
  TRY(where.load());
  TRY_ASSIGN(auto config, where.wallet());
  const ledger::WalletQueue queue(config);
  TRY_ASSIGN(auto chain, where.connect());
  TRY_ASSIGN(const auto view, chain.account(queue.address()));
  fmt::print("address   {}\n          {}\n", ton::to_friendly_text(queue.address()), ton::to_raw_text(queue.address()));
  fmt::print("owner     {}\n", ton::to_friendly_text(config.owner));
  fmt::print("balance   {}\n", ton_text(view.account ? view.account->balance.coins : 0));
  if (!view.account || view.account->active() == nullptr) {
    fmt::print("state     not deployed: it is deployed with its first message, once it holds 2.1 TON\n");
    return {};
  }
  TRY_ASSIGN(const auto state, ton::parse_wallet_state(*view.account->active()->data));
  fmt::print("seqno     {}\nstate     {}\n", state.seqno, state.blocked() ? "blocked by its owner" : "active");
  return {};
}

struct Send {
  Where where;
  std::string to, amount;
  bool dry_run = false;
};

// "1.5" or "1.5 TON" as nanoTON.
Result<std::uint64_t> parse_ton(std::string_view text) {
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  auto part = dot == text.npos ? std::string() : std::string(text.substr(dot + 1));
  if (whole.empty() || whole.size() > 9 || part.size() > 9) return fail("an amount in TON expected, like 1.5");
  part.resize(9, '0');
  const auto digits = std::string(whole) + part;
  std::uint64_t nano = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return fail("an amount in TON expected, like 1.5");
    nano = nano * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return nano;
}

Result<> send(Send& o) {
  TRY(o.where.load());
  TRY_ASSIGN(const auto nano, parse_ton(o.amount));
  TRY_ASSIGN(const auto to, ton::address_from_text(o.to));
  TRY_ASSIGN(auto wallet, o.where.wallet());
  const ledger::WalletQueue queue(wallet);
  TRY_ASSIGN(auto chain, o.where.connect());
  TRY_ASSIGN(const auto before, chain.balance(queue.address()));
  fmt::print("{} from {} to {}\n", ton_text(nano), ton::to_friendly_text(queue.address()), ton::to_friendly_text(to));
  if (o.dry_run) {
    fmt::print("the wallet holds {}; nothing was sent\n", ton_text(before));
    return {};
  }
  TRY(chain.send_from_wallet(std::move(wallet), {{to, nano, std::nullopt, std::nullopt}}, std::chrono::seconds(90)));
  TRY_ASSIGN(const auto after, chain.balance(queue.address()));
  fmt::print("sent; the wallet holds {}\n", ton_text(after));
  return {};
}

Result<> show_root(Where& where) {
  TRY(where.load());
  TRY_ASSIGN(const auto address, ton::address_from_text(where.common.root));
  TRY_ASSIGN(auto chain, where.connect());
  TRY_ASSIGN(const auto r, chain.root(address));
  fmt::print("root contract   {}\nowner           {}\n", ton::to_friendly_text(address),
             ton::to_friendly_text(r.owner));
  fmt::print("version         {} (params version {}, struct {})\n", r.version, r.params.params_version,
             r.params.struct_version);
  fmt::print("network         {} {}\n", r.params.is_test ? "test" : "live", r.params.unique_id);
  fmt::print("price           {} nanoTON per token, worker gets {}\n", r.params.price_per_token,
             r.params.worker_fee_per_token);
  const auto& m = r.params.multipliers;
  fmt::print("multipliers     prompt {}, cached {}, completion {}, reasoning {} (1/10000)\n", m.prompt, m.cached,
             m.completion, m.reasoning);
  fmt::print("stakes          proxy {}, client {}\n", ton_text(r.params.min_proxy_stake),
             ton_text(r.params.min_client_stake));
  fmt::print("close delays    proxy {} s, client {} s\n", r.params.proxy_delay_before_close,
             r.params.client_delay_before_close);
  for (const auto& [seqno, text] : r.registered_proxies) fmt::print("proxy {:<9} {}\n", seqno, text);
  for (const auto& h : r.proxy_hashes) fmt::print("proxy image     {}\n", to_hex(h));
  for (const auto& h : r.worker_hashes) fmt::print("worker image    {}\n", to_hex(h));
  for (const auto& h : r.model_hashes) fmt::print("model           {}\n", to_hex(h));
  if (!r.key_manager.address.empty()) fmt::print("key manager     {}\n", r.key_manager.address);
  return {};
}

template <class Options>
void on_run(CLI::App& sub, int& status, const char* name, std::shared_ptr<Options> options, Result<> (*run)(Options&)) {
  sub.callback([&status, name, options, run] {
    if (auto done = run(*options); !done) status = complain(name, done.error());
  });
}

}  // namespace

void add_wallet(CLI::App& app, int& status) {
  auto* wallet = app.add_subcommand("wallet", "a node's wallet: show it, send from it");
  wallet->require_subcommand(1);
  auto* show = wallet->add_subcommand("show", "address, owner, balance, state");
  auto where = std::make_shared<Where>();
  where->add_options(*show);
  on_run(*show, status, "wallet show", where, show_wallet);

  auto* transfer = wallet->add_subcommand("send", "send TON; waits until the transaction has succeeded");
  auto options = std::make_shared<Send>();
  options->where.add_options(*transfer);
  transfer->add_option("--to", options->to, "address, friendly or raw")->required();
  transfer->add_option("--amount", options->amount, "in TON, like 1.5")->required();
  transfer->add_flag("--dry-run", options->dry_run, "say what would be sent, send nothing");
  on_run(*transfer, status, "wallet send", options, send);
}

void add_root(CLI::App& app, int& status) {
  auto* root = app.add_subcommand("root", "the root contract: the network's public registry");
  root->require_subcommand(1);
  auto* show = root->add_subcommand("show", "prices, images, models and proxies the network accepts");
  auto where = std::make_shared<Where>();
  where->add_options(*show);
  on_run(*show, status, "root show", where, show_root);
}

}  // namespace cocoon::cli
