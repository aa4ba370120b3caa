#include "node/service_answer.hpp"

#include <algorithm>
#include <charconv>

#include "tee/x509.hpp"

namespace cocoon::node {
namespace {

constexpr std::size_t kMaxAnswer = 4 * 1024 * 1024;

std::string url_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const auto byte = from_hex(text.substr(i + 1, 2))) {
        out.push_back(static_cast<char>(byte->front()));
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

// Seconds that an answer asks to wait (429, 503), within reason.
Duration retry_after(std::string_view header) {
  std::uint32_t seconds = 60;
  std::from_chars(header.data(), header.data() + header.size(), seconds);
  return std::chrono::seconds(std::clamp<std::uint32_t>(seconds, 1, 3600));
}

}  // namespace

Result<Bytes> signer_of_header(std::string_view header) {
  TRY_ASSIGN(auto chain, tee::read_pem(url_decoded(header), "CERTIFICATE", 4));
  return std::move(chain.front());
}

net::Task<Result<ServiceAnswer>> ask_service(net::HttpClient& http, std::string url, std::string signer_header,
                                             net::Millis patience, Duration& wait) {
  net::HttpCall call;
  call.url = url;
  call.deadline = patience;
  auto answer = co_await http.send(std::move(call));
  if (!answer) co_return std::unexpected(std::move(answer).error().within(url));
  if (answer->status() == 429 || answer->status() == 503) {
    wait = retry_after(answer->headers().get("Retry-After"));
    co_return fail("{}: status {}: it asks to wait {} s", url, answer->status(), wait / std::chrono::seconds(1));
  }
  if (const auto to = answer->headers().get("Location"); answer->status() / 100 == 3 && !to.empty())
    co_return fail("{}: status {}: it has moved to {}: configure that address if it is right", url, answer->status(),
                   to);
  if (answer->status() != 200) co_return fail("{}: status {}", url, answer->status());
  ServiceAnswer out;
  if (!signer_header.empty()) {
    auto signer = signer_of_header(answer->headers().get(signer_header));
    if (!signer) co_return std::unexpected(std::move(signer).error().within(url));
    out.signer = *std::move(signer);
  }
  auto body = co_await answer->read_all(kMaxAnswer);
  if (!body) co_return std::unexpected(std::move(body).error().within(url));
  out.body = *std::move(body);
  co_return out;
}

}  // namespace cocoon::node
