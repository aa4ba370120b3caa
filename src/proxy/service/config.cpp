#include "proxy/service/service.hpp"

namespace cocoon::proxy {

void ServiceConfig::add_keys(node::ConfigTable& t) {
  constexpr std::int64_t kAnyNano = INT64_MAX;
  common.add_keys(t);
  t.key(
       "proxy.machine_key_file", machine_key_file,
       "file with the seed that signs payments, 64 hex digits, mode 600; made if absent; the proxy contract belongs to "
       "it")
      .required();
  t.key("proxy.owner", owner, "address that gets commission and stake of the proxy contract").required();
  t.key("proxy.listen_workers", listen_workers, "where workers connect, ip:port");
  t.key("proxy.listen_clients", listen_clients, "where clients connect, ip:port");
  t.key("proxy.database", database, "SQLite file with the accounts; must survive restarts");
  t.key("proxy.drain", drain, "how long running requests may go on after the proxy was asked to stop");
  t.key("proxy.change_model", core.change_model, "how long a worker may take to answer a change of its model");

  t.key("limits.clients", core.max_clients, "connections of clients", 1, 1 << 20);
  t.key("limits.workers", core.max_workers, "connections of workers", 1, 1 << 20);
  t.key("limits.requests", core.max_requests, "running requests, all clients together", 1, 1 << 20);
  t.key("limits.requests_per_client", core.max_requests_per_client, "running requests of one client's owner", 1,
        1 << 20);
  t.key("limits.models", core.max_models, "different models ever announced by workers", 1, 1 << 20);
  t.key("limits.answer_bytes", core.max_answer_bytes, "bytes of one answer", 1 << 10, std::int64_t{1} << 40);
  t.key("limits.client_queue", client_queue,
        "bytes that may wait for a client that reads slowly; one more and the request that brings it fails", 1 << 16,
        64 << 20);
  t.key("limits.handshake_step", core.handshake_step, "for each message that a peer owes during its handshake");
  t.key("limits.authorisation", core.authorisation, "for a client to authorise itself, perhaps on chain");

  t.key("money.reserve_largest_multiplier", core.reserve_largest_multiplier,
        "reserve for a request as if all its tokens were of the dearest kind; what is reserved is the most that is "
        "charged");
  t.key("money.snapshot_every", core.snapshot_every, "how often changed accounts go to the database");
  t.key("money.commit_every", core.commit_every, "how often they are committed on chain, if there is anything new");
  t.key("money.charge_client_at", core.charge_client_at, "nanoTON committed and not yet charged", 0, kAnyNano);
  t.key("money.pay_worker_at", core.pay_worker_at, "nanoTON committed and not yet paid", 0, kAnyNano);
  t.key("money.withdraw_at", core.withdraw_at, "nanoTON of commission in the contract; 0: never", 0, kAnyNano);
  t.key("money.wanted_stake", core.wanted_stake,
        "nanoTON: the proxy contract's stake is topped up to this from the wallet; on a production network at least to "
        "what "
        "the network demands",
        0, kAnyNano);
  t.key("money.settle_retry", core.settle_retry, "after which a charge or payout without effect is sent again");
}

}  // namespace cocoon::proxy
