#include "client/service/pages.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "openai/json_object.hpp"

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

class Metrics {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = fmt::format("cocoon_client_{}", name);
    out_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name_, type, help);
  }
  void value(double v, std::string_view labels = {}, std::string_view suffix = {}) {
    out_ += fmt::format("{}{}{} {}\n", name_, suffix, labels.empty() ? "" : fmt::format("{{{}}}", labels), v);
  }
  void one(std::string_view name, std::string_view type, std::string_view help, double v) {
    family(name, type, help);
    value(v);
  }
  void histogram(std::string_view name, std::string_view help, const Histogram& h) {
    family(name, "histogram", help);
    for (std::size_t i = 0; i < h.bounds().size(); ++i)
      value(static_cast<double>(h.up_to(i)), fmt::format("le=\"{}\"", h.bounds()[i]), "_bucket");
    value(static_cast<double>(h.count()), "le=\"+Inf\"", "_bucket");
    value(h.sum(), {}, "_sum");
    value(static_cast<double>(h.count()), {}, "_count");
  }
  std::string take() { return std::move(out_); }

 private:
  std::string name_, out_;
};

void contract_metrics(Metrics& m, const std::vector<Money::Status::Contract>& contracts) {
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    m.family(name, type, help);
    for (const auto& c : contracts)
      m.value(value(c), fmt::format("proxy=\"{}\"", ton::to_friendly_text(c.proxy_contract)));
  };
  const auto on_chain = [](auto member) {
    return [member](const auto& c) { return c.state ? static_cast<double>((*c.state).*member) : 0.0; };
  };
  each("contract_balance_nano", "gauge", "nanoTON paid ahead at the proxy", on_chain(&ton::ClientState::balance));
  each("contract_stake_nano", "gauge", "stake of our contract at the proxy", on_chain(&ton::ClientState::stake));
  each("tokens_charged_total", "counter", "adjusted tokens charged on chain", on_chain(&ton::ClientState::tokens_used));
  each("tokens_used_total", "counter", "adjusted tokens used, as the proxy says",
       [](const auto& c) { return static_cast<double>(c.max_tokens); });
}

}  // namespace

std::string health_page(const NodeStatus& s) {
  json::object out{{"status", s.core.ready ? "ready" : "waiting"}};
  if (!s.core.ready) out["waiting_for"] = s.core.waiting_for;
  return json::serialize(out) + "\n";
}

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
  json::object out{{"status", status},
                   {"stats", json::object{{"queries", meter(api.queries, now)},
                                          {"success", meter(api.success, now)},
                                          {"failed", meter(api.failed, now)},
                                          {"bytes_received", meter(api.bytes_received, now)},
                                          {"bytes_sent", meter(api.bytes_sent, now)},
                                          {"time", meter(api.time, now)}}},
                   {"running", s.core.running},
                   {"wallet", json::object{{"address", ton::to_friendly_text(money.wallet)},
                                           {"balance", optional_number(money.wallet_balance)},
                                           {"seqno", money.wallet_seqno},
                                           {"pending_transactions_cnt", money.wallet_pending},
                                           {"last_refusal", money.last_refusal}}},
                   {"proxy_connections", connections},
                   {"proxies", contracts},
                   {"localconf", local}};
  if (s.core.root) out["root_contract_config"] = root_config(*s.core.root);
  return json::serialize(out) + "\n";
}

std::string metrics_page(const NodeStatus& s, const ApiStats& api) {
  Metrics m;
  m.one("ready", "gauge", "1 when a request sent now would be forwarded and paid for", s.core.ready ? 1 : 0);
  m.one("requests_total", "counter", "API requests taken", api.queries.total());
  m.one("requests_succeeded_total", "counter", "answered in full", api.success.total());
  m.one("requests_failed_total", "counter", "refused, failed or left by their callers", api.failed.total());
  m.one("requests_running", "gauge", "running now", static_cast<double>(s.core.running));
  m.one("received_bytes_total", "counter", "bytes of request bodies", api.bytes_received.total());
  m.one("sent_bytes_total", "counter", "bytes of answer bodies", api.bytes_sent.total());
  m.family("http_responses_total", "counter", "by HTTP status");
  for (const auto& [status, count] : api.responses)
    m.value(static_cast<double>(count), fmt::format("status=\"{}\"", status));
  m.histogram("first_byte_seconds", "from the request to the first byte of its answer", api.first_byte);
  m.histogram("request_seconds", "from the request to the end of its answer", api.whole);
  m.family("proxy_connections", "gauge", "by stage");
  std::map<std::string, int> stages{{"ready", 0}};
  for (const auto& c : s.core.connections) ++stages[c.stage];
  for (const auto& [stage, count] : stages) m.value(count, fmt::format("stage=\"{}\"", stage));
  m.one("wallet_balance_nano", "gauge", "nanoTON in the node's wallet",
        static_cast<double>(s.core.money.wallet_balance.value_or(0)));
  m.one("wallet_pending", "gauge", "messages that wait to be sent on chain",
        static_cast<double>(s.core.money.wallet_pending));
  m.one("chain_synced_at_seconds", "gauge", "unix time of the newest block seen",
        static_cast<double>(s.chain_synced_at));
  contract_metrics(m, s.core.money.contracts);
  return m.take();
}

}  // namespace cocoon::client
