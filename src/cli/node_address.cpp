#include "cli/node_address.hpp"

#include <filesystem>

#include <CLI/CLI.hpp>

#include "contract_code/contract_code.hpp"
#include "node/secrets.hpp"

namespace cocoon::cli {

void NodeAddress::add_options(CLI::App& sub, bool any_node) {
  auto* state =
      sub.add_option("--state", state_dir, "directory of a network that `cocoon up` made")->capture_default_str();
  sub.add_option("--config", config_file, "configuration file of the node, where it was not `cocoon up` that made it")
      ->excludes(state);
  if (any_node)
    sub.add_option("--node", node, "with --state: which node")
        ->check(CLI::IsMember({"client", "proxy", "worker"}))
        ->capture_default_str();
  if (any_node || node == "worker")
    sub.add_option("--number", number, "with --state: which worker")->check(CLI::Range(1, 16))->capture_default_str();
}

std::string NodeAddress::file() const {
  if (!config_file.empty()) return config_file;
  const auto name = node == "worker" ? fmt::format("worker-{}.toml", number) : node + ".toml";
  return (std::filesystem::path(state_dir) / name).string();
}

Result<> NodeAddress::load() {
  node::ConfigTable table;
  return load(table);
}

Result<> NodeAddress::load(node::ConfigTable& table) {
  common.add_keys(table);
  table.ignore_unknown();
  std::error_code error;
  if (config_file.empty() && !std::filesystem::exists(file(), error))
    return fail(
        "there is no {}: --state names the directory of a network that `cocoon up` made, --config the file of "
        "a node of your own",
        file());
  return table.load_file(file());
}

Result<std::string> NodeAddress::secret() const {
  if (common.operator_secret_file.empty())
    return fail("{}: operator.secret_file is not configured, so the node takes no orders", file());
  TRY_ASSIGN(const auto seed, node::load_seed(common.operator_secret_file));
  return to_hex(seed);
}

Result<Chain> NodeAddress::connect() const {
  const auto key = from_base64(common.liteserver_key);
  if (!key || key->size() != 32) return fail("chain.liteserver_key: base64 of 32 bytes expected");
  return Chain::connect(common.liteserver, crypto::PublicKey::from(*key));
}

Result<ledger::WalletQueue::Config> NodeAddress::wallet() const {
  TRY_ASSIGN(const auto seed, node::load_seed(common.wallet_key_file));
  TRY_ASSIGN(const auto owner, ton::address_from_text(common.owner));
  return ledger::WalletQueue::Config{seed, owner, contract_code::wallet()};
}

}  // namespace cocoon::cli
