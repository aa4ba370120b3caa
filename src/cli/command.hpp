// The `cocoon` command: what it understands, and what each word does.
#pragma once

namespace cocoon::cli {

// Returns the process's exit status.
int run(int argc, char** argv);

}  // namespace cocoon::cli
