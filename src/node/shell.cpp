#include "node/shell.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "net/address.hpp"
#include "node/attestation_page.hpp"
#include "node/identity.hpp"
#include "node/own_vcek.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::node {
namespace {

constexpr std::size_t kVerdicts = 4096;  // remembered per port

role::Peer describe(const net::PeerInfo& info) {
  role::Peer p;
  p.public_key = info.peer.public_key;
  p.image_hash = info.peer.image_hash;
  p.attested = info.peer.verdict.accepted && info.peer.tee != tee::TeeKind::none;
  p.tee = tee::to_string(info.peer.tee);
  if (info.peer.verdict.simulated) p.tee += " (simulated)";
  p.verdict = tee::summary(info.peer.verdict);
  p.address = fmt::format("{}:{}", info.remote.address().to_string(), info.remote.port());
  p.additions = info.additions;
  return p;
}

}  // namespace

Shell::Shell(net::Executor executor, CommonConfig config, Hooks hooks)
    : executor_(executor),
      config_(std::move(config)),
      hooks_(std::move(hooks)),
      random_(crypto::Random::from_os()),
      timer_(executor),
      attest_timer_(executor) {}

Result<std::unique_ptr<Shell>> Shell::make(net::Executor executor, const CommonConfig& config,
                                           const tee::Policy& dial_policy, Hooks hooks) {
  std::unique_ptr<Shell> shell(new Shell(executor, config, std::move(hooks)));
  const auto endorse = own_vcek({.service = config.amd_collateral_service,
                                 .ca_file = config.collateral_ca,
                                 .directory = config.collateral_directory});
  TRY_ASSIGN(auto attester, make_attester(config, endorse));
  TRY_ASSIGN(shell->trust_, make_trust(config));
  shell->policy_ = dial_policy;
  TRY_ASSIGN(auto sessions, make_session_attester(config, shell->random_, endorse));
  TRY_ASSIGN(shell->credentials_, net::Credentials::make(std::move(attester), crypto::Random(shell->random_.bits256()),
                                                         wall_clock, std::move(sessions)));
  shell->dial_config_.credentials = shell->credentials_;
  CollateralOptions collateral;
  collateral.service = config.collateral_service;
  collateral.amd_service = config.amd_collateral_service;
  collateral.ca_file = config.collateral_ca;
  collateral.directory = config.collateral_directory;
  collateral.bundle = config.collateral_bundle;
  collateral.gpus = config.gpu_collateral;
  auto opened = CollateralService::make(executor, std::move(collateral));
  if (!opened) return std::unexpected(std::move(opened).error());
  shell->collateral_ = *std::move(opened);
  shell->collateral_->start();
  shell->dial_config_.judge =
      std::make_shared<net::PeerJudge>(dial_policy, shell->trust_, kVerdicts, wall_clock, shell->collateral_);
  shell->dial_config_.options.max_pow_difficulty = config.max_pow_difficulty;

  auto key = from_base64(config.liteserver_key);
  if (!key || key->size() != 32) return fail("chain.liteserver_key: base64 of 32 bytes expected");
  ton_client::Options liteserver;
  liteserver.address = config.liteserver;
  liteserver.key = crypto::PublicKey::from(*key);
  auto* self = shell.get();
  ChainWatcher::Sink sink{[self](role::AccountObserved e) { self->hooks_.event(std::move(e)); },
                          [self](role::ExternalResult e) { self->hooks_.event(std::move(e)); }};
  shell->chain_ = std::make_unique<ChainWatcher>(executor, liteserver, config.poll,
                                                 crypto::Random(shell->random_.bits256()), std::move(sink));
  shell->reattest();
  return shell;
}

Shell::~Shell() {
  if (collateral_) collateral_->stop();
  for (auto& [id, peer] : links_) peer.link->detach();
}

