#include "cli/http.hpp"

#include <optional>

#include "net/http_client.hpp"

namespace cocoon::cli {
namespace {

constexpr net::Millis kStopInterval{50};

using Piece = std::function<void(std::string_view)>;

net::Task<Result<HttpReply>> exchange(net::HttpClient& client, net::HttpCall call, const Piece& on_piece) {
  CO_TRY_ASSIGN(auto answer, co_await client.send(std::move(call)));
  HttpReply reply;
  reply.status = answer.status();
  if (!on_piece || reply.status != 200) {
    CO_TRY_ASSIGN(reply.body, co_await answer.read_all());
    co_return reply;
  }
  for (;;) {
    CO_TRY_ASSIGN(auto piece, co_await answer.read_some());
    if (piece.empty()) co_return reply;
    on_piece(piece);
  }
}

// Asks again and again, because what stops an exchange is a signal, which can do little more than set a flag.
net::Task<> watch(std::function<bool()> stop, std::shared_ptr<net::Cancellation> cancel) {
  net::asio::steady_timer timer(co_await net::asio::this_coro::executor);
  while (!stop()) {
    timer.expires_after(kStopInterval);
    co_await timer.async_wait(net::no_throw);
  }
  cancel->request();
}

Result<HttpReply> run(net::HttpCall call, Duration deadline, const Piece& on_piece,
                      const std::function<bool()>& stop = nullptr) {
  net::asio::io_context io(1);
  net::HttpClient client(io.get_executor());
  call.deadline = std::chrono::duration_cast<net::Millis>(deadline);
  if (stop) {
    call.cancel = std::make_shared<net::Cancellation>();
    net::asio::co_spawn(io, watch(stop, call.cancel), net::asio::detached);
  }
  std::optional<Result<HttpReply>> out;
  net::asio::co_spawn(io, exchange(client, std::move(call), on_piece), [&](std::exception_ptr, Result<HttpReply> r) {
    out = std::move(r);
    io.stop();
  });
  io.run();
  return out ? std::move(*out) : fail("the exchange was given up");
}

}  // namespace

Result<HttpReply> http_get(const std::string& url, Duration deadline) {
  net::HttpCall call;
  call.url = url;
  return run(std::move(call), deadline, nullptr);
}

Result<HttpReply> http_post_json(const std::string& url, std::string body, Duration deadline) {
  return http_post_stream(url, std::move(body), deadline, nullptr);
}

Result<HttpReply> http_post_stream(const std::string& url, std::string body, Duration deadline, const Piece& on_piece,
                                   const std::function<bool()>& stop) {
  net::HttpCall call;
  call.method = "POST";
  call.url = url;
  call.headers.add("Content-Type", "application/json");
  call.body = std::move(body);
  return run(std::move(call), deadline, on_piece, stop);
}

Result<HttpReply> http_post_form(const std::string& url, std::string form, const std::string& bearer,
                                 Duration deadline) {
  net::HttpCall call;
  call.method = "POST";
  call.url = url;
  call.headers.add("Content-Type", "application/x-www-form-urlencoded");
  call.headers.add("Authorization", "Bearer " + bearer);
  call.body = std::move(form);
  return run(std::move(call), deadline, nullptr);
}

}  // namespace cocoon::cli
