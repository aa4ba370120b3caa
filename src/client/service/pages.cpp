#include "client/service/pages.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "node/prometheus.hpp"
#include "node/wallet_page.hpp"

namespace cocoon::client {
namespace {

namespace json = boost::json;

std::string upper_hex(BytesView bytes) {
  auto out = to_hex(bytes);
  for (auto& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

json::value optional_number(const std::optional<std::uint64_t>& n) {
  return n ? json::value(*n) : json::value(nullptr);
}

json::array meter(const Meter& m, Time now) {
  json::array out;
  for (const double v : m.values(now)) out.emplace_back(v);
  return out;
}

json::object connection(const Core::Status::Connection& c) {
  json::object out{{"address", c.address}, {"is_ready", c.stage == "ready"}, {"stage", c.stage}};
  out["proxy_sc_address"] = c.proxy_contract ? ton::to_friendly_text(*c.proxy_contract) : "";
  out["protocol"] = c.proto;
  if (!c.last_error.empty()) out["last_error"] = c.last_error;
  if (!c.peer.address.empty())
    out["peer"] = json::object{{"tee", c.peer.tee},
                               {"image_hash", to_hex(c.peer.image_hash)},
                               {"verdict", c.peer.verdict},
                               {"attested", c.peer.attested},
                               {"public_key", to_hex(c.peer.public_key)}};
  return out;
}

// Names of wire.md 5.9; below them what a person wants to know.
json::object contract(const Money::Status::Contract& c, std::uint64_t price) {
  json::object out{{"proxy_sc_address", ton::to_friendly_text(c.proxy_contract)},
                   {"proxy_public_key", upper_hex(c.proxy_key)},
                   {"sc_address", ton::to_friendly_text(c.self)},
                   {"tokens_used_proxy_committed_to_blockchain", c.signed_tokens},
                   {"tokens_used_proxy_committed_to_db", c.db_tokens},
                   {"tokens_used_proxy_max", c.max_tokens},
                   {"in_use", c.in_use}};
  if (!c.operation.empty()) out["operation"] = c.operation;
  if (!c.state) return out;
  out["state"] = static_cast<int>(c.state->state);
  out["tokens_charged"] = c.state->tokens_used;
  if (price != 0) out["tokens_payed"] = c.state->balance / price + c.state->tokens_used;
  out["balance"] = c.state->balance;
  out["stake"] = c.state->stake;
  return out;
}

json::object root_config(const ton::RootState& r) {
  json::array proxies;
  for (const auto& [seqno, text] : r.registered_proxies)
    proxies.push_back(json::object{{"seqno", seqno}, {"address", text}});
  const auto hashes = [](const std::set<Bits256>& set) {
    json::array out;
    for (const auto& h : set) out.emplace_back(upper_hex(h));
    return out;
  };
  const auto& p = r.params;
  return {{"owner", ton::to_friendly_text(r.owner)},
          {"version", r.version},
          {"struct_version", p.struct_version},
          {"params_version", p.params_version},
          {"unique_id", p.unique_id},
          {"is_test", p.is_test},
          {"price_per_token", p.price_per_token},
          {"worker_fee_per_token", p.worker_fee_per_token},
          {"min_client_stake", p.min_client_stake},
          {"registered_proxies", proxies},
          {"proxy_hashes", hashes(r.proxy_hashes)},
          {"worker_hashes", hashes(r.worker_hashes)},
          {"model_hashes", hashes(r.model_hashes)}};
}

// node::PrometheusText has no distributions.
std::string histogram(std::string_view name, std::string_view help, const Histogram& h) {
  auto out = fmt::format("# HELP cocoon_{0} {1}\n# TYPE cocoon_{0} histogram\n", name, help);
  for (std::size_t i = 0; i < h.bounds().size(); ++i)
    out += fmt::format("cocoon_{}_bucket{{le=\"{}\"}} {}\n", name, h.bounds()[i], h.up_to(i));
  out += fmt::format("cocoon_{0}_bucket{{le=\"+Inf\"}} {1}\ncocoon_{0}_sum {2}\ncocoon_{0}_count {1}\n", name,
                     h.count(), h.sum());
  return out;
}

void contract_metrics(node::PrometheusText& m, const std::vector<Money::Status::Contract>& contracts) {
  const auto each = [&](auto value) {
    for (const auto& c : contracts) m.sample(value(c), {{"proxy", ton::to_friendly_text(c.proxy_contract)}});
  };
  const auto on_chain = [&](auto member) {
    each([&](const auto& c) { return c.state ? static_cast<double>((*c.state).*member) : 0.0; });
  };
  m.gauge("client_contract_balance_nano", "nanoTON paid ahead at the proxy");
  on_chain(&ton::ClientState::balance);
  m.gauge("client_contract_stake_nano", "stake of our contract at the proxy");
  on_chain(&ton::ClientState::stake);
  m.counter("client_tokens_charged_total", "adjusted tokens charged on chain");
  on_chain(&ton::ClientState::tokens_used);
  m.counter("client_tokens_used_total", "adjusted tokens used, as the proxy says");
  each([](const auto& c) { return static_cast<double>(c.max_tokens); });
}

}  // namespace

std::string stats_page(const NodeStatus& s, const ApiStats& api, Time now) {
  const auto& money = s.core.money;
  const auto price = s.core.root ? s.core.root->params.price_per_token : 0;
  json::array connections, contracts;
  for (const auto& c : s.core.connections) connections.push_back(connection(c));
  for (const auto& c : money.contracts) contracts.push_back(contract(c, price));
  json::object local;
  for (const auto& [key, value] : s.local) local[key] = value;
  json::object status{{"wallet_balance", optional_number(money.wallet_balance)},
                      {"ton_last_synced_at", s.chain_synced_at},
                      {"enabled", true},
                      {"ready", s.core.ready}};
  if (!s.core.ready) status["waiting_for"] = s.core.waiting_for;
  const node::WalletPage wallet{
      money.wallet, money.wallet_balance.value_or(0), money.wallet_seqno, money.wallet_pending, {}, money.last_refusal};
  json::object out{{"status", status},
                   {"stats", json::object{{"queries", meter(api.queries, now)},
                                          {"success", meter(api.success, now)},
                                          {"failed", meter(api.failed, now)},
                                          {"bytes_received", meter(api.bytes_received, now)},
                                          {"bytes_sent", meter(api.bytes_sent, now)},
                                          {"time", meter(api.time, now)}}},
                   {"running", s.core.running},
                   {"wallet", json::parse(node::wallet_json(wallet))},
                   {"proxy_connections", connections},
                   {"proxies", contracts},
                   {"localconf", local}};
  if (s.core.root) out["root_contract_config"] = root_config(*s.core.root);
  return json::serialize(out) + "\n";
}

std::string metrics_page(const NodeStatus& s, const ApiStats& api) {
  node::PrometheusText m;
  m.gauge("client_ready", "1 when a request sent now would be forwarded and paid for").sample(s.core.ready ? 1 : 0);
  m.counter("client_requests_total", "API requests taken").sample(api.queries.total());
  m.counter("client_requests_succeeded_total", "answered in full").sample(api.success.total());
  m.counter("client_requests_failed_total", "refused, failed or left by their callers").sample(api.failed.total());
  m.gauge("client_requests_running", "running now").sample(static_cast<double>(s.core.running));
  m.counter("client_received_bytes_total", "bytes of request bodies").sample(api.bytes_received.total());
  m.counter("client_sent_bytes_total", "bytes of answer bodies").sample(api.bytes_sent.total());
  m.counter("client_http_responses_total", "by HTTP status");
  for (const auto& [status, count] : api.responses)
    m.sample(static_cast<double>(count), {{"status", std::to_string(status)}});
  m.gauge("client_proxy_connections", "by stage");
  std::map<std::string, int> stages{{"ready", 0}};
  for (const auto& c : s.core.connections) ++stages[c.stage];
  for (const auto& [stage, count] : stages) m.sample(count, {{"stage", stage}});
  const auto& money = s.core.money;
  m.gauge("client_wallet_balance_nano", "nanoTON in the node's wallet")
      .sample(static_cast<double>(money.wallet_balance.value_or(0)));
  m.gauge("client_wallet_pending", "messages that wait to be sent on chain")
      .sample(static_cast<double>(money.wallet_pending));
  m.gauge("client_chain_synced_at_seconds", "unix time of the newest block seen")
      .sample(static_cast<double>(s.chain_synced_at));
  contract_metrics(m, money.contracts);
  return m.take() +
         histogram("client_first_byte_seconds", "from the request to the first byte of its answer", api.first_byte) +
         histogram("client_request_seconds", "from the request to the end of its answer", api.whole);
}

}  // namespace cocoon::client
