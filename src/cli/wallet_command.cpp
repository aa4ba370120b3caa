#include "cli/wallet_command.hpp"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/http.hpp"
#include "cli/node_address.hpp"
#include "cli/node_commands.hpp"
#include "cli/output.hpp"
#include "cli/wallet_rotation.hpp"
#include "node/wallet_page.hpp"
#include "ton/contracts/state.hpp"

namespace cocoon::cli {
namespace {

namespace json = boost::json;

// What a wallet burns for one message to a contract that accepts it: its own transaction and the message's way
// (measured on the devnet, which has mainnet's fees; rounded up).
constexpr std::uint64_t kSendFee = 6'000'000;
// Kept out of what can be sent: the wallet takes no order from its node below this (contracts.md 5).
constexpr std::uint64_t kKept = ton::kWalletMinimum;

struct WalletCommand {
  NodeAddress where;
  bool as_json = false;

  void add_options(CLI::App& sub) {
    where.add_options(sub, true);
    sub.add_flag("--json", as_json, "one JSON object on standard output");
  }
};

// --- show

// The queue is in the node's memory: a node that does not run has none.
std::optional<node::WalletPage> running_wallet(const NodeAddress& where) {
  const auto reply = http_get(where.url("/jsonstats"), std::chrono::seconds(2));
  if (!reply) return std::nullopt;
  // A page without a wallet is another program's on our node's port.
  auto wallet = node::wallet_of_status(reply->body);
  return wallet ? std::optional(*std::move(wallet)) : std::nullopt;
}

Result<> show_wallet(WalletCommand& o) {
  TRY(o.where.load());
  TRY_ASSIGN(const auto config, o.where.wallet());
  const ledger::WalletQueue wallet(config);
  TRY_ASSIGN(auto chain, o.where.connect());
  TRY_ASSIGN(const auto view, chain.account(wallet.address()));
  const std::uint64_t balance = view.account ? view.account->balance.coins : 0;
  std::string state = "not deployed: it is deployed with its first message, once it holds 2.1 TON";
  std::uint32_t seqno = 0;
  const auto* active = view.account ? view.account->active() : nullptr;
  if (active != nullptr && active->data) {
    TRY_ASSIGN(const auto data, ton::parse_wallet_state(*active->data));
    seqno = data.seqno;
    state = data.blocked() ? "blocked by its owner" : "active";
  }
  const auto queue = running_wallet(o.where);
  if (o.as_json) {
    json::object out{{"address", ton::to_friendly_text(wallet.address())},
                     {"owner", ton::to_friendly_text(config.owner)},
                     {"balance_nano", balance},
                     {"spendable_nano", balance > kKept ? balance - kKept : 0},
                     {"deployed", active != nullptr},
                     {"seqno", seqno},
                     {"state", state},
                     {"node_running", queue.has_value()}};
    if (queue) {
      out["pending"] = queue->pending;
      out["waiting_for"] = queue->waiting_for;
      out["last_refusal"] = queue->last_refusal;
    }
    say("{}\n", json::serialize(out));
    return {};
  }
  say("address   {}\n          {}\n", ton::to_friendly_text(wallet.address()), ton::to_raw_text(wallet.address()));
  say("owner     {}\n", ton::to_friendly_text(config.owner));
  say("balance   {}\n", ton_text(balance));
  say("state     {}\nseqno     {}\n", state, seqno);
  if (!queue)
    say("queue     the node does not run\n");
  else if (queue->pending == 0)
    say("queue     empty\n");
  else
    say("queue     {} messages wait{}\n", queue->pending, queue->waiting_for.empty() ? "" : ": " + queue->waiting_for);
  if (queue && !queue->last_refusal.empty()) say("refused   {}\n", queue->last_refusal);
  return {};
}

// --- send

struct Send : WalletCommand {
  std::string to, amount;
  bool dry_run = false;
};

void print_sending(const Send& o, const char* state, const ton::Address& from, const ton::Address& to,
                   std::uint64_t nano, std::uint64_t before, std::uint64_t after) {
  if (o.as_json) {
    say("{}\n", json::serialize(json::object{{"state", state},
                                             {"from", ton::to_friendly_text(from)},
                                             {"to", ton::to_friendly_text(to)},
                                             {"amount_nano", nano},
                                             {"fees_nano", o.dry_run ? kSendFee : before - nano - after},
                                             {"balance_before_nano", before},
                                             {"balance_after_nano", after}}));
    return;
  }
  if (o.dry_run) say("Dry run: nothing is sent.\n");
  say("  {} from {}\n  to {}\n", ton_text(nano), ton::to_friendly_text(from), ton::to_friendly_text(to));
  say("the wallet holds {}{}, {} {}{}\n", ton_text(before), o.dry_run ? "" : " before",
      o.dry_run ? "would hold about" : "holds", ton_text(after), o.dry_run ? " afterwards" : " now");
}

Result<> send(Send& o) {
  TRY_ASSIGN(const auto nano, parse_ton(o.amount));
  if (nano == 0) return fail("--amount: more than nothing expected");
  TRY_ASSIGN(const auto to, ton::address_from_text(o.to));
  TRY(o.where.load());
  TRY_ASSIGN(auto config, o.where.wallet());
  const ledger::WalletQueue wallet(config);
  TRY_ASSIGN(auto chain, o.where.connect());
  TRY_ASSIGN(const auto before, chain.balance(wallet.address()));
  if (before < kKept + ton::kTon / 10 || before < nano + ton::kTon / 10)
    return fail("the wallet holds {}; {} and 0.1 TON for fees are needed, and at least 2.1 TON to send at all",
                ton_text(before), ton_text(nano));
  if (o.dry_run) {
    print_sending(o, "planned", wallet.address(), to, nano, before, before - nano - kSendFee);
    return {};
  }
  TRY(chain.send_from_wallet(std::move(config), {{to, nano, std::nullopt, std::nullopt}}, std::chrono::seconds(90)));
  TRY_ASSIGN(const auto after, chain.balance(wallet.address()));
  print_sending(o, "done", wallet.address(), to, nano, before, after);
  return {};
}

// --- rotate

struct Rotate : WalletCommand {
  bool dry_run = false;
};

Result<> rotate(Rotate& o) {
  TRY(o.where.load());
  if (http_get(o.where.url("/health"), std::chrono::seconds(2)))
    return fail("the node runs (something answers at {}): stop it first, its wallet would change under it",
                o.where.url(""));
  TRY_ASSIGN(auto chain, o.where.connect());
  TRY_ASSIGN(auto rotation, WalletRotation::prepare(chain, o.where));
  if (!o.dry_run) TRY(rotation.carry_out(chain));
  if (o.as_json) {
    say("{}\n", json::serialize(json::object{{"state", o.dry_run ? "planned" : "done"},
                                             {"from", ton::to_friendly_text(rotation.old_address())},
                                             {"to", ton::to_friendly_text(rotation.new_address())},
                                             {"moved_nano", rotation.moved()},
                                             {"old_key_file", rotation.old_key_file()}}));
    return {};
  }
  if (o.dry_run) say("Dry run: no key is made, nothing is sent.\n");
  say("  old wallet  {}\n  new wallet  {}\n", ton::to_friendly_text(rotation.old_address()),
      o.dry_run ? "(of a key not made yet)" : ton::to_friendly_text(rotation.new_address()));
  say("  {} {}\n", ton_text(rotation.moved()), o.dry_run ? "would move, less fees" : "moved");
  if (!o.dry_run) say("the old key is kept in {}; start the node again\n", rotation.old_key_file());
  return {};
}

// --- the root contract

struct ShowRoot {
  NodeAddress where;
  bool as_json = false;
};

json::object root_object(const ton::Address& address, const ton::RootState& r) {
  const auto hashes = [](const auto& set) {
    json::array out;
    for (const auto& h : set) out.emplace_back(to_hex(h));
    return out;
  };
  json::array proxies;
  for (const auto& [seqno, text] : r.registered_proxies)
    proxies.push_back(json::object{{"seqno", seqno}, {"address", text}});
  const auto& p = r.params;
  return {{"address", ton::to_friendly_text(address)},
          {"owner", ton::to_friendly_text(r.owner)},
          {"version", r.version},
          {"struct_version", p.struct_version},
          {"params_version", p.params_version},
          {"unique_id", p.unique_id},
          {"is_test", p.is_test},
          {"price_per_token", p.price_per_token},
          {"worker_fee_per_token", p.worker_fee_per_token},
          {"multipliers", json::object{{"prompt", p.multipliers.prompt},
                                       {"cached", p.multipliers.cached},
                                       {"completion", p.multipliers.completion},
                                       {"reasoning", p.multipliers.reasoning}}},
          {"min_proxy_stake_nano", p.min_proxy_stake},
          {"min_client_stake_nano", p.min_client_stake},
          {"proxy_delay_before_close", p.proxy_delay_before_close},
          {"client_delay_before_close", p.client_delay_before_close},
          {"registered_proxies", proxies},
          {"proxy_hashes", hashes(r.proxy_hashes)},
          {"worker_hashes", hashes(r.worker_hashes)},
          {"model_hashes", hashes(r.model_hashes)},
          {"key_manager", r.key_manager.address}};
}

Result<> show_root(ShowRoot& o) {
  TRY(o.where.load());
  TRY_ASSIGN(const auto address, ton::address_from_text(o.where.common.root));
  TRY_ASSIGN(auto chain, o.where.connect());
  TRY_ASSIGN(const auto r, chain.root(address));
  if (o.as_json) {
    say("{}\n", json::serialize(root_object(address, r)));
    return {};
  }
  say("root contract   {}\nowner           {}\n", ton::to_friendly_text(address), ton::to_friendly_text(r.owner));
  say("version         {} (params version {}, struct {})\n", r.version, r.params.params_version,
      r.params.struct_version);
  say("network         {} {}\n", r.params.is_test ? "test" : "live", r.params.unique_id);
  say("price           {} nanoTON per token, worker gets {}\n", r.params.price_per_token,
      r.params.worker_fee_per_token);
  const auto& m = r.params.multipliers;
  say("multipliers     prompt {}, cached {}, completion {}, reasoning {} (1/10000)\n", m.prompt, m.cached, m.completion,
      m.reasoning);
  say("stakes          proxy {}, client {}\n", ton_text(r.params.min_proxy_stake), ton_text(r.params.min_client_stake));
  say("close delays    proxy {} s, client {} s\n", r.params.proxy_delay_before_close,
      r.params.client_delay_before_close);
  for (const auto& [seqno, text] : r.registered_proxies) say("proxy {:<9} {}\n", seqno, text);
  for (const auto& h : r.proxy_hashes) say("proxy image     {}\n", to_hex(h));
  for (const auto& h : r.worker_hashes) say("worker image    {}\n", to_hex(h));
  for (const auto& h : r.model_hashes) say("model           {}\n", to_hex(h));
  if (!r.key_manager.address.empty()) say("key manager     {}\n", r.key_manager.address);
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
  auto* wallet = app.add_subcommand("wallet", "a node's wallet: show it, send from it, give it a new key");
  wallet->require_subcommand(1);
  auto* show = wallet->add_subcommand("show", "address, owner, balance, state, and what waits in the node's queue");
  auto where = std::make_shared<WalletCommand>();
  where->add_options(*show);
  on_run(*show, status, "wallet show", where, show_wallet);

  auto* transfer = wallet->add_subcommand("send", "send TON; waits until the transaction has succeeded");
  auto options = std::make_shared<Send>();
  options->add_options(*transfer);
  transfer->add_option("--to", options->to, "address, friendly or raw")->required();
  transfer->add_option("--amount", options->amount, "in TON, like 1.5")->required();
  transfer->add_flag("--dry-run", options->dry_run, "say what would be sent and what it costs, send nothing");
  on_run(*transfer, status, "wallet send", options, send);

  auto* turn =
      wallet->add_subcommand("rotate", "give a stopped node a wallet with a new key, and move everything to it");
  auto rotation = std::make_shared<Rotate>();
  rotation->add_options(*turn);
  turn->add_flag("--dry-run", rotation->dry_run, "check whether it can be done, make no key, send nothing");
  on_run(*turn, status, "wallet rotate", rotation, rotate);
}

void add_root(CLI::App& app, int& status) {
  auto* root = app.add_subcommand("root", "the root contract: the network's public registry");
  root->require_subcommand(1);
  auto* show = root->add_subcommand("show", "prices, images, models and proxies the network accepts");
  auto options = std::make_shared<ShowRoot>();
  options->where.add_options(*show, true);
  show->add_flag("--json", options->as_json, "one JSON object on standard output");
  on_run(*show, status, "root show", options, show_root);
}

}  // namespace cocoon::cli
