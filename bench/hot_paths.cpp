#include "hot_paths.hpp"

#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "net/credentials.hpp"
#include "net/http_parser.hpp"
#include "openai/answer_body.hpp"
#include "openai/request.hpp"
#include "openai/sse.hpp"
#include "proxy/core/requests.hpp"
#include "tee/simulated.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/opcodes.hpp"
#include "ton/contracts/signed.hpp"
#include "wire/frame.hpp"
#include "wire/http_edit.hpp"
#include "wire/packet.hpp"

namespace cocoon::bench {
namespace {

// A benchmark that does not do its work measures nothing.
void must(bool good) {
  if (!good) std::abort();
}

constexpr std::string_view kRequest =
    R"({"model":"tinychat","max_tokens":64,"messages":[{"role":"system","content":"You are a helpful assistant."},)"
    R"({"role":"user","content":"Say hello to everybody in this room, please."}],"temperature":0.7,"stream":true})";

std::string chunk(int i) {
  return fmt::format(
      "data: "
      "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1764112345,\"model\":\"tinychat\","
      "\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" word{}\"}},\"finish_reason\":null}}]}}\n\n",
      i);
}

std::string stream_of(int chunks) {
  std::string out;
  for (int i = 0; i < chunks; ++i) out += chunk(i);
  return out +
         "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
         "data: {\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":50}}\n\n"
         "data: [DONE]\n\n";
}

constexpr std::string_view kAnswer =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1764112345,"model":"tinychat","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"Hello there."},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":12,"completion_tokens":2,"total_tokens":14}})";

// Frames there and back without TLS: 64 packets of 256 bytes in one piece.
HotPath frames() {
  const auto payload = std::make_shared<Bytes>(wire::make_packet(Bytes(256)));
  return {"frames", "64 packets of 256 bytes written, cut and viewed", [payload] {
            wire::FrameWriter writer;
            Bytes out;
            for (int i = 0; i < 64; ++i) must(writer.append_frame(out, *payload).has_value());
            wire::FrameReader reader;
            reader.push(out);
            int seen = 0;
            for (auto frame = reader.next(); frame && *frame; frame = reader.next())
              seen += wire::view_packet(**frame).has_value() ? 1 : 0;
            must(seen == 64);
          }};
}

// Two TLS sessions that talk through memory.
struct TlsPair {
  TlsPair() {
    for (bool client_done = false, server_done = false; !(client_done && server_done);) {
      client_done = step(*client, *server);
      server_done = step(*server, *client);
    }
  }
  static bool step(net::TlsSession& from, net::TlsSession& to) {
    const auto done = from.handshake();
    must(done.has_value());
    pass(from, to);
    return *done;
  }
  static void pass(net::TlsSession& from, net::TlsSession& to) {
    Bytes cipher;
    from.take_output(cipher);
    to.feed(cipher);
  }
  static std::shared_ptr<net::Credentials> make_credentials() {
    crypto::Random random{Bits256{}};
    const auto root = tee::SimulatedRoot::create(random, wall_clock(), "bench");
    auto attester =
        tee::attest_simulated(root.make_platform(random, wall_clock()), tee::simulated_measurements("node"));
    return net::Credentials::make(std::move(attester), crypto::Random(Bits256{})).value();
  }

  std::shared_ptr<net::Credentials> credentials = make_credentials();
  static Result<> anybody(BytesView) { return {}; }
  std::unique_ptr<net::TlsSession> client =
      std::make_unique<net::TlsSession>(credentials->context(), tee::Side::client, anybody);
  std::unique_ptr<net::TlsSession> server =
      std::make_unique<net::TlsSession>(credentials->context(), tee::Side::server, anybody);
};

HotPath tls_record() {
  const auto pair = std::make_shared<TlsPair>();
  return {"tls_record", "512 bytes sealed, passed on and opened",
          [pair, plain = Bytes(512), room = Bytes(4096)]() mutable {
            must(pair->client->write(plain).has_value());
            TlsPair::pass(*pair->client, *pair->server);
            const auto n = pair->server->read(room);
            must(n && *n == plain.size());
            must(pair->server->read(room).value_or(1) == 0);
          }};
}

