#include "cli/keys_command.hpp"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/amount.hpp"
#include "cli/node_address.hpp"
#include "cli/node_commands.hpp"
#include "cli/output.hpp"
#include "client/service/api_gate.hpp"
#include "client/service/service.hpp"
#include "crypto/crypto.hpp"
#include "store/api_keys.hpp"

namespace cocoon::cli {
namespace {

namespace json = boost::json;

struct Words {
  NodeAddress where;
  std::string name, budget;
  std::int64_t per_minute = 0;
  std::vector<std::string> models;
  bool as_json = false;
};

Result<store::ApiKeys> open(const Words& w) {
  client::ServiceConfig config;
  node::ConfigTable table;
  config.add_keys(table);
  TRY(table.load_file(w.where.file()));
  const auto file = config.api_keys_file();
  auto keys = store::ApiKeys::open(file);
  if (!keys) return std::unexpected(std::move(keys).error().within(file));
  return keys;
}

Result<> add(const Words& w) {
  store::ApiKey key;
  key.name = w.name;
  key.created = unix_time(wall_clock());
  key.per_minute = w.per_minute;
  key.models = w.models;
  if (!w.budget.empty()) {
    TRY_ASSIGN(const auto nano, parse_ton(w.budget));
    if (nano == 0) return fail("--budget: more than nothing expected");
    key.budget = static_cast<std::int64_t>(nano);
  }
  TRY_ASSIGN(auto keys, open(w));
  const auto secret = std::string(client::ApiGate::kPrefix) + to_base64url(crypto::Random::from_os().bits256());
  TRY(keys.add(key, crypto::sha256(as_bytes(secret))));
  if (w.as_json)
    say("{}\n", json::serialize(json::object{{"name", w.name}, {"secret", secret}}));
  else
    say("{}\n\nKeep it: it is not stored, and cannot be shown again.\n", secret);
  return {};
}

json::object in_json(const store::ApiKey& k) {
  json::array models;
  for (const auto& m : k.models) models.emplace_back(m);
  return {{"name", k.name},        {"created", k.created},       {"revoked", k.revoked}, {"budget_nano", k.budget},
          {"spent_nano", k.spent}, {"per_minute", k.per_minute}, {"models", models},     {"requests", k.requests}};
}

Result<> list(const Words& w) {
  TRY_ASSIGN(auto keys, open(w));
  TRY_ASSIGN(const auto all, keys.list());
  if (w.as_json) {
    json::array out;
    for (const auto& k : all) out.push_back(in_json(k));
    say("{}\n", json::serialize(out));
    return {};
  }
  if (all.empty()) say("no keys\n");
  for (const auto& k : all) {
    std::string models;
    for (const auto& m : k.models) models += (models.empty() ? "" : ", ") + m;
    say("{:<20} {:<8} spent {}{}, {} requests{}{}\n", k.name, k.revoked == 0 ? "valid" : "revoked",
        ton_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, k.spent))),
        k.budget == 0 ? "" : " of " + ton_text(static_cast<std::uint64_t>(k.budget)), k.requests,
        k.per_minute == 0 ? "" : fmt::format(", {} a minute", k.per_minute), models.empty() ? "" : ", only " + models);
  }
  return {};
}

Result<> revoke(const Words& w) {
  TRY_ASSIGN(auto keys, open(w));
  TRY(keys.revoke(w.name, unix_time(wall_clock())));
  say("revoked\n");
  return {};
}

CLI::App* add_one(CLI::App& to, int& status, const std::shared_ptr<Words>& w, const char* name, const char* about,
                  Result<> (*run)(const Words&)) {
  auto* sub = to.add_subcommand(name, about);
  w->where.node = "client";
  w->where.add_options(*sub, false);
  sub->callback([w, &status, run] {
    const auto done = run(*w);
    status = done ? 0 : complain("client keys", done.error());
  });
  return sub;
}

}  // namespace

void add_client_keys(CLI::App& client, int& status) {
  auto* keys = client.add_subcommand("keys", "API keys of the client: who may use it, for how much, how fast");
  keys->require_subcommand(1);
  const auto words = [] { return std::make_shared<Words>(); };
  auto w = words();
  auto* sub = add_one(*keys, status, w, "add", "make a key and print it, once", add);
  sub->add_option("name", w->name, "what the key is called")->required();
  sub->add_option("--budget", w->budget, "TON that may be spent with it in all; default: no limit");
  sub->add_option("--per-minute", w->per_minute, "requests a minute; default: no limit")
      ->check(CLI::Range(1, 1'000'000));
  sub->add_option("--model", w->models, "a model it may use, any number of times; default: all");
  sub->add_flag("--json", w->as_json, "one JSON object on standard output");
  w = words();
  sub = add_one(*keys, status, w, "list", "all keys, what was spent with them", list);
  sub->add_flag("--json", w->as_json, "one JSON array on standard output");
  w = words();
  sub = add_one(*keys, status, w, "revoke", "a key that is not to be used any more, from the next request on", revoke);
  sub->add_option("name", w->name, "what the key is called")->required();
}

}  // namespace cocoon::cli
