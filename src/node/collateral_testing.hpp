// A collateral service for tests: the shapes of a PCCS and of AMD's KDS over HTTP on loopback, with the files it is
// given.
#pragma once
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_server.hpp"
#include "tee/collateral.hpp"
#include "tee/x509.hpp"

namespace cocoon::node::testing {

inline std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return out;
}

class CollateralServer {
 public:
  CollateralServer(net::Executor executor, tee::IntelCollateralFiles served)
      : files(std::move(served)),
        executor_(executor),
        server_(std::move(executor), {},
                [this](const net::HttpRequest& request, net::HttpResponder& to) { return answer(request, to); }) {
    EXPECT_TRUE(server_.listen("127.0.0.1:0"));
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_.port()); }
  void close() { server_.close(); }

  tee::IntelCollateralFiles files;
  tee::AmdCollateral amd;
  Bytes vcek;            // of every chip
  bool broken = false;   // every answer is an error
  int retry_after = 0;   // seconds; every answer is 429
  std::string moved_to;  // every answer is a redirection there
  int moved_status = 302;
  enum class Hang { no, before_headers, in_body } hangs = Hang::no;
  std::vector<std::string> targets;  // what was asked for

 private:
  net::Task<> answer(const net::HttpRequest& request, net::HttpResponder& to) {
    targets.push_back(request.target);
    if (hangs != Hang::no) co_return co_await hang(to);
    int status = broken ? 503 : 200;
    net::HttpHeaders headers;
    std::string body;
    const auto chain = [](const Bytes& signer) { return url_encoded(tee::write_pem(signer, "CERTIFICATE")); };
    const auto path = request.path();
    if (broken) {
      body = "out of order";
    } else if (!moved_to.empty()) {
      status = moved_status;
      headers.add("Location", moved_to);
    } else if (retry_after > 0) {
      status = 429;
      headers.add("Retry-After", std::to_string(retry_after));
    } else if (path.ends_with("/cert_chain")) {
      body = tee::write_pem(amd.ask, "CERTIFICATE") + tee::write_pem(amd.ark, "CERTIFICATE");
    } else if (path.ends_with("/crl")) {
      body = to_text(amd.crl);
    } else if (path.starts_with("/vcek/v1/") && !vcek.empty()) {
      body = to_text(vcek);
    } else if (path.ends_with("/v4/tcb")) {
      headers.add("TCB-Info-Issuer-Chain", chain(files.tcb_signer));
      body = to_text(files.tcb_info);
    } else if (path.ends_with("/qe/identity")) {
      headers.add("SGX-Enclave-Identity-Issuer-Chain", chain(files.qe_signer));
      body = to_text(files.qe_identity);
    } else if (path.ends_with("/pckcrl")) {
      body = to_text(files.pck_crl);
    } else if (path.ends_with("/rootcacrl")) {
      body = to_hex(files.root_crl);  // as a PCCS gives it
    } else {
      status = 404;
    }
    const auto sent = co_await to.respond(status, std::move(headers), std::move(body));
    static_cast<void>(sent);
  }

  // Until the caller loses patience.
  net::Task<> hang(net::HttpResponder& to) {
    net::Event gone(executor_);
    to.on_client_gone([&] { gone.notify(); });
    net::HttpHeaders headers;
    headers.add("TCB-Info-Issuer-Chain", url_encoded(tee::write_pem(files.tcb_signer, "CERTIFICATE")));
    if (hangs == Hang::in_body) co_await to.start(200, std::move(headers), "{");
    while (!to.client_gone()) co_await gone.wait();
  }

  net::Executor executor_;
  net::HttpServer server_;
};

}  // namespace cocoon::node::testing
