#include "tee/event_log.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "tee/cursor.hpp"
#include "tee/p256.hpp"

namespace cocoon::tee {
namespace {

namespace json = boost::json;

constexpr std::uint32_t kNoAction = 3;
constexpr std::uint16_t kSha384 = 0x000c;
constexpr std::uint32_t kApplicationEvent = 0x08000001;
constexpr std::string_view kSpecId = "Spec ID Event03";

// Event types of the TCG's firmware profile whose digest is over something that the log holds.
constexpr std::uint32_t kSeparator = 0x4, kAction = 0x5, kIpl = 0xD;
constexpr std::uint32_t kVariableDriverConfig = 0x80000001, kVariableBoot = 0x80000002, kGptEvent = 0x80000006,
                        kEfiAction = 0x80000007, kVariableBoot2 = 0x8000000C, kVariableAuthority = 0x800000E0;

// The value inside a UEFI_VARIABLE_DATA: GUID, length of the name in characters, length of the value, name, value.
std::optional<BytesView> variable_value(BytesView content) {
  Cursor in(content, "variable");
  const auto guid = in.take(16);
  const auto name = in.little(8), size = in.little(8);
  if (!guid || !name || !size || *name > kMaxEventLog || *size > kMaxEventLog || !in.take(2 * *name))
    return std::nullopt;
  const auto value = in.take(*size);
  return value && in.empty() ? std::optional(*value) : std::nullopt;
}

// GRUB measures what follows a prefix that it only logs, without the zero at the end; of files it logs the name.
std::optional<BytesView> grub_text(BytesView content) {
  for (const std::string_view prefix : {"grub_cmd: ", "kernel_cmdline: ", "module_cmdline: "}) {
    if (!as_text(content).starts_with(prefix)) continue;
    auto text = content.subspan(prefix.size());
    if (!text.empty() && text.back() == 0) text = text.first(text.size() - 1);
    return text;
  }
  return std::nullopt;
}

void judge_content(LoggedEvent& event) {
  const BytesView content(event.content);
  switch (event.type) {
    case kSeparator:
    case kAction:
    case kVariableDriverConfig:
    case kVariableBoot2:
    case kGptEvent:
    case kEfiAction:
    case kVariableAuthority:
      event.content_proven = sha384(content) == event.digest;
      break;
    case kVariableBoot: {
      // Most firmware measures the value alone, some all of it.
      const auto value = variable_value(content);
      event.content_proven = (value && sha384(*value) == event.digest) || sha384(content) == event.digest;
      break;
    }
    case kIpl:
      if (const auto text = grub_text(content)) event.content_proven = sha384(*text) == event.digest;
      break;
    default:
      break;
  }
}

// --- CCEL

// The header of TCG's specification: which digests the events carry.
Result<> read_spec_id(Cursor& in) {
  TRY(in.take(4));
  TRY_ASSIGN(const auto type, in.little(4));
  TRY(in.take(20));
  TRY_ASSIGN(const auto size, in.little(4));
  TRY_ASSIGN(const auto body, in.take(size));
  if (type != kNoAction || !as_text(body).starts_with(kSpecId))
    return fail("the log does not start with a spec id event");
  Cursor spec(body, "spec id event");
  TRY(spec.take(16 + 4 + 4));
  TRY_ASSIGN(const auto algorithms, spec.little(4));
  TRY_ASSIGN(const auto algorithm, spec.little(2));
  TRY_ASSIGN(const auto digest_size, spec.little(2));
  if (algorithms != 1 || algorithm != kSha384 || digest_size != 48)
    return fail("the log's digests are not SHA-384 alone");
  return {};
}

// Behind the last event the area is zeros or ones.
bool is_filling(BytesView rest) {
  return rest.size() < 8 || load_little(rest.first(4)) == 0 || load_little(rest.first(4)) == 0xffffffff;
}

Result<std::optional<LoggedEvent>> read_ccel_event(Cursor& in) {
  TRY_ASSIGN(const auto register_index, in.little(4));
  TRY_ASSIGN(const auto type, in.little(4));
  TRY_ASSIGN(const auto digests, in.little(4));
  if (digests != 1) return fail("an event with {} digests", digests);
  TRY_ASSIGN(const auto algorithm, in.little(2));
  if (algorithm != kSha384) return fail("an event with a digest of algorithm {:#x}", algorithm);
  LoggedEvent out;
  TRY_ASSIGN(out.digest, in.fixed<48>());
  TRY_ASSIGN(const auto size, in.little(4));
  TRY_ASSIGN(const auto content, in.take(size));
  if (type == kNoAction) return std::nullopt;
  if (register_index < 1 || register_index > 4) return fail("an event of measurement register {}", register_index);
  out.rtmr = static_cast<unsigned>(register_index - 1);
  out.type = static_cast<std::uint32_t>(type);
  out.content = to_bytes(content);
  judge_content(out);
  return out;
}

// --- Application logs

const json::string* text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_string() : nullptr;
}

std::optional<std::uint32_t> number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value || !value->is_int64()) return std::nullopt;
  const auto number = value->get_int64();
  if (number < 0 || number > 0xffffffff) return std::nullopt;
  return static_cast<std::uint32_t>(number);
}

