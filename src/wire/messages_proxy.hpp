// Proxy <-> worker: data path and payments (wire.md 3).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tl/types.hpp"
#include "wire/messages_common.hpp"

namespace cocoon::wire {

namespace proxy {

struct ClientRequestPayment {
  static constexpr std::uint32_t kId = 0xc6bcf127;
  static constexpr std::string_view kName = "proxy.clientRequestPayment";
  Bits256 request_id;
  AnySignedPayment signed_payment;
  std::int64_t db_tokens = 0;
  std::int64_t max_tokens = 0;
  std::int64_t request_tokens = 0;
  static void fields(auto& a, auto& m) {
    a(m.request_id, m.signed_payment, m.db_tokens, m.max_tokens, m.request_tokens);
  }
  friend bool operator==(const ClientRequestPayment&, const ClientRequestPayment&) = default;
};

struct QueryAnswer {
  static constexpr std::uint32_t kId = 0x37e5f725;
  static constexpr std::string_view kName = "proxy.queryAnswer";
  Bytes answer;
  bool is_completed = false;
  Bits256 request_id;
  TokensUsed tokens_used;
  static void fields(auto& a, auto& m) { a(m.answer, m.is_completed, m.request_id, m.tokens_used); }
  friend bool operator==(const QueryAnswer&, const QueryAnswer&) = default;
};

struct QueryAnswerError {
  static constexpr std::uint32_t kId = 0x669d014e;
  static constexpr std::string_view kName = "proxy.queryAnswerError";
  std::int32_t error_code = 0;
  std::string error;
  Bits256 request_id;
  TokensUsed tokens_used;
  static void fields(auto& a, auto& m) { a(m.error_code, m.error, m.request_id, m.tokens_used); }
  friend bool operator==(const QueryAnswerError&, const QueryAnswerError&) = default;
};

using AnyQueryAnswer = std::variant<QueryAnswer, QueryAnswerError>;

struct QueryAnswerPart {
  static constexpr std::uint32_t kId = 0x72eb00ee;
  static constexpr std::string_view kName = "proxy.queryAnswerPart";
  Bytes answer;
  bool is_completed = false;
  Bits256 request_id;
  TokensUsed tokens_used;
  static void fields(auto& a, auto& m) { a(m.answer, m.is_completed, m.request_id, m.tokens_used); }
  friend bool operator==(const QueryAnswerPart&, const QueryAnswerPart&) = default;
};

struct QueryAnswerPartError {
  static constexpr std::uint32_t kId = 0x940e1168;
  static constexpr std::string_view kName = "proxy.queryAnswerPartError";
  std::int32_t error_code = 0;
  std::string error;
  Bits256 request_id;
  TokensUsed tokens_used;
  static void fields(auto& a, auto& m) { a(m.error_code, m.error, m.request_id, m.tokens_used); }
  friend bool operator==(const QueryAnswerPartError&, const QueryAnswerPartError&) = default;
};

using AnyQueryAnswerPart = std::variant<QueryAnswerPart, QueryAnswerPartError>;

struct QueryFinalInfo {
  static constexpr std::uint32_t kId = 0xe794e6fc;
  static constexpr std::string_view kName = "proxy.queryFinalInfo";
  std::uint32_t flags = 0;
  TokensUsed tokens_used;
  std::string worker_debug;      // [bit 0]
  double worker_start_time = 0;  // [bit 1]
  double worker_end_time = 0;    // [bit 1]
  void set_debug(std::string worker) {
    flags |= 1u;
    worker_debug = std::move(worker);
  }
  void set_times(double start, double end) {
    flags |= 2u;
    worker_start_time = start;
    worker_end_time = end;
  }
  static void fields(auto& a, auto& m) {
    a(m.flags, m.tokens_used).when(m.flags, 0, m.worker_debug).when(m.flags, 1, m.worker_start_time, m.worker_end_time);
  }
  friend bool operator==(const QueryFinalInfo&, const QueryFinalInfo&) = default;
};

struct QueryAnswerEx {
  static constexpr std::uint32_t kId = 0x1ce574e8;
  static constexpr std::string_view kName = "proxy.queryAnswerEx";
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
  static constexpr std::uint32_t kId = 0x8f7fb0a7;
  static constexpr std::string_view kName = "proxy.queryAnswerErrorEx";
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
  static constexpr std::uint32_t kId = 0x6d85b50f;
  static constexpr std::string_view kName = "proxy.queryAnswerPartEx";
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

struct WorkerRequestPayment {
  static constexpr std::uint32_t kId = 0x1436c0d5;
  static constexpr std::string_view kName = "proxy.workerRequestPayment";
  Bits256 request_id;
  AnySignedPayment signed_payment;
  std::int64_t db_tokens = 0;
  std::int64_t max_tokens = 0;
  std::int64_t request_tokens = 0;
  std::string request_client_owner;
  static void fields(auto& a, auto& m) {
    a(m.request_id, m.signed_payment, m.db_tokens, m.max_tokens, m.request_tokens, m.request_client_owner);
  }
  friend bool operator==(const WorkerRequestPayment&, const WorkerRequestPayment&) = default;
};

using AnyWorkerRequestPayment = std::variant<ClientRequestPayment, WorkerRequestPayment>;

// An addition to the protocol, as client.cancelQuery: nobody waits for this request any more. The worker stops its
// engine and ends the request with an error that tells what was delivered.
struct CancelQuery {
  static constexpr std::uint32_t kId = 0x8cd7e668;
  static constexpr std::string_view kName = "proxy.cancelQuery";
  Bits256 request_id;
  static void fields(auto& a, auto& m) { a(m.request_id); }
  friend bool operator==(const CancelQuery&, const CancelQuery&) = default;
};

// An addition to the protocol: a part that is not the last one, with what has gone out so far, this part included. Only
// for a request that asks for it (RunQueryEx::wants_counts). It begins as proxy.queryAnswerPartEx does.
struct QueryAnswerPartCounted {
  static constexpr std::uint32_t kId = 0x7ea38b80;
  static constexpr std::string_view kName = "proxy.queryAnswerPartCounted";
  Bits256 request_id;
  Bytes answer;
  TokensUsed tokens_used;
  static void fields(auto& a, auto& m) { a(m.request_id, m.answer, m.tokens_used); }
  friend bool operator==(const QueryAnswerPartCounted&, const QueryAnswerPartCounted&) = default;
};

struct RunQuery {
  static constexpr std::uint32_t kId = 0x47182416;
  static constexpr std::string_view kName = "proxy.runQuery";
  Bytes query;
  AnySignedPayment signed_payment;
  std::int64_t coefficient = 0;
  double timeout = 0;
  Bits256 request_id;
  static void fields(auto& a, auto& m) { a(m.query, m.signed_payment, m.coefficient, m.timeout, m.request_id); }
  friend bool operator==(const RunQuery&, const RunQuery&) = default;
};

struct RunQueryEx {
  static constexpr std::uint32_t kId = 0xc805e7e2;
  static constexpr std::string_view kName = "proxy.runQueryEx";
  Bytes query;
  AnySignedPayment signed_payment;
  std::int64_t coefficient = 0;
  double timeout = 0;
  Bits256 request_id;
  std::uint32_t flags = 0;
  bool enable_debug = false;  // [bit 0]
  Bits256 private_key;        // [bit 1]
  void set_debug(bool v) {
    flags |= 1u;
    enable_debug = v;
  }
  void set_private_key(const Bits256& v) {
    flags |= 2u;
    private_key = v;
  }
  // An addition, only between nodes that know our additions (role::Peer::additions): parts may come as
  // proxy.queryAnswerPartCounted.
  bool wants_counts() const { return (flags & (1u << 30)) != 0; }
  void want_counts() { flags |= 1u << 30; }
  static void fields(auto& a, auto& m) {
    a(m.query, m.signed_payment, m.coefficient, m.timeout, m.request_id, m.flags)
        .when(m.flags, 0, m.enable_debug)
        .when(m.flags, 1, m.private_key);
  }
  friend bool operator==(const RunQueryEx&, const RunQueryEx&) = default;
};

}  // namespace proxy

}  // namespace cocoon::wire
