// The client's side of the handshake (wire.md 4.4), step by step.
#include <algorithm>

#include "client/core/core.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {

void Core::greet(Session& s, Time now, Effects& out) {
  const auto refuse = [&](const std::string& why) { close_session(s, wire::kErrorNotReady, why, now, out); };
  if (!proxies_.root()) return refuse("the root contract has not been read yet");
  if (config_.check_images && !s.peer.attested) return refuse("the proxy is not attested: " + s.peer.verdict);
  if (const auto why = why_unlisted(s, now); !why.empty()) return refuse(why);

  wire::client::ConnectToProxy hello;
  hello.params.client_owner_address = ton::to_friendly_text(money_.wallet(), {false, config_.testnet_addresses});
  hello.params.set_is_test(config_.is_test);
  hello.params.set_versions(1, 4);
  hello.min_config_version = static_cast<std::int32_t>(proxies_.root()->version);
  s.stage = Stage::connecting;
  ask(s, Asked::connect, wire::encode(hello), config_.handshake_timeout, out);
}

void Core::connected(Session& s, BytesView answer, Time now, Effects& out) {
  const auto refuse = [&](const std::string& why) { close_session(s, wire::kErrorProtocolViolation, why, now, out); };
  auto hello = wire::decode<wire::client::ConnectedToProxy>(answer);
  if (!hello) return refuse("unreadable answer to connectToProxy: " + hello.error().what);
  const auto& p = hello->params;
  if ((p.flags & 1U) == 0 || p.is_test != config_.is_test)
    return refuse("the proxy belongs to another kind of network (test or live)");
  if (p.proto_version < 0 || p.proto_version > 4)
    return refuse(fmt::format("the proxy chose protocol version {}", p.proto_version));
  auto proxy_owner = ton::address_from_text(p.proxy_owner_address);
  auto proxy_contract = ton::address_from_text(p.proxy_sc_address);
  auto client_contract = ton::address_from_text(hello->client_sc_address);
  if (!proxy_owner || !proxy_contract || !client_contract) return refuse("the proxy sent an unreadable address");
  if (auto known = money_.meet_proxy(p.proxy_public_key, *proxy_owner, *proxy_contract, *client_contract, out); !known)
    return refuse(known.error().what);

  s.proto = p.proto_version;
  s.proxy_contract = *proxy_contract;
  if (const auto* signed_payment = std::get_if<wire::proxy::SignedPayment>(&hello->signed_payment))
    money_.take_payment(*proxy_contract, signed_payment->data, out);
  begin_authorisation(s, hello->auth, out);
}

void Core::begin_authorisation(Session& s, const wire::client::AnyProxyConnectionAuth& auth, Effects& out) {
  const auto* offer = std::get_if<wire::client::ProxyConnectionAuthShort>(&auth);
  if (offer != nullptr && offer->secret_hash == secret_hash_) {
    wire::client::AuthorizeWithProxyShort proof;
    proof.data = to_bytes(config_.secret);
    s.stage = Stage::authorising;
    ask(s, Asked::authorise, wire::encode(proof), config_.authorise_timeout, out);
    return;
  }
  s.nonce = static_cast<std::uint64_t>(offer != nullptr ? offer->nonce
                                                        : std::get<wire::client::ProxyConnectionAuthLong>(auth).nonce);
  s.stage = Stage::registering;
  money_.want_register(*s.proxy_contract, *s.nonce);
}

// The register message travels through our own contract on chain, so it waits until the wallet can pay for it; the
// query that waits for its arrival is asked together with it.
void Core::continue_registration(Session& s, Time now, Effects& out) {
  if (!money_.register_sent(*s.proxy_contract, *s.nonce)) return;
  s.stage = Stage::authorising;
  s.not_ready_since = now;
  ask(s, Asked::authorise, wire::encode(wire::client::AuthorizeWithProxyLong{}), config_.authorise_timeout, out);
}

void Core::authorised(Session& s, BytesView answer, Time now, Effects& out) {
  const auto refuse = [&](const std::string& why) { close_session(s, wire::kErrorProtocolViolation, why, now, out); };
  auto verdict = wire::decode<wire::client::AnyAuthorizationWithProxy>(answer);
  if (!verdict) return refuse("unreadable answer to the authorisation: " + verdict.error().what);
  if (const auto* no = std::get_if<wire::client::AuthorizationWithProxyFailed>(&*verdict))
    return refuse(fmt::format("the proxy refused to authorise: {} (code {})", no->error, no->error_code));
  const auto& yes = std::get<wire::client::AuthorizationWithProxySuccess>(*verdict);
  if (const auto* payment = std::get_if<wire::proxy::SignedPayment>(&yes.signed_payment))
    money_.take_payment(*s.proxy_contract, payment->data, out);
  money_.take_counters(*s.proxy_contract, yes.tokens_committed_to_db, yes.max_tokens);
  if (s.nonce) money_.forget_register(*s.proxy_contract, *s.nonce);
  s.nonce.reset();
  s.stage = Stage::ready;
  s.last_error.clear();
  s.next_status = now + config_.status_interval;
  out.emplace_back(role::Log{2, fmt::format("proxy {} is ready (protocol {}, image {})", s.address, s.proto,
                                            to_hex(s.peer.image_hash).substr(0, 16))});
}

void Core::payment_status(Session& s, BytesView answer, Time, Effects& out) {
  auto status = wire::decode<wire::client::PaymentStatus>(answer);
  if (!status) {
    out.emplace_back(role::Log{3, "unreadable payment status: " + status.error().what});
    return;
  }
  if (const auto* payment = std::get_if<wire::proxy::SignedPayment>(&status->signed_payment))
    money_.take_payment(*s.proxy_contract, payment->data, out);
  money_.take_counters(*s.proxy_contract, status->db_tokens, status->max_tokens);
}

}  // namespace cocoon::client
