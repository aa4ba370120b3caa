// Client <-> proxy (wire.md 3).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tl/types.hpp"
#include "wire/messages_common.hpp"

namespace cocoon::wire {

namespace client {

struct ProxyConnectionAuthShort {
  static constexpr std::uint32_t kId = 0xd6ffc5af;
  static constexpr std::string_view kName = "client.proxyConnectionAuthShort";
  Bits256 secret_hash;
  std::int64_t nonce = 0;
  static void fields(auto& a, auto& m) { a(m.secret_hash, m.nonce); }
  friend bool operator==(const ProxyConnectionAuthShort&, const ProxyConnectionAuthShort&) = default;
};

struct ProxyConnectionAuthLong {
  static constexpr std::uint32_t kId = 0x417bf016;
  static constexpr std::string_view kName = "client.proxyConnectionAuthLong";
  std::int64_t nonce = 0;
  static void fields(auto& a, auto& m) { a(m.nonce); }
  friend bool operator==(const ProxyConnectionAuthLong&, const ProxyConnectionAuthLong&) = default;
};

using AnyProxyConnectionAuth = std::variant<ProxyConnectionAuthShort, ProxyConnectionAuthLong>;

struct AuthorizationWithProxySuccess {
  static constexpr std::uint32_t kId = 0x75d5ac34;
  static constexpr std::string_view kName = "client.authorizationWithProxySuccess";
  proxy::AnySignedPayment signed_payment;
  std::int64_t tokens_committed_to_db = 0;
  std::int64_t max_tokens = 0;
  static void fields(auto& a, auto& m) { a(m.signed_payment, m.tokens_committed_to_db, m.max_tokens); }
  friend bool operator==(const AuthorizationWithProxySuccess&, const AuthorizationWithProxySuccess&) = default;
};

struct AuthorizationWithProxyFailed {
  static constexpr std::uint32_t kId = 0x60551c96;
  static constexpr std::string_view kName = "client.authorizationWithProxyFailed";
  std::int32_t error_code = 0;
  std::string error;
  static void fields(auto& a, auto& m) { a(m.error_code, m.error); }
  friend bool operator==(const AuthorizationWithProxyFailed&, const AuthorizationWithProxyFailed&) = default;
};

using AnyAuthorizationWithProxy = std::variant<AuthorizationWithProxySuccess, AuthorizationWithProxyFailed>;

struct ConnectedToProxy {
  static constexpr std::uint32_t kId = 0x95317ad1;
  static constexpr std::string_view kName = "client.connectedToProxy";
  proxy::Params params;
  std::string client_sc_address;
  AnyProxyConnectionAuth auth;
  proxy::AnySignedPayment signed_payment;
  static void fields(auto& a, auto& m) { a(m.params, m.client_sc_address, m.auth, m.signed_payment); }
  friend bool operator==(const ConnectedToProxy&, const ConnectedToProxy&) = default;
};

struct QueryAnswer {
  static constexpr std::uint32_t kId = 0x9b943922;
  static constexpr std::string_view kName = "client.queryAnswer";
  Bytes answer;
  bool is_completed = false;
  Bits256 request_id;
  TokensUsed request_tokens_used;
  static void fields(auto& a, auto& m) { a(m.answer, m.is_completed, m.request_id, m.request_tokens_used); }
  friend bool operator==(const QueryAnswer&, const QueryAnswer&) = default;
};

struct QueryAnswerError {
  static constexpr std::uint32_t kId = 0x6d60569a;
  static constexpr std::string_view kName = "client.queryAnswerError";
  std::int32_t error_code = 0;
  std::string error;
  Bits256 request_id;
  TokensUsed request_tokens_used;
  static void fields(auto& a, auto& m) { a(m.error_code, m.error, m.request_id, m.request_tokens_used); }
  friend bool operator==(const QueryAnswerError&, const QueryAnswerError&) = default;
};

using AnyQueryAnswer = std::variant<QueryAnswer, QueryAnswerError>;

struct QueryAnswerPart {
  static constexpr std::uint32_t kId = 0xb765de4c;
  static constexpr std::string_view kName = "client.queryAnswerPart";
  Bytes answer;
  bool is_completed = false;
  Bits256 request_id;
  TokensUsed request_tokens_used;
  static void fields(auto& a, auto& m) { a(m.answer, m.is_completed, m.request_id, m.request_tokens_used); }
  friend bool operator==(const QueryAnswerPart&, const QueryAnswerPart&) = default;
};

struct QueryAnswerPartError {
  static constexpr std::uint32_t kId = 0xd790a022;
  static constexpr std::string_view kName = "client.queryAnswerPartError";
  std::int32_t error_code = 0;
  std::string error;
  Bits256 request_id;
  TokensUsed request_tokens_used;
  static void fields(auto& a, auto& m) { a(m.error_code, m.error, m.request_id, m.request_tokens_used); }
  friend bool operator==(const QueryAnswerPartError&, const QueryAnswerPartError&) = default;
};

using AnyQueryAnswerPart = std::variant<QueryAnswerPart, QueryAnswerPartError>;

struct QueryFinalInfo {
  static constexpr std::uint32_t kId = 0x69a452f0;
  static constexpr std::string_view kName = "client.queryFinalInfo";
  std::uint32_t flags = 0;
  TokensUsed tokens_used;
  std::string worker_debug;      // [bit 0]
  std::string proxy_debug;       // [bit 0]
  double proxy_start_time = 0;   // [bit 1]
  double proxy_end_time = 0;     // [bit 1]
  double worker_start_time = 0;  // [bit 1]
  double worker_end_time = 0;    // [bit 1]
  void set_debug(std::string worker, std::string proxy) {
    flags |= 1u;
    worker_debug = std::move(worker);
    proxy_debug = std::move(proxy);
  }
  void set_times(double proxy_start, double proxy_end, double worker_start, double worker_end) {
    flags |= 2u;
    proxy_start_time = proxy_start;
    proxy_end_time = proxy_end;
    worker_start_time = worker_start;
    worker_end_time = worker_end;
  }
  static void fields(auto& a, auto& m) {
    a(m.flags, m.tokens_used)
        .when(m.flags, 0, m.worker_debug, m.proxy_debug)
        .when(m.flags, 1, m.proxy_start_time, m.proxy_end_time, m.worker_start_time, m.worker_end_time);
  }
  friend bool operator==(const QueryFinalInfo&, const QueryFinalInfo&) = default;
};

struct QueryAnswerEx {
  static constexpr std::uint32_t kId = 0xcd524720;
  static constexpr std::string_view kName = "client.queryAnswerEx";
  Bits256 request_id;
  Bytes answer;
  std::uint32_t flags = 0;
  QueryFinalInfo final_info;  // [bit 0]
  bool is_final() const { return (flags & 1u) != 0; }
  void set_final_info(QueryFinalInfo info) {
    flags |= 1u;
    final_info = std::move(info);
  }
  static void fields(auto& a, auto& m) { a(m.request_id, m.answer, m.flags).when(m.flags, 0, m.final_info); }
  friend bool operator==(const QueryAnswerEx&, const QueryAnswerEx&) = default;
};

struct QueryAnswerErrorEx {
  static constexpr std::uint32_t kId = 0x072562a8;
  static constexpr std::string_view kName = "client.queryAnswerErrorEx";
  Bits256 request_id;
  std::int32_t error_code = 0;
  std::string error;
  std::uint32_t flags = 0;
  QueryFinalInfo final_info;  // [bit 0]
  bool is_final() const { return (flags & 1u) != 0; }
  void set_final_info(QueryFinalInfo info) {
    flags |= 1u;
    final_info = std::move(info);
  }
  static void fields(auto& a, auto& m) {
    a(m.request_id, m.error_code, m.error, m.flags).when(m.flags, 0, m.final_info);
  }
  friend bool operator==(const QueryAnswerErrorEx&, const QueryAnswerErrorEx&) = default;
};

struct QueryAnswerPartEx {
  static constexpr std::uint32_t kId = 0xc07bfaec;
  static constexpr std::string_view kName = "client.queryAnswerPartEx";
  Bits256 request_id;
  Bytes answer;
  std::uint32_t flags = 0;
  QueryFinalInfo final_info;  // [bit 0]
  bool is_final() const { return (flags & 1u) != 0; }
  void set_final_info(QueryFinalInfo info) {
    flags |= 1u;
    final_info = std::move(info);
  }
  static void fields(auto& a, auto& m) { a(m.request_id, m.answer, m.flags).when(m.flags, 0, m.final_info); }
  friend bool operator==(const QueryAnswerPartEx&, const QueryAnswerPartEx&) = default;
};

using AnyQueryAnswerEx = std::variant<QueryAnswerEx, QueryAnswerErrorEx, QueryAnswerPartEx>;

struct Refund {
  static constexpr std::uint32_t kId = 0x83aabead;
  static constexpr std::string_view kName = "client.refund";
  Bytes data;
  static void fields(auto& a, auto& m) { a(m.data); }
  friend bool operator==(const Refund&, const Refund&) = default;
};

struct RefundRejected {
  static constexpr std::uint32_t kId = 0xcf9d9957;
  static constexpr std::string_view kName = "client.refundRejected";
  std::int64_t active_queries = 0;
  static void fields(auto& a, auto& m) { a(m.active_queries); }
  friend bool operator==(const RefundRejected&, const RefundRejected&) = default;
};

using AnyRefund = std::variant<Refund, RefundRejected>;

struct WorkerType {
  static constexpr std::uint32_t kId = 0x8210e21c;
  static constexpr std::string_view kName = "client.workerType";
  std::string name;
  std::int32_t active_workers = 0;
  std::int32_t coefficient_min = 0;
  std::int32_t coefficient_bucket50 = 0;
  std::int32_t coefficient_max = 0;
  static void fields(auto& a, auto& m) {
    a(m.name, m.active_workers, m.coefficient_min, m.coefficient_bucket50, m.coefficient_max);
  }
  friend bool operator==(const WorkerType&, const WorkerType&) = default;
};

struct WorkerTypes {
  static constexpr std::uint32_t kId = 0xf64e0e01;
  static constexpr std::string_view kName = "client.workerTypes";
  std::vector<WorkerType> types;
  static void fields(auto& a, auto& m) { a(m.types); }
  friend bool operator==(const WorkerTypes&, const WorkerTypes&) = default;
};

struct WorkerInstanceV2 {
  static constexpr std::uint32_t kId = 0x3ea93d00;
  static constexpr std::string_view kName = "client.workerInstanceV2";
  std::uint32_t flags = 0;
  std::int32_t coefficient = 0;
  std::int32_t active_requests = 0;
  std::int32_t max_active_requests = 0;
  std::int32_t context_length = 0;  // [bit 30] tokens; an addition to the protocol, see GetWorkerTypesV2Ex
  void set_context_length(std::int32_t tokens) {
    flags |= 1u << 30;
    context_length = tokens;
  }
  static void fields(auto& a, auto& m) {
    a(m.flags, m.coefficient, m.active_requests, m.max_active_requests).when(m.flags, 30, m.context_length);
  }
  friend bool operator==(const WorkerInstanceV2&, const WorkerInstanceV2&) = default;
};

struct WorkerTypeV2 {
  static constexpr std::uint32_t kId = 0xb27d8197;
  static constexpr std::string_view kName = "client.workerTypeV2";
  std::string name;
  std::vector<WorkerInstanceV2> workers;
  static void fields(auto& a, auto& m) { a(m.name, m.workers); }
  friend bool operator==(const WorkerTypeV2&, const WorkerTypeV2&) = default;
};

struct WorkerTypesV2 {
  static constexpr std::uint32_t kId = 0x0cf0dc67;
  static constexpr std::string_view kName = "client.workerTypesV2";
  std::vector<WorkerTypeV2> types;
  static void fields(auto& a, auto& m) { a(m.types); }
  friend bool operator==(const WorkerTypesV2&, const WorkerTypesV2&) = default;
};

struct PaymentStatus {
  static constexpr std::uint32_t kId = 0xaa8a0ecc;
  static constexpr std::string_view kName = "client.paymentStatus";
  proxy::AnySignedPayment signed_payment;
  std::int64_t db_tokens = 0;
  std::int64_t max_tokens = 0;
  static void fields(auto& a, auto& m) { a(m.signed_payment, m.db_tokens, m.max_tokens); }
  friend bool operator==(const PaymentStatus&, const PaymentStatus&) = default;
};

struct ConnectToProxy {
  static constexpr std::uint32_t kId = 0xff5fa0f4;
  static constexpr std::string_view kName = "client.connectToProxy";
  using Answer = ConnectedToProxy;
  Params params;
  std::int32_t min_config_version = 0;
  static void fields(auto& a, auto& m) { a(m.params, m.min_config_version); }
  friend bool operator==(const ConnectToProxy&, const ConnectToProxy&) = default;
};

struct AuthorizeWithProxyShort {
  static constexpr std::uint32_t kId = 0x6c276723;
  static constexpr std::string_view kName = "client.authorizeWithProxyShort";
  using Answer = AnyAuthorizationWithProxy;
  Bytes data;
  static void fields(auto& a, auto& m) { a(m.data); }
  friend bool operator==(const AuthorizeWithProxyShort&, const AuthorizeWithProxyShort&) = default;
};

struct AuthorizeWithProxyLong {
  static constexpr std::uint32_t kId = 0xd3474303;
  static constexpr std::string_view kName = "client.authorizeWithProxyLong";
  using Answer = AnyAuthorizationWithProxy;
  static void fields(auto&, auto&) {}
  friend bool operator==(const AuthorizeWithProxyLong&, const AuthorizeWithProxyLong&) = default;
};

struct RunQuery {
  static constexpr std::uint32_t kId = 0xbc748f32;
  static constexpr std::string_view kName = "client.runQuery";
  std::string model_name;
  Bytes query;
  std::int32_t max_coefficient = 0;
  std::int32_t max_tokens = 0;
  double timeout = 0;
  Bits256 request_id;
  std::int32_t min_config_version = 0;
  static void fields(auto& a, auto& m) {
    a(m.model_name, m.query, m.max_coefficient, m.max_tokens, m.timeout, m.request_id, m.min_config_version);
  }
  friend bool operator==(const RunQuery&, const RunQuery&) = default;
};

struct RunQueryEx {
  static constexpr std::uint32_t kId = 0xf54cb74b;
  static constexpr std::string_view kName = "client.runQueryEx";
  std::string model_name;
  Bytes query;
  std::int32_t max_coefficient = 0;
  std::int32_t max_tokens = 0;
  double timeout = 0;
  Bits256 request_id;
  std::int32_t min_config_version = 0;
  std::uint32_t flags = 0;
  bool enable_debug = false;  // [bit 0]
  Bits256 public_key;         // [bit 1]
  void set_debug(bool v) {
    flags |= 1u;
    enable_debug = v;
  }
  void set_public_key(const Bits256& v) {
    flags |= 2u;
    public_key = v;
  }
  static void fields(auto& a, auto& m) {
    a(m.model_name, m.query, m.max_coefficient, m.max_tokens, m.timeout, m.request_id, m.min_config_version, m.flags)
        .when(m.flags, 0, m.enable_debug)
        .when(m.flags, 1, m.public_key);
  }
  friend bool operator==(const RunQueryEx&, const RunQueryEx&) = default;
};

struct RequestRefund {
  static constexpr std::uint32_t kId = 0x238d863d;
  static constexpr std::string_view kName = "client.requestRefund";
  using Answer = AnyRefund;
  static void fields(auto&, auto&) {}
  friend bool operator==(const RequestRefund&, const RequestRefund&) = default;
};

struct UpdatePaymentStatus {
  static constexpr std::uint32_t kId = 0x9ed1c697;
  static constexpr std::string_view kName = "client.updatePaymentStatus";
  using Answer = PaymentStatus;
  static void fields(auto&, auto&) {}
  friend bool operator==(const UpdatePaymentStatus&, const UpdatePaymentStatus&) = default;
};

struct GetWorkerTypes {
  static constexpr std::uint32_t kId = 0x7f062bdb;
  static constexpr std::string_view kName = "client.getWorkerTypes";
  using Answer = WorkerTypes;
  static void fields(auto&, auto&) {}
  friend bool operator==(const GetWorkerTypes&, const GetWorkerTypes&) = default;
};

// An addition to the protocol: the caller of a request has gone. Nodes that do not know it drop it in silence
// (wire.md 2.7), and the request runs to its end as it always did.
struct CancelQuery {
  static constexpr std::uint32_t kId = 0x3265a5f8;
  static constexpr std::string_view kName = "client.cancelQuery";
  Bits256 request_id;
  static void fields(auto& a, auto& m) { a(m.request_id); }
  friend bool operator==(const CancelQuery&, const CancelQuery&) = default;
};

struct GetWorkerTypesV2 {
  static constexpr std::uint32_t kId = 0xb2133d72;
  static constexpr std::string_view kName = "client.getWorkerTypesV2";
  using Answer = WorkerTypesV2;
  static void fields(auto&, auto&) {}
  friend bool operator==(const GetWorkerTypesV2&, const GetWorkerTypesV2&) = default;
};

// An addition to the protocol: the same list, in which instances may say how long a context they serve. Only between
// nodes that have told each other that they know our additions (role::Peer::additions).
struct GetWorkerTypesV2Ex {
  static constexpr std::uint32_t kId = 0x4ddbb3ec;
  static constexpr std::string_view kName = "client.getWorkerTypesV2Ex";
  using Answer = WorkerTypesV2;
  static void fields(auto&, auto&) {}
  friend bool operator==(const GetWorkerTypesV2Ex&, const GetWorkerTypesV2Ex&) = default;
};

}  // namespace client

}  // namespace cocoon::wire
