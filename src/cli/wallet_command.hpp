// `cocoon wallet` and `cocoon root`: what is on chain, and sending from a Cocoon wallet.
#pragma once

namespace CLI {
class App;
}

namespace cocoon::cli {

// Registers the commands; `status` receives the exit status of the one that ran.
void add_wallet(CLI::App& app, int& status);
void add_root(CLI::App& app, int& status);

}  // namespace cocoon::cli
