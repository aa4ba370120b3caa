#include "node/wallet_page.hpp"

#include <boost/json.hpp>

namespace cocoon::node {

namespace json = boost::json;

std::string wallet_json(const WalletPage& w) {
  return json::serialize(json::object{{"address", ton::to_friendly_text(w.address)},
                                      {"balance", w.balance},
                                      {"seqno", w.seqno},
                                      {"pending_transactions_cnt", w.pending},
                                      {"waiting_for", w.waiting_for},
                                      {"last_refusal", w.last_refusal}});
}

namespace {

template <class T>
T number(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  json::error_code wrong;
  const T n = v == nullptr ? T{} : v->to_number<T>(wrong);
  return wrong ? T{} : n;
}

std::string text(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
}

}  // namespace

Result<WalletPage> wallet_of_status(std::string_view jsonstats) {
  json::error_code error;
  const auto whole = json::parse(json::string_view(jsonstats.data(), jsonstats.size()), error);
  const auto* page = error ? nullptr : whole.if_object();
  const auto* member = page == nullptr ? nullptr : page->if_contains("wallet");
  const auto* o = member == nullptr ? nullptr : member->if_object();
  if (o == nullptr) return fail("the status page shows no wallet");
  WalletPage w;
  TRY_ASSIGN(w.address, ton::address_from_text(text(*o, "address")));
  w.balance = number<std::uint64_t>(*o, "balance");
  w.seqno = number<std::uint32_t>(*o, "seqno");
  w.pending = number<std::uint64_t>(*o, "pending_transactions_cnt");
  w.waiting_for = text(*o, "waiting_for");
  w.last_refusal = text(*o, "last_refusal");
  return w;
}

}  // namespace cocoon::node
