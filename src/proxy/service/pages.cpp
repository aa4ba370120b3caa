#include "proxy/service/pages.hpp"

#include <boost/json.hpp>

#include "node/prometheus.hpp"
#include "node/wallet_page.hpp"

namespace cocoon::proxy {
namespace {

namespace json = boost::json;

std::string upper_hex(BytesView bytes) {
  std::string out = to_hex(bytes);
  for (char& c : out) c = static_cast<char>(c >= 'a' ? c - 'a' + 'A' : c);
  return out;
}

std::string text(const ton::Address& a) { return ton::to_friendly_text(a); }

json::array hashes(const std::set<Bits256>& set) {
  json::array out;
  for (const auto& hash : set) out.emplace_back(upper_hex(hash));
  return out;
}

json::object root_config(const ton::RootState& r) {
  json::array proxies;
  for (const auto& [seqno, address] : r.registered_proxies)
    proxies.push_back(json::object{{"seqno", seqno}, {"address", address}});
  const auto& p = r.params;
  return {{"owner", text(r.owner)},
          {"version", r.version},
          {"struct_version", p.struct_version},
          {"params_version", p.params_version},
          {"unique_id", p.unique_id},
          {"is_test", p.is_test},
          {"price_per_token", p.price_per_token},
          {"worker_fee_per_token", p.worker_fee_per_token},
          {"min_proxy_stake", p.min_proxy_stake},
          {"min_client_stake", p.min_client_stake},
          {"registered_proxies", proxies},
          {"proxy_hashes", hashes(r.proxy_hashes)},
          {"worker_hashes", hashes(r.worker_hashes)},
          {"model_hashes", hashes(r.model_hashes)}};
}

json::object peer(const role::Peer& p) {
  return {{"address", p.address},   {"tee", p.tee},
          {"attested", p.attested}, {"image_hash", to_hex(p.image_hash)},
          {"verdict", p.verdict},   {"public_key", to_hex(p.public_key)}};
}

// The text of a worker about itself: shown as the object it should be, or as the text it is.
json::value description(const std::string& said) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  auto value = json::parse(said, error, {}, options);
  return error ? json::value(said) : value;
}

json::object connection(const Status::Worker& w) {
  return {{"connection_id", w.link},
          {"owner_address", text(w.owner)},
          {"sc_address", text(w.contract)},
          {"model", w.model},
          {"worker_hash", upper_hex(w.peer.image_hash)},
          {"coefficient", w.coefficient},
          {"protocol", w.version},
          {"running_queries", w.running},
          {"max_running_queries", w.limit},
          {"queries", w.requests},
          {"queries_success", w.succeeded},
          {"average_seconds", w.average_seconds},
          {"ready", w.ready},
          {"enabled", w.enabled},
          {"machine_description", description(w.description)},
          {"peer", peer(w.peer)}};
}

json::object worker_account(const Status::WorkerAccount& a, std::uint64_t fee) {
  return {{"owner_address", text(a.owner)},
          {"sc_address", text(a.contract)},
          {"earned_tokens", a.max},
          {"earned_tokens_db", a.db},
          {"earned_tokens_committed", a.chain},
          {"paid_tokens", a.paid},
          {"unpayed_tokens", a.max - a.paid},
          {"unpaid_nano", static_cast<double>(a.max - a.paid) * static_cast<double>(fee)},
          {"running_queries", a.running}};
}

json::object client_account(const Status::ClientAccount& a) {
  return {{"owner_address", text(a.owner)},
          {"sc_address", text(a.contract)},
          {"used_tokens", a.max},
          {"used_tokens_db", a.db},
          {"used_tokens_committed", a.chain},
          {"charged_tokens", a.charged},
          {"tokens_to_charge", a.max - a.charged},
          {"available_tokens", a.available},
          {"reserved_tokens", a.reserved},
          {"balance", a.balance},
          {"stake", a.stake},
          {"running_queries", a.running},
          {"closing", a.closing},
          {"closed", a.closed}};
}

json::object status_of(const Status& s, const ShellStatus& shell) {
  json::object out{{"wallet_balance", s.wallet.balance.value_or(0)},
                   {"ton_last_synced_at", shell.synced_at},
                   {"enabled", s.enabled},
                   {"serving", s.serving},
                   {"start_up", s.start_up},
                   {"running_queries", s.running},
                   {"client_connections", s.client_links},
                   {"snapshots", s.commits.snapshots},
                   {"last_commit_sent", s.commits.last_sent},
                   {"last_commit_seen", s.commits.last_seen},
                   {"carried_bytes", shell.carried_bytes}};
  if (!s.serving) out["waiting_for"] = s.waiting_for;
  if (!shell.chain_error.empty()) out["chain_error"] = shell.chain_error;
  return out;
}

json::value contract(const Status& s) {
  if (!s.contract) return nullptr;
  return json::object{{"address", text(s.contract->address)},
                      {"params_version", s.root ? s.root->params.params_version : 0},
                      {"public_key", upper_hex(s.public_key)},
                      {"state", s.contract->state},
                      {"balance", s.contract->coins},
                      {"ready_for_withdraw", s.contract->commission},
                      {"stake", s.contract->stake}};
}

}  // namespace

