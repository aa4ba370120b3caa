#include "proxy/service/status_pages.hpp"

#include <boost/json.hpp>

#include "node/prometheus.hpp"

namespace cocoon::proxy {
namespace {

namespace json = boost::json;

std::string friendly(const ton::Address& a) { return ton::to_friendly_text(a); }

json::object peer_object(const role::Peer& p) {
  return {{"tee", p.tee},         {"image_hash", to_hex(p.image_hash)},
          {"verdict", p.verdict}, {"attested", p.attested},
          {"address", p.address}, {"public_key", to_hex(p.public_key)}};
}

json::array client_array(const Status& s) {
  json::array out;
  for (const auto& c : s.client_accounts)
    out.push_back(json::object{{"owner_address", friendly(c.owner)},
                               {"sc_address", friendly(c.contract)},
                               {"used_tokens", c.max},
                               {"db_tokens", c.db},
                               {"committed_tokens", c.chain},
                               {"charged_tokens", c.charged},
                               {"tokens_to_charge", c.chain - std::min(c.chain, c.charged)},
                               {"available_tokens", c.available},
                               {"reserved_tokens", c.reserved},
                               {"balance", c.balance},
                               {"stake", c.stake},
                               {"running_queries", c.running},
                               {"closing", c.closing},
                               {"closed", c.closed}});
  return out;
}

json::array worker_array(const Status& s) {
  json::array out;
  for (const auto& w : s.worker_accounts)
    out.push_back(json::object{{"owner_address", friendly(w.owner)},
                               {"sc_address", friendly(w.contract)},
                               {"earned_tokens", w.max},
                               {"db_tokens", w.db},
                               {"committed_tokens", w.chain},
                               {"paid_tokens", w.paid},
                               {"unpayed_tokens", w.max - std::min(w.max, w.paid)},
                               {"paying_now", w.paying_now},
                               {"running_queries", w.running}});
  return out;
}

json::array connection_array(const Status& s) {
  json::array out;
  for (const auto& w : s.workers)
    out.push_back(json::object{{"owner_address", friendly(w.owner)},
                               {"model", w.model},
                               {"worker_hash", to_hex(w.peer.image_hash)},
                               {"coefficient", w.coefficient},
                               {"running_queries", w.running},
                               {"max_running_queries", w.limit},
                               {"queries", w.requests},
                               {"queries_success", w.succeeded},
                               {"average_seconds", w.average_seconds},
                               {"enabled", w.enabled && w.ready},
                               {"protocol", w.version},
                               {"machine_description", w.description},
                               {"connection_id", w.link},
                               {"peer", peer_object(w.peer)}});
  return out;
}

json::object stats_object(const Status& s) {
  json::object out;
  for (const auto& [name, values] : s.stats) out[name] = json::array(values.begin(), values.end());
  return out;
}

}  // namespace

std::string status_json(const Status& s, std::int64_t synced_at) {
  json::object o;
  o["status"] = json::object{{"wallet_balance", s.wallet.balance.value_or(0)},
                             {"ton_last_synced_at", synced_at},
                             {"enabled", s.enabled},
                             {"serving", s.serving},
                             {"waiting_for", s.waiting_for}};
  o["stats"] = stats_object(s);
  o["wallet"] = json::object{{"address", friendly(s.wallet.address)},
                             {"balance", s.wallet.balance.value_or(0)},
                             {"seqno", s.wallet.seqno},
                             {"pending_transactions_cnt", s.wallet.pending},
                             {"waiting_for", s.wallet.waiting_for}};
  if (s.root)
    o["root_contract_config"] = json::object{{"version", s.root->version},
                                             {"params_version", s.root->params.params_version},
                                             {"price_per_token", s.root->params.price_per_token},
                                             {"worker_fee_per_token", s.root->params.worker_fee_per_token}};
  if (s.contract)
    o["smartcontract"] = json::object{{"address", friendly(s.contract->address)},
                                      {"state", s.contract->state},
                                      {"params_version", s.root ? s.root->params.params_version : 0},
                                      {"balance", s.contract->coins},
                                      {"ready_for_withdraw", s.contract->commission},
                                      {"stake", s.contract->stake}};
  o["commits"] = json::object{{"snapshots", s.commits.snapshots},
                              {"last_sent_seqno", s.commits.last_sent},
                              {"last_seen_seqno", s.commits.last_seen}};
  o["public_key"] = to_hex(s.public_key);
  o["client_connections"] = s.client_links;
  o["running_queries"] = s.running;
  o["clients"] = client_array(s);
  o["workers"] = worker_array(s);
  o["worker_connections"] = connection_array(s);
  return json::serialize(o);
}

std::string status_metrics(const Status& s, std::size_t routes, std::uint64_t bytes_carried) {
  node::PrometheusText t;
  const auto d = [](auto v) { return static_cast<double>(v); };
  t.gauge("serving", "1 when requests are taken").sample(s.serving ? 1 : 0);
  t.gauge("client_links", "connected clients").sample(d(s.client_links));
  t.gauge("worker_links", "connected workers").sample(d(s.workers.size()));
  t.gauge("requests_running", "requests under way").sample(d(s.running));
  t.gauge("routes", "answers that stream from worker to client").sample(d(routes));
  t.counter("route_bytes_total", "bytes of answers that took a route").sample(d(bytes_carried));
  t.counter("snapshots_total", "snapshots of the books made durable").sample(d(s.commits.snapshots));
  t.gauge("commit_seqno", "newest state commit of this session seen on chain").sample(d(s.commits.last_seen));
  t.gauge("wallet_nano", "balance of the node's wallet").sample(d(s.wallet.balance.value_or(0)));
  if (s.contract) {
    t.gauge("contract_nano", "coins of the proxy contract").sample(d(s.contract->coins));
    t.gauge("commission_nano", "commission that can be withdrawn").sample(d(s.contract->commission));
  }
  for (const auto& [name, values] : s.stats) t.counter(name + "_total", "since the start").sample(values[0]);
  return t.take();
}

}  // namespace cocoon::proxy
