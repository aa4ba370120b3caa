#include "net/http_client.hpp"

#include <map>

#include "net/address.hpp"
#include "net/http_channel.hpp"
#include "net/http_parser.hpp"
#include "net/https.hpp"

namespace cocoon::net {

using ChannelPtr = std::shared_ptr<HttpChannel>;

struct HttpClient::State : std::enable_shared_from_this<HttpClient::State> {
  State(Executor e, HttpClientOptions o) : executor(std::move(e)), options(std::move(o)) {}

  // A kept connection that is still alive and silent, or none.
  ChannelPtr take_idle(const std::string& host) {
    auto found = idle.find(host);
    while (found != idle.end() && !found->second.empty()) {
      auto channel = std::move(found->second.back());
      found->second.pop_back();
      channel->on_end(nullptr);
      channel->deadline().clear();
      if (!channel->ended() && !channel->closed() && channel->buffered().empty()) {
        channel->reused = true;
        return channel;
      }
      channel->close();
    }
    return nullptr;
  }

  void keep(const std::string& host, const ChannelPtr& channel) {
    if (channel->ended() || channel->closed() || !channel->buffered().empty()) return channel->close();
    auto& list = idle[host];
    if (list.size() >= options.max_idle_per_host) {
      list.front()->on_end(nullptr);
      list.front()->close();
      list.erase(list.begin());
    }
    list.push_back(channel);
    channel->deadline().set(options.idle_time);
    channel->on_end([weak = weak_from_this(), host, raw = channel.get()] {
      if (auto self = weak.lock()) self->forget(host, raw);
    });
  }

  void forget(const std::string& host, const HttpChannel* channel) {
    auto found = idle.find(host);
    if (found == idle.end()) return;
    auto& list = found->second;
    const auto at = std::ranges::find_if(list, [&](const ChannelPtr& c) { return c.get() == channel; });
    if (at == list.end()) return;
    const auto last_reference = *at;  // the caller is a method of it
    list.erase(at);
    last_reference->close();
    if (list.empty()) idle.erase(found);
  }

  Result<std::shared_ptr<HttpsTrust>> roots() {
    if (!trust) {
      TRY_ASSIGN(trust, HttpsTrust::make(options.ca_file));
    }
    return trust;
  }

  Executor executor;
  HttpClientOptions options;
  std::map<std::string, std::vector<ChannelPtr>> idle;  // by "host:port" or "https://host:port"
  std::shared_ptr<HttpsTrust> trust;                    // made when it is first needed
};

// One exchange, from send() to the end of the body.
struct HttpAnswer::State : std::enable_shared_from_this<HttpAnswer::State> {
  State(std::shared_ptr<HttpClient::State> c, const HttpCall& call)
      : client(std::move(c)), whole(client->executor, [this] { give_up(net_timeout); }), cancel(call.cancel) {}
  ~State() {
    if (cancel) cancel->on_request(nullptr);
    if (channel) channel->close();
  }

  void give_up(int code) {
    if (finished || reason != 0) return;
    reason = code;
    if (abandon_connect) abandon_connect();
    if (channel) channel->close();
  }
  void arm(const HttpCall& call) {
    if (call.deadline) whole.set(*call.deadline);
    if (cancel)
      cancel->on_request([weak = weak_from_this()] {
        if (auto self = weak.lock()) self->give_up(net_cancelled);
      });
  }
  std::unexpected<Error> lost(std::string_view doing) const {
    if (reason == net_cancelled) return fail(net_cancelled, "{}: cancelled", doing);
    if (reason == net_timeout || (channel && channel->timed_out()))
      return fail(net_timeout, "{}: no answer in time", doing);
    return fail(net_closed, "{}: the connection was closed", doing);
  }

  Task<Result<>> connect(HttpUrl url);
  static Task<Result<HttpAnswer>> exchange_heads(std::shared_ptr<State>, HttpUrl, HttpCall);
  Task<Result<>> read_head(bool to_head_request);
  void body_finished();

