#include "tee/verdict_json.hpp"

#include <boost/json.hpp>

#include "tee/utc.hpp"

namespace cocoon::tee {
namespace {

namespace json = boost::json;

template <std::size_t N>
std::string hex(const FixedBytes<N>& bytes) {
  return to_hex(bytes.view());
}

json::array checks_of(const Verdict& v) {
  json::array out;
  for (const auto& check : v.checks) {
    json::object one{{"name", check.name}, {"state", to_string(check.state)}};
    if (!check.input.empty()) one["input"] = check.input;
    if (!check.reason.empty()) one["reason"] = check.reason;
    if (!check.why.empty()) one["why"] = check.why;
    out.push_back(std::move(one));
  }
  return out;
}

json::object measurements_of(const Verdict& v) {
  if (v.kind == TeeKind::tdx)
    return {{"mrtd", hex(v.tdx.mrtd)},       {"mrconfigid", hex(v.tdx.mrconfigid)},
            {"mrowner", hex(v.tdx.mrowner)}, {"mrownerconfig", hex(v.tdx.mrownerconfig)},
            {"rtmr0", hex(v.tdx.rtmr[0])},   {"rtmr1", hex(v.tdx.rtmr[1])},
            {"rtmr2", hex(v.tdx.rtmr[2])},   {"rtmr3", hex(v.tdx.rtmr[3])}};
  if (v.kind == TeeKind::snp) return {{"measurement", hex(v.snp.measurement)}};
  if (v.kind == TeeKind::sgx)
    return {{"mrenclave", hex(v.sgx.mrenclave)},
            {"mrsigner", hex(v.sgx.mrsigner)},
            {"isvprodid", v.sgx.isvprodid},
            {"isvsvn", v.sgx.isvsvn}};
  return {};
}

json::object window_of(const Verdict& v) {
  json::object out;
  if (v.fresh_from != Time::min()) out["from"] = to_utc(v.fresh_from);
  if (v.fresh_until != Time::max()) out["until"] = to_utc(v.fresh_until);
  return out;
}

}  // namespace

std::string to_json(const Verdict& v) {
  json::array advisories(v.advisories.begin(), v.advisories.end());
  const json::object out{
      {"accepted", v.accepted},
      {"summary", summary(v)},
      {"text", verdict_text(v)},
      {"reason", v.reason},
      {"problem", v.problem},
      {"advice", v.advice},
      {"kind", to_string(v.kind)},
      {"signer", v.signer},
      {"simulated", v.simulated},
      {"tcb", {{"status", to_string(v.tcb)}, {"advisories", advisories}, {"evaluation_number", v.evaluation_number}}},
      {"flags",
       {{"debug", v.debug},
        {"service_td", v.service_td},
        {"vmpl", v.vmpl},
        {"gpu", v.gpu},
        {"session_bound", v.session_bound}}},
      {"platform", {{"fmspc", hex(v.fmspc)}, {"id", to_hex(v.platform_id)}, {"tier", v.tier}}},
      {"image_hash", hex(v.image_hash)},
      {"measurements", measurements_of(v)},
      {"report_data", hex(v.report_data)},
      {"valid", window_of(v)},
      {"checks", checks_of(v)},
  };
  return json::serialize(out);
}

}  // namespace cocoon::tee
