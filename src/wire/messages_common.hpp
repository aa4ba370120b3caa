// Objects shared by the client and the worker port (wire.md 3, "Shared sub-objects" and signed payments).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tl/types.hpp"

namespace cocoon::wire {

struct TokensUsed {
  static constexpr std::uint32_t kId = 0x70c5b15c;
  static constexpr std::string_view kName = "tokensUsed";
  std::int64_t prompt_tokens_used = 0;
  std::int64_t cached_tokens_used = 0;
  std::int64_t completion_tokens_used = 0;
  std::int64_t reasoning_tokens_used = 0;
  std::int64_t total_tokens_used = 0;
  static void fields(auto& a, auto& m) {
    a(m.prompt_tokens_used, m.cached_tokens_used, m.completion_tokens_used, m.reasoning_tokens_used,
      m.total_tokens_used);
  }
  friend bool operator==(const TokensUsed&, const TokensUsed&) = default;
};

namespace proxy {

struct SignedPayment {
  static constexpr std::uint32_t kId = 0x02998182;
  static constexpr std::string_view kName = "proxy.signedPayment";
  Bytes data;
  static void fields(auto& a, auto& m) { a(m.data); }
  friend bool operator==(const SignedPayment&, const SignedPayment&) = default;
};

struct SignedPaymentEmpty {
  static constexpr std::uint32_t kId = 0xb347ce64;
  static constexpr std::string_view kName = "proxy.signedPaymentEmpty";
  static void fields(auto&, auto&) {}
  friend bool operator==(const SignedPaymentEmpty&, const SignedPaymentEmpty&) = default;
};

using AnySignedPayment = std::variant<SignedPayment, SignedPaymentEmpty>;

struct Params {
  static constexpr std::uint32_t kId = 0xd5c5609f;
  static constexpr std::string_view kName = "proxy.params";
  std::uint32_t flags = 0;
  Bits256 proxy_public_key;
  std::string proxy_owner_address;
  std::string proxy_sc_address;
  bool is_test = false;            // [bit 0]
  std::int32_t proto_version = 0;  // [bit 1]
  void set_is_test(bool v) {
    flags |= 1u;
    is_test = v;
  }
  // Version 0 is said by the absence of the field (wire.md 4.2).
  void set_proto_version(std::int32_t v) {
    flags = v > 0 ? flags | 2u : flags & ~2u;
    proto_version = v;
  }
  static void fields(auto& a, auto& m) {
    a(m.flags, m.proxy_public_key, m.proxy_owner_address, m.proxy_sc_address)
        .when(m.flags, 0, m.is_test)
        .when(m.flags, 1, m.proto_version);
  }
  friend bool operator==(const Params&, const Params&) = default;
};

}  // namespace proxy

namespace client {

struct Params {
  static constexpr std::uint32_t kId = 0x40fdca64;
  static constexpr std::string_view kName = "client.params";
  std::uint32_t flags = 0;
  std::string client_owner_address;
  bool is_test = false;                // [bit 0]
  std::int32_t min_proto_version = 0;  // [bit 1]
  std::int32_t max_proto_version = 0;  // [bit 1]
  void set_is_test(bool v) {
    flags |= 1u;
    is_test = v;
  }
  void set_versions(std::int32_t min, std::int32_t max) {
    flags |= 2u;
    min_proto_version = min;
    max_proto_version = max;
  }
  static void fields(auto& a, auto& m) {
    a(m.flags, m.client_owner_address)
        .when(m.flags, 0, m.is_test)
        .when(m.flags, 1, m.min_proto_version, m.max_proto_version);
  }
  friend bool operator==(const Params&, const Params&) = default;
};

}  // namespace client

namespace worker {

struct Params {
  static constexpr std::uint32_t kId = 0x869c73ed;
  static constexpr std::string_view kName = "worker.params";
  std::uint32_t flags = 0;
  std::string worker_owner_address;
  std::string model;
  std::int32_t coefficient = 0;
  bool is_test = false;                  // [bit 0]
  std::int32_t proxy_cnt = 0;            // [bit 0]
  std::int32_t max_active_requests = 0;  // [bit 0]
  std::int32_t min_proto_version = 0;    // [bit 1]
  std::int32_t max_proto_version = 0;    // [bit 1]
  std::string machine_description_json;  // [bit 2]
  // Bits 0 (always sent by present nodes), 1 and 2. Bit 2 only where the worker's minimum version is 4 (wire.md 4.2).
  void set_limits(bool test, std::int32_t proxies, std::int32_t max_active) {
    flags |= 1u;
    is_test = test;
    proxy_cnt = proxies;
    max_active_requests = max_active;
  }
  void set_versions(std::int32_t min, std::int32_t max) {
    flags |= 2u;
    min_proto_version = min;
    max_proto_version = max;
  }
  void set_machine_description(std::string json) {
    flags |= 4u;
    machine_description_json = std::move(json);
  }
  static void fields(auto& a, auto& m) {
    a(m.flags, m.worker_owner_address, m.model, m.coefficient)
        .when(m.flags, 0, m.is_test, m.proxy_cnt, m.max_active_requests)
        .when(m.flags, 1, m.min_proto_version, m.max_proto_version)
        .when(m.flags, 2, m.machine_description_json);
  }
  friend bool operator==(const Params&, const Params&) = default;
};

}  // namespace worker

}  // namespace cocoon::wire
