// Configuration files: any text is taken or refused with a reason, and a complete example is always taken.
#include <cstdlib>
#include <string>
#include <vector>

#include "node/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  bool on = false;
  std::string name = "x";
  std::vector<std::string> list;
  double share = 0.5;
  int port = 1;
  Duration wait{};
  node::ConfigTable table;
  table.key("on", on, "a switch")
      .key("chain.name", name, "a name")
      .key("chain.list", list, "a list")
      .key("share", share, "a share", 0, 1)
      .key("port", port, "a port", 1, 65535)
      .key("wait", wait, "a time");
  const auto loaded = table.load(std::string_view(reinterpret_cast<const char*>(data), size), "node.toml");
  if (!loaded && loaded.error().what.empty()) std::abort();
  if (port < 1 || port > 65535 || share < 0 || share > 1) std::abort();
  if (loaded && !table.load(table.example(), "example.toml")) std::abort();
  return 0;
}
