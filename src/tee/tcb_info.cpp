#include "tee/tcb_info.hpp"

#include <algorithm>
#include <tuple>

#include <boost/json.hpp>

#include "tee/utc.hpp"

namespace cocoon::tee {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxLevels = 256;
constexpr std::size_t kMaxAdvisories = 256;

// The members of one object; an error names the member.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  const json::value* find(std::string_view name) const { return object_.if_contains(name); }
  Result<std::string_view> text(std::string_view name) const {
    const auto* value = find(name);
    if (!value || !value->is_string() || value->get_string().size() > 256) return fail("{} is not a text", name);
    return std::string_view(value->get_string());
  }
  template <class N>
  Result<N> number(std::string_view name) const {
    const auto* value = find(name);
    if (!value || !value->is_int64() || value->get_int64() < 0 ||
        static_cast<std::uint64_t>(value->get_int64()) > std::numeric_limits<N>::max())
      return fail("{} is not a number in range", name);
    return static_cast<N>(value->get_int64());
  }
  template <std::size_t N>
  Result<FixedBytes<N>> hex(std::string_view name) const {
    TRY_ASSIGN(const auto digits, text(name));
    auto out = fixed_from_hex<N>(digits);
    if (!out) return std::unexpected(std::move(out).error().within(name));
    return *out;
  }
  Result<Time> time(std::string_view name) const {
    TRY_ASSIGN(const auto written, text(name));
    return parse_utc(written);
  }
  Result<Fields> object(std::string_view name) const {
    const auto* value = find(name);
    if (!value || !value->is_object()) return fail("{} is not an object", name);
    return Fields(value->get_object());
  }
  // Calls `take(Fields)` for each object of a list.
  template <class Take>
  Result<> each(std::string_view name, std::size_t limit, Take take) const {
    const auto* value = find(name);
    if (!value || !value->is_array() || value->get_array().size() > limit) return fail("{} is not a list", name);
    for (const auto& item : value->get_array()) {
      if (!item.is_object()) return fail("{} holds something that is not an object", name);
      TRY(take(Fields(item.get_object())));
    }
    return {};
  }

 private:
  const json::object& object_;
};

Result<> read_judgement(const Fields& level, TcbJudgement& out) {
  TRY_ASSIGN(const auto name, level.text("tcbStatus"));
  TRY_ASSIGN(out.status, parse_tcb_status(name));
  TRY_ASSIGN(out.date, level.time("tcbDate"));
  const auto* advisories = level.find("advisoryIDs");
  if (!advisories) return {};
  if (!advisories->is_array() || advisories->get_array().size() > kMaxAdvisories)
    return fail("advisoryIDs is not a list");
  for (const auto& id : advisories->get_array()) {
    if (!id.is_string() || id.get_string().size() > 64) return fail("advisoryIDs holds something that is not an id");
    out.advisories.emplace_back(id.get_string());
  }
  return {};
}

Result<> read_components(const Fields& tcb, std::string_view name, ComponentSvns& out) {
  std::size_t at = 0;
  TRY(tcb.each(name, out.size(), [&](const Fields& component) -> Result<> {
    TRY_ASSIGN(out[at], component.number<std::uint8_t>("svn"));
    ++at;
    return {};
  }));
  if (at != out.size()) return fail("{} has {} components", name, at);
  return {};
}

Result<TcbLevel> read_level(const Fields& level, const TcbInfo& info) {
  TcbLevel out;
  TRY(read_judgement(level, out));
  TRY_ASSIGN(const auto tcb, level.object("tcb"));
  TRY_ASSIGN(out.pcesvn, tcb.number<std::uint16_t>("pcesvn"));
  if (info.version == 2) {
    for (std::size_t i = 0; i < 16; ++i) {
      TRY_ASSIGN(out.sgx[i], tcb.number<std::uint8_t>(fmt::format("sgxtcbcomp{:02}svn", i + 1)));
    }
    return out;
  }
  TRY(read_components(tcb, "sgxtcbcomponents", out.sgx));
  if (info.tdx) TRY(read_components(tcb, "tdxtcbcomponents", out.tdx));
  return out;
}

