#include "tee/event_log.hpp"

#include <gtest/gtest.h>

#include "tee/p256.hpp"

namespace cocoon::tee {
namespace {

void put(Bytes& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

Bytes spec_id() {
  Bytes body = to_bytes("Spec ID Event03");
  body.push_back(0);
  put(body, 0, 4);
  put(body, 0x02000200, 4);
  put(body, 1, 4);
  put(body, 0x0c, 2);
  put(body, 48, 2);
  put(body, 0, 1);
  Bytes out;
  put(out, 1, 4);
  put(out, 3, 4);
  out.resize(28, 0);
  put(out, body.size(), 4);
  append(out, body);
  return out;
}

void add(Bytes& log, std::uint32_t index, std::uint32_t type, const Bits384& digest, BytesView content) {
  put(log, index, 4);
  put(log, type, 4);
  put(log, 1, 4);
  put(log, 0x0c, 2);
  append(log, digest.view());
  put(log, content.size(), 4);
  append(log, content);
}
void add(Bytes& log, std::uint32_t index, std::uint32_t type, std::string_view content) {
  add(log, index, type, sha384(as_bytes(content)), as_bytes(content));
}

Bits384 extended(const Bits384& rtmr, const Bits384& digest) {
  Bytes both = to_bytes(rtmr.view());
  append(both, digest.view());
  return sha384(both);
}

constexpr std::uint32_t kAction = 0x80000007, kDriverConfig = 0x80000001, kImage = 0x80000003, kIpl = 0xd;

TEST(Ccel, ReplayGivesTheRegisters) {
  auto log = spec_id();
  add(log, 1, kDriverConfig, "SecureBoot");
  add(log, 2, kAction, "Calling EFI Application from Boot Option");
  add(log, 2, 3, "no action: extends nothing");
  const auto image = sha384(as_bytes("an image that is not in the log"));
  add(log, 2, kImage, image, as_bytes("where it was loaded"));
  add(log, 3, kIpl, sha384(as_bytes("linux /vmlinuz")), as_bytes(std::string_view("grub_cmd: linux /vmlinuz\0", 25)));
  log.resize(log.size() + 1000, 0xff);
  const auto parsed = parse_ccel(log);
  ASSERT_TRUE(parsed) << parsed.error().what;
  ASSERT_EQ(parsed->events.size(), 4u);
  EXPECT_EQ(parsed->altered(), nullptr);
  std::array<Bits384, 4> expected;
  expected[0] = extended({}, sha384(as_bytes("SecureBoot")));
  expected[1] = extended(extended({}, sha384(as_bytes("Calling EFI Application from Boot Option"))), image);
  expected[2] = extended({}, sha384(as_bytes("linux /vmlinuz")));
  EXPECT_EQ(replay(*parsed), expected);
  EXPECT_TRUE(replay_mismatches(*parsed, expected).empty());
  expected[2][0] ^= 1;
  expected[3][0] ^= 1;
  EXPECT_EQ(replay_mismatches(*parsed, expected), (std::vector<unsigned>{2, 3}));
  EXPECT_FALSE(parsed->events[2].content_proven.has_value()) << "the digest of an image says nothing about the event";
}

TEST(Ccel, AContentThatWasNotMeasuredIsSeen) {
  for (const auto type : {kDriverConfig, kAction, 0x4u, 0x80000006u, 0x800000E0u, 0x8000000Cu, 0x80000002u}) {
    auto log = spec_id();
    add(log, 1, type, sha384(as_bytes("what was measured")), as_bytes("what the log says"));
    const auto parsed = parse_ccel(log).value();
    EXPECT_NE(parsed.altered(), nullptr) << type;
  }
  auto log = spec_id();
  add(log, 3, kIpl, sha384(as_bytes("quiet")), as_bytes("kernel_cmdline: init=/bin/sh"));
  EXPECT_NE(parse_ccel(log).value().altered(), nullptr);
}

TEST(Ccel, OfABootVariableItsValueIsMeasured) {
  Bytes variable(16, 7);
  put(variable, 2, 8);
  put(variable, 5, 8);
  append(variable, as_bytes(std::string_view("B\0o\0", 4)));
  append(variable, as_bytes("value"));
  auto log = spec_id();
  add(log, 1, 0x80000002, sha384(as_bytes("value")), variable);
  add(log, 1, 0x80000002, sha384(variable), variable);
  EXPECT_EQ(parse_ccel(log).value().altered(), nullptr);
  variable.back() ^= 1;
  log = spec_id();
  add(log, 1, 0x80000002, sha384(as_bytes("value")), variable);
  EXPECT_NE(parse_ccel(log).value().altered(), nullptr);
}

TEST(Ccel, HostileLogsAreErrors) {
  auto log = spec_id();
  const auto head = log.size();
  add(log, 1, kAction, "one");
  for (std::size_t n = 0; n < log.size(); ++n) {
    const bool whole = n >= head && n < head + 8;  // too little for an event is filling
    EXPECT_EQ(parse_ccel(BytesView(log).first(n)).has_value(), whole) << n;
  }
  auto wrong = spec_id();
  add(wrong, 5, kAction, "register 4");
  EXPECT_FALSE(parse_ccel(wrong));
  auto digests = log;
  digests[head + 8] = 2;
  EXPECT_FALSE(parse_ccel(digests));
  auto algorithm = log;
  algorithm[head + 12] = 0x0b;
  EXPECT_FALSE(parse_ccel(algorithm));
  EXPECT_FALSE(parse_ccel(Bytes(kMaxEventLog + 1)));
}

std::string application_event(std::string_view name, std::string_view payload, bool measured_right = true) {
  Bytes bound{1, 0, 0, 8};
  append(bound, as_bytes(fmt::format(":{}:{}", name, payload)));
  if (!measured_right) bound.push_back(0);
  return fmt::format(R"({{"imr":3,"event_type":134217729,"digest":"{}","event":"{}","event_payload":"{}"}})",
                     to_hex(sha384(bound).view()), name, to_hex(as_bytes(payload)));
}

TEST(ApplicationLog, NamesAreFoundWhereTheirContentIsProven) {
  const auto text = "[" + application_event("app-id", "abc") + "," + application_event("compose-hash", "def") + "]";
  const auto log = parse_application_log(as_bytes(text));
  ASSERT_TRUE(log) << log.error().what;
  EXPECT_EQ(log->altered(), nullptr);
  ASSERT_NE(log->find("compose-hash"), nullptr);
  EXPECT_EQ(as_text(log->find("compose-hash")->content), "def");
  EXPECT_EQ(log->find("none"), nullptr);
  const auto replayed = replay(*log);
  EXPECT_EQ(replayed[0], Bits384{});
  EXPECT_EQ(replayed[3], extended(extended({}, log->events[0].digest), log->events[1].digest));
}

TEST(ApplicationLog, AnAlteredOrRepeatedEventIsNotFound) {
  const auto altered = "[" + application_event("app-id", "abc", false) + "]";
  const auto log = parse_application_log(as_bytes(altered)).value();
  EXPECT_NE(log.altered(), nullptr);
  EXPECT_EQ(log.find("app-id"), nullptr);
  const auto twice = "[" + application_event("app-id", "a") + "," + application_event("app-id", "b") + "]";
  EXPECT_EQ(parse_application_log(as_bytes(twice)).value().find("app-id"), nullptr) << "which one?";
}

TEST(ApplicationLog, HostileLogsAreErrors) {
  for (const char* text :
       {"", "{}", "[1]", "[{}]", R"([{"imr":4,"event_type":1,"digest":"00","event":"","event_payload":""}])",
        R"([{"imr":0,"event_type":-1,"digest":"00","event":"","event_payload":""}])",
        R"([{"imr":0,"event_type":1,"digest":"00","event":"","event_payload":""}])"})
    EXPECT_FALSE(parse_application_log(as_bytes(text))) << text;
  EXPECT_FALSE(parse_application_log(as_bytes(std::string(100'000, '['))));
}

}  // namespace
}  // namespace cocoon::tee
