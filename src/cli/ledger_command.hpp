// `cocoon ledger show|verify`: what a proxy's books say, and their proof against the chain. Reads the proxy's database
// beside the running proxy, or without one.
#pragma once

namespace CLI {
class App;
}

namespace cocoon::cli {

void add_ledger(CLI::App& app, int& status);

}  // namespace cocoon::cli
