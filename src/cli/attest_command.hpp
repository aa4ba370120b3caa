// `cocoon attest`: what evidence says, what a policy thinks of it, and whether a collection of cases has the expected
// verdicts.
#pragma once

namespace CLI {
class App;
}

namespace cocoon::cli {

// Registers the command; `status` receives the exit status.
void add_attest(CLI::App& app, int& status);

}  // namespace cocoon::cli