Result<> Shell::listen(const std::string& address, int port, const tee::Policy& policy) {
  net::ListenerOptions options;
  options.pow.difficulty = config_.pow_difficulty;
  options.pow.limit = std::max(config_.pow_difficulty, options.pow.limit);
  net::LinkConfig link = dial_config_;
  link.judge = std::make_shared<net::PeerJudge>(policy, trust_, kVerdicts, wall_clock, collateral_);
  auto listener = std::make_unique<net::Listener>(executor_, std::move(link), options,
                                                  [this, port](net::LinkPtr l) { adopt(std::move(l), 0, port); });
  auto begun = listener->listen(address);
  if (!begun) return std::unexpected(std::move(begun).error().within("listening on " + address));
  listeners_.push_back(std::move(listener));
  return {};
}

void Shell::adopt(net::LinkPtr link, role::TargetId target, int port) {
  if (stopping_) return link->close(Error{wire::kErrorNotReady, "stopping"});
  const auto id = next_link_++;
  role::LinkUp up{id, target, port, describe(link->peer())};
  ids_.emplace(link.get(), id);
  auto* raw = link.get();
  const auto until = link->peer().peer.verdict.fresh_until;
  links_.emplace(id, Peer{std::move(link), target, {}, until});
  hooks_.event(std::move(up));
  raw->start(this);
}

Shell::Peer* Shell::find(role::LinkId id) {
  const auto it = links_.find(id);
  return it == links_.end() ? nullptr : &it->second;
}

void Shell::on_packet(net::Link& link, const wire::PacketView& p) {
  const auto it = ids_.find(&link);
  if (it == ids_.end()) return;
  const auto id = it->second;
  switch (p.kind) {
    case wire::PacketKind::packet:
      if (hooks_.on_packet && hooks_.on_packet(id, p.data)) return;
      return hooks_.event(role::PacketIn{id, to_bytes(p.data)});
    case wire::PacketKind::query:
      return hooks_.event(role::QueryIn{id, p.id, to_bytes(p.data)});
    case wire::PacketKind::query_answer:
      if (auto* peer = find(id)) finish_query(*peer, id, p.id, to_bytes(p.data));
      return;
    case wire::PacketKind::query_error:
      if (auto* peer = find(id)) finish_query(*peer, id, p.id, fail(p.code, to_text(p.message)));
      return;
    default:
      return;
  }
}

void Shell::on_writable(net::Link& link) {
  const auto it = ids_.find(&link);
  if (it != ids_.end() && hooks_.on_writable) hooks_.on_writable(it->second);
}

void Shell::on_closed(net::Link& link, const Error& why) {
  const auto it = ids_.find(&link);
  if (it == ids_.end()) return;
  const auto id = it->second;
  ids_.erase(it);
  auto node = links_.extract(id);
  for (const auto& [query, pending] : node.mapped().queries)
    hooks_.event(role::QueryDone{id, pending.token, fail(wire::kErrorCancelled, why.what)});
  hooks_.event(role::LinkDown{id, why.what});
}

void Shell::finish_query(Peer& peer, role::LinkId id, std::int64_t query, Result<Bytes> result) {
  const auto it = peer.queries.find(query);
  if (it == peer.queries.end()) return;  // late, or never asked
  const auto token = it->second.token;
  peer.queries.erase(it);
  hooks_.event(role::QueryDone{id, token, std::move(result)});
}

void Shell::arm() {
  if (deadlines_.empty()) return;
  timer_.expires_after(std::max<Duration>(deadlines_.begin()->first - wall_clock(), std::chrono::milliseconds(5)));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) expire();
  });
}

void Shell::expire() {
  const auto now = wall_clock();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto [id, query] = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    // Answered queries are only forgotten here, so most entries find nothing.
    if (auto* peer = find(id)) finish_query(*peer, id, query, fail(wire::kErrorTimeout, "no answer in time"));
  }
  arm();
}

