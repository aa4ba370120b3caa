#include "cli/ledger_command.hpp"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/ledger_audit.hpp"
#include "cli/node_address.hpp"
#include "cli/node_commands.hpp"
#include "cli/output.hpp"
#include "node/secrets.hpp"
#include "store/store.hpp"

namespace cocoon::cli {
namespace {

namespace json = boost::json;

constexpr int kDiffers = 3;

struct LedgerCommand {
  NodeAddress where;
  bool as_json = false;
  std::string machine_key_file, database;  // of the proxy's configuration

  LedgerCommand() { where.node = "proxy"; }
  Result<> load() {
    node::ConfigTable table;
    table.key("proxy.machine_key_file", machine_key_file, "").required();
    table.key("proxy.database", database, "").required();
    return where.load(table);
  }
  // Those of the contract of the day first.
  Result<std::vector<Books>> books() const {
    TRY_ASSIGN(const auto machine, node::load_seed(machine_key_file));
    TRY_ASSIGN(auto stored, store::Store::look(database));
    if (!stored) return fail("{}: no snapshot was written yet", database);
    return read_books(*std::move(stored), machine);
  }
};

const char* state_name(ton::ContractState s) {
  switch (s) {
    case ton::ContractState::normal:
      return "open";
    case ton::ContractState::closing:
      return "closing";
    case ton::ContractState::closed:
      return "closed";
    case ton::ContractState::unknown:
      break;
  }
  return "unknown";
}

std::string text(const ton::Address& a) { return ton::to_friendly_text(a); }

// --- show

json::object to_object(const Books& books) {
  const auto& s = books.snapshot;
  json::array clients, workers, pending;
  for (const auto& c : s.clients)
    clients.push_back(json::object{{"owner", text(c.owner)},
                                   {"contract", text(c.contract)},
                                   {"state", state_name(c.chain.state)},
                                   {"used_tokens", c.tokens},
                                   {"committed_tokens", c.committed},
                                   {"charged_tokens", c.chain.tokens_used},
                                   {"balance_nano", c.chain.balance},
                                   {"stake_nano", c.chain.stake},
                                   {"last_request", c.last_request}});
  for (const auto& w : s.workers)
    workers.push_back(json::object{{"owner", text(w.owner)},
                                   {"contract", text(w.contract)},
                                   {"state", state_name(w.state)},
                                   {"earned_tokens", w.tokens},
                                   {"committed_tokens", w.committed},
                                   {"paid_tokens", w.paid},
                                   {"last_request", w.last_request}});
  for (const auto& p : s.pending) pending.push_back(json::object{{"seqno", p.seqno}, {"hash", to_hex(p.hash)}});
  json::object out{{"proxy_contract", text(s.proxy)},
                   {"root_contract", text(s.root)},
                   {"wallet", text(s.wallet)},
                   {"params_version", s.params_version},
                   {"snapshot", s.seqno},
                   {"sealed", books.sealed},
                   {"clean_end", s.clean},
                   {"anchor_lt", s.anchor.lt}};
  out["commit"] =
      s.proof ? json::value(json::object{
                    {"seqno", s.proof->seqno}, {"lt", s.proof->lt}, {"hash", to_hex(ledger::commit_hash(*s.proof))}})
              : json::value(nullptr);
  out["pending_commits"] = pending;
  out["clients"] = clients;
  out["workers"] = workers;
  return out;
}

void say_books(const Books& books) {
  const auto& s = books.snapshot;
  say("proxy contract  {}  (parameters {})\n", text(s.proxy), s.params_version);
  say("snapshot        {}, {}{}\n", s.seqno,
      books.sealed ? "sealed by this machine" : "NOT SEALED BY THIS MACHINE: changed, or of another one",
      s.clean ? ", the last of a session that ended in order" : "");
  if (s.proof)
    say("commit          {} seen on chain, {} on its way\n", s.proof->seqno, s.pending.size());
  else
    say("commit          none seen on chain yet, {} on its way\n", s.pending.size());
  constexpr auto kRow = "  {:<48} {:>14} {:>14} {:>14} {:>18} {:<8}\n";
  say("\nclients, in adjusted tokens\n");
  say(kRow, "owner", "used", "committed", "charged", "balance", "contract");
  for (const auto& c : s.clients)
    say(kRow, text(c.owner), c.tokens, c.committed, c.chain.tokens_used, ton_text(c.chain.balance),
        state_name(c.chain.state));
  say("\nworkers, in adjusted tokens\n");
  say(kRow, "owner", "earned", "committed", "paid", "", "contract");
  for (const auto& w : s.workers) say(kRow, text(w.owner), w.tokens, w.committed, w.paid, "", state_name(w.state));
}

Result<int> show(LedgerCommand& command) {
  TRY(command.load());
  TRY_ASSIGN(const auto all, command.books());
  if (command.as_json) {
    auto out = to_object(all.front());
    json::array earlier;
    for (auto it = std::next(all.begin()); it != all.end(); ++it) earlier.push_back(to_object(*it));
    out["earlier"] = std::move(earlier);
    say("{}\n", json::serialize(out));
    return 0;
  }
  say("books           {}\n", command.database);
  for (const auto& books : all) {
    if (&books != &all.front()) say("\nan earlier contract, which is being settled\n");
    say_books(books);
  }
  return 0;
}

// --- verify

json::object to_object(const Audit& audit) {
  json::array checks, accounts;
  for (const auto& c : audit.checks)
    checks.push_back(json::object{{"check", c.name}, {"ok", c.ok}, {"finding", c.finding}});
  for (const auto& a : audit.accounts)
    accounts.push_back(json::object{{"role", a.worker ? "worker" : "client"},
                                    {"owner", text(a.owner)},
                                    {"contract", text(a.contract)},
                                    {"state", state_name(a.state)},
                                    {"tokens", a.tokens},
                                    {"committed_tokens", a.committed},
                                    {"settled_tokens_books", a.settled_books},
                                    {"settled_tokens_chain", a.settled_chain},
                                    {"balance_nano_books", a.balance_books},
                                    {"balance_nano_chain", a.balance_chain},
                                    {"explanation", a.explanation},
                                    {"problem", a.problem}});
  return {{"proved", audit.proved()},
          {"proxy_contract", text(audit.proxy)},
          {"params_version", audit.params_version},
          {"snapshot", audit.seqno},
          {"transactions_since", audit.transactions_since},
          {"checks", checks},
          {"accounts", accounts}};
}

void say_audit(const Audit& audit) {
  say("proxy contract {}, parameters {}\n", text(audit.proxy), audit.params_version);
  for (const auto& c : audit.checks) say("{:<4} {:<13} {}\n", c.ok ? "ok" : "BAD", c.name, c.finding);
  constexpr auto kRow = "{:<4} {:<7} {:<48} {:>13} {:>13} {:>13} {:>18}\n";
  say("\n");
  say(kRow, "", "", "owner", "used/earned", "committed", "on chain", "balance on chain");
  for (const auto& a : audit.accounts) {
    say(kRow, a.problem.empty() ? "ok" : "BAD", a.worker ? "worker" : "client", text(a.owner), a.tokens, a.committed,
        a.settled_chain, a.worker ? "" : ton_text(a.balance_chain));
    if (!a.explanation.empty())
      say("       {} tokens and {} in the books: {}\n", a.settled_books, ton_text(a.balance_books), a.explanation);
    if (!a.problem.empty()) say("       {}\n", a.problem);
  }
  say("\n{} at snapshot {} ({} transactions of the proxy contract since)\n",
      audit.proved() ? "the books are proved by the chain" : "THE BOOKS AND THE CHAIN DIFFER", audit.seqno,
      audit.transactions_since);
}

Result<int> verify(LedgerCommand& command) {
  TRY(command.load());
  TRY_ASSIGN(auto chain, command.where.connect());
  TRY_ASSIGN(const auto root, ton::address_from_text(command.where.common.root));
  const auto read = [&]() -> Result<std::vector<Books>> {
    TRY_ASSIGN(auto all, command.books());
    if (all.front().snapshot.root != root)
      return fail("the books are of a network with root contract {}", text(all.front().snapshot.root));
    return all;
  };
  TRY_ASSIGN(const auto audits, audit_books_patiently(chain, read));
  const bool proved = std::all_of(audits.begin(), audits.end(), [](const auto& a) { return a.proved(); });
  if (command.as_json) {
    auto out = to_object(audits.front());
    out["proved"] = proved;
    json::array earlier;
    for (auto it = std::next(audits.begin()); it != audits.end(); ++it) earlier.push_back(to_object(*it));
    out["earlier"] = std::move(earlier);
    say("{}\n", json::serialize(out));
  } else {
    for (const auto& audit : audits) {
      if (&audit != &audits.front()) say("\n");
      say_audit(audit);
    }
  }
  return proved ? 0 : kDiffers;
}

void add(CLI::App& ledger, int& status, const char* name, const char* about, const char* footer,
         Result<int> (*run)(LedgerCommand&)) {
  auto* sub = ledger.add_subcommand(name, about);
  sub->footer(footer);
  auto command = std::make_shared<LedgerCommand>();
  command->where.add_options(*sub, false);
  sub->add_flag("--json", command->as_json, "one JSON object on standard output");
  sub->callback([command, run, name, &status] {
    auto ended = run(*command);
    status = ended ? *ended : complain(std::string("ledger ") + name, ended.error());
  });
}

}  // namespace

void add_ledger(CLI::App& app, int& status) {
  auto* ledger =
      app.add_subcommand("ledger", "a proxy's books: who has used and earned what; their proof by the chain");
  ledger->require_subcommand(1);
  add(*ledger, status, "show", "what the newest snapshot in the proxy's database says",
      "Exit status: 0 shown, 1 the books cannot be read.", show);
  add(*ledger, status, "verify", "every account against its contract, the snapshot against the commit on chain",
      "Exit status: 0 proved, 1 the books or the chain cannot be read, 3 they differ.", verify);
}

}  // namespace cocoon::cli
