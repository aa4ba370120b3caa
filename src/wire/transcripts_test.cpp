// Every frame and peer record of the recorded sessions decodes and encodes back to the same bytes.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "wire/frame.hpp"
#include "wire/packet.hpp"
#include "wire/peer_record.hpp"
#include "wire/testdata/all_messages.hpp"
#include "wire/testdata/load.hpp"

namespace cocoon::wire {
namespace {

using testdata::AllMessages;
namespace json = boost::json;

struct Counts {
  std::size_t frames = 0, malformed = 0, tolerated = 0, records = 0, envelopes = 0;
};

std::string name_of(const AllMessages& m) {
  return std::visit([](const auto& one) { return std::string(one.kName); }, m);
}

std::string name_in(const json::value& decoded, std::string_view key) {
  const auto* inner = decoded.as_object().if_contains(key);
  if (inner == nullptr || !inner->is_object() || !inner->as_object().contains("_")) return "";
  return json::value_to<std::string>(inner->at("_"));
}

// Decode, encode, compare; then the same for the object inside, whose name the recording tells.
Result<> check_object(BytesView object, const std::string& name, bool exact) {
  TRY_ASSIGN(const auto message, decode_any<AllMessages>(object));
  if (!name.empty() && name_of(message) != name) return fail("{} instead of {}", name_of(message), name);
  if (exact && encode(message) != to_bytes(object)) return fail("{} encodes differently", name_of(message));
  return {};
}

// The http envelope inside a request or a first answer.
Result<> check_envelope(BytesView object, Counts& counts) {
  TRY_ASSIGN(const auto message, decode_any<AllMessages>(object));
  const std::string name = name_of(message);
  const Bytes* envelope = std::visit(
      [&](const auto& m) -> const Bytes* {
        if constexpr (requires { m.query; }) return &m.query;
        if constexpr (requires { m.answer; })
          return name.ends_with("queryAnswerEx") || name.ends_with("queryAnswer") ? &m.answer : nullptr;
        return nullptr;
      },
      message);
  if (envelope == nullptr) return {};
  ++counts.envelopes;
  return check_object(*envelope, "", true);
}

Result<> check_frame(BytesView raw, const json::value& decoded, bool exact, Counts& counts) {
  const BytesView payload = raw.subspan(kFrameHeader);
  TRY(check_object(payload, decoded.is_object() ? name_in(decoded, "packet") : "", exact));
  TRY_ASSIGN(const auto view, view_packet(payload));
  if (view.data.empty()) return {};
  TRY(check_object(view.data, decoded.is_object() ? name_in(decoded.at("packet"), "data") : "", exact));
  return check_envelope(view.data, counts);
}

void check_entry(const json::object& entry, const std::string& where, Counts& counts) {
  const std::string layer = json::value_to<std::string>(entry.at("layer"));
  const std::string remark = entry.contains("remark") ? json::value_to<std::string>(entry.at("remark")) : "";
  if (layer == "record") {
    const Bytes raw = from_hex(json::value_to<std::string>(entry.at("hex"))).value();
    const auto record = decode_peer_record(BytesView(raw).subspan(4));
    ASSERT_TRUE(record) << where << record.error().what;
    EXPECT_EQ(record->form, PeerRecord::Form::december_2025);
    EXPECT_EQ(encode_peer_record(*record), raw) << where;
    ++counts.records;
  } else if (layer == "frame") {
    const Bytes raw = from_hex(json::value_to<std::string>(entry.at("hex"))).value();
    const bool malformed = remark.starts_with("malformed");
    const bool lazy = remark.find("padding") != std::string::npos || remark.find("shortest") != std::string::npos;
    const auto result = raw.size() < kFrameHeader + 4 ? Result<>(fail("empty payload"))
                                                      : check_frame(raw, entry.at("decoded"), !lazy, counts);
    EXPECT_EQ(result.has_value(), !malformed) << where << remark << (result ? "" : ": " + result.error().what);
    counts.frames += !malformed;
    counts.malformed += malformed;
    counts.tolerated += lazy;
  }
}

TEST(Transcripts, EveryFrameDecodesAndEncodesToTheSameBytes) {
  Counts counts;
  const auto files = testdata::transcripts();
  ASSERT_GE(files.size(), 5u);
  for (const auto& file : files) {
    const json::value entries = json::parse(testdata::read_text(file));
    std::size_t line = 1;
    for (const auto& entry : entries.as_array())
      check_entry(entry.as_object(), file.filename().string() + " entry " + std::to_string(line++) + ": ", counts);
  }
  std::cout << "[          ] " << files.size() << " files: " << counts.frames << " frames, " << counts.malformed
            << " malformed ones refused, " << counts.records << " peer records, " << counts.envelopes << " envelopes\n";
  EXPECT_GE(counts.frames, 150u);
  EXPECT_GE(counts.malformed, 5u);
  EXPECT_EQ(counts.tolerated, 2u);
  EXPECT_GE(counts.records, 4u);
  EXPECT_GE(counts.envelopes, 20u);
}

// Each direction of a connection as one stream, in pieces of every small size: the reader finds the same payloads.
TEST(Transcripts, FramesAreFoundHoweverTheStreamIsCut) {
  const json::value entries =
      json::parse(testdata::read_text(testdata::folder() / "transcripts/client-handshake.json"));
  std::map<std::string, std::vector<Bytes>> directions;
  for (const auto& entry : entries.as_array())
    if (entry.at("layer") == "frame")
      directions[json::value_to<std::string>(entry.at("conn")) + json::value_to<std::string>(entry.at("from"))]
          .push_back(from_hex(json::value_to<std::string>(entry.at("hex"))).value());
  ASSERT_GE(directions.size(), 2u);
  for (const auto& [name, frames] : directions) {
    Bytes stream;
    for (const auto& f : frames) append(stream, f);
    for (std::size_t piece = 1; piece < 70; ++piece) {
      FrameReader reader;
      std::size_t found = 0;
      for (std::size_t at = 0; at < stream.size(); at += piece) {
        reader.push(BytesView(stream).subspan(at, std::min(piece, stream.size() - at)));
        for (;;) {
          const auto next = reader.next();
          ASSERT_TRUE(next) << next.error().what;
          if (!*next) break;
          EXPECT_TRUE(std::ranges::equal(**next, BytesView(frames.at(found)).subspan(kFrameHeader)));
          ++found;
        }
      }
      EXPECT_EQ(found, frames.size()) << name;
    }
  }
}

}  // namespace
}  // namespace cocoon::wire
