// Worker <-> proxy: control (wire.md 3).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tl/types.hpp"
#include "wire/messages_common.hpp"

namespace cocoon::wire {

namespace worker {

struct EnabledDisabled {
  static constexpr std::uint32_t kId = 0xb3b71039;
  static constexpr std::string_view kName = "worker.enabledDisabled";
  std::int32_t disabled = 0;
  static void fields(auto& a, auto& m) { a(m.disabled); }
  friend bool operator==(const EnabledDisabled&, const EnabledDisabled&) = default;
};

struct NewCoefficient {
  static constexpr std::uint32_t kId = 0x6af092b0;
  static constexpr std::string_view kName = "worker.newCoefficient";
  std::int32_t new_coefficient = 0;
  static void fields(auto& a, auto& m) { a(m.new_coefficient); }
  friend bool operator==(const NewCoefficient&, const NewCoefficient&) = default;
};

// An addition to the protocol: how long a context this worker serves, as its engine or its operator says; 0: not known
// any more. Only to proxies that know our additions (role::Peer::additions).
struct ContextLength {
  static constexpr std::uint32_t kId = 0x39adf7db;
  static constexpr std::string_view kName = "worker.contextLength";
  std::int32_t tokens = 0;
  static void fields(auto& a, auto& m) { a(m.tokens); }
  friend bool operator==(const ContextLength&, const ContextLength&) = default;
};

struct ConnectedToProxy {
  static constexpr std::uint32_t kId = 0x66bc82ee;
  static constexpr std::string_view kName = "worker.connectedToProxy";
  proxy::Params params;
  std::string worker_sc_address;
  static void fields(auto& a, auto& m) { a(m.params, m.worker_sc_address); }
  friend bool operator==(const ConnectedToProxy&, const ConnectedToProxy&) = default;
};

struct CompareBalanceWithProxyResult {
  static constexpr std::uint32_t kId = 0x9054c411;
  static constexpr std::string_view kName = "worker.compareBalanceWithProxyResult";
  proxy::AnySignedPayment signed_payment;
  std::int64_t tokens_committed_to_db = 0;
  std::int64_t max_tokens = 0;
  std::int32_t error_code = 0;
  static void fields(auto& a, auto& m) { a(m.signed_payment, m.tokens_committed_to_db, m.max_tokens, m.error_code); }
  friend bool operator==(const CompareBalanceWithProxyResult&, const CompareBalanceWithProxyResult&) = default;
};

struct ExtendedCompareBalanceWithProxyResult {
  static constexpr std::uint32_t kId = 0x0c10973e;
  static constexpr std::string_view kName = "worker.extendedCompareBalanceWithProxyResult";
  std::int32_t error_code = 0;
  static void fields(auto& a, auto& m) { a(m.error_code); }
  friend bool operator==(const ExtendedCompareBalanceWithProxyResult&,
                         const ExtendedCompareBalanceWithProxyResult&) = default;
};

struct ProxyHandshakeCompleted {
  static constexpr std::uint32_t kId = 0x3ad9b886;
  static constexpr std::string_view kName = "worker.proxyHandshakeCompleted";
  static void fields(auto&, auto&) {}
  friend bool operator==(const ProxyHandshakeCompleted&, const ProxyHandshakeCompleted&) = default;
};

struct PaymentStatus {
  static constexpr std::uint32_t kId = 0xa88bd701;
  static constexpr std::string_view kName = "worker.paymentStatus";
  proxy::AnySignedPayment signed_payment;
  std::int64_t db_tokens = 0;
  std::int64_t max_tokens = 0;
  static void fields(auto& a, auto& m) { a(m.signed_payment, m.db_tokens, m.max_tokens); }
  friend bool operator==(const PaymentStatus&, const PaymentStatus&) = default;
};

struct ChangedModel {
  static constexpr std::uint32_t kId = 0x34029366;
  static constexpr std::string_view kName = "worker.changedModel";
  static void fields(auto&, auto&) {}
  friend bool operator==(const ChangedModel&, const ChangedModel&) = default;
};

struct ConnectToProxy {
  static constexpr std::uint32_t kId = 0xcc484c5d;
  static constexpr std::string_view kName = "worker.connectToProxy";
  using Answer = ConnectedToProxy;
  Params params;
  static void fields(auto& a, auto& m) { a(m.params); }
  friend bool operator==(const ConnectToProxy&, const ConnectToProxy&) = default;
};

struct CompareBalanceWithProxy {
  static constexpr std::uint32_t kId = 0xdb386501;
  static constexpr std::string_view kName = "worker.compareBalanceWithProxy";
  using Answer = CompareBalanceWithProxyResult;
  std::int64_t tokens_committed_to_blockchain = 0;
  std::int64_t tokens_committed_to_db = 0;
  std::int64_t max_tokens = 0;
  static void fields(auto& a, auto& m) { a(m.tokens_committed_to_blockchain, m.tokens_committed_to_db, m.max_tokens); }
  friend bool operator==(const CompareBalanceWithProxy&, const CompareBalanceWithProxy&) = default;
};

struct ExtendedCompareBalanceWithProxy {
  static constexpr std::uint32_t kId = 0xf8dd9914;
  static constexpr std::string_view kName = "worker.extendedCompareBalanceWithProxy";
  using Answer = ExtendedCompareBalanceWithProxyResult;
  std::int64_t tokens_committed_to_db = 0;
  Bytes other;
  static void fields(auto& a, auto& m) { a(m.tokens_committed_to_db, m.other); }
  friend bool operator==(const ExtendedCompareBalanceWithProxy&, const ExtendedCompareBalanceWithProxy&) = default;
};

struct ProxyHandshakeComplete {
  static constexpr std::uint32_t kId = 0xf843b066;
  static constexpr std::string_view kName = "worker.proxyHandshakeComplete";
  using Answer = ProxyHandshakeCompleted;
  bool is_disabled = false;
  static void fields(auto& a, auto& m) { a(m.is_disabled); }
  friend bool operator==(const ProxyHandshakeComplete&, const ProxyHandshakeComplete&) = default;
};

struct UpdatePaymentStatus {
  static constexpr std::uint32_t kId = 0xdc70a524;
  static constexpr std::string_view kName = "worker.updatePaymentStatus";
  using Answer = PaymentStatus;
  static void fields(auto&, auto&) {}
  friend bool operator==(const UpdatePaymentStatus&, const UpdatePaymentStatus&) = default;
};

struct ChangeModel {
  static constexpr std::uint32_t kId = 0x72662cee;
  static constexpr std::string_view kName = "worker.changeModel";
  using Answer = ChangedModel;
  std::string new_model;
  static void fields(auto& a, auto& m) { a(m.new_model); }
  friend bool operator==(const ChangeModel&, const ChangeModel&) = default;
};

}  // namespace worker

}  // namespace cocoon::wire
