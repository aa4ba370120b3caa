// Commands that run one node until they are asked to stop.
#pragma once
#include <string>

#include "node/config.hpp"

namespace cocoon::cli {

struct EngineOptions {
  std::string listen = "127.0.0.1:13000";
  std::string model;
  std::string model_name;
  std::string llama_dir;
  std::string log_level = "info";
  int slots = 8;
  int threads = 1;
  bool fixture = false;
  void add_keys(node::ConfigTable&);
};
int run_engine(const EngineOptions&);

struct DevnetOptions {
  std::string listen = "127.0.0.1:14000";
  std::string key_file;
  std::string treasury_key_file;
  std::string data;
  std::string log_level = "info";
  Duration block_interval = std::chrono::milliseconds(400);
  void add_keys(node::ConfigTable&);
};
int run_devnet(const DevnetOptions&);

// One line on standard error; exit status 1.
int complain(std::string_view command, const Error&);

}  // namespace cocoon::cli
