#include "proxy/core/clients.hpp"

#include "proxy/core/versions.hpp"

namespace cocoon::proxy {
namespace {

using Step = ClientLink::Step;

bool is_handshake(std::uint32_t id) {
  return id == wire::client::ConnectToProxy::kId || id == wire::client::AuthorizeWithProxyShort::kId ||
         id == wire::client::AuthorizeWithProxyLong::kId;
}

bool is_expected(Step step, std::uint32_t id) {
  switch (step) {
    case Step::hello:
      return id == wire::client::ConnectToProxy::kId;
    case Step::authorise:
      return id == wire::client::AuthorizeWithProxyShort::kId || id == wire::client::AuthorizeWithProxyLong::kId;
    case Step::ready:
      break;
  }
  return false;
}

}  // namespace

ClientLink* Clients::find(role::LinkId link) {
  const auto it = links_.find(link);
  return it == links_.end() ? nullptr : &it->second;
}

const ClientLink* Clients::find_ready(role::LinkId link) const {
  const auto it = links_.find(link);
  return it != links_.end() && it->second.step == Step::ready ? &it->second : nullptr;
}

void Clients::link_up(Io& io, const role::LinkUp& up) {
  if (links_.size() >= config_.max_clients) return io.close(up.link, "too many clients");
  ClientLink client;
  client.id = up.link;
  client.address = up.peer.address;
  links_.emplace(up.link, std::move(client));
  deadlines_.set(up.link, io.now + config_.handshake_step);
}

void Clients::link_down(role::LinkId link) {
  ClientLink* client = find(link);
  if (client == nullptr) return;
  release_nonce(*client);
  deadlines_.erase(link);
  links_.erase(link);
}

void Clients::close_all(Io& io, const std::string& why) {
  for (const auto& [id, client] : links_) io.close(id, why);
}

void Clients::tick(Io& io) {
  while (const auto late = deadlines_.pop_due(io.now)) {
    ClientLink* client = find(*late);
    if (client != nullptr && client->long_query)
      refuse_and_close(io, *late, *client->long_query, {wire::kErrorTimeout, "no register message was seen in time"});
    else
      io.close(*late, "the handshake took too long");
  }
}

void Clients::release_nonce(ClientLink& client) {
  const auto it = nonces_.find(client.nonce);
  if (it != nonces_.end() && it->second == client.id) nonces_.erase(it);
}

void Clients::refuse_and_close(Io& io, role::LinkId link, std::int64_t id, const Error& why) {
  io.debug("client {}: {} ({})", link, why.what, why.code);
  io.refuse(link, id, why.code, why.what);
  io.close(link, why.what);
}

// The table of wire.md 2.7: the id decides, before anything is decoded.
void Clients::query(Io& io, const role::QueryIn& q) {
  ClientLink* client = find(q.link);
  if (client == nullptr) return;
  const std::uint32_t id = wire::peek_id(q.data);
  if (wire::handles<wire::QueryToProxyFromWorker>(id))
    return io.refuse(q.link, q.id, wire::kErrorProtocolViolation, "a query of workers on the port of clients");
  if (!wire::handles<wire::QueryToProxyFromClient>(id))
    return io.refuse(q.link, q.id, wire::kErrorGeneric, "unknown query");
  if (is_handshake(id)) {
    if (!is_expected(client->step, id))
      return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, "query out of the order of the handshake"});
    if (id == wire::client::ConnectToProxy::kId) return hello(io, *client, q);
    if (id == wire::client::AuthorizeWithProxyShort::kId) return authorise_short(io, *client, q);
    return authorise_long(io, *client, q);
  }
  if (client->step != Step::ready)
    return io.refuse(q.link, q.id, wire::kErrorProtocolViolation, "asked before the handshake ended");
  if (id == wire::client::UpdatePaymentStatus::kId) return payment_status(io, *client, q);
  // The lists of models have no fields: what decodes is the bare id.
  if (q.data.size() != sizeof id) return io.refuse(q.link, q.id, wire::kErrorGeneric, "bytes left over");
  if (id == wire::client::GetWorkerTypes::kId) return io.answer(q.link, q.id, workers_.types());
  const bool more = id == wire::client::GetWorkerTypesV2Ex::kId;
  io.answer(q.link, q.id, workers_.types_v2(more ? Workers::ListForm::with_additions : Workers::ListForm::existing));
}

void Clients::hello(Io& io, ClientLink& client, const role::QueryIn& q) {
  const auto hello = wire::decode<wire::client::ConnectToProxy>(q.data);
  if (!hello) return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, hello.error().what});
  if (const auto admitted = admit(client, *hello); !admitted)
    return refuse_and_close(io, q.link, q.id, admitted.error());

  do client.nonce = random_.u64();
  while (nonces_.contains(client.nonce));
  nonces_.emplace(client.nonce, client.id);
  client.step = Step::authorise;
  deadlines_.set(client.id, io.now + config_.authorisation);

  wire::client::ConnectedToProxy answer;
  answer.params = instance_.wire_params(client.version);
  answer.client_sc_address = instance_.text(instance_.client_contract(client.owner));
  const auto nonce = static_cast<std::int64_t>(client.nonce);
  if (const auto known = money_.client(client.owner))
    answer.auth = wire::client::ProxyConnectionAuthShort{known->chain.secret_hash, nonce};
  else
    answer.auth = wire::client::ProxyConnectionAuthLong{nonce};
  answer.signed_payment = money_.cached_for_client(client.owner);
  io.answer(q.link, q.id, answer);
}

