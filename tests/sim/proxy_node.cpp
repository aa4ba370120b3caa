#include "proxy_node.hpp"

#include "ledger/snapshot.hpp"

namespace cocoon::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

bool commits(const proxy::WriteSnapshot& e) {
  const auto snapshot = ledger::decode(e.data);
  COCOON_ASSERT(snapshot.has_value());
  return !snapshot->pending.empty() && snapshot->pending.back().seqno == snapshot->seqno;
}

}  // namespace

bool ProxyNode::boot() {
  born();
  faulted_ = false;
  const Bytes& stored = disk.torn() ? *disk.torn() : disk.durable().data;
  auto made = proxy::Core::make(config, crypto::Random(ground_.dice.bits256()), stored);
  if (!made) {
    ground_.trace.note(ground_.now(), name(), "does not start: {}", made.error().what);
    faulted_ = true;
    kill_for_good();
    return false;
  }
  COCOON_ASSERT(!disk.torn());  // a mixture of two snapshots was believed
  core_ = *std::move(made);
  process_ = observer_.proxy_started(place_.index, disk.durable().number);
  ground_.network.listen(*this, place_.for_workers, proxy::kWorkerPort);
  ground_.network.listen(*this, place_.for_clients, proxy::kClientPort);
  std::vector<proxy::Effect> effects;
  core_->start(ground_.now(), effects);
  carry_out(effects);
  return true;
}

void ProxyNode::core_gone() {
  Base::core_gone();
  if (process_ != 0) observer_.proxy_ended(std::exchange(process_, 0));
  disk.crash(ground_.dice, ground_.faults);
}

void ProxyNode::packet(role::PacketIn e) {
  if (!core_) return;
  const auto carried = carries ? core_->carry(e.link, e.data, carried_) : std::nullopt;
  if (!carried) return deliver(std::move(e));
  observer_.proxy_carries(e.data);
  ground_.network.send_packet(*this, carried->client, carried_);
}

void ProxyNode::apply(role::SendPacket& e) {
  observer_.proxy_says(process_, e.data);
  Node::apply(e);
}

void ProxyNode::apply(role::Answer& e) {
  observer_.proxy_says(process_, e.data);
  if (wire::peek_id(e.data) == wire::client::ConnectedToProxy::kId) {
    const auto hello = wire::decode<wire::client::ConnectedToProxy>(e.data);
    COCOON_ASSERT(hello.has_value());
    std::visit([&](const auto& auth) { overheard(static_cast<std::uint64_t>(auth.nonce)); }, hello->auth);
  }
  Node::apply(e);
}

void ProxyNode::apply(role::SendExternal& e) {
  observer_.proxy_sends(process_, e.boc);
  Node::apply(e);
}

void ProxyNode::apply(role::Log& e) {
  Node::apply(e);
  if (e.level >= static_cast<int>(log::Level::error)) faulted_ = true;
}

void ProxyNode::apply(proxy::WriteSnapshot& e) {
  if (before_commit && commits(e)) before_commit();
  const auto image = disk.next_number();
  observer_.proxy_writes(process_, image, e.data);
  disk.begin({image, std::move(e.data)});
  const auto takes = ground_.dice.percent(3) ? ground_.dice.duration(seconds(1), seconds(8))
                                             : ground_.dice.duration(milliseconds(1), milliseconds(60));
  const bool fails = ground_.faults.strikes(Fault::write_failed);
  later(takes, [this, number = e.number, image, fails] {
    if (fails) {
      disk.abandon();
      return deliver(proxy::SnapshotFailed{number, "no space left on device"});
    }
    disk.sync();
    observer_.image_is_durable(process_, image);
    deliver(proxy::SnapshotDurable{number});
  });
}

}  // namespace cocoon::sim
