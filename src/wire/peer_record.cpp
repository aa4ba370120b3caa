#include "wire/peer_record.hpp"

#include "tl/tl.hpp"

namespace cocoon::wire {
namespace {

constexpr std::int32_t kMarkerOldNone = 0;
constexpr std::int32_t kMarkerOldAttested = 1;
constexpr std::int32_t kMarkerCurrent = 2;
constexpr std::size_t kTdxReport = 8 * 48 + 64 + 48;
constexpr std::size_t kOldTdxReport = 8 * 48 + 64;
constexpr std::size_t kSevReport = 48 + 64;

void read_current(tl::Reader& in, PeerRecord& out) {
  const std::int32_t family = in.i32();
  if (family != 0 && family != 1) in.error("unknown family of evidence");
  out.family = family == 1 ? PeerRecord::Family::sev : PeerRecord::Family::tdx;
  out.report = to_bytes(in.take(family == 1 ? kSevReport : kTdxReport));
}

void read_old(tl::Reader& in, bool attested, PeerRecord& out) {
  out.form = PeerRecord::Form::december_2025;
  out.family = PeerRecord::Family::none;
  if (attested) {
    if (in.i32() != 0) in.error("unknown variant of evidence");
    out.family = PeerRecord::Family::tdx;
    out.report = to_bytes(in.take(kOldTdxReport));
  }
  out.old_root_key_id = in.fixed<48>();
}

void read_ends(tl::Reader& in, PeerRecord& out) {
  const BytesView key = in.bytes();
  if (in.ok() && key.size() != 32) in.error("public key is not 32 bytes");
  if (in.ok()) out.public_key = Bits256::from(key);
  in(out.source_ip, out.source_port, out.destination_ip, out.destination_port);
}

}  // namespace

Bytes encode_peer_record(const PeerRecord& record) {
  Bytes body;
  tl::Writer w(body);
  if (record.form == PeerRecord::Form::current) {
    w.i32(kMarkerCurrent);
    w.i32(record.family == PeerRecord::Family::sev ? 1 : 0);
    w.raw(record.report);
  } else {
    const bool attested = record.family != PeerRecord::Family::none;
    w.i32(attested ? kMarkerOldAttested : kMarkerOldNone);
    if (attested) w.i32(0);
    if (attested) w.raw(record.report);
    w.raw(record.old_root_key_id.view());
  }
  w.bytes(record.public_key.view());
  w(record.source_ip, record.source_port, record.destination_ip, record.destination_port);
  Bytes out;
  tl::Writer framed(out);
  framed.u32(static_cast<std::uint32_t>(body.size()));
  framed.raw(body);
  return out;
}

Result<PeerRecord> decode_peer_record(BytesView in) {
  tl::Reader r(in);
  PeerRecord out;
  const std::int32_t marker = r.i32();
  if (marker == kMarkerCurrent) {
    read_current(r, out);
  } else if (marker == kMarkerOldNone || marker == kMarkerOldAttested) {
    read_old(r, marker == kMarkerOldAttested, out);
  } else {
    r.error("unknown format marker");
  }
  read_ends(r, out);
  TRY(r.finish());
  return out;
}

Result<std::size_t> peer_record_size(BytesView length_word) {
  tl::Reader r(length_word);
  const std::uint32_t n = r.u32();
  TRY(r.finish());
  if (n > kMaxPeerRecord) return fail("peer record of {} bytes, at most {}", n, kMaxPeerRecord);
  return n;
}

}  // namespace cocoon::wire