Result<std::vector<IsvLevel>> read_isv_levels(const Fields& from) {
  std::vector<IsvLevel> out;
  TRY(from.each("tcbLevels", kMaxLevels, [&](const Fields& level) -> Result<> {
    IsvLevel one;
    TRY(read_judgement(level, one));
    TRY_ASSIGN(const auto tcb, level.object("tcb"));
    TRY_ASSIGN(one.isvsvn, tcb.number<std::uint16_t>("isvsvn"));
    out.push_back(std::move(one));
    return {};
  }));
  std::ranges::stable_sort(out, std::greater{}, &IsvLevel::isvsvn);
  return out;
}

Result<> read_module(const Fields& from, TdxModule& out) {
  TRY_ASSIGN(out.mrsigner, from.hex<48>("mrsigner"));
  TRY_ASSIGN(out.attributes, from.hex<8>("attributes"));
  TRY_ASSIGN(out.mask, from.hex<8>("attributesMask"));
  return {};
}

Result<> read_modules(const Fields& info, TcbInfo& out) {
  TRY_ASSIGN(const auto fields, info.object("tdxModule"));
  TdxModule module;
  TRY(read_module(fields, module));
  out.module = module;
  if (!info.find("tdxModuleIdentities")) return {};
  return info.each("tdxModuleIdentities", kMaxLevels, [&](const Fields& identity) -> Result<> {
    TdxModuleIdentity one;
    TRY_ASSIGN(one.id, identity.text("id"));
    TRY(read_module(identity, one));
    TRY_ASSIGN(one.levels, read_isv_levels(identity));
    out.modules.push_back(std::move(one));
    return {};
  });
}

Result<> read_info(const Fields& info, TcbInfo& out) {
  TRY_ASSIGN(out.version, info.number<unsigned>("version"));
  if (out.version != 2 && out.version != 3) return fail("version {}: 2 and 3 are supported", out.version);
  if (out.version == 3) {
    TRY_ASSIGN(const auto id, info.text("id"));
    if (id != "SGX" && id != "TDX") return fail("id \"{}\" is neither SGX nor TDX", id);
    out.tdx = id == "TDX";
  }
  TRY_ASSIGN(out.issued, info.time("issueDate"));
  TRY_ASSIGN(out.next_update, info.time("nextUpdate"));
  TRY_ASSIGN(out.fmspc, info.hex<6>("fmspc"));
  TRY_ASSIGN(out.pceid, info.hex<2>("pceId"));
  TRY_ASSIGN(const auto type, info.number<unsigned>("tcbType"));
  if (type != 0) return fail("tcbType {}: only 0 is supported", type);
  TRY_ASSIGN(out.evaluation_number, info.number<std::uint32_t>("tcbEvaluationDataNumber"));
  if (out.tdx) TRY(read_modules(info, out));
  TRY(info.each("tcbLevels", kMaxLevels, [&](const Fields& level) -> Result<> {
    TRY_ASSIGN(auto one, read_level(level, out));
    out.levels.push_back(std::move(one));
    return {};
  }));
  std::ranges::stable_sort(out.levels, [](const TcbLevel& a, const TcbLevel& b) {
    return std::tie(a.sgx, a.tdx, a.pcesvn) > std::tie(b.sgx, b.tdx, b.pcesvn);
  });
  return {};
}

Result<> read_identity(const Fields& identity, QeIdentity& out) {
  TRY_ASSIGN(out.id, identity.text("id"));
  TRY_ASSIGN(out.version, identity.number<unsigned>("version"));
  if (out.version != 2) return fail("version {}: 2 is supported", out.version);
  TRY_ASSIGN(out.issued, identity.time("issueDate"));
  TRY_ASSIGN(out.next_update, identity.time("nextUpdate"));
  TRY_ASSIGN(out.evaluation_number, identity.number<std::uint32_t>("tcbEvaluationDataNumber"));
  TRY_ASSIGN(out.miscselect, identity.hex<4>("miscselect"));
  TRY_ASSIGN(out.miscselect_mask, identity.hex<4>("miscselectMask"));
  TRY_ASSIGN(out.attributes, identity.hex<16>("attributes"));
  TRY_ASSIGN(out.attributes_mask, identity.hex<16>("attributesMask"));
  TRY_ASSIGN(out.mrsigner, identity.hex<32>("mrsigner"));
  TRY_ASSIGN(out.isvprodid, identity.number<std::uint16_t>("isvprodid"));
  TRY_ASSIGN(out.levels, read_isv_levels(identity));
  return {};
}