std::string status_json(const Status& s, const ShellStatus& shell) {
  json::object stats, local;
  for (const auto& [name, values] : s.stats) stats[name] = json::array(values.begin(), values.end());
  for (const auto& [name, value] : shell.local) local[name] = value;
  json::array connections, workers, clients;
  for (const auto& w : s.workers) connections.push_back(connection(w));
  for (const auto& a : s.worker_accounts)
    workers.push_back(worker_account(a, s.root ? s.root->params.worker_fee_per_token : 0));
  for (const auto& a : s.client_accounts) clients.push_back(client_account(a));
  json::object out;
  out["status"] = status_of(s, shell);
  out["stats"] = std::move(stats);
  out["wallet"] = json::parse(node::wallet_json(
      {s.wallet.address, s.wallet.balance.value_or(0), s.wallet.seqno, s.wallet.pending, s.wallet.waiting_for, {}}));
  out["localconfig"] = std::move(local);
  out["root_contract_config"] = s.root ? json::value(root_config(*s.root)) : json::value(nullptr);
  out["smartcontract"] = contract(s);
  out["retired_contracts"] = s.retired_contracts;
  json::array retiring;
  for (const auto& [address, stage] : s.retiring)
    retiring.push_back(json::object{{"address", text(address)}, {"stage", stage}});
  out["retiring"] = std::move(retiring);
  out["workers"] = std::move(workers);
  out["worker_connections"] = std::move(connections);
  out["clients"] = std::move(clients);
  return json::serialize(out);
}

std::string status_metrics(const Status& s, const ShellStatus& shell) {
  node::PrometheusText t;
  const auto d = [](auto v) { return static_cast<double>(v); };
  const auto total = [&s](std::string_view name) {
    for (const auto& [n, values] : s.stats)
      if (n == name) return values[0];
    return 0.0;
  };
  t.gauge("serving", "1 when clients and workers are served").sample(s.serving ? 1 : 0);
  t.gauge("chain_synced_at", "unix time of the newest block seen").sample(d(shell.synced_at));
  t.gauge("requests_running", "requests under way").sample(d(s.running));
  t.counter("requests_total", "requests by their end").sample(total("success"), {{"end", "success"}});
  t.sample(total("failed"), {{"end", "failure"}});
  t.sample(total("rejected"), {{"end", "rejected"}});
  t.counter("request_seconds_total", "time that requests took").sample(total("time"));
  t.counter("adjusted_tokens_total", "adjusted tokens charged")
      .sample(total("prompt_adjusted_tokens_used"), {{"class", "prompt"}});
  t.sample(total("cached_adjusted_tokens_used"), {{"class", "cached"}});
  t.sample(total("completion_adjusted_tokens_used"), {{"class", "completion"}});
  t.sample(total("reasoning_adjusted_tokens_used"), {{"class", "reasoning"}});
  t.counter("client_bytes_total", "bytes of requests and answers")
      .sample(total("bytes_received"), {{"direction", "in"}});
  t.sample(total("bytes_sent") + d(shell.carried_bytes), {{"direction", "out"}});
  t.gauge("connections", "open connections").sample(d(s.client_links), {{"port", "clients"}});
  t.sample(d(s.workers.size()), {{"port", "workers"}});
  t.counter("snapshots_total", "snapshots made durable").sample(d(s.commits.snapshots));
  t.gauge("commit_seqno", "number of the newest commit seen on chain").sample(d(s.commits.last_seen));
  t.gauge("wallet_nano", "balance of the node's wallet").sample(d(s.wallet.balance.value_or(0)));
  t.gauge("commission_nano", "commission in the proxy contract").sample(s.contract ? d(s.contract->commission) : 0);
  t.gauge("stake_nano", "stake of the proxy contract").sample(s.contract ? d(s.contract->stake) : 0);
  double uncharged = 0, unpaid = 0, reserved = 0;
  for (const auto& a : s.client_accounts) uncharged += d(a.max - a.charged), reserved += d(a.reserved);
  for (const auto& a : s.worker_accounts) unpaid += d(a.max - a.paid);
  t.gauge("uncharged_tokens", "adjusted tokens used and not yet charged on chain").sample(uncharged);
  t.gauge("unpaid_tokens", "adjusted tokens earned and not yet paid on chain").sample(unpaid);
  t.gauge("reserved_tokens", "adjusted tokens set aside for running requests").sample(reserved);
  return t.take();
}

}  // namespace cocoon::proxy
