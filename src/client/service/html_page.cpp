// /stats as a page for people, and /perf: the same values as /jsonstats and /metrics, laid out.
#include <fmt/format.h>

#include "client/service/pages.hpp"

namespace cocoon::client {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string row(std::initializer_list<std::string_view> cells, std::string_view tag = "td") {
  std::string out = "<tr>";
  for (const auto cell : cells) out += fmt::format("<{0}>{1}</{0}>", tag, escaped(cell));
  return out + "</tr>\n";
}

std::string table(std::string_view title, std::initializer_list<std::string_view> head, const std::string& rows) {
  return fmt::format("<h2>{}</h2>\n<table>\n{}{}</table>\n", title, row(head, "th"), rows);
}

std::string ton_of(std::uint64_t nano) {
  return fmt::format("{}.{:09} TON", nano / 1'000'000'000, nano % 1'000'000'000);
}

std::string meters(const ApiStats& api, Time now) {
  std::string rows;
  for (const auto& [name, meter] : {std::pair<std::string_view, const Meter*>{"queries", &api.queries},
                                    {"success", &api.success},
                                    {"failed", &api.failed},
                                    {"bytes received", &api.bytes_received},
                                    {"bytes sent", &api.bytes_sent},
                                    {"seconds", &api.time}}) {
    const auto v = meter->values(now);
    rows += row({name, fmt::format("{:.0f}", v[0]), fmt::format("{:.2f}", v[1]), fmt::format("{:.2f}", v[3]),
                 fmt::format("{:.2f}", v[5])});
  }
  return table("Requests", {"", "total", "per second: 1 s", "1 min", "1 h"}, rows);
}

std::string connections(const NodeStatus& s) {
  std::string rows;
  for (const auto& c : s.core.connections)
    rows += row({c.address, c.stage, c.peer.tee, c.peer.verdict,
                 c.proxy_contract ? ton::to_friendly_text(*c.proxy_contract) : std::string(), c.last_error});
  return table("Proxies", {"address", "stage", "TEE", "verdict", "contract", "last error"}, rows);
}

std::string contracts(const NodeStatus& s) {
  std::string rows;
  for (const auto& c : s.core.money.contracts)
    rows += row({ton::to_friendly_text(c.self), ton::to_friendly_text(c.proxy_contract),
                 c.state ? ton_of(c.state->balance) : "not deployed", c.state ? ton_of(c.state->stake) : "",
                 std::to_string(c.max_tokens), c.operation});
  return table("Contracts", {"ours", "the proxy's", "paid ahead", "stake", "tokens used", "operation"}, rows);
}

}  // namespace

std::string html_page(const NodeStatus& s, const ApiStats& api, Time now) {
  std::string out =
      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>cocoon client</title>\n"
      "<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}"
      "td,th{border:1px solid #ccc;padding:2px 8px;text-align:left}</style></head><body>\n<h1>cocoon client</h1>\n";
  out += s.core.ready ? std::string("<p>ready</p>\n")
                      : fmt::format("<p>waiting for: {}</p>\n", escaped(s.core.waiting_for));
  const auto& money = s.core.money;
  out += fmt::format("<p>wallet {}, {}, chain seen {}, {} requests running</p>\n",
                     escaped(ton::to_friendly_text(money.wallet)),
                     money.wallet_balance ? ton_of(*money.wallet_balance) : std::string("not seen yet"),
                     s.chain_synced_at, s.core.running);
  out += meters(api, now) + connections(s) + contracts(s);
  std::string local;
  for (const auto& [key, value] : s.local) local += row({key, value});
  out += table("Configuration", {"key", "value"}, local);
  return out + "<p><a href=\"/jsonstats\">JSON</a>, <a href=\"/metrics\">metrics</a></p></body></html>\n";
}

std::string perf_page(const NodeStatus& s, const ApiStats& api) {
  std::string out = fmt::format("running {}\n", s.core.running);
  const auto add = [&](std::string_view name, const Histogram& h) {
    const double mean = h.count() == 0 ? 0 : h.sum() / static_cast<double>(h.count());
    out += fmt::format("{}: {} values, mean {:.6f} s\n", name, h.count(), mean);
    for (std::size_t i = 0; i < h.bounds().size(); ++i)
      out += fmt::format("  <= {:>7.3f} s  {}\n", h.bounds()[i], h.up_to(i));
  };
  add("first byte", api.first_byte);
  add("whole request", api.whole);
  return out;
}

}  // namespace cocoon::client
