#include "worker/service/status_pages.hpp"

#include <boost/json.hpp>

#include "node/prometheus.hpp"
#include "node/wallet_page.hpp"

namespace cocoon::worker {
namespace {

namespace json = boost::json;

std::string friendly(const ton::Address& a) { return ton::to_friendly_text(a); }

json::object peer_object(const role::Peer& p) {
  return {{"tee", p.tee},         {"image_hash", to_hex(p.image_hash)},
          {"verdict", p.verdict}, {"attested", p.attested},
          {"address", p.address}, {"public_key", to_hex(p.public_key)}};
}

json::array connection_array(const Core::Status& s) {
  json::array out;
  for (const auto& c : s.connections)
    out.push_back(json::object{{"address", c.address},
                               {"is_ready", c.stage == "ready"},
                               {"stage", c.stage},
                               {"last_error", c.last_error},
                               {"protocol", c.proto},
                               {"running_queries", c.running},
                               {"proxy_sc_address", c.proxy_contract ? friendly(*c.proxy_contract) : ""},
                               {"peer", peer_object(c.peer)}});
  return out;
}

json::array proxy_array(const Core::Status& s) {
  json::array out;
  for (const auto& c : s.money.contracts)
    out.push_back(json::object{{"proxy_sc_address", friendly(c.proxy_contract)},
                               {"proxy_public_key", to_hex(c.proxy_key)},
                               {"sc_address", friendly(c.self)},
                               {"sc_inited", c.deployed},
                               {"params_version", c.params_version},
                               {"earned_tokens_committed_to_blockchain", c.tokens.chain},
                               {"earned_tokens_committed_to_proxy_db", c.tokens.db},
                               {"earned_tokens_max_known", c.tokens.max},
                               {"cached_out_tokens", c.paid},
                               {"unpaid_nano", c.unpaid},
                               {"paying_now", c.paying_now}});
  return out;
}

}  // namespace

std::string status_json(const Core::Status& s, std::int64_t synced_at) {
  json::object o;
  o["status"] = json::object{{"wallet_balance", s.money.wallet_balance.value_or(0)},
                             {"ton_last_synced_at", synced_at},
                             {"enabled", s.enabled},
                             {"serving", s.ready},
                             {"waiting_for", s.waiting_for},
                             {"engine_up", s.engine_up},
                             {"engine_error", s.engine_why_not},
                             {"actual_model", s.model},
                             {"context_length", s.context_length},
                             {"coefficient", s.coefficient}};
  o["stats"] = json::object{{"queries", s.requests},
                            {"success", s.succeeded},
                            {"failed", s.failed},
                            {"total_adjusted_tokens_used", s.tokens.total},
                            {"prompt_adjusted_tokens_used", s.tokens.prompt},
                            {"cached_adjusted_tokens_used", s.tokens.cached},
                            {"completion_adjusted_tokens_used", s.tokens.completion},
                            {"reasoning_adjusted_tokens_used", s.tokens.reasoning}};
  o["wallet"] =
      json::parse(node::wallet_json({s.money.wallet, s.money.wallet_balance.value_or(0), s.money.wallet_seqno,
                                     s.money.wallet_pending, s.money.wallet_waits_for, s.money.last_refusal}));
  o["root_contract_config"] =
      json::object{{"version", s.root_version.value_or(0)}, {"params_version", s.params_version.value_or(0)}};
  o["running_queries"] = s.running;
  o["max_running_queries"] = s.running_limit;
  o["proxy_connections"] = connection_array(s);
  o["proxies"] = proxy_array(s);
  return json::serialize(o);
}

std::string status_metrics(const Core::Status& s) {
  node::PrometheusText t;
  const auto d = [](auto v) { return static_cast<double>(v); };
  t.gauge("serving", "1 when requests are taken").sample(s.ready ? 1 : 0);
  t.gauge("engine_up", "1 when the inference server answers").sample(s.engine_up ? 1 : 0);
  t.gauge("requests_running", "requests under way").sample(d(s.running));
  t.gauge("requests_limit", "requests that may run at once").sample(d(s.running_limit));
  t.counter("requests_total", "requests by their end").sample(d(s.succeeded), {{"end", "success"}});
  t.sample(d(s.failed), {{"end", "failure"}});
  t.counter("adjusted_tokens_total", "adjusted tokens reported").sample(d(s.tokens.prompt), {{"class", "prompt"}});
  t.sample(d(s.tokens.cached), {{"class", "cached"}});
  t.sample(d(s.tokens.completion), {{"class", "completion"}});
  t.sample(d(s.tokens.reasoning), {{"class", "reasoning"}});
  t.gauge("wallet_nano", "balance of the node's wallet").sample(d(s.money.wallet_balance.value_or(0)));
  t.gauge("unpaid_nano", "signed for by a proxy and not yet paid");
  for (const auto& c : s.money.contracts) t.sample(d(c.unpaid), {{"proxy", friendly(c.proxy_contract)}});
  return t.take();
}

}  // namespace cocoon::worker
