#include "base/log.hpp"
#include "cli/node_commands.hpp"
#include "devnet/server.hpp"
#include "node/process.hpp"
#include "node/secrets.hpp"

namespace cocoon::cli {

void DevnetOptions::add_keys(node::ConfigTable& t) {
  t.key("log_level", log_level, "what is logged: trace, debug, info, warn, error or off");
  t.key("devnet.listen", listen, "where the liteserver listens, ip:port");
  t.key("devnet.key_file", key_file, "file with the liteserver's seed, 64 hex digits, mode 600; made if absent")
      .required();
  t.key("devnet.treasury_key_file", treasury_key_file,
        "file with the seed of the treasury, which holds all coins at the beginning; made if absent")
      .required();
  t.key("devnet.data", data, "SQLite file of the chain; empty: in memory only");
  t.key("devnet.block_interval", block_interval, "between two blocks");
}

int run_devnet(const DevnetOptions& o) {
  log::set_up("devnet", log::level_from_name(o.log_level, log::Level::info));
  devnet::DevnetSettings settings;
  const auto key = node::load_or_create_seed(o.key_file);
  if (!key) return complain("devnet", key.error());
  const auto treasury = node::load_or_create_seed(o.treasury_key_file);
  if (!treasury) return complain("devnet", treasury.error());
  settings.listen = o.listen;
  settings.key = *key;
  settings.data = o.data;
  settings.block_interval = o.block_interval;
  settings.chain.treasury_seed = *treasury;
  net::asio::io_context io(1);
  auto server = devnet::DevnetServer::start(io.get_executor(), settings);
  if (!server) return complain("devnet", server.error());
  log::info("devnet", "liteserver at {}, key {}", (*server)->address(), to_base64((*server)->public_key()));
  return node::run_until_signal(io, [&]() -> net::Task<> {
    (*server)->stop();
    co_return;
  });
}

}  // namespace cocoon::cli
