// What `cocoon up --once` tells: the answer, who was attested by what, and what the chain did.
#pragma once
#include <string>
#include <vector>

#include "cli/settlement.hpp"

namespace cocoon::cli {

struct Report {
  struct Attested {
    std::string role, tee, image_hash, verdict;
  };
  std::string answer;
  std::uint64_t prompt_tokens = 0, completion_tokens = 0, total_tokens = 0;  // as the engine counted
  std::uint64_t cost_nano = 0;                                               // as the worker priced them
  std::uint64_t adjusted_tokens = 0;                                         // cost / price
  std::vector<Attested> attested;
  Settlement settlement;
  double seconds = 0;  // since the command was started
  std::string model;
};

// One chat completion through the client's API.
Result<Report> ask_for_report(const std::string& api, const std::string& model, const std::string& prompt,
                              int max_tokens, Duration deadline);
// Who the client verified (from its status), and whom the proxy verified.
Result<> add_attested(Report&, const std::string& client_api, const std::string& proxy_http);

std::string to_json(const Report&);
std::string to_words(const Report&);

// What a node's /health body says it waits for.
std::string health_reason(std::string_view body);

}  // namespace cocoon::cli
