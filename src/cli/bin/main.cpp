#include "cli/command.hpp"

int main(int argc, char** argv) { return cocoon::cli::run(argc, argv); }
