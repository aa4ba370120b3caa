#include "cli/operator_command.hpp"

#include <cstdio>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <unistd.h>

#include "cli/http.hpp"
#include "cli/node_address.hpp"
#include "cli/node_commands.hpp"
#include "cli/output.hpp"

namespace cocoon::cli {
namespace {

namespace json = boost::json;

constexpr auto kExitStatuses =
    "Exit status: 0 the chain shows the effect (or, with --dry-run, the plan is printed), 1 refused or failed, 2 wrong "
    "usage, 3 under way but its effect was not seen within --wait.";

struct Order {
  NodeAddress where;
  std::string command;  // "client topup"
  std::string path;     // "/request/topup"
  std::string contract_field, contract;
  std::string amount;
  bool for_good = false;  // cannot be undone: asks first
  bool dry_run = false, as_json = false, yes = false;
  int wait = 120;  // seconds
};

std::uint64_t number(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  if (v == nullptr) return 0;
  if (v->is_uint64()) return v->as_uint64();
  return v->is_int64() && v->as_int64() > 0 ? static_cast<std::uint64_t>(v->as_int64()) : 0;
}

std::string text(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  return v != nullptr && v->is_string() ? std::string(v->as_string()) : "";
}

Result<json::object> parse_object(std::string_view reply) {
  boost::system::error_code error;
  auto value = json::parse(json::string_view(reply.data(), reply.size()), error);
  if (error || !value.is_object()) return fail("the node's answer is not JSON: {}", reply.substr(0, 200));
  return std::move(value.as_object());
}

std::string error_in(const HttpReply& reply) {
  if (const auto object = parse_object(reply.body))
    if (const auto* error = object->if_contains("error"); error != nullptr && error->is_object())
      return text(error->as_object(), "message");
  return fmt::format("the node answered {}: {}", reply.status, reply.body.substr(0, 200));
}

std::string words_of(const json::object& message) {
  std::string out = fmt::format("  {:<26}to {}\n", text(message, "operation"), text(message, "to"));
  if (const auto effect = text(message, "effect"); !effect.empty()) out += fmt::format("    {}\n", effect);
  out += fmt::format("    attached {}, of which {} stay there, about {} are fees, {} come back\n",
                     ton_text(number(message, "attached_nano")), ton_text(number(message, "moved_nano")),
                     ton_text(number(message, "fees_nano")), ton_text(number(message, "comes_back_nano")));
  if (const auto arrives = number(message, "arrives_nano"); arrives > 0)
    out += fmt::format("    {} arrive at {}\n", ton_text(arrives), text(message, "arrives_at"));
  return out;
}

// Form fields are plain numbers and addresses; an address in its raw form has a colon.
std::string form_of(const Order& o, std::uint64_t nano, bool dry_run) {
  std::string form = fmt::format("dry_run={}&wait={}", dry_run ? 1 : 0, dry_run ? 0 : o.wait);
  if (nano > 0) form += fmt::format("&amount={}", nano);
  if (!o.contract.empty()) {
    form += "&" + o.contract_field + "=";
    for (const char c : o.contract) {
      const auto byte = static_cast<unsigned char>(c);
      form += std::isalnum(byte) ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
  }
  return form;
}

Result<HttpReply> ask(const Order& o, const std::string& secret, const std::string& form) {
  auto reply = http_post_form(o.where.url(o.path), form, secret, std::chrono::seconds(o.wait + 30));
  if (!reply)
    return fail("the {} does not answer at {}: {}; is it running?", o.where.node, o.where.url(""), reply.error().what);
  if (reply->status != 200) return fail("{}", error_in(*reply));
  return reply;
}

// A person at a terminal is asked; a script has to say --yes.
Result<bool> agreed(const Order& o, const std::string& secret, std::uint64_t nano) {
  if (!o.for_good || o.dry_run || o.yes) return true;
  if (isatty(STDIN_FILENO) != 1) return fail("this cannot be undone: see --dry-run, then say --yes");
  TRY_ASSIGN(const auto plan, ask(o, secret, form_of(o, nano, true)));
  TRY_ASSIGN(const auto words, order_in_words(plan.body));
  say(stderr, "{}This cannot be undone. Go on? [y/N] ", words);
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

Result<int> run(Order& o) {
  std::uint64_t nano = 0;
  if (!o.amount.empty()) {
    TRY_ASSIGN(nano, parse_ton(o.amount));
    if (nano == 0) return fail("--amount: more than nothing expected");
  }
  TRY(o.where.load());
  TRY_ASSIGN(const auto secret, o.where.secret());
  TRY_ASSIGN(const bool go_on, agreed(o, secret, nano));
  if (!go_on) return fail("nothing was done");
  TRY_ASSIGN(const auto reply, ask(o, secret, form_of(o, nano, o.dry_run)));
  TRY_ASSIGN(const auto object, parse_object(reply.body));
  if (o.as_json) {
    say("{}", reply.body);
  } else {
    TRY_ASSIGN(const auto words, order_in_words(reply.body));
    say("{}", words);
  }
  const auto state = text(object, "state");
  if (state == "failed") return order_status::failed;
  return state == "sent" ? order_status::unconfirmed : order_status::done;
}

struct Kind {
  const char* name;  // of the subcommand
  const char* path;
  const char* about;
  const char* contract_field = "";  // and option
  const char* contract_about = "";
  bool amount_must = false, amount_may = false;
  const char* amount_about = "";
  bool for_good = false;
};

CLI::App* add_order(CLI::App& app, int& status, const std::string& role, const Kind& kind) {
  auto* sub = app.add_subcommand(kind.name, kind.about);
  sub->footer(kExitStatuses);
  auto o = std::make_shared<Order>();
  o->where.node = role;
  o->command = role + " " + kind.name;
  o->path = kind.path;
  o->contract_field = kind.contract_field;
  o->for_good = kind.for_good;
  if (*kind.contract_field != '\0')
    sub->add_option(std::string("--") + kind.contract_field, o->contract, kind.contract_about);
  if (kind.amount_must || kind.amount_may) {
    auto* amount = sub->add_option("--amount", o->amount, kind.amount_about);
    if (kind.amount_must) amount->required();
  }
  sub->add_flag("--dry-run", o->dry_run, "print what it would send, cost and bring back; send nothing");
  sub->add_flag("--json", o->as_json, "the node's answer as one JSON object on standard output");
  sub->add_option("--wait", o->wait, "seconds to wait until the chain shows the effect; 0: do not wait")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  if (kind.for_good) sub->add_flag("--yes", o->yes, "do not ask; it cannot be undone");
  o->where.add_options(*sub, false);
  sub->callback([o, &status] {
    auto ended = run(*o);
    if (!ended && o->as_json)
      say("{}\n", json::serialize(
                      json::object{{"state", "refused"}, {"error", json::object{{"message", ended.error().what}}}}));
    status = ended ? *ended : complain(o->command, ended.error());
  });
  return sub;
}

// Things that concern no money and are done at once.
void add_switch(CLI::App& app, int& status, const std::string& role, const std::string& name,
                const std::string& about) {
  auto* sub = app.add_subcommand(name, about);
  auto o = std::make_shared<Order>();
  o->where.node = role;
  o->command = role + " " + name;
  o->path = "/request/" + name;
  o->where.add_options(*sub, false);
  sub->callback([o, &status] {
    auto ended = run(*o);
    status = ended ? *ended : complain(o->command, ended.error());
  });
}

}  // namespace

Result<std::string> order_in_words(std::string_view reply_json) {
  TRY_ASSIGN(const auto reply, parse_object(reply_json));
  const auto state = text(reply, "state");
  std::string out;
  if (state == "planned") out += "Dry run: nothing is sent.\n";
  const auto* messages = reply.if_contains("messages");
  if (messages != nullptr && messages->is_array())
    for (const auto& m : messages->as_array())
      if (m.is_object()) out += words_of(m.as_object());
  if (const auto* totals = reply.if_contains("totals"); totals != nullptr && totals->is_object() &&
                                                        messages != nullptr && messages->is_array() &&
                                                        messages->as_array().size() > 1) {
    const auto& t = totals->as_object();
    out +=
        fmt::format("  in all    attached {}, about {} are fees, {} come back\n", ton_text(number(t, "attached_nano")),
                    ton_text(number(t, "fees_nano")), ton_text(number(t, "comes_back_nano")));
  }
  if (const auto note = text(reply, "note"); !note.empty()) out += note + "\n";
  if (const auto outcome = text(reply, "outcome"); !outcome.empty())
    out += (state == "failed" ? "failed: " : "") + outcome + "\n";
  if (state == "sent") out += "under way; its effect has not been seen on chain yet\n";
  return out;
}

void add_client_orders(CLI::App& client, int& status) {
  constexpr auto kProxy = "which proxy, by its contract's address; default: the one in use";
  add_order(client, status, "client",
            {.name = "topup",
             .path = "/request/topup",
             .about = "pay ahead at a proxy",
             .contract_field = "proxy",
             .contract_about = kProxy,
             .amount_may = true,
             .amount_about = "in TON, like 1.5; default: the usual top-up"});
  add_order(client, status, "client",
            {.name = "stake",
             .path = "/request/stake",
             .about = "raise the stake of the client contract: how much may be used before it is charged",
             .contract_field = "proxy",
             .contract_about = kProxy,
             .amount_must = true,
             .amount_about = "the new stake in TON, larger than the present one"});
  add_order(client, status, "client",
            {.name = "withdraw",
             .path = "/request/withdraw",
             .about = "bring back what the client contract holds above its stake",
             .contract_field = "proxy",
             .contract_about = kProxy});
  add_order(client, status, "client",
            {.name = "charge",
             .path = "/request/charge",
             .about = "bring the newest payment that the proxy signed to the chain",
             .contract_field = "proxy",
             .contract_about = kProxy});
  add_order(client, status, "client",
            {.name = "close",
             .path = "/request/close",
             .about = "close the client contract at a proxy and take everything back; after the delay, again: by force",
             .contract_field = "proxy",
             .contract_about = kProxy,
             .for_good = true});
}

void add_proxy_orders(CLI::App& proxy, int& status) {
  add_order(proxy, status, "proxy",
            {.name = "charge",
             .path = "/request/charge",
             .about = "charge on chain what clients have used, however little",
             .contract_field = "client",
             .contract_about = "which client, by its contract's address; default: all"});
  add_order(proxy, status, "proxy",
            {.name = "payout",
             .path = "/request/payout",
             .about = "pay workers on chain what they have earned, however little",
             .contract_field = "worker",
             .contract_about = "which worker, by its contract's address; default: all"});
  add_order(proxy, status, "proxy",
            {.name = "withdraw",
             .path = "/request/withdraw",
             .about = "send the commission in the proxy contract to the proxy's owner"});
  add_order(proxy, status, "proxy",
            {.name = "stake",
             .path = "/request/stake",
             .about = "add to the stake of the proxy contract",
             .amount_must = true,
             .amount_about = "in TON, like 1.5"});
  add_order(proxy, status, "proxy",
            {.name = "retire",
             .path = "/request/retire",
             .about = "close the proxy contract: settle with everybody, then take commission and stake home",
             .for_good = true});
  add_switch(proxy, status, "proxy", "disable", "leave service: no new work, accounts stay");
  add_switch(proxy, status, "proxy", "enable", "rejoin service");
}

void add_worker_orders(CLI::App& worker, int& status) {
  add_order(worker, status, "worker",
            {.name = "payout",
             .path = "/request/payout",
             .about = "bring the newest payment that a proxy signed to the chain, for the worker's owner",
             .contract_field = "proxy",
             .contract_about = "which proxy, by its contract's address; default: every one that owes something"});
  add_switch(worker, status, "worker", "disable", "take no new requests");
  add_switch(worker, status, "worker", "enable", "take requests again");
}

}  // namespace cocoon::cli