void Shell::reattest() {
  const auto now = wall_clock();
  std::vector<std::pair<net::LinkPtr, Error>> refused;
  for (auto& [id, peer] : links_) {
    const auto& info = peer.link->peer();
    if (!info.judge || now <= peer.verdict_until) continue;
    const auto side = info.outgoing ? tee::Side::server : tee::Side::client;
    auto again = info.judge->judge_again(info.certificate, side, info.since, info.session.get());
    if (again) {
      peer.verdict_until = again->verdict.fresh_until;
      peer.link->judged_again(*std::move(again));
    } else {
      refused.emplace_back(peer.link, std::move(again).error());
    }
  }
  for (auto& [link, why] : refused) link->close(std::move(why));
  attest_timer_.expires_after(config_.reattest_every);
  attest_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) reattest();
  });
}

void Shell::apply(role::Dial e) {
  const auto endpoint = net::parse_endpoint(e.address);
  if (!endpoint) return hooks_.event(role::DialFailed{e.target, endpoint.error().what});
  auto dialer = std::make_unique<net::Dialer>(
      executor_, dial_config_, net::DialerOptions{},
      [this, target = e.target](net::LinkPtr link) { adopt(std::move(link), target, 0); },
      [this, target = e.target](const Error& why) {
        hooks_.event(role::DialFailed{target, why.what});
      });
  dialer->start(*endpoint);
  dialers_.insert_or_assign(e.target, std::move(dialer));
}

void Shell::apply(role::Undial e) {
  dialers_.erase(e.target);
  for (auto& [id, peer] : links_)
    if (peer.target == e.target) peer.link->finish(Error{wire::kErrorCancelled, "no longer wanted"});
}

void Shell::apply(role::CloseLink e) {
  if (auto* peer = find(e.link)) peer->link->finish(Error{wire::kErrorCancelled, std::move(e.reason)});
}

void Shell::apply(role::SendPacket e) { send_packet(e.link, e.data); }

void Shell::apply(role::SendQuery e) {
  auto* peer = find(e.link);
  const auto id = static_cast<std::int64_t>(random_.u64());
  if (peer == nullptr || !peer->link->send_query(id, e.data)) {
    hooks_.event(role::QueryDone{e.link, e.token, fail(wire::kErrorCancelled, "the connection is gone")});
    return;
  }
  const auto deadline = wall_clock() + e.timeout;
  peer->queries.emplace(id, Peer::Pending{e.token, deadline});
  const bool earliest = deadlines_.empty() || deadline < deadlines_.begin()->first;
  deadlines_.emplace(deadline, std::pair(e.link, id));
  if (earliest) arm();
}

void Shell::apply(role::Answer e) {
  if (auto* peer = find(e.link)) peer->link->send_answer(e.id, e.data);
}

void Shell::apply(role::AnswerError e) {
  if (auto* peer = find(e.link)) peer->link->send_error(e.id, e.code, e.message);
}

void Shell::apply(role::Watch e) { chain_->watch(e); }
void Shell::apply(role::Unwatch e) { chain_->unwatch(e); }
void Shell::apply(role::SendExternal e) { chain_->send(std::move(e)); }
void Shell::apply(role::Log e) { log::at(static_cast<log::Level>(e.level), config_.name, "{}", e.text); }

bool Shell::send_packet(role::LinkId id, BytesView object) {
  auto* peer = find(id);
  return peer != nullptr && peer->link->send_packet(object);
}

std::size_t Shell::queued(role::LinkId id) const {
  const auto it = links_.find(id);
  return it == links_.end() ? 0 : it->second.link->queued();
}

std::string Shell::attestation() const {
  std::vector<net::PeerInfo> peers;
  peers.reserve(links_.size());
  for (const auto& [id, peer] : links_) peers.push_back(peer.link->peer());
  return attestation_page(credentials_->certificate(), peers, *collateral_, policy_, trust_, wall_clock());
}

void Shell::stop(const std::string& why) {
  stopping_ = true;
  collateral_->stop();
  timer_.cancel();
  attest_timer_.cancel();
  listeners_.clear();
  dialers_.clear();
  for (auto& [id, peer] : links_) peer.link->finish(Error{wire::kErrorCancelled, why});
}

}  // namespace cocoon::node
