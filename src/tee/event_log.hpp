// Event logs and the runtime measurement registers that they lead to (attestation.md 2): the firmware's CCEL, and the
// JSON log of applications (dstack). Replay proves digests, not what they are digests of: whoever reads an event's
// content asks `content_proven`.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tee/measurements.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxEventLog = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxEvents = 65'536;

struct LoggedEvent {
  unsigned rtmr = 0;  // 0 to 3
  std::uint32_t type = 0;
  Bits384 digest;
  std::string name;  // application logs: what was measured ("compose-hash"); empty otherwise
  Bytes content;
  // Whether `digest` is the digest of this content: true or false where the type's rule is known, none where the digest
  // is of something that the log does not hold (an image, a boot variable's device).
  std::optional<bool> content_proven;
};

struct EventLog {
  std::vector<LoggedEvent> events;  // that extend a register, in order

  // The first event whose content is not what was measured.
  const LoggedEvent* altered() const;
  // The one application event of that name whose content is proven.
  const LoggedEvent* find(std::string_view name) const;
};

// A Confidential Computing Event Log (TCG2 crypto-agile, SHA-384) as ACPI's CCEL table points to it; filled up with
// zeros or ones behind its end.
Result<EventLog> parse_ccel(BytesView);
// [{"imr", "event_type", "digest", "event", "event_payload"}, ...]
Result<EventLog> parse_application_log(BytesView json);

// The registers of a TD that started with zeros and measured these events.
std::array<Bits384, 4> replay(const EventLog&);
// The registers that do not come out as `expected`, of 0 to 3.
std::vector<unsigned> replay_mismatches(const EventLog&, const std::array<Bits384, 4>& expected);

}  // namespace cocoon::tee