// Checks 2 to 8 of wire.md 4.3, in that order; fills the link.
Result<> Clients::admit(ClientLink& client, const wire::client::ConnectToProxy& hello) const {
  const auto& p = hello.params;
  if (!tl::has_bit(p.flags, 0)) return fail(wire::kErrorRequest, "client too old: is_test missing");
  if (p.is_test != config_.is_test) return fail(wire::kErrorRequest, "one of us is a test node, the other is not");
  const auto owner = ton::address_from_text(p.client_owner_address);
  if (!owner) return fail(wire::kErrorGeneric, "owner address: {}", owner.error().what);
  if (owner->workchain != 0) return fail(wire::kErrorRequest, "owner address: workchain 0 expected");
  const auto wanted = static_cast<std::uint32_t>(hello.min_config_version);
  if (wanted > instance_.config_version())
    return fail(wire::kErrorRequest, "our copy of the root contract has version {}, you ask for {}",
                instance_.config_version(), wanted);
  const auto version = choose_version(p.min_proto_version, p.max_proto_version);
  if (!version)
    return fail(wire::kErrorProtocolViolation, "no common version: you {}..{}, we {}..{}", p.min_proto_version,
                p.max_proto_version, kMinVersion, kMaxVersion);
  if (const auto known = money_.client(*owner); known && !known->open())
    return fail(wire::kErrorRequest, "your client contract is closing");
  client.owner = *owner;
  client.version = *version;
  return {};
}

void Clients::authorise_short(Io& io, ClientLink& client, const role::QueryIn& q) {
  const auto ask = wire::decode<wire::client::AuthorizeWithProxyShort>(q.data);
  if (!ask) return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, ask.error().what});
  if (client.long_query)
    return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, "the long authorisation is under way"});
  const auto known = money_.client(client.owner);
  if (known && !known->open())
    return refuse_and_close(io, q.link, q.id, {wire::kErrorRequest, "your client contract is closing"});
  const Bits256 hash = crypto::sha256(ask->data);
  if (!known || !crypto::equal_constant_time(hash.view(), known->chain.secret_hash.view()))
    return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, "this is not the secret of your client contract"});
  authorised(io, client, q.id);
}

void Clients::authorise_long(Io& io, ClientLink& client, const role::QueryIn& q) {
  const auto ask = wire::decode<wire::client::AuthorizeWithProxyLong>(q.data);
  if (!ask) return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, ask.error().what});
  if (client.long_query)
    return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, "the long authorisation is under way already"});
  if (const auto known = money_.client(client.owner); known && !known->open())
    return refuse_and_close(io, q.link, q.id, {wire::kErrorRequest, "your client contract is closing"});
  if (client.registered) return authorised(io, client, q.id);
  client.long_query = q.id;
}

void Clients::register_seen(Io& io, const ton::Address& owner, std::uint64_t nonce) {
  const auto it = nonces_.find(nonce);
  if (it == nonces_.end()) return;
  ClientLink* client = find(it->second);
  if (client == nullptr || client->owner != owner || client->step != Step::authorise) return;
  client->registered = true;
  if (client->long_query) authorised(io, *client, *client->long_query);
}

void Clients::contract_changed(Io& io, const ton::Address& owner) {
  const auto known = money_.client(owner);
  if (!known || known->open()) return;
  for (auto& [id, client] : links_)
    if (client.long_query && client.owner == owner) {
      refuse_and_close(io, id, *client.long_query, {wire::kErrorRequest, "your client contract is closing"});
      client.long_query.reset();
    }
}

void Clients::authorised(Io& io, ClientLink& client, std::int64_t query) {
  release_nonce(client);
  deadlines_.erase(client.id);
  client.step = Step::ready;
  client.long_query.reset();
  auto [payment, db, max] = money_.client_payment(client.owner);
  io.answer(client.id, query, wire::client::AuthorizationWithProxySuccess{std::move(payment), db, max});
  io.info("client {} at {}: authorised for {}, version {}", client.id, client.address, ton::to_raw_text(client.owner),
          client.version);
}

void Clients::payment_status(Io& io, ClientLink& client, const role::QueryIn& q) {
  const auto ask = wire::decode<wire::client::UpdatePaymentStatus>(q.data);
  if (!ask) return io.refuse(q.link, q.id, wire::kErrorGeneric, ask.error().what);
  auto [payment, db, max] = money_.client_payment(client.owner);
  io.answer(q.link, q.id, wire::client::PaymentStatus{std::move(payment), db, max});
}

}  // namespace cocoon::proxy