// SHA-384(type as 4 bytes, ":", name, ":", content)
Bits384 application_digest(const LoggedEvent& event) {
  Bytes bound;
  for (int shift = 0; shift < 32; shift += 8) bound.push_back(static_cast<std::uint8_t>(event.type >> shift));
  append(bound, as_bytes(":" + event.name + ":"));
  append(bound, event.content);
  return sha384(bound);
}

Result<LoggedEvent> read_application_event(const json::value& value) {
  const auto* object = value.if_object();
  if (!object) return fail("an event that is no object");
  const auto register_index = number_of(*object, "imr"), type = number_of(*object, "event_type");
  const auto *digest = text_of(*object, "digest"), *name = text_of(*object, "event"),
             *payload = text_of(*object, "event_payload");
  if (!register_index || *register_index > 3 || !type || !digest || !name || !payload)
    return fail("an event without imr 0 to 3, event_type, digest, event or event_payload");
  LoggedEvent out;
  out.rtmr = *register_index;
  out.type = *type;
  out.name.assign(name->data(), name->size());
  TRY_ASSIGN(out.digest, fixed_from_hex<48>({digest->data(), digest->size()}));
  TRY_ASSIGN(out.content, from_hex({payload->data(), payload->size()}));
  if (out.type == kApplicationEvent)
    out.content_proven = application_digest(out) == out.digest;
  else
    out.name.clear();  // nothing proves a name that firmware did not measure
  return out;
}

}  // namespace

const LoggedEvent* EventLog::altered() const {
  const auto at = std::ranges::find(events, std::optional(false), &LoggedEvent::content_proven);
  return at == events.end() ? nullptr : &*at;
}

const LoggedEvent* EventLog::find(std::string_view name) const {
  const LoggedEvent* found = nullptr;
  for (const auto& event : events) {
    if (event.name != name || event.content_proven != true) continue;
    if (found) return nullptr;
    found = &event;
  }
  return found;
}

Result<EventLog> parse_ccel(BytesView bytes) {
  if (bytes.size() > kMaxEventLog) return fail("an event log of {} bytes, at most {}", bytes.size(), kMaxEventLog);
  Cursor in(bytes, "event log");
  TRY(read_spec_id(in));
  EventLog out;
  while (!in.empty() && !is_filling(in.rest())) {
    TRY_ASSIGN(auto event, read_ccel_event(in));
    if (!event) continue;
    if (out.events.size() >= kMaxEvents) return fail("more than {} events", kMaxEvents);
    out.events.push_back(*std::move(event));
  }
  return out;
}

Result<EventLog> parse_application_log(BytesView bytes) {
  if (bytes.size() > kMaxEventLog) return fail("an event log of {} bytes, at most {}", bytes.size(), kMaxEventLog);
  boost::system::error_code error;
  const auto text = as_text(bytes);
  const auto document = json::parse(json::string_view(text.data(), text.size()), error);
  const auto* list = error ? nullptr : document.if_array();
  if (!list || list->size() > kMaxEvents) return fail("the event log is no JSON list of at most {} events", kMaxEvents);
  EventLog out;
  for (const auto& entry : *list) {
    TRY_ASSIGN(auto event, read_application_event(entry));
    out.events.push_back(std::move(event));
  }
  return out;
}

std::array<Bits384, 4> replay(const EventLog& log) {
  std::array<Bits384, 4> out;
  for (const auto& event : log.events) {
    auto& rtmr = out[event.rtmr];
    Bytes extended = to_bytes(rtmr.view());
    append(extended, event.digest.view());
    rtmr = sha384(extended);
  }
  return out;
}

std::vector<unsigned> replay_mismatches(const EventLog& log, const std::array<Bits384, 4>& expected) {
  const auto found = replay(log);
  std::vector<unsigned> out;
  for (unsigned i = 0; i < 4; ++i)
    if (found[i] != expected[i]) out.push_back(i);
  return out;
}

}  // namespace cocoon::tee
