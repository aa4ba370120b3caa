#include "ton/contracts/notices.hpp"

namespace cocoon::ton {

namespace {

struct Arrival {
  const InternalInfo& info;
  const Cell& body;
  Address from;
};

std::optional<Arrival> arrival(const Transaction& tx) {
  if (!tx.in_msg || !tx.in_msg->message) return std::nullopt;
  const Message& message = *tx.in_msg->message;
  const InternalInfo* info = message.internal();
  if (!info || info->bounced || !info->src) return std::nullopt;
  return Arrival{*info, message.body, *info->src};
}

bool took_effect(const Transaction& tx, const Arrival& a) {
  const auto& compute = tx.description.compute;
  if (compute.skipped == SkipReason::none) return tx.succeeded();
  return compute.skipped == SkipReason::no_gas && a.info.value.coins <= 1;
}

std::optional<Notice> read_client(const ProxyInstance& instance, const Arrival& a) {
  auto request = parse_client_request(a.body);
  if (!request || request->owner.workchain != 0) return std::nullopt;
  if (instance.client_address(request->owner) != a.from) return std::nullopt;
  return ClientNotice{a.from, *std::move(request)};
}

std::optional<Notice> read_worker(const ProxyInstance& instance, const Arrival& a) {
  auto request = parse_worker_request(a.body);
  if (!request || request->owner.workchain != 0) return std::nullopt;
  if (instance.worker_address(request->owner) != a.from) return std::nullopt;
  return WorkerNotice{a.from, *std::move(request)};
}

std::optional<Notice> read_commit(const Address& own_wallet, const Arrival& a) {
  if (a.from != own_wallet) return std::nullopt;
  const auto commit = parse_body<ProxySaveState>(a.body);
  if (!commit) return std::nullopt;
  return CommitNotice{commit->seqno, commit->hash};
}

}  // namespace

std::optional<Notice> read_notice(const ProxyInstance& instance, const Address& own_wallet, const Transaction& tx) {
  const auto a = arrival(tx);
  if (!a || !took_effect(tx, *a)) return std::nullopt;
  const auto header = read_body_header(a->body);
  if (!header) return std::nullopt;
  switch (header->opcode) {
    case op::client_proxy_request:
      return read_client(instance, *a);
    case op::worker_proxy_request:
      return read_worker(instance, *a);
    case op::do_not_process:
      return read_commit(own_wallet, *a);
    default:
      return std::nullopt;
  }
}

std::optional<ReceivedCall> read_call(const Address& sender, const Transaction& tx) {
  const auto a = arrival(tx);
  if (!a || a->from != sender) return std::nullopt;
  const auto header = read_body_header(a->body);
  if (!header) return std::nullopt;
  return ReceivedCall{header->opcode, header->query_id, tx.succeeded(), tx.description.compute.exit_code};
}

}  // namespace cocoon::ton
