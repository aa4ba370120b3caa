#include "cli/chat.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "cli/chain.hpp"
#include "cli/http.hpp"
#include "cli/output.hpp"
#include "net/asio.hpp"
#include "openai/chat.hpp"
#include "openai/models.hpp"
#include "openai/sse.hpp"

namespace cocoon::cli {
namespace {

constexpr std::string_view kHelp =
    "/model [NAME]   show the models, or talk to another one\n"
    "/system [TEXT]  set the system message, or clear it; starts anew\n"
    "/reset          forget the conversation\n"
    "/quit           leave (also Ctrl-D)\n"
    "Ctrl-C stops an answer; twice leaves.";
constexpr std::size_t kMaxUnparsed = std::size_t{8} << 20;
constexpr std::size_t kMaxLine = std::size_t{1} << 20;

// One answer as it arrives: events, or one JSON object from a worker that does not stream.
class AnswerReader {
 public:
  explicit AnswerReader(ChatTerminal& terminal) : terminal_(terminal) {}

  void piece(std::string_view bytes) {
    if (!error.empty()) return;
    if (!began_) first_at_ = wall_clock();
    began_ = true;
    if (events_ == 0 && unparsed_.size() < kMaxUnparsed) unparsed_ += bytes;
    sse_.push(bytes);
    while (error.empty()) {
      auto event = sse_.next();
      if (!event) {
        error = event.error().what;
        return;
      }
      if (!*event) return;
      if (!(*event)->has_data || (*event)->is_done()) continue;
      ++events_;
      take((*event)->data);
    }
  }
  void finish() {
    if (events_ == 0 && error.empty() && !unparsed_.empty()) take(unparsed_);
    if (text.empty() && error.empty()) error = "the answer is empty";
  }

  std::string text, error;
  std::optional<openai::Usage> usage;
  std::optional<std::int64_t> cost;  // nanoTON
  Time first_at() const { return first_at_; }

 private:
  void take(std::string_view json) {
    const auto p = openai::read_chat_piece(json);
    if (!p) {
      error = p.error().what;
      return;
    }
    if (!p->error.empty()) error = p->error;
    if (p->usage) usage = p->usage;
    if (p->total_cost) cost = p->total_cost;
    if (p->text.empty()) return;
    text += p->text;
    terminal_.say(printable(p->text));
  }

  ChatTerminal& terminal_;
  openai::SseReader sse_;
  std::string unparsed_;
  std::size_t events_ = 0;
  bool began_ = false;
  Time first_at_{};
};

class Conversation {
 public:
  Conversation(const ChatOptions& options, ChatTerminal& terminal)
      : options_(options), terminal_(terminal), model_(options.model), system_(options.system) {}

  bool run() {
    if (!find_model()) return false;
    bool all_answered = true;
    while (auto line = terminal_.line()) {
      if (line->find_first_not_of(" \t\r") == line->npos) continue;
      if (line->starts_with('/')) {
        if (!command(*line)) break;
      } else {
        all_answered = ask(*line) && all_answered;
      }
    }
    return all_answered;
  }

 private:
  void trouble(const Error& e) {
    if (e.code == net::net_refused)
      terminal_.error(
          fmt::format("no client answers at {}; run `make up` first, or name another with --api", options_.api));
    else
      terminal_.error(printable(e.what));
  }

  std::string refusal(const HttpReply& reply) const {
    const auto said = openai::read_chat_piece(reply.body);
    const auto text = said && !said->error.empty() ? said->error : reply.body.substr(0, 300);
    return fmt::format("{} (status {})", text.empty() ? "no reason given" : printable(text), reply.status);
  }

  std::optional<std::vector<std::string>> models() {
    const auto reply = http_get(options_.api + "/v1/models", std::chrono::seconds(15));
    if (!reply) return trouble(reply.error()), std::nullopt;
    if (reply->status != 200) return terminal_.error(refusal(*reply)), std::nullopt;
    auto ids = openai::model_ids(reply->body);
    if (!ids) return trouble(ids.error()), std::nullopt;
    return std::move(*ids);
  }

  bool find_model() {
    if (!model_.empty()) return true;
    const auto ids = models();
    if (!ids) return false;
    if (ids->empty()) {
      terminal_.error("no worker serves a model at the moment");
      return false;
    }
    model_ = ids->front();
    terminal_.note(fmt::format("{}; /help for help", printable(model_)));
    return true;
  }

  // False: the person wants to leave.
  bool command(const std::string& line) {
    const auto space = line.find_first_of(" \t");
    const auto word = line.substr(0, space);
    const auto begin = space == line.npos ? line.npos : line.find_first_not_of(" \t\r", space);
    const auto rest =
        begin == line.npos ? std::string() : line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
    if (word == "/quit" || word == "/exit") return false;
    if (word == "/help") {
      terminal_.note(kHelp);
    } else if (word == "/reset") {
      history_.clear();
      terminal_.note("the conversation begins anew");
    } else if (word == "/system") {
      system_ = rest;
      history_.clear();
      terminal_.note(rest.empty() ? "no system message" : "system message set; the conversation begins anew");
    } else if (word == "/model") {
      choose(rest);
    } else {
      terminal_.error(fmt::format("no command {}; /help shows them all", printable(word)));
    }
    return true;
  }

  void choose(const std::string& name) {
    const auto ids = models();
    if (!ids) return;
    if (name.empty()) {
      for (const auto& id : *ids) terminal_.note(fmt::format("{} {}", id == model_ ? "*" : " ", printable(id)));
    } else if (std::find(ids->begin(), ids->end(), name) == ids->end()) {
      terminal_.error(fmt::format("no worker serves {}; /model shows the models", printable(name)));
    } else {
      model_ = name;
      terminal_.note(fmt::format("now talking to {}", printable(model_)));
    }
  }

