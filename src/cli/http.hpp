// Blocking HTTP for commands: one call, one answer. Nodes never use this.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace cocoon::cli {

struct HttpReply {
  int status = 0;
  std::string body;
};

Result<HttpReply> http_get(const std::string& url, Duration deadline = std::chrono::seconds(10));
Result<HttpReply> http_post_json(const std::string& url, std::string body, Duration deadline);
// Hands over the body piece by piece as it arrives; `body` of the reply stays empty when the status is 200. The
// exchange is given up (net::net_cancelled) soon after `stop` says so.
Result<HttpReply> http_post_stream(const std::string& url, std::string body, Duration deadline,
                                   const std::function<void(std::string_view)>& on_piece,
                                   const std::function<bool()>& stop = nullptr);

// An operator's request: a form, with the node's secret.
Result<HttpReply> http_post_form(const std::string& url, std::string form, const std::string& bearer,
                                 Duration deadline);

}  // namespace cocoon::cli
