// `cocoon client keys add|list|revoke`: who may use the client's API (store/api_keys.hpp). A running client sees each
// change with the next request.
#pragma once

namespace CLI {
class App;
}

namespace cocoon::cli {

void add_client_keys(CLI::App& client, int& status);

}  // namespace cocoon::cli