  std::shared_ptr<HttpClient::State> client;
  std::string host;  // "host:port" or "https://host:port"
  ChannelPtr channel;
  std::optional<HttpParser> parser;
  Watchdog whole;  // the call's own deadline
  std::shared_ptr<Cancellation> cancel;
  std::function<void()> abandon_connect;
  int reason = 0;  // why we gave up
  bool finished = false;
};

// The handshake; whoever wants it to end closes the socket.
static Task<Result<>> secure(tcp::socket& socket, HttpsSession& tls) {
  Bytes out, in(8 * 1024);
  while (true) {
    const auto done = tls.handshake();
    tls.take_output(out);
    if (!out.empty()) {
      const auto [ec, n] = co_await asio::async_write(socket, asio::buffer(out), no_throw);
      static_cast<void>(n);
      if (done && ec) co_return fail(net_closed, "the connection was closed in the TLS handshake");
    }
    if (!done) co_return std::unexpected(done.error());
    if (*done) co_return Result<>{};
    const auto [ec, n] = co_await socket.async_read_some(asio::buffer(in), no_throw);
    if (ec) co_return fail(net_closed, "the connection was closed in the TLS handshake");
    tls.feed(BytesView(in).first(n));
  }
}

Task<Result<>> HttpAnswer::State::connect(HttpUrl url) {
  std::unique_ptr<HttpsSession> tls;
  if (url.tls) {
    CO_TRY_ASSIGN(const auto trust, client->roots());
    CO_TRY_ASSIGN(tls, HttpsSession::make(trust, url.host));
  }
  tcp::socket socket(client->executor);
  tcp::resolver resolver(client->executor);
  bool late = false;
  const auto stop = [&] {
    boost::system::error_code ignored;
    resolver.cancel();
    socket.close(ignored);
  };
  abandon_connect = stop;
  Watchdog limit(client->executor, [&] {
    late = true;
    stop();
  });
  limit.set(client->options.connect_time);
  std::vector<tcp::endpoint> targets;
  boost::system::error_code literal;
  const auto ip = asio::ip::make_address(url.host, literal);
  if (!literal) {
    targets.emplace_back(ip, url.port);
  } else {
    auto [ec, found] = co_await resolver.async_resolve(url.host, std::to_string(url.port), no_throw);
    for (const auto& entry : found) targets.push_back(entry.endpoint());
  }
  boost::system::error_code last = asio::error::host_not_found;
  for (const auto& target : targets) {
    if (late || reason != 0) break;
    boost::system::error_code ignored;
    socket.close(ignored);
    const auto [ec] = co_await socket.async_connect(target, no_throw);
    last = ec;
    if (!ec) break;
  }
  Result<> secured;
  if (tls && !last && !late && reason == 0) secured = co_await secure(socket, *tls);
  abandon_connect = nullptr;
  if (reason != 0) co_return lost("connecting");
  if (late) co_return fail(net_timeout, "{} does not answer", host);
  if (last) co_return fail(net_refused, "cannot reach {}: {}", host, last.message());
  if (!secured) co_return std::unexpected(std::move(secured).error().within(host));
  channel = std::make_shared<HttpChannel>(std::move(socket), client->options.max_header + 1024u, std::move(tls));
  channel->start();
  co_return Result<>{};
}

static Result<std::string> compose_request(const HttpUrl& url, const HttpCall& call) {
  const bool token = !call.method.empty() && is_valid_header({call.method, {}});
  if (!token) return fail(net_invalid, "'{}' is not an HTTP method", call.method);
  std::string head;
  head.reserve(512);
  head.append(call.method).append(" ").append(url.target).append(" HTTP/1.1\r\n");
  if (!call.headers.has("host")) {
    head.append("Host: ").append(url.host);
    if (url.port != (url.tls ? 443 : 80)) head.append(":").append(std::to_string(url.port));
    head.append("\r\n");
  }
  for (const auto& header : call.headers) {
    if (is_hop_by_hop(header.name)) continue;
    if (!is_valid_header(header)) return fail(net_invalid, "header '{}' cannot be written", header.name);
    head.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  if (!call.body.empty() || call.method == "POST" || call.method == "PUT")
    head.append("Content-Length: ").append(std::to_string(call.body.size())).append("\r\n");
  head.append("\r\n");
  return head;
}

// Reads until the headers of the final answer; interim answers (1xx) are passed over.
Task<Result<>> HttpAnswer::State::read_head(bool to_head_request) {
  const auto& options = client->options;
  const HttpLimits limits{.header = options.max_header, .body = options.max_body};
  channel->deadline().set(options.header_time);
  for (int interim = 0; interim < 8; ++interim) {
    parser.emplace(HttpParser::Kind::response, limits, to_head_request);
    while (!parser->header_complete()) {
      CO_TRY_ASSIGN(const auto taken, parser->feed(channel->buffered()));
      channel->consume(taken);
      if (parser->header_complete()) break;
      if (taken > 0 && !channel->buffered().empty()) continue;
      if (channel->buffer_full()) co_return fail(net_too_large, "HTTP header too large");
      if (!co_await channel->more()) co_return lost("waiting for the answer");
    }
    if (parser->head().status >= 200) {
      if (parser->complete()) body_finished();
      co_return Result<>{};
    }
  }
  co_return fail(net_malformed, "too many interim answers");
}

// The body was read to its end: the connection can serve again.
void HttpAnswer::State::body_finished() {
  if (finished) return;
  finished = true;
  whole.clear();
  if (cancel) cancel->on_request(nullptr);
  channel->deadline().clear();
  if (parser->keep_alive() && reason == 0)
    client->keep(host, channel);
  else
    channel->close();
  channel = nullptr;
}

Task<Result<HttpAnswer>> HttpAnswer::State::exchange_heads(std::shared_ptr<State> self, HttpUrl url, HttpCall call) {
  CO_TRY_ASSIGN(const auto head, compose_request(url, call));
  auto& channel = self->channel;
  for (bool fresh_only = false;; fresh_only = true) {
    if (!fresh_only) channel = self->client->take_idle(self->host);
    if (!channel) CO_TRY(co_await self->connect(url));
    if (self->reason != 0) co_return self->lost("sending");
    // An answer may come before the whole request is written (a refusal): read it even when the write failed.
    auto written = co_await channel->write(head, call.body, {}, self->client->options.write_time);
    auto read = co_await self->read_head(call.method == "HEAD");
    if (read) co_return HttpAnswer(std::move(self));
    const bool nothing_came = !self->parser || !self->parser->started();
    const bool stale = channel && channel->reused && nothing_came && self->reason == 0 && !channel->timed_out();
    if (!stale) {
      const bool the_answer_tells = written || read.error().code != net_closed;
      co_return std::unexpected((the_answer_tells ? std::move(read) : std::move(written)).error());
    }
    channel->close();
    channel = nullptr;
  }
}

HttpAnswer::HttpAnswer(std::shared_ptr<State> state) : state_(std::move(state)) {}
HttpAnswer::~HttpAnswer() = default;
HttpAnswer::HttpAnswer(HttpAnswer&&) noexcept = default;
HttpAnswer& HttpAnswer::operator=(HttpAnswer&&) noexcept = default;

int HttpAnswer::status() const { return state_->parser->head().status; }
const HttpHeaders& HttpAnswer::headers() const { return state_->parser->head().headers; }
void HttpAnswer::cancel() { state_->give_up(net_cancelled); }

Task<Result<std::string>> HttpAnswer::read_some() {
  const auto state = state_;
  auto& parser = *state->parser;
  while (parser.body_waiting() == 0) {
    if (state->finished) co_return std::string();
    if (state->reason != 0) co_return state->lost("reading the answer");
    auto& channel = *state->channel;
    CO_TRY_ASSIGN(const auto taken, parser.feed(channel.buffered()));
    channel.consume(taken);
    if (parser.complete()) {
      state->body_finished();
      continue;
    }
    if (parser.body_waiting() > 0 || (taken > 0 && !channel.buffered().empty())) continue;
    if (channel.buffer_full()) co_return fail(net_malformed, "a chunk header is too long");
    channel.deadline().set(state->client->options.body_gap);
    if (!co_await channel.more()) {
      if (state->reason != 0 || channel.timed_out()) co_return state->lost("reading the answer");
      if (channel.cut_off()) co_return fail(net_closed, "reading the answer: the TLS session broke");
      CO_TRY(parser.feed_end());
      state->body_finished();
    }
  }
  co_return parser.take_body();
}

Task<Result<std::string>> HttpAnswer::read_all(std::size_t limit) {
  std::string all;
  do {
    CO_TRY_ASSIGN(auto piece, co_await read_some());
    if (all.size() + piece.size() > limit) {
      cancel();
      co_return fail(net_too_large, "HTTP answer over {} bytes", limit);
    }
    if (all.empty())
      all = std::move(piece);
    else
      all += piece;
  } while (!state_->finished);
  co_return all;
}

HttpClient::HttpClient(Executor executor, HttpClientOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

HttpClient::~HttpClient() {
  const auto idle = std::exchange(state_->idle, {});
  for (const auto& [host, list] : idle)
    for (const auto& channel : list) {
      channel->on_end(nullptr);
      channel->close();
    }
}

static Task<Result<HttpAnswer>> failed(Error why) { co_return std::unexpected(std::move(why)); }

Task<Result<HttpAnswer>> HttpClient::send(HttpCall call) {
  auto url = parse_http_url(call.url);
  if (!url) return failed(std::move(url).error());
  auto exchange = std::make_shared<HttpAnswer::State>(state_, call);
  exchange->host = (url->tls ? "https://" : "") + url->host + ":" + std::to_string(url->port);
  exchange->arm(call);
  return HttpAnswer::State::exchange_heads(std::move(exchange), *std::move(url), std::move(call));
}

Result<> HttpClient::load_roots() {
  TRY(state_->roots());
  return {};
}

std::size_t HttpClient::idle_connections() const {
  std::size_t n = 0;
  for (const auto& [host, list] : state_->idle) n += list.size();
  return n;
}

}  // namespace cocoon::net