  bool ask(const std::string& question) {
    std::vector<openai::ChatMessage> messages;
    if (!system_.empty()) messages.push_back({"system", system_});
    messages.insert(messages.end(), history_.begin(), history_.end());
    messages.push_back({"user", question});
    openai::ChatOptions o;
    o.stream = true;
    o.max_tokens = options_.max_tokens;
    o.temperature = options_.temperature;

    const auto asked_at = wall_clock();
    AnswerReader answer(terminal_);
    const auto reply = http_post_stream(
        options_.api + "/v1/chat/completions", openai::chat_request_body(model_, messages, o), options_.patience,
        [&](std::string_view piece) { answer.piece(piece); }, [&] { return terminal_.interrupted(); });
    const auto ended_at = wall_clock();
    const bool stopped = !reply && reply.error().code == net::net_cancelled;
    if (reply && reply->status == 200) answer.finish();
    if (!answer.text.empty()) terminal_.say("\n");
    // What was said so far belongs to the conversation, also when it was cut short.
    if (!answer.text.empty()) {
      history_.push_back({"user", question});
      history_.push_back({"assistant", answer.text});
    }
    if (stopped) {
      terminal_.note("stopped");
      return true;  // as the person wished
    }
    if (!reply) {
      trouble(reply.error());
    } else if (reply->status != 200) {
      terminal_.error(refusal(*reply));
    } else if (!answer.error.empty()) {
      terminal_.error(printable(answer.error));
    } else {
      terminal_.note(summary(answer, asked_at, ended_at));
      return true;
    }
    return false;
  }

  static std::string summary(const AnswerReader& a, Time asked_at, Time ended_at) {
    std::string out;
    if (a.usage) out += fmt::format("{} + {} tokens, ", a.usage->prompt, a.usage->completion);
    if (a.cost) out += ton_text(static_cast<std::uint64_t>(std::max<std::int64_t>(*a.cost, 0))) + ", ";
    return out + fmt::format("first token after {:.2f} s, {:.2f} s in all", to_seconds(a.first_at() - asked_at),
                             to_seconds(ended_at - asked_at));
  }

  const ChatOptions& options_;
  ChatTerminal& terminal_;
  std::string model_, system_;
  std::vector<openai::ChatMessage> history_;
};

// --- standard input and output

volatile std::sig_atomic_t interrupts = 0;
void on_interrupt(int) { interrupts = interrupts + 1; }

class StandardTerminal final : public ChatTerminal {
 public:
  StandardTerminal() : person_(isatty(STDIN_FILENO) == 1), colours_(isatty(STDOUT_FILENO) == 1) {
    // Without a person at the keyboard Ctrl-C means what it means everywhere.
    if (!person_) return;
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, nullptr);
  }

  std::optional<std::string> line() override {
    if (interrupts > 1) return std::nullopt;  // the second one while an answer was being stopped
    interrupts = 0;
    for (;;) {
      if (person_) write(colours_ ? "\n\033[1m> \033[0m" : "\n> ");
      auto got = read_line();
      if (got) interrupts = 0;
      if (!got && interrupts == 0 && person_) write("\n");
      if (got || interrupts == 0) return got;
      if (interrupts > 1) {
        write("\n");
        return std::nullopt;
      }
      note("\nCtrl-C again, or Ctrl-D, leaves");
    }
  }
  void say(std::string_view text) override { write(text); }
  void note(std::string_view text) override {
    // Beside a piped answer it would be taken for a part of it.
    if (colours_)
      write(fmt::format("\033[2m{}\033[0m\n", text));
    else
      cli::say(stderr, "{}\n", text);
  }
  void error(std::string_view text) override { cli::say(stderr, "cocoon chat: {}\n", text); }
  bool interrupted() override { return interrupts != 0; }

 private:
  static void write(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  // Nothing at the end of input, or when a signal came.
  std::optional<std::string> read_line() {
    for (;;) {
      if (const auto end = buffer_.find('\n'); end != buffer_.npos) {
        auto out = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return out;
      }
      if (ended_) return buffer_.empty() ? std::nullopt : std::optional(std::exchange(buffer_, {}));
      char bytes[4096];
      const auto n = ::read(STDIN_FILENO, bytes, sizeof bytes);
      if (n < 0 && errno == EINTR) {
        if (interrupts != 0) return std::nullopt;
        continue;
      }
      if (n > 0 && buffer_.size() < kMaxLine) buffer_.append(bytes, static_cast<std::size_t>(n));
      ended_ = ended_ || n <= 0;
    }
  }

  bool person_, colours_;
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace

bool converse(const ChatOptions& options, ChatTerminal& terminal) { return Conversation(options, terminal).run(); }

int chat(const ChatOptions& options) {
  StandardTerminal terminal;
  return converse(options, terminal) ? 0 : 1;
}

void add_chat(CLI::App& app, int& status) {
  auto* sub = app.add_subcommand("chat", "talk to a model in the terminal, through the client's API");
  auto options = std::make_shared<ChatOptions>();
  sub->add_option("--api", options->api, "the client's HTTP API")->capture_default_str();
  sub->add_option("--model", options->model, "the model to talk to; default: the first one served");
  sub->add_option("--system", options->system, "a system message before the conversation");
  sub->add_option("--max-tokens", options->max_tokens, "most tokens of an answer")->check(CLI::Range(1, 1'000'000));
  sub->add_option("--temperature", options->temperature, "how free the choice of words is")
      ->check(CLI::Range(0.0, 2.0));
  sub->callback([options, &status] {
    while (options->api.ends_with('/')) options->api.pop_back();
    status = chat(*options);
  });
}

}  // namespace cocoon::cli
