// The local record a separate router puts before the proxied bytes (wire.md 2.5), current and December 2025 form.
// Never on a public connection.
#pragma once
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace cocoon::wire {

inline constexpr std::size_t kMaxPeerRecord = 16536;  // without the length word

struct PeerRecord {
  enum class Form { current, december_2025 };
  enum class Family { none, tdx, sev };  // `none` only in the old form; the current one says TDX with a zero report

  Form form = Form::current;
  Family family = Family::tdx;
  // current: TDX 496 bytes (measurements, REPORTDATA, root key id), SEV 112; old: 448 (measurements, REPORTDATA) or
  // none
  Bytes report;
  FixedBytes<48> old_root_key_id;  // old form only
  Bits256 public_key;
  std::string source_ip;
  std::int32_t source_port = 0;
  std::string destination_ip;
  std::int32_t destination_port = 0;

  friend bool operator==(const PeerRecord&, const PeerRecord&) = default;
};

// With its 4-byte length in front.
Bytes encode_peer_record(const PeerRecord&);
// Without the length: exactly the n bytes that follow it.
Result<PeerRecord> decode_peer_record(BytesView);
// The length word (4 bytes) of a record; an error if it exceeds kMaxPeerRecord.
Result<std::size_t> peer_record_size(BytesView length_word);

}  // namespace cocoon::wire
