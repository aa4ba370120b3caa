// Key manager, HTTP envelope, and what the schema has but no node sends (wire.md 3).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tl/types.hpp"

namespace cocoon::wire {

namespace key_manager {

struct PrivateKey {
  static constexpr std::uint32_t kId = 0x60f4f8e7;
  static constexpr std::string_view kName = "keyManager.privateKey";
  std::int32_t valid_until_utime = 0;
  Bits256 private_key;
  static void fields(auto& a, auto& m) { a(m.valid_until_utime, m.private_key); }
  friend bool operator==(const PrivateKey&, const PrivateKey&) = default;
};

struct PrivateKeys {
  static constexpr std::uint32_t kId = 0x0ed66ce5;
  static constexpr std::string_view kName = "keyManager.privateKeys";
  std::vector<PrivateKey> keys;
  static void fields(auto& a, auto& m) { a(m.keys); }
  friend bool operator==(const PrivateKeys&, const PrivateKeys&) = default;
};

struct GetWorkerPrivateKeys {
  static constexpr std::uint32_t kId = 0x4b90e9b1;
  static constexpr std::string_view kName = "keyManager.getWorkerPrivateKeys";
  using Answer = PrivateKeys;
  std::int32_t proto_version = 0;
  static void fields(auto& a, auto& m) { a(m.proto_version); }
  friend bool operator==(const GetWorkerPrivateKeys&, const GetWorkerPrivateKeys&) = default;
};

struct GetProxyPrivateKeys {
  static constexpr std::uint32_t kId = 0x4135d0bd;
  static constexpr std::string_view kName = "keyManager.getProxyPrivateKeys";
  using Answer = PrivateKeys;
  std::int32_t proto_version = 0;
  static void fields(auto& a, auto& m) { a(m.proto_version); }
  friend bool operator==(const GetProxyPrivateKeys&, const GetProxyPrivateKeys&) = default;
};

}  // namespace key_manager

namespace http {

// With strings of its own, or as views into what was decoded or will be encoded.
template <class Text>
struct BasicHeader {
  static constexpr std::uint32_t kId = 0x8e9be511;
  static constexpr std::string_view kName = "http.header";
  Text name;
  Text value;
  static void fields(auto& a, auto& m) { a(m.name, m.value); }
  friend bool operator==(const BasicHeader&, const BasicHeader&) = default;
};
using Header = BasicHeader<std::string>;
using HeaderView = BasicHeader<std::string_view>;

template <class Text, class Data>
struct BasicResponse {
  static constexpr std::uint32_t kId = 0x1cd0c42b;
  static constexpr std::string_view kName = "http.response";
  Text http_version;
  std::int32_t status_code = 0;
  Text reason;
  std::vector<BasicHeader<Text>> headers;
  Data payload;
  static void fields(auto& a, auto& m) { a(m.http_version, m.status_code, m.reason, m.headers, m.payload); }
  friend bool operator==(const BasicResponse&, const BasicResponse&) = default;
};
using Response = BasicResponse<std::string, Bytes>;
using ResponseView = BasicResponse<std::string_view, BytesView>;

template <class Text, class Data>
struct BasicRequest {
  static constexpr std::uint32_t kId = 0x47492de5;
  static constexpr std::string_view kName = "http.request";
  Text method;
  Text url;
  Text http_version;
  std::vector<BasicHeader<Text>> headers;
  Data payload;
  static void fields(auto& a, auto& m) { a(m.method, m.url, m.http_version, m.headers, m.payload); }
  friend bool operator==(const BasicRequest&, const BasicRequest&) = default;
};
using Request = BasicRequest<std::string, Bytes>;
using RequestView = BasicRequest<std::string_view, BytesView>;

}  // namespace http

namespace ton_ {

struct BlockIdExt {
  static constexpr std::uint32_t kId = 0xbc3f6da5;
  static constexpr std::string_view kName = "ton.blockIdExt";
  std::int32_t workchain = 0;
  std::int64_t shard = 0;
  std::int32_t seqno = 0;
  Bytes root_hash;
  Bytes file_hash;
  static void fields(auto& a, auto& m) { a(m.workchain, m.shard, m.seqno, m.root_hash, m.file_hash); }
  friend bool operator==(const BlockIdExt&, const BlockIdExt&) = default;
};

}  // namespace ton_

namespace test {

struct Answer {
  static constexpr std::uint32_t kId = 0x0d4fcdb6;
  static constexpr std::string_view kName = "test.answer";
  std::int64_t id = 0;
  static void fields(auto& a, auto& m) { a(m.id); }
  friend bool operator==(const Answer&, const Answer&) = default;
};

struct Query {
  static constexpr std::uint32_t kId = 0x394e9143;
  static constexpr std::string_view kName = "test.query";
  std::int64_t id = 0;
  static void fields(auto& a, auto& m) { a(m.id); }
  friend bool operator==(const Query&, const Query&) = default;
};

}  // namespace test

}  // namespace cocoon::wire
