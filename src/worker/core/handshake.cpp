// The worker's side of the handshake and of the payment messages (wire.md 4.6, 4.8), step by step.
#include <algorithm>

#include "wire/error_codes.hpp"
#include "worker/core/core.hpp"

namespace cocoon::worker {

void Core::greet(Session& s, Time now, Effects& out) {
  const auto refuse = [&](const std::string& why) { close_session(s, why, now, out); };
  if (!proxies_.root()) return refuse("the root contract has not been read yet");
  if (config_.check_images && !s.peer.attested) return refuse("the proxy is not attested: " + s.peer.verdict);
  if (const auto why = why_unlisted(s, now); !why.empty()) return refuse(why);

  wire::worker::ConnectToProxy hello;
  auto& p = hello.params;
  // Always the form without the testnet flag (wire.md 0): existing proxies compare texts.
  p.worker_owner_address = ton::to_friendly_text(money_.owner());
  p.model = config_.model;
  p.coefficient = config_.coefficient;
  p.set_limits(config_.is_test, config_.proxy_connections, config_.max_active_requests);
  p.set_versions(config_.min_version, config_.max_version);
  if (config_.min_version >= 4 && !config_.machine_description.empty())
    p.set_machine_description(config_.machine_description);
  s.stage = Stage::connecting;
  ask(s, Asked::connect, wire::encode(hello), config_.handshake_timeout, out);
}

void Core::connected(Session& s, BytesView answer, Time now, Effects& out) {
  const auto refuse = [&](const std::string& why) { close_session(s, why, now, out); };
  auto hello = wire::decode<wire::worker::ConnectedToProxy>(answer);
  if (!hello) return refuse("unreadable answer to connectToProxy: " + hello.error().what);
  const auto& p = hello->params;
  if ((p.flags & 1U) == 0 || p.is_test != config_.is_test)
    return refuse("the proxy belongs to another kind of network (test or live)");
  if (p.proto_version < config_.min_version || p.proto_version > config_.max_version)
    return refuse(fmt::format("the proxy chose protocol version {}", p.proto_version));
  auto proxy_owner = ton::address_from_text(p.proxy_owner_address);
  auto proxy_contract = ton::address_from_text(p.proxy_sc_address);
  auto worker_contract = ton::address_from_text(hello->worker_sc_address);
  if (!proxy_owner || !proxy_contract || !worker_contract) return refuse("the proxy sent an unreadable address");
  if (auto known = money_.meet_proxy(p.proxy_public_key, *proxy_owner, *proxy_contract, *worker_contract, out); !known)
    return refuse(known.error().what);

  s.proto = p.proto_version;
  s.proxy_contract = *proxy_contract;
  s.stage = Stage::comparing;
  const auto ours = money_.counters(*proxy_contract);
  wire::worker::CompareBalanceWithProxy m;
  m.tokens_committed_to_blockchain = static_cast<std::int64_t>(ours.chain);
  m.tokens_committed_to_db = static_cast<std::int64_t>(ours.db);
  m.max_tokens = static_cast<std::int64_t>(ours.max);
  ask(s, Asked::compare, wire::encode(m), config_.handshake_timeout, out);
}

void Core::compared(Session& s, BytesView answer, Time now, Effects& out) {
  auto result = wire::decode<wire::worker::CompareBalanceWithProxyResult>(answer);
  if (!result) return close_session(s, "unreadable result of the comparison: " + result.error().what, now, out);
  const auto smaller = money_.compare(*s.proxy_contract, *result, now);
  if (!smaller) return close_session(s, smaller.error().what, now, out);
  if (*smaller) {
    out.emplace_back(role::Log{3, fmt::format("proxy {} remembers fewer tokens than we do: it lost its latest account "
                                              "and goes on from {}",
                                              s.address, result->max_tokens)});
  }
  if (result->error_code == 0) return complete(s, out);
  wire::worker::ExtendedCompareBalanceWithProxy m;
  m.tokens_committed_to_db = static_cast<std::int64_t>(money_.counters(*s.proxy_contract).db);
  ask(s, Asked::extended, wire::encode(m), config_.handshake_timeout, out);
}

void Core::compared_further(Session& s, BytesView answer, Time now, Effects& out) {
  auto result = wire::decode<wire::worker::ExtendedCompareBalanceWithProxyResult>(answer);
  if (!result) return close_session(s, "unreadable result of the comparison: " + result.error().what, now, out);
  if (result->error_code != 0)
    return close_session(s, fmt::format("the proxy's account and ours cannot agree (code {})", result->error_code), now,
                         out);
  complete(s, out);
}

void Core::complete(Session& s, Effects& out) {
  s.stage = Stage::finishing;
  ask(s, Asked::complete, wire::encode(wire::worker::ProxyHandshakeComplete{.is_disabled = disabled()}),
      config_.handshake_timeout, out);
  s.told_disabled = disabled();
  s.told_context = 0;
}

void Core::completed(Session& s, BytesView answer, Time now, Effects& out) {
  if (auto done = wire::decode<wire::worker::ProxyHandshakeCompleted>(answer); !done)
    return close_session(s, "unreadable end of the handshake: " + done.error().what, now, out);
  s.stage = Stage::ready;
  s.last_error.clear();
  s.next_status = now + config_.status_interval;
  out.emplace_back(role::Log{2, fmt::format("proxy {} is ready (protocol {}, image {})", s.address, s.proto,
                                            to_hex(s.peer.image_hash).substr(0, 16))});
  tell_if_disabled(s, out);
  tell_context(s, out);
}

void Core::payment_status(Session& s, BytesView answer, Time now) {
  auto status = wire::decode<wire::worker::PaymentStatus>(answer);
  if (!status) return;
  money_.take(*s.proxy_contract, status->signed_payment, now);
  money_.take_counters(*s.proxy_contract, status->db_tokens, status->max_tokens);
}

// The one message whose payment must be right (wire.md 4.6). The request it names may be long over, or never have been
// ours to see.
void Core::payment(Session& s, const wire::proxy::WorkerRequestPayment& m, Time now, Effects& out) {
  auto taken = money_.take_strictly(*s.proxy_contract, m.signed_payment, m.db_tokens, m.max_tokens, now);
  if (!taken) close_session(s, taken.error().what, now, out);
}

}  // namespace cocoon::worker
