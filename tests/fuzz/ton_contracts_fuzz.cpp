// What the chain shows of contracts, whoever sent it: layouts that decode encode to what decodes to the same, and a
// proxy believes only notices of the contracts that it derives, when their transactions took effect.
#include <algorithm>
#include <cstdlib>

#include "ton/contracts/notices.hpp"
#include "ton/contracts/params.hpp"
#include "ton/contracts/root.hpp"
#include "ton/contracts/signed.hpp"
#include "ton/contracts/wallet.hpp"

namespace {

using namespace cocoon;
using namespace cocoon::ton;

constexpr std::size_t kMaxCells = 16;

void require(bool condition) {
  if (!condition) std::abort();
}

// decode(encode(decode(x))) == decode(x). Not encode(decode(x)) == x: coins have more than one encoding.
template <class Parse, class Build>
void round_trip(const Cell& cell, const Parse& parse, const Build& build) {
  const auto value = parse(cell);
  if (!value) return require(!value.error().what.empty());
  const auto built = build(*value);
  if constexpr (requires { built.has_value(); }) {
    require(built.has_value());
    const auto again = parse(*built);
    require(again.has_value() && *again == *value);
  } else {
    const auto again = parse(built);
    require(again.has_value() && *again == *value);
  }
}

void layouts(const Cell& cell) {
  round_trip(cell, parse_params, [](const Params& p) { return build_params(p); });
  round_trip(cell, parse_root_state, build_root_state);
  round_trip(cell, parse_client_request, build_client_request);
  round_trip(cell, parse_worker_request, build_worker_request);
  round_trip(cell, parse_signed_message, build_signed_message);
  round_trip(
      cell, [](const Cell& c) { return parse_payment_payload(c); },
      [](const PaymentPayload& p) { return build_signed_payload(p); });
  round_trip(
      cell, [](const Cell& c) { return parse_close_payload(c); },
      [](const ClosePayload& p) { return build_signed_payload(p); });
  round_trip(cell, parse_text_command, build_text_command);
  if (const auto wallet = parse_wallet_body(cell)) {
    require(wallet->request.orders.size() <= kMaxWalletMessages);
    require(build_wallet_unsigned(wallet->request).hash() == wallet->signed_hash);
  }
}

Address address_of_byte(std::uint8_t byte) {
  Address out;
  out.hash.fill(byte);
  return out;
}

const ProxyInstance& instance() {
  static const ProxyInstance made = [] {
    Params p;
    p.price_per_token = 20;
    p.worker_fee_per_token = 19;
    p.proxy_code = CellBuilder().store_uint(1, 8).must_finish();
    p.worker_code = CellBuilder().store_uint(2, 8).must_finish();
    p.client_code = CellBuilder().store_uint(3, 8).must_finish();
    Bits256 key;
    key.fill(7);
    auto result = ProxyInstance::make(p, address_of_byte(1), key, address_of_byte(2));
    require(result.has_value());
    return *std::move(result);
  }();
  return made;
}

// The cell as the body of a message to the proxy contract.
Transaction arrival(const Cell& body, const Address& from) {
  Message message;
  message.info = InternalInfo{.bounce = true, .src = from, .dest = instance().address(), .value = {kTon, std::nullopt}};
  message.body = body;
  auto cell = build_message(message);
  require(cell.has_value());
  Transaction tx;
  tx.in_msg = TransactionMessage{*cell, message};
  tx.description.compute.success = true;
  tx.description.action = ActionPhase{.success = true, .valid = true};
  return tx;
}

// No notice where there must be none, whoever sends it.
void not_believed(Transaction tx, const Address& wallet) {
  tx.description.compute.success = false;
  tx.description.aborted = true;
  require(!read_notice(instance(), wallet, tx));
  tx.description.compute.skipped = SkipReason::no_gas;
  require(!read_notice(instance(), wallet, tx));  // value above 1 nanoTON
  tx = arrival(tx.in_msg->message->body, *tx.in_msg->message->internal()->src);
  std::get<InternalInfo>(tx.in_msg->message->info).bounced = true;
  require(!read_notice(instance(), wallet, tx));
}

void notices(const Cell& body) {
  const Address wallet = address_of_byte(3);
  const Address stranger = address_of_byte(4);
  require(!read_notice(instance(), wallet, arrival(body, stranger)));
  if (const auto commit = read_notice(instance(), wallet, arrival(body, wallet)))
    require(std::holds_alternative<CommitNotice>(*commit));
  if (const auto request = parse_client_request(body)) {
    const Address contract = instance().client_address(request->owner);
    const auto notice = read_notice(instance(), wallet, arrival(body, contract));
    require(notice.has_value() == (request->owner.workchain == 0));
    if (notice) require(std::get<ClientNotice>(*notice).request == *request);
    not_believed(arrival(body, contract), wallet);
  }
  if (const auto request = parse_worker_request(body)) {
    const Address contract = instance().worker_address(request->owner);
    const auto notice = read_notice(instance(), wallet, arrival(body, contract));
    require(notice.has_value() == (request->owner.workchain == 0));
    if (notice) require(std::get<WorkerNotice>(*notice).request == *request);
    not_believed(arrival(body, contract), wallet);
  }
  const auto call = read_call(stranger, arrival(body, stranger));
  require(call.has_value() == read_body_header(body).has_value());
  require(!read_call(wallet, arrival(body, stranger)));
}

// What a root contract registers as addresses of proxies.
void endpoints(BytesView bytes) {
  const auto both = parse_proxy_endpoints(to_text(Bytes(bytes.begin(), bytes.end())));
  if (!both) return;
  const auto text = both->for_workers.text() + " " + both->for_clients.text();
  const auto again = parse_proxy_endpoints(text);
  require(again && again->for_workers == both->for_workers && again->for_clients == both->for_clients);
}

// Cells written for mutations: each is its length, its number of references (at most 4) and its bytes, whose last set
// bit ends its content; then its references, one after another. Unlike in a bag of cells, every input is some cell.
Cell read_cell(BytesView& input, std::size_t& cells) {
  CellBuilder b;
  if (input.size() < 2 || ++cells > kMaxCells) return b.must_finish();
  const std::size_t length = std::min<std::size_t>({input[0], 127, input.size() - 2});
  const unsigned references = input[1] % 5;
  const auto bits = BitString::of_bytes(input.subspan(2, length));
  input = input.subspan(2 + length);
  unsigned size = bits.size();
  while (size > 0 && !bits.at(size - 1)) --size;
  b.store_bits(bits.slice(0, size > 0 ? size - 1 : 0));
  for (unsigned i = 0; i < references; ++i) b.store_ref(read_cell(input, cells));
  return b.must_finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size <= 64) endpoints(BytesView(data, size));
  BytesView input(data, size);
  std::size_t cells = 0;
  const Cell root = read_cell(input, cells);
  layouts(root);
  notices(root);
  return 0;
}
