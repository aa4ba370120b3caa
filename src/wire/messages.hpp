// Every message of the protocol, how to turn it into bytes and back, and what may arrive on which connection.
// Decoding is total: any byte string gives a value or an error with the place where it went wrong.
#pragma once
#include "base/result.hpp"
#include "tl/tl.hpp"
#include "wire/messages_client.hpp"
#include "wire/messages_common.hpp"
#include "wire/messages_other.hpp"
#include "wire/messages_proxy.hpp"
#include "wire/messages_tcp.hpp"
#include "wire/messages_worker.hpp"

namespace cocoon::wire {

// The boxed form: constructor id, then fields. Accepts a constructor or a variant of constructors.
template <class T>
Bytes encode(const T& message) {
  return tl::encode_boxed(message);
}

// The boxed form of exactly T (or of one alternative, for a variant); bytes left over are an error (wire.md 1.3).
template <class T>
Result<T> decode(BytesView in) {
  auto out = tl::decode_boxed<T>(in);
  if constexpr (tl::Boxed<T>) {
    if (!out) return std::unexpected(std::move(out).error().within(T::kName));
  }
  return out;
}

template <class Variant>
Result<Variant> decode_any(BytesView in) {
  return tl::decode_boxed<Variant>(in);
}

// Constructor id of a boxed object; 0 if there are fewer than four bytes.
using tl::peek_id;

// Is `id` one of the alternatives of `Variant`? A query of another id does not close the connection (wire.md 2.7).
template <class Variant>
constexpr bool handles(std::uint32_t id) {
  return []<class... T>(std::type_identity<std::variant<T...>>, std::uint32_t v) { return ((T::kId == v) || ...); }(
             std::type_identity<Variant>{}, id);
}

// --- What may arrive where (wire.md 3.1). Packets are one-way; queries await T::Answer.
// client.requestRefund is defined by the schema but served by no node, so it is no alternative here.

using PacketToClient =
    std::variant<client::QueryAnswerEx, client::QueryAnswerPartEx, client::QueryAnswerErrorEx, client::QueryAnswer,
                 client::QueryAnswerPart, client::QueryAnswerError, client::QueryAnswerPartError,
                 proxy::ClientRequestPayment, proxy::SignedPayment, proxy::SignedPaymentEmpty>;

using PacketToProxyFromClient = std::variant<client::RunQueryEx, client::RunQuery, client::CancelQuery>;
using QueryToProxyFromClient =
    std::variant<client::ConnectToProxy, client::AuthorizeWithProxyShort, client::AuthorizeWithProxyLong,
                 client::UpdatePaymentStatus, client::GetWorkerTypes, client::GetWorkerTypesV2,
                 client::GetWorkerTypesV2Ex>;

using PacketToProxyFromWorker =
    std::variant<proxy::QueryAnswerEx, proxy::QueryAnswerPartEx, proxy::QueryAnswerErrorEx, proxy::QueryAnswer,
                 proxy::QueryAnswerPart, proxy::QueryAnswerError, proxy::QueryAnswerPartError,
                 proxy::QueryAnswerPartCounted, worker::EnabledDisabled, worker::NewCoefficient, worker::ContextLength>;
using QueryToProxyFromWorker =
    std::variant<worker::ConnectToProxy, worker::CompareBalanceWithProxy, worker::ExtendedCompareBalanceWithProxy,
                 worker::ProxyHandshakeComplete, worker::UpdatePaymentStatus>;

using PacketToWorker = std::variant<proxy::RunQueryEx, proxy::RunQuery, proxy::CancelQuery, proxy::WorkerRequestPayment,
                                    proxy::SignedPayment, proxy::SignedPaymentEmpty>;
using QueryToWorker = std::variant<worker::ChangeModel>;

using QueryToKeyManager = std::variant<key_manager::GetWorkerPrivateKeys, key_manager::GetProxyPrivateKeys>;
// The same two functions under the ids of the December 2025 schema (wire.md 3, below the key manager's table).
inline constexpr std::uint32_t kOldGetWorkerPrivateKeys = 0x2a26eff5;
inline constexpr std::uint32_t kOldGetProxyPrivateKeys = 0x47a9c2de;

}  // namespace cocoon::wire
