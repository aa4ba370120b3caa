#include "cli/settlement.hpp"

#include <algorithm>
#include <set>

#include "node/secrets.hpp"
#include "ton/contracts/bodies.hpp"
#include "ton/contracts/opcodes.hpp"

namespace cocoon::cli {
namespace {

std::string operation_of(const ton::Message& message) {
  if (message.external_in() != nullptr) return "external";
  const auto header = ton::read_body_header(message.body);
  if (!header) return message.init ? "deploy" : "transfer";
  const auto name = ton::op::name(header->opcode);
  return name.empty() ? fmt::format("0x{:08x}", header->opcode) : std::string(name);
}

}  // namespace

Result<SettlementWatch> SettlementWatch::begin(const LocalNetwork& network, Chain& chain) {
  TRY_ASSIGN(const auto machine, node::load_seed(network.path("keys/proxy-machine.key")));
  TRY_ASSIGN(const auto root, chain.root(network.root()));
  TRY_ASSIGN(auto instance, ton::ProxyInstance::make(root.params, network.proxy_owner().address,
                                                     crypto::KeyPair(machine).public_key(), network.root()));
  SettlementWatch w(std::move(instance));
  w.accounts_ = {{"client wallet", network.client_wallet().address},
                 {"client contract", w.instance_.client_address(network.client_wallet().address)},
                 {"proxy wallet", network.proxy_wallet().address},
                 {"proxy contract", w.instance_.address()},
                 {"root contract", network.root()}};
  int i = 0;
  for (const auto& owner : network.worker_owners()) {
    const auto n = network.worker_owners().size() == 1 ? std::string() : fmt::format(" {}", i + 1);
    w.accounts_.emplace("worker owner" + n, owner.address);
    w.accounts_.emplace("worker contract" + n, w.instance_.worker_address(owner.address));
    w.accounts_.emplace("worker wallet" + n, network.worker_wallets()[static_cast<std::size_t>(i)].address);
    ++i;
  }
  TRY_ASSIGN(w.before_, w.look(chain));
  return w;
}

Result<std::map<std::string, SettlementWatch::Standing>> SettlementWatch::look(Chain& chain) const {
  std::map<std::string, Standing> out;
  for (const auto& [name, address] : accounts_) {
    TRY_ASSIGN(const auto view, chain.account(address));
    Standing s;
    s.last_lt = view.last_lt;
    if (view.account) {
      s.coins = view.account->balance.coins;
      if (const auto* init = view.account->active(); init != nullptr && init->data) {
        if (name.starts_with("client contract")) {
          if (const auto c = ton::parse_client_state(*init->data)) s.tokens = c->tokens_used;
        } else if (name.starts_with("worker contract")) {
          if (const auto c = ton::parse_worker_state(*init->data)) s.tokens = c->tokens;
        }
      }
    }
    out.emplace(name, s);
  }
  return out;
}

std::string SettlementWatch::name_of(const std::optional<ton::Address>& address) const {
  if (!address) return "nobody";
  for (const auto& [name, a] : accounts_)
    if (a == *address) return name;
  return ton::to_raw_text(*address);
}

Result<std::vector<Settlement::Entry>> SettlementWatch::transactions(Chain& chain) const {
  std::vector<Settlement::Entry> out;
  for (const auto& [name, address] : accounts_) {
    TRY_ASSIGN(const auto news, chain.history(address, before_.at(name).last_lt));
    for (const auto& t : news) {
      Settlement::Entry e;
      e.account = name;
      e.lt = t.lt;
      e.hash = t.hash;
      e.time = t.now;
      e.fees = t.total_fees.coins;
      e.exit_code = t.description.compute.exit_code;
      e.success = t.succeeded();
      if (t.in_msg && t.in_msg->message) {
        const auto& m = *t.in_msg->message;
        e.operation = operation_of(m);
        e.from = m.internal() != nullptr ? name_of(m.internal()->src) : "outside";
        e.value = m.internal() != nullptr ? m.internal()->value.coins : 0;
      }
      out.push_back(std::move(e));
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.lt < b.lt; });
  return out;
}

Result<Settlement> SettlementWatch::wait(Chain& chain, std::uint64_t tokens, Duration patience) {
  const auto total = [](const auto& standing, std::string_view kind, auto member) {
    std::uint64_t sum = 0;
    for (const auto& [name, s] : standing)
      if (name.starts_with(kind)) sum += s.*member;
    return sum;
  };
  std::map<std::string, Standing> now;
  const auto settled = [&]() -> Result<bool> {
    TRY_ASSIGN(now, look(chain));
    const auto charged =
        total(now, "client contract", &Standing::tokens) - total(before_, "client contract", &Standing::tokens);
    const auto paid =
        total(now, "worker contract", &Standing::tokens) - total(before_, "worker contract", &Standing::tokens);
    const bool arrived =
        total(now, "worker owner", &Standing::coins) > total(before_, "worker owner", &Standing::coins);
    return charged >= std::max<std::uint64_t>(tokens, 1) && paid >= std::max<std::uint64_t>(tokens, 1) && arrived;
  };
  TRY(chain.wait_until(settled, patience, "the charge and the payout on chain"));

  Settlement out;
  const auto price = instance_.params().price_per_token;
  out.charged_nano =
      price * (total(now, "client contract", &Standing::tokens) - total(before_, "client contract", &Standing::tokens));
  TRY_ASSIGN(out.transactions, transactions(chain));
  for (const auto& e : out.transactions)
    if (e.account.starts_with("worker owner") && e.operation == "payout") out.paid_nano += e.value;
  for (const auto& [name, s] : now)
    out.balances.push_back({name, ton::to_friendly_text(accounts_.at(name)), before_.at(name).coins, s.coins});
  return out;
}

}  // namespace cocoon::cli