HotPath http_request() {
  const auto text = std::make_shared<std::string>(
      fmt::format("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:10000\r\nUser-Agent: OpenAI/JS 4.0\r\nAccept: "
                  "application/json\r\nContent-Type: application/json\r\nAuthorization: Bearer none\r\nContent-Length: "
                  "{}\r\n\r\n{}",
                  kRequest.size(), kRequest));
  return {"http_request", "one request of an SDK parsed", [text] {
            net::HttpParser parser(net::HttpParser::Kind::request, {});
            must(parser.feed(*text).value_or(0) > 0);
            while (!parser.complete()) must(parser.feed(*text).has_value());
            must(parser.take_body().size() == kRequest.size());
          }};
}

HotPath sse() {
  const auto text = std::make_shared<std::string>(stream_of(50));
  return {"sse", "a stream of 50 chunks cut into events", [text] {
            openai::SseReader reader;
            reader.push(*text);
            int events = 0;
            for (auto event = reader.next(); event && *event; event = reader.next()) ++events;
            must(events == 53);
          }};
}

HotPath answer_stream() {
  const auto text = std::make_shared<std::string>(stream_of(50));
  return {"answer_stream", "a stream of 50 chunks on its way through the worker", [text] {
            openai::AnswerBody body({.form = openai::BodyForm::event_stream, .drop_usage_event = true});
            std::string out;
            body.push(*text, out);
            body.finish(out);
            must(body.whole() && body.usage().completion == 50);
          }};
}

HotPath answer_json() {
  return {"answer_json", "a short JSON answer on its way through the worker", [] {
            openai::AnswerBody body({.form = openai::BodyForm::json});
            std::string out;
            body.push(kAnswer, out);
            body.finish(out);
            must(body.whole() && body.usage().prompt == 12);
          }};
}

HotPath client_request() {
  return {"client_request", "a request's body read by the client",
          [] { must(openai::parse_client_request(openai::Endpoint::chat_completions, kRequest).has_value()); }};
}

HotPath engine_request() {
  return {"engine_request", "a request's body rewritten for the engine", [] {
            must(openai::rewrite_for_engine(openai::Endpoint::chat_completions, kRequest, "tinychat").has_value());
          }};
}

HotPath route() {
  const auto request = std::make_shared<proxy::Request>();
  request->client = 2;
  request->to.version = 4;
  request->head_seen = true;
  request->max_bytes = UINT64_MAX;
  const wire::proxy::QueryAnswerPartCounted part{request->id, to_bytes(std::string_view(chunk(1))), {10, 0, 50, 0, 60}};
  return {"route", "one chunk carried by the proxy", [request, packet = wire::encode(part), out = Bytes()]() mutable {
            const auto view = wire::peek_answer(packet);
            must(view.has_value() && proxy::pass_part(*request, *view, packet, out));
          }};
}

HotPath answer_head() {
  wire::http::Response r{"HTTP/1.1", 200, "OK", {{"Content-Type", "application/json"}, {"X-A", "1.000000"}}, {}};
  r.payload = to_bytes(kAnswer);
  return {"answer_head", "the proxy's times added to a short answer", [packet = wire::encode(r)] {
            const std::array<wire::http::Header, 2> times{{{"X-Cocoon-Proxy-Start", wire::seconds_text(1764112345.5)},
                                                           {"X-Cocoon-Proxy-End", wire::seconds_text(1764112345.6)}}};
            must(wire::with_headers(packet, times).has_value());
          }};
}

HotPath payment() {
  const crypto::KeyPair key(crypto::Seed{});
  const auto payload = ton::build_signed_payload(ton::PaymentPayload{ton::op::client_charge_signed, 1, 7, {}});
  const auto boc = ton::write_boc(ton::build_signed_message(ton::sign_payload(payload, {}, key)));
  const auto verifier =
      std::make_shared<ton::PaymentVerifier>(ton::op::client_charge_signed, ton::Address{}, key.public_key());
  return {"payment", "a signed payment that came before", [verifier, boc] { must(verifier->verify(boc).has_value()); }};
}

}  // namespace

std::vector<HotPath> hot_paths() {
  return {frames(), tls_record(),    http_request(), client_request(), engine_request(), answer_json(),
          sse(),    answer_stream(), route(),        answer_head(),    payment()};
}

}  // namespace cocoon::bench
