// `cocoon chat`: a conversation in the terminal, over the client's HTTP API.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace CLI {
class App;
}

namespace cocoon::cli {

struct ChatOptions {
  std::string api = "http://127.0.0.1:10000";
  std::string model;   // empty: the first one served
  std::string system;  // the system message; empty: none
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  Duration patience = std::chrono::seconds(300);  // for one answer
};

// Where a conversation is held. Everything it is given is safe for a terminal.
class ChatTerminal {
 public:
  virtual ~ChatTerminal() = default;
  // The next line of the person; nothing at the end of input or when asked to quit.
  virtual std::optional<std::string> line() = 0;
  virtual void say(std::string_view text) = 0;    // the answer, as it comes
  virtual void note(std::string_view text) = 0;   // a line about it
  virtual void error(std::string_view text) = 0;  // a line about what went wrong
  virtual bool interrupted() = 0;                 // the running answer is no longer wanted
};

// Talks until the input ends. False if a question has got no answer.
bool converse(const ChatOptions& options, ChatTerminal& terminal);

// On standard input and output: with colours, a prompt and Ctrl-C when they are a terminal, plain otherwise. Returns
// the process's exit status.
int chat(const ChatOptions& options);

// Registers the command; `status` receives its exit status.
void add_chat(CLI::App& app, int& status);

}  // namespace cocoon::cli
