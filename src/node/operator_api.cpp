#include "node/operator_api.hpp"

#include <charconv>
#include <optional>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "crypto/crypto.hpp"
#include "node/secrets.hpp"

namespace cocoon::node {

namespace json = boost::json;

// What is known of an order so far. The coroutine that answers waits on `changed` until the outcome or its deadline.
struct OperatorApi::Pending {
  explicit Pending(const net::Executor& executor) : changed(executor, net::SteadyTime::max()) {}
  std::optional<Result<role::Plan>> plan;
  std::optional<Result<std::string>> outcome;
  bool gone = false;  // the caller left
  net::asio::steady_timer changed;
};

struct OperatorApi::Refusal {
  int status = 0;
  std::string why;
};

namespace {

constexpr std::string_view kScheme = "Bearer ";

std::string error_body(const std::string& why) {
  return json::serialize(json::object{{"error", json::object{{"message", why}}}}) + "\n";
}

net::HttpHeaders json_headers() {
  return net::HttpHeaders::content_type("application/json").with("Cache-Control", "no-store");
}

bool from_this_machine(std::string_view peer) { return peer.starts_with("127.") || peer.starts_with("[::1]"); }

// The wallet gets back what an operation neither moves nor burns.
std::uint64_t comes_back(const role::PlannedMessage& m) {
  const auto gone = m.moved + m.fees;
  return m.attached > gone ? m.attached - gone : 0;
}

json::object message_object(const role::PlannedMessage& m) {
  json::object out{{"operation", m.operation},    {"to", ton::to_friendly_text(m.to)},
                   {"attached_nano", m.attached}, {"moved_nano", m.moved},
                   {"fees_nano", m.fees},         {"comes_back_nano", comes_back(m)},
                   {"arrives_nano", m.arrives}};
  if (m.arrives_at) out["arrives_at"] = ton::to_friendly_text(*m.arrives_at);
  out["effect"] = m.effect;
  return out;
}

json::object plan_object(const role::Plan& plan) {
  json::array messages;
  std::uint64_t attached = 0, moved = 0, fees = 0, back = 0, arrives = 0;
  for (const auto& m : plan.messages) {
    messages.push_back(message_object(m));
    attached += m.attached;
    moved += m.moved;
    fees += m.fees;
    back += comes_back(m);
    arrives += m.arrives;
  }
  return {{"messages", messages},
          {"totals", json::object{{"attached_nano", attached},
                                  {"moved_nano", moved},
                                  {"fees_nano", fees},
                                  {"comes_back_nano", back},
                                  {"arrives_nano", arrives}}},
          {"note", plan.note}};
}

// A field of the form as a number; nothing given is `fallback`.
Result<std::uint64_t> number(std::string_view form, std::string_view name, std::uint64_t fallback) {
  const auto text = net::query_value(form, name);
  if (text.empty()) return fallback;
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return fail("{}: a whole number expected", name);
  return out;
}

struct Wanted {
  role::Order order;
  std::chrono::seconds wait{0};
};

Result<Wanted> read_form(std::string_view form, const OperatorRoutes::Order& route) {
  Wanted out;
  out.order.kind = route.kind;
  TRY_ASSIGN(out.order.amount, number(form, "amount", 0));
  if (out.order.amount != 0 && !route.takes_amount) return fail("amount: this order takes none");
  TRY_ASSIGN(const auto dry, number(form, "dry_run", 0));
  if (dry > 1) return fail("dry_run: 0 or 1 expected");
  out.order.dry_run = dry == 1;
  TRY_ASSIGN(const auto wait, number(form, "wait", 0));
  const auto longest = static_cast<std::uint64_t>(OperatorApi::kLongestWait.count());
  if (wait > longest) return fail("wait: at most {} seconds", longest);
  out.wait = std::chrono::seconds(wait);
  if (route.contract_field.empty()) return out;
  const auto contract = net::query_value(form, route.contract_field);
  if (contract.empty()) return out;
  auto address = ton::address_from_text(contract);
  if (!address) return std::unexpected(std::move(address).error().within(route.contract_field));
  out.order.contract = *address;
  return out;
}

}  // namespace

OperatorApi::OperatorApi(net::Executor executor, bool get_forms, OperatorRoutes routes)
    : executor_(std::move(executor)), get_forms_(get_forms), routes_(std::move(routes)) {}

Result<std::shared_ptr<OperatorApi>> OperatorApi::make(net::Executor executor, const std::string& secret_file,
                                                       bool get_forms, OperatorRoutes routes) {
  std::shared_ptr<OperatorApi> out(new OperatorApi(std::move(executor), get_forms, std::move(routes)));
  if (secret_file.empty()) return out;
  auto secret = load_or_create_seed(secret_file);
  if (!secret) return std::unexpected(std::move(secret).error().within("operator.secret_file"));
  out->secret_ = to_hex(*secret);
  return out;
}

bool OperatorApi::owns(std::string_view path) const {
  return routes_.actions.contains(path) || routes_.orders.contains(path);
}

std::optional<OperatorApi::Refusal> OperatorApi::check(const net::HttpRequest& request) const {
  if (request.method != "POST" && !get_forms_) return Refusal{405, "operator requests are POST only"};
  if (secret_.empty()) return Refusal{403, "operator requests are off: operator.secret_file is not configured"};
  if (!from_this_machine(request.peer))
    return Refusal{403, "operator requests are answered on this machine only (through ssh, for instance)"};
  std::string given = get_forms_ ? net::query_value(request.query(), "access_hash") : std::string();
  if (given.empty()) {
    const auto header = request.headers.get("authorization");
    if (header.empty()) return Refusal{401, "the operator's secret is missing: Authorization: Bearer SECRET"};
    if (starts_ignoring_case(header, kScheme)) given = header.substr(kScheme.size());
  }
  if (!crypto::equal_constant_time(as_bytes(given), as_bytes(secret_)))
    return Refusal{403, "this is not the operator's secret"};
  if (closed_) return Refusal{503, "the node is stopping"};
  return std::nullopt;
}

net::Task<> OperatorApi::answer(std::shared_ptr<OperatorApi> self, const net::HttpRequest& request,
                                net::HttpResponder& responder) {
  auto headers = json_headers();
  if (const auto refusal = self->check(request)) {
    if (refusal->status == 405) headers.add("Allow", "POST");
    if (refusal->status == 401) headers.add("WWW-Authenticate", "Bearer");
    co_await responder.respond(refusal->status, std::move(headers), error_body(refusal->why));
    co_return;
  }
  const auto path = request.path();
  const auto form = self->get_forms_ && request.body.empty() ? request.query() : std::string_view(request.body);
  if (const auto action = self->routes_.actions.find(path); action != self->routes_.actions.end()) {
    const auto done = action->second(form);
    const int status = done ? 200 : 400;
    auto body = done ? json::serialize(json::object{{"state", "done"}, {"outcome", *done}}) + "\n"
                     : error_body(done.error().what);
    co_await responder.respond(status, std::move(headers), std::move(body));
    co_return;
  }
  co_await self->order(form, responder, self->routes_.orders.find(path)->second);
}

net::Task<> OperatorApi::order(std::string_view form, net::HttpResponder& responder,
                               const OperatorRoutes::Order& route) {
  auto wanted = read_form(form, route);
  int status = 200;
  std::string refusal;
  if (!wanted) {
    status = 400;
    refusal = wanted.error().what;
  } else if (pending_.size() >= kMaxOrders) {
    status = 429;
    refusal = fmt::format("{} orders are under way already", pending_.size());
  }
  if (status != 200) {
    co_await responder.respond(status, json_headers(), error_body(refusal));
    co_return;
  }
  const auto id = next_id_++;
  const auto pending = std::make_shared<Pending>(executor_);
  pending_.emplace(id, pending);
  const bool dry = wanted->order.dry_run;
  wanted->order.id = id;
  routes_.submit(wanted->order);

  const auto until = std::chrono::steady_clock::now() + wanted->wait;
  const auto settled = [&] {
    if (closed_ || pending->gone || (pending->plan && !*pending->plan)) return true;
    if (!pending->plan) return false;  // the core answers each order within one event: this wait has an end
    return dry || pending->outcome || std::chrono::steady_clock::now() >= until;
  };
  responder.on_client_gone([pending] {
    pending->gone = true;
    pending->changed.cancel();
  });
  while (!settled()) {
    pending->changed.expires_at(pending->plan ? until : net::SteadyTime::max());
    co_await pending->changed.async_wait(net::no_throw);
  }
  responder.on_client_gone(nullptr);
  pending_.erase(id);

  if (!pending->plan || !*pending->plan) {
    status = pending->plan ? 409 : 503;
    refusal = pending->plan ? pending->plan->error().what : "the node is stopping";
    co_await responder.respond(status, json_headers(), error_body(refusal));
    co_return;
  }
  auto body = plan_object(**pending->plan);
  body["state"] = dry ? "planned" : !pending->outcome ? "sent" : *pending->outcome ? "done" : "failed";
  if (pending->outcome) body["outcome"] = *pending->outcome ? **pending->outcome : pending->outcome->error().what;
  co_await responder.respond(status, json_headers(), json::serialize(body) + "\n");
}

void OperatorApi::wake(role::OrderId id) {
  if (const auto it = pending_.find(id); it != pending_.end()) it->second->changed.cancel();
}

void OperatorApi::deliver(role::OrderAnswer e) {
  if (const auto it = pending_.find(e.id); it != pending_.end()) it->second->plan = std::move(e.plan);
  wake(e.id);
}

void OperatorApi::deliver(role::OrderDone e) {
  if (const auto it = pending_.find(e.id); it != pending_.end()) it->second->outcome = std::move(e.outcome);
  wake(e.id);
}

void OperatorApi::close() {
  closed_ = true;
  for (auto& [id, pending] : pending_) pending->changed.cancel();
}

}  // namespace cocoon::node
