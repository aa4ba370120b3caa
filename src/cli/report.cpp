#include "cli/report.hpp"

#include <boost/json.hpp>

#include "cli/http.hpp"

namespace cocoon::cli {
namespace {

namespace json = boost::json;

Result<json::object> parse_object(std::string_view text, std::string_view what) {
  boost::system::error_code error;
  auto value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_object()) return fail("{}: not a JSON object", what);
  return std::move(value.as_object());
}

// A member of nested objects; null where there is none.
const json::value* member(const json::value* v, std::initializer_list<std::string_view> path) {
  for (const auto name : path) {
    if (v == nullptr || !v->is_object()) return nullptr;
    v = v->as_object().if_contains(json::string_view(name.data(), name.size()));
  }
  return v;
}

std::string text(const json::value* v) { return v != nullptr && v->is_string() ? std::string(v->as_string()) : ""; }

std::uint64_t number(const json::value* v) {
  if (v == nullptr) return 0;
  if (v->is_uint64()) return v->as_uint64();
  return v->is_int64() && v->as_int64() > 0 ? static_cast<std::uint64_t>(v->as_int64()) : 0;
}

Result<> add_peers(Report& report, const std::string& url, std::string_view list, std::string_view role) {
  TRY_ASSIGN(const auto reply, http_get(url + "/jsonstats"));
  TRY_ASSIGN(const auto status, parse_object(reply.body, url));
  const json::value whole(status);
  const auto* peers = member(&whole, {list});
  if (peers == nullptr || !peers->is_array()) return fail("{}/jsonstats has no list \"{}\"", url, list);
  for (const auto& p : peers->as_array()) {
    const auto* peer = member(&p, {"peer"});
    report.attested.push_back({std::string(role), text(member(peer, {"tee"})), text(member(peer, {"image_hash"})),
                               text(member(peer, {"verdict"}))});
  }
  return {};
}

json::object to_object(const Settlement::Entry& e) {
  return {{"account", e.account},    {"lt", e.lt},          {"hash", to_hex(e.hash)},
          {"time", e.time},          {"from", e.from},      {"op", e.operation},
          {"value_nano", e.value},   {"fees_nano", e.fees}, {"success", e.success},
          {"exit_code", e.exit_code}};
}

}  // namespace

std::string health_reason(std::string_view body) {
  const auto object = parse_object(body, "health");
  if (!object) return "to answer";
  const json::value whole(*object);
  auto reason = text(member(&whole, {"waiting_for"}));
  return reason.empty() ? text(member(&whole, {"status"})) : reason;
}

Result<Report> ask_for_report(const std::string& api, const std::string& model, const std::string& prompt,
                              int max_tokens, Duration deadline) {
  const json::object request{{"model", model},
                             {"max_tokens", max_tokens},
                             {"messages", json::array{json::object{{"role", "user"}, {"content", prompt}}}}};
  TRY_ASSIGN(const auto reply, http_post_json(api + "/v1/chat/completions", json::serialize(request), deadline));
  if (reply.status != 200) return fail("the client answered {}: {}", reply.status, reply.body.substr(0, 500));
  TRY_ASSIGN(const auto object, parse_object(reply.body, "the answer"));
  const json::value whole(object);
  Report r;
  r.model = model;
  if (const auto* choices = member(&whole, {"choices"});
      choices != nullptr && choices->is_array() && !choices->as_array().empty())
    r.answer = text(member(&choices->as_array().front(), {"message", "content"}));
  const auto* usage = member(&whole, {"usage"});
  r.prompt_tokens = number(member(usage, {"prompt_tokens"}));
  r.completion_tokens = number(member(usage, {"completion_tokens"}));
  r.total_tokens = number(member(usage, {"total_tokens"}));
  r.cost_nano = number(member(usage, {"total_cost"}));
  return r;
}

Result<> add_attested(Report& report, const std::string& client_api, const std::string& proxy_http) {
  TRY(add_peers(report, client_api, "proxy_connections", "proxy"));
  return add_peers(report, proxy_http, "worker_connections", "worker");
}

std::string to_json(const Report& r) {
  json::array attested;
  for (const auto& a : r.attested)
    attested.push_back(
        json::object{{"role", a.role}, {"tee", a.tee}, {"image_hash", a.image_hash}, {"verdict", a.verdict}});
  json::array transactions;
  for (const auto& e : r.settlement.transactions) transactions.push_back(to_object(e));
  json::object balances;
  for (const auto& b : r.settlement.balances)
    balances[b.account] = json::object{{"address", b.address}, {"before_nano", b.before}, {"after_nano", b.after}};
  return json::serialize(json::object{{"answer", r.answer},
                                      {"model", r.model},
                                      {"usage", json::object{{"prompt_tokens", r.prompt_tokens},
                                                             {"completion_tokens", r.completion_tokens},
                                                             {"total_tokens", r.total_tokens},
                                                             {"total_cost_nano", r.cost_nano}}},
                                      {"attested", attested},
                                      {"charged_nano", r.settlement.charged_nano},
                                      {"paid_nano", r.settlement.paid_nano},
                                      {"transactions", transactions},
                                      {"balances", balances},
                                      {"seconds", r.seconds}});
}

std::string to_words(const Report& r) {
  std::string out = fmt::format("\n{}\n\n", r.answer);
  out += fmt::format("tokens    {} prompt + {} completion, cost {}\n", r.prompt_tokens, r.completion_tokens,
                     ton_text(r.cost_nano));
  for (const auto& a : r.attested)
    out += fmt::format("attested  {:<7} {} image {}\n          {}\n", a.role, a.tee, a.image_hash, a.verdict);
  out += fmt::format("on chain  client charged {}, worker's owner paid {}\n", ton_text(r.settlement.charged_nano),
                     ton_text(r.settlement.paid_nano));
  for (const auto& b : r.settlement.balances)
    if (b.before != b.after)
      out += fmt::format("          {:<16} {} -> {}\n", b.account, ton_text(b.before), ton_text(b.after));
  out += "\n  account           operation              from              value                fee\n";
  for (const auto& e : r.settlement.transactions)
    out += fmt::format("  {:<17} {:<22} {:<17} {:<20} {}\n", e.account, e.operation, e.from, ton_text(e.value),
                       ton_text(e.fees));
  return out;
}

}  // namespace cocoon::cli