template <class Out>
Result<Out> read_document(BytesView document, std::string_view name, Result<> (*read)(const Fields&, Out&)) {
  TRY_ASSIGN(const auto opened, open_signed_json(document, name));
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 8;
  json::monotonic_resource memory;
  const auto value = json::parse(json::string_view(as_text(opened.body)), ec, &memory, options);
  if (ec || !value.is_object()) return fail("\"{}\" is not JSON", name);
  Out out;
  auto good = read(Fields(value.get_object()), out);
  if (!good) return std::unexpected(std::move(good).error().within(name));
  out.is_signed = opened.is_signed;
  return out;
}

// A status as the three things it may say besides "fine".
struct Needs {
  bool hardening = false, configuration = false, out_of_date = false;
};

Needs needs_of(TcbStatus status) {
  using enum TcbStatus;
  return {status == sw_hardening_needed || status == configuration_and_sw_hardening_needed,
          status == configuration_needed || status == configuration_and_sw_hardening_needed ||
              status == out_of_date_configuration_needed || status == td_relaunch_advised_configuration_needed,
          status == out_of_date || status == out_of_date_configuration_needed};
}

bool relaunch(TcbStatus status) {
  return status == TcbStatus::td_relaunch_advised || status == TcbStatus::td_relaunch_advised_configuration_needed;
}

}  // namespace

Result<TcbInfo> read_tcb_info(BytesView document) { return read_document<TcbInfo>(document, "tcbInfo", read_info); }

Result<QeIdentity> read_qe_identity(BytesView document) {
  return read_document<QeIdentity>(document, "enclaveIdentity", read_identity);
}

const TcbLevel* TcbInfo::match(const ComponentSvns& sgx, std::uint16_t pcesvn, const FixedBytes<16>* tdx_svns) const {
  const auto reaches = [](BytesView have, BytesView wanted) {
    return std::ranges::equal(have, wanted, std::ranges::greater_equal{});
  };
  for (const auto& level : levels) {
    if (!reaches(sgx, level.sgx) || pcesvn < level.pcesvn) continue;
    const std::size_t from = tdx_svns && (*tdx_svns)[1] > 0 ? 2 : 0;
    if (tdx_svns && !reaches(tdx_svns->view().subspan(from), BytesView(level.tdx).subspan(from))) continue;
    return &level;
  }
  return nullptr;
}

const TdxModuleIdentity* TcbInfo::module_of(std::uint8_t major) const {
  const auto id = fmt::format("TDX_{:02X}", major);
  const auto at = std::ranges::find(modules, id, &TdxModuleIdentity::id);
  return at == modules.end() ? nullptr : &*at;
}

const IsvLevel* match(const std::vector<IsvLevel>& levels, std::uint16_t isvsvn) {
  const auto at = std::ranges::find_if(levels, [&](const IsvLevel& level) { return level.isvsvn <= isvsvn; });
  return at == levels.end() ? nullptr : &*at;
}

bool is_out_of_date(TcbStatus status) { return needs_of(status).out_of_date; }

TcbStatus merge(TcbStatus a, TcbStatus b) {
  using enum TcbStatus;
  for (const auto worst : {revoked, not_supported, not_judged})
    if (a == worst || b == worst) return worst;
  const auto x = needs_of(a), y = needs_of(b);
  const bool configuration = x.configuration || y.configuration, hardening = x.hardening || y.hardening;
  if (x.out_of_date || y.out_of_date) return configuration ? out_of_date_configuration_needed : out_of_date;
  if (relaunch(a) || relaunch(b)) return configuration ? td_relaunch_advised_configuration_needed : td_relaunch_advised;
  if (configuration) return hardening ? configuration_and_sw_hardening_needed : configuration_needed;
  return hardening ? sw_hardening_needed : up_to_date;
}

TcbStatus relaunch_advised(TcbStatus current) { return merge(TcbStatus::td_relaunch_advised, current); }

}  // namespace cocoon::tee
