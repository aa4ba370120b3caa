#include "net/http_server.hpp"

#include <array>
#include <charconv>
#include <unordered_set>

#include "base/log.hpp"
#include "net/address.hpp"
#include "net/http_channel.hpp"
#include "net/http_parser.hpp"

namespace cocoon::net {

namespace {

constexpr std::string_view last_chunk = "0\r\n\r\n";

void append_chunk_size(std::string& to, std::size_t size) {
  std::array<char, 2 * sizeof size> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  to.append(digits.data(), end).append("\r\n");
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

// Status line and headers; `framing` is the header line that tells where the body ends.
Result<std::string> compose_head(int status, const HttpHeaders& headers, std::string_view framing, bool keep_alive,
                                 int version) {
  if (status < 200 || status > 599) return fail(net_invalid, "{} is not an HTTP status", status);
  std::string head;
  std::size_t size = 128 + framing.size();
  for (const auto& header : headers) size += header.name.size() + header.value.size() + 4;
  head.reserve(size);
  head.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason_phrase(status)).append("\r\n");
  for (const auto& header : headers) {
    if (is_hop_by_hop(header.name)) continue;
    if (!is_valid_header(header)) return fail(net_invalid, "header '{}' cannot be written", header.name);
    head.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  head.append(framing);
  if (!keep_alive)
    head.append("Connection: close\r\n");
  else if (version == 10)
    head.append("Connection: keep-alive\r\n");
  head.append("\r\n");
  return head;
}

class Responder final : public HttpResponder {
 public:
  Responder(std::shared_ptr<HttpChannel> channel, const HttpServerOptions& options, const HttpRequest& request,
            bool keep_alive)
      : channel_(std::move(channel)),
        options_(options),
        head_only_(request.method == "HEAD"),
        version_(request.version),
        keep_alive_(keep_alive) {}
  ~Responder() override { channel_->on_end(nullptr); }

  Task<Result<>> respond(int status, HttpHeaders headers, std::string body) override {
    if (state_ != Step::open) co_return fail(net_invalid, "the answer has already begun");
    std::string length;
    if (may_have_body(status)) length.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    CO_TRY_ASSIGN(const auto head, compose_head(status, headers, length, keep_alive_, version_));
    state_ = Step::done;
    if (head_only_ || !may_have_body(status)) body.clear();
    co_return co_await send(head, body, {});
  }

  Task<Result<>> start(int status, HttpHeaders headers, std::string first) override {
    if (state_ != Step::open) co_return fail(net_invalid, "the answer has already begun");
    bodyless_ = head_only_ || !may_have_body(status);
    chunked_ = version_ >= 11 && may_have_body(status);
    if (!chunked_ && may_have_body(status)) keep_alive_ = false;  // HTTP/1.0: the end of the connection ends the body
    const std::string_view framing = chunked_ ? "Transfer-Encoding: chunked\r\n" : "";
    CO_TRY_ASSIGN(auto head, compose_head(status, headers, framing, keep_alive_, version_));
    state_ = Step::streaming;
    if (bodyless_ || first.empty()) co_return co_await send(head, {}, {});
    if (chunked_) append_chunk_size(head, first.size());
    co_return co_await send(head, first, chunked_ ? "\r\n" : "");
  }

  Task<Result<>> write(std::string chunk) override {
    if (state_ != Step::streaming) co_return fail(net_invalid, "no streamed answer is open");
    if (chunk.empty() || bodyless_) co_return Result<>{};
    std::string size;
    if (chunked_) append_chunk_size(size, chunk.size());
    co_return co_await send(size, chunk, chunked_ ? "\r\n" : "");
  }

  Task<Result<>> finish(std::string last) override {
    if (state_ != Step::streaming) co_return fail(net_invalid, "no streamed answer is open");
    state_ = Step::done;
    if (bodyless_) co_return Result<>{};
    if (!chunked_) co_return last.empty() ? Result<>{} : co_await send(last, {}, {});
    if (last.empty()) co_return co_await send(last_chunk, {}, {});
    std::string size;
    append_chunk_size(size, last.size());
    co_return co_await send(size, last, "\r\n0\r\n\r\n");
  }

  void abort() override {
    state_ = Step::done;
    keep_alive_ = false;
    channel_->close();
  }
  bool started() const override { return state_ != Step::open; }
  bool client_gone() const override { return channel_->ended() || channel_->closed(); }
  void on_client_gone(std::function<void()> hook) override { channel_->on_end(std::move(hook)); }

  bool complete() const { return state_ == Step::done; }
  bool keep_alive() const { return keep_alive_; }

 private:
  enum class Step { open, streaming, done };

  Task<Result<>> send(std::string_view head, std::string_view body, std::string_view tail) {
    return channel_->write(head, body, tail, options_.write_time);
  }

  std::shared_ptr<HttpChannel> channel_;
  const HttpServerOptions& options_;
  bool head_only_;
  int version_;
  bool keep_alive_;
  bool bodyless_ = false, chunked_ = false;
  Step state_ = Step::open;
};

// "http://host/path" (proxies send that) becomes "/path".
std::string origin_form(std::string target) {
  if (target.starts_with('/')) return target;
  const auto scheme = target.find("://");
  if (scheme == target.npos) return target == "*" ? "/" : "/" + target;
  const auto slash = target.find('/', scheme + 3);
  return slash == target.npos ? "/" : target.substr(slash);
}

Task<> refuse(std::shared_ptr<HttpChannel> channel, const HttpServerOptions& options, int status) {
  const auto body = options.refusal_body ? options.refusal_body(status) : std::string();
  auto head = fmt::format("HTTP/1.1 {} {}\r\nContent-Length: {}\r\nConnection: close\r\n", status,
                          reason_phrase(status), body.size());
  if (!body.empty()) head += fmt::format("Content-Type: {}\r\n", options.refusal_type);
  if (status == 503) head += "Retry-After: 1\r\n";
  co_await channel->write(head + "\r\n", body, {}, Millis(2000));
  channel->close_gracefully();
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(Executor e, HttpServerOptions o, HttpHandler h)
      : executor(std::move(e)), options(o), handler(std::move(h)), acceptor(executor), emptied(executor) {}

  Executor executor;
  HttpServerOptions options;
  HttpHandler handler;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  bool draining = false;
  Event emptied;  // notified when the last connection ends
  std::unordered_set<std::shared_ptr<HttpChannel>> channels;

  Task<> accept_all();
  Task<> refuse_surplus(std::shared_ptr<HttpChannel> channel);
  Task<> serve(std::shared_ptr<HttpChannel> channel);
  Task<Result<>> read_request(std::shared_ptr<HttpChannel> channel, HttpParser& parser);
  Task<bool> answer(std::shared_ptr<HttpChannel> channel, HttpParser& parser);

  void close_acceptor() {
    boost::system::error_code ec;
    acceptor.close(ec);
  }
  void close_all() {
    draining = true;
    close_acceptor();
    const auto all = channels;
    for (const auto& channel : all) channel->close();
  }
};

// One request from the channel. The error's code says what to answer.
Task<Result<>> HttpServer::State::read_request(std::shared_ptr<HttpChannel> channel, HttpParser& parser) {
  bool began = false, headers_done = false;
  channel->deadline().set(options.idle_time);
  while (true) {
    CO_TRY_ASSIGN(const auto taken, parser.feed(channel->buffered()));
    channel->consume(taken);
    if (parser.complete()) break;
    if (!began && parser.started()) {
      began = true;
      channel->idle = false;
      channel->deadline().set(options.header_time);
    }
    if (!headers_done && parser.header_complete()) {
      headers_done = true;
      if (parser.expects_continue())
        CO_TRY(co_await channel->write("HTTP/1.1 100 Continue\r\n\r\n", {}, {}, options.write_time));
      channel->deadline().set(options.body_time);
    }
    if (taken > 0 && !channel->buffered().empty()) continue;
    if (channel->buffer_full()) co_return fail(net_too_large, "HTTP header too large");
    channel->expire_softly(true);
    const bool arrived = co_await channel->more();
    channel->expire_softly(false);
    if (!arrived) {
      if (channel->timed_out()) co_return fail(net_timeout, "the request did not arrive in time");
      co_return fail(net_closed, "the caller closed the connection");
    }
  }
  channel->deadline().clear();
  co_return Result<>{};
}

// Runs the handler; true when the connection goes on.
Task<bool> HttpServer::State::answer(std::shared_ptr<HttpChannel> channel, HttpParser& parser) {
  HttpRequest request;
  auto& head = parser.head();
  request.method = std::move(head.method);
  request.target = origin_form(std::move(head.target));
  request.version = head.version;
  request.headers = std::move(head.headers);
  request.body = parser.take_body();
  request.peer = channel->peer();
  Responder responder(channel, options, request, parser.keep_alive() && !draining);
  try {
    co_await handler(request, responder);
  } catch (const std::exception& e) {
    log::error("net", "an HTTP handler failed: {}", e.what());
  }
  if (!responder.started())
    co_await responder.respond(500, HttpHeaders::content_type("text/plain"), "internal error\n");
  if (!responder.complete()) {
    if (!responder.client_gone()) log::warn("net", "an HTTP answer was left unfinished");
    responder.abort();
  }
  co_return responder.keep_alive() && !channel->closed();
}

// The life of one connection.
Task<> HttpServer::State::serve(std::shared_ptr<HttpChannel> channel) {
  const auto self = shared_from_this();
  const HttpLimits limits{.header = options.max_header, .body = options.max_body};
  while (!draining || !channel->buffered().empty()) {
    HttpParser parser(HttpParser::Kind::request, limits);
    channel->idle = true;
    const auto read = co_await read_request(channel, parser);
    channel->idle = false;
    if (!read) {
      if (read.error().code == net_timeout && parser.started()) {
        channel->forgive();
        co_await refuse(channel, options, 408);
      }
      if (read.error().code == net_too_large || read.error().code == net_malformed)
        co_await refuse(channel, options,
                        parser.body_too_large()              ? 413
                        : read.error().code == net_too_large ? 431
                                                             : 400);
      break;
    }
    const bool again = co_await answer(channel, parser);
    if (!again) break;
  }
  channel->close_gracefully();
  channels.erase(channel);
  if (channels.empty()) emptied.notify();
}

Task<> HttpServer::State::refuse_surplus(std::shared_ptr<HttpChannel> channel) {
  const auto self = shared_from_this();
  co_await refuse(channel, options, 503);
}

Task<> HttpServer::State::accept_all() {
  const auto self = shared_from_this();
  asio::steady_timer pause(executor);
  while (acceptor.is_open()) {
    auto [ec, socket] = co_await acceptor.async_accept(executor, no_throw);
    if (ec == asio::error::operation_aborted) break;
    if (ec) {  // out of descriptors, mostly: let some close
      pause.expires_after(Millis(50));
      co_await pause.async_wait(no_throw);
      continue;
    }
    const std::size_t read_ahead = std::max<std::size_t>(options.max_header + 1024u, 64 * 1024);
    auto channel = std::make_shared<HttpChannel>(std::move(socket), read_ahead);
    channel->start();
    if (channels.size() >= options.max_connections) {
      asio::co_spawn(executor, refuse_surplus(channel), asio::detached);
      continue;
    }
    channels.insert(channel);
    asio::co_spawn(executor, serve(channel), [self](const std::exception_ptr&) {});
  }
}

HttpServer::HttpServer(Executor executor, HttpServerOptions options, HttpHandler handler)
    : state_(std::make_shared<State>(std::move(executor), options, std::move(handler))) {}

HttpServer::~HttpServer() { close(); }

Result<> HttpServer::listen(std::string_view address) {
  TRY_ASSIGN(const auto endpoint, parse_endpoint(address, true));
  TRY(listen_on(state_->acceptor, endpoint));
  boost::system::error_code ec;
  state_->port = state_->acceptor.local_endpoint(ec).port();
  asio::co_spawn(state_->executor, state_->accept_all(), [state = state_](const std::exception_ptr&) {});
  return {};
}

std::uint16_t HttpServer::port() const { return state_->port; }
std::size_t HttpServer::connections() const { return state_->channels.size(); }

Task<> HttpServer::drain(Millis patience) {
  auto state = state_;
  state->draining = true;
  state->close_acceptor();
  const auto all = state->channels;
  for (const auto& channel : all)
    if (channel->idle) channel->close_gracefully();
  Watchdog limit(state->executor, [state] { state->close_all(); });
  limit.set(patience);
  while (!state->channels.empty()) co_await state->emptied.wait();
}

void HttpServer::close() { state_->close_all(); }

}  // namespace cocoon::net
