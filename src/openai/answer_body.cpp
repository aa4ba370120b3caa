#include "openai/answer_body.hpp"

#include <optional>

#include <boost/json.hpp>

#include "base/text.hpp"

namespace cocoon::openai {

BodyForm form_of_content_type(std::string_view content_type) {
  constexpr std::string_view kSuffix = "+json";
  const auto type = trimmed(content_type.substr(0, content_type.find(';')));
  if (equal_ignoring_case(type, "text/event-stream")) return BodyForm::event_stream;
  if (equal_ignoring_case(type, "application/json")) return BodyForm::json;
  const bool some_json =
      type.size() > kSuffix.size() && equal_ignoring_case(type.substr(type.size() - kSuffix.size()), kSuffix);
  return some_json ? BodyForm::json : BodyForm::opaque;
}

struct AnswerBody::State {
  explicit State(Options o)
      : options(std::move(o)),
        scanner(JsonScanner::Documents::many,
                [this](const Usage& u, std::uint64_t brace) { note_annotation(u, brace); }),
        events(options.max_event) {}

  Options options;
  Usage usage;
  // json
  UsageScanner scanner;
  std::vector<std::pair<std::uint64_t, std::string>> insertions;  // offset in the stream, text
  // event stream
  SseReader events;
  bool lost = false;  // no longer of the announced form
  bool done = false;  // [DONE]
  bool error = false;
  bool whole = true;
  std::uint64_t texts = 0;
  std::string held;  // the event that ended the choices, or [DONE], until it is known whether usage follows

  bool counted() const { return usage != Usage{}; }

  void release(std::string& out) {
    out += held;
    held.clear();
  }

  void note_annotation(const Usage& grown, std::uint64_t brace) {
    if (!options.annotate) return;
    std::string text = options.annotate(grown);
    if (!text.empty()) insertions.emplace_back(brace, "," + std::move(text));
  }

  void push_json(std::string_view in, std::string& out) {
    const std::uint64_t base = scanner.offset();
    if (!lost && !scanner.push(in)) lost = true;
    std::size_t at = 0;
    for (const auto& [offset, text] : insertions) {
      const auto to = static_cast<std::size_t>(offset - base);
      out += in.substr(at, to - at);
      out += text;
      at = to;
    }
    insertions.clear();
    out += in.substr(at);
    usage = scanner.usage();
    error = error || scanner.has_error();
  }

  void push_events(std::string_view in, std::string& out) {
    if (lost) {
      out += in;
      return;
    }
    events.push(in);
    for (;;) {
      const auto event = events.next();
      if (!event) {  // too long to hold: from here on only bytes
        lost = true;
        release(out);
        out += events.rest();
        return;
      }
      if (!*event) return;
      forward(**event, out);
    }
  }

  void forward(const SseEvent& event, std::string& out) {
    done = done || event.is_done();
    error = error || event.name == "error";
    if (!event.has_data || event.is_done()) {
      release(out);
      auto& to = event.is_done() && !counted() ? held : out;
      to += event.raw;
      return;
    }
    const auto look = look_at(event.data);
    if (look.plain) {
      if (look.text) ++texts;
      release(out);
      out += event.raw;
      return;
    }
    std::string text;
    std::uint64_t brace = 0;
    UsageScanner one(JsonScanner::Documents::one, [&](const Usage& found, std::uint64_t at) {
      if (!usage.grow(found) || !options.annotate) return;
      text = options.annotate(usage);
      brace = at;
    });
    const bool json = one.push(event.data) && one.finish();
    error = error || (json && one.has_error());
    if (json && options.drop_usage_event && one.has_usage() && one.has_empty_choices()) {
      fold_usage(event.data, text, brace);
      return;
    }
    release(out);
    if (json && look.text) ++texts;
    const bool in_place =
        event.data.data() >= event.raw.data() && event.data.data() < event.raw.data() + event.raw.size();
    auto& to = json && options.drop_usage_event && ends_choices(event.data) ? held : out;
    if (!json || text.empty() || !in_place) {
      to += event.raw;
      return;
    }
    const std::size_t at =
        static_cast<std::size_t>(event.data.data() - event.raw.data()) + static_cast<std::size_t>(brace);
    to += event.raw.substr(0, at);
    to += ',';
    to += text;
    to += event.raw.substr(at);
  }

  // What follows a member's name.
  static bool is_null(std::string_view value) {
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (!value.starts_with(':')) return false;
    value.remove_prefix(1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value.starts_with("null");
  }

  // What follows a member's name: a string with something in it.
  static bool is_text(std::string_view value) {
    const auto at = value.find_first_not_of(" :");
    return at != std::string_view::npos && value[at] == '"' && value.substr(at + 1, 1) != "\"";
  }

  // Most events of a stream hold nothing that decides anything here, and need no parser: one look from quote to quote
  // tells. Quotes inside of JSON strings are escaped, so a name in quotes can only be the member itself, or a value
  // that no colon follows. (Names spelt with escapes are not found by the parser either.)
  struct Look {
    bool plain = true;  // no usage, error or reason to finish
    bool text = false;  // a piece of the answer
  };
  static Look look_at(std::string_view data) {
    Look out;
    for (auto at = data.find('"'); at != std::string_view::npos; at = data.find('"', at + 1)) {
      const auto rest = data.substr(at + 1);
      const auto value_of = [rest](std::string_view name) -> std::optional<std::string_view> {
        if (!rest.starts_with(name)) return std::nullopt;
        return rest.substr(name.size());
      };
      const auto decides = [&](std::string_view name) {
        // Engines that were asked for usage say "usage":null in every chunk but the last.
        if (const auto value = value_of(name); value && !is_null(*value)) out.plain = false;
      };
      const auto tells = [&](std::string_view name) {
        if (const auto value = value_of(name); value && is_text(*value)) out.text = true;
      };
      switch (rest.empty() ? '\0' : rest.front()) {
        case 'a':
          tells("arguments\"");
          break;
        case 'c':
          tells("content\"");
          break;
        case 'e':
          decides("error\"");
          break;
        case 'f':
          // Ollama of 2024 says "finish_reason":"" in every chunk but the last.
          if (const auto value = value_of("finish_reason\""); value && is_text(*value)) out.plain = false;
          break;
        case 'r':
          for (const std::string_view name : {"reasoning_content\"", "reasoning\"", "refusal\""}) tells(name);
          break;
        case 't':
          tells("text\"");
          break;
        case 'u':
          decides("usage\"");
          break;
        default:
          break;
      }
    }
    return out;
  }

  static bool ends_choices(std::string_view data) {
    constexpr std::string_view kName = "\"finish_reason\"";
    for (auto at = data.find(kName); at != std::string_view::npos; at = data.find(kName, at + 1))
      if (is_text(data.substr(at + kName.size()))) return true;
    return false;
  }

  // The usage of an event that the reader did not ask for goes into the last event that it gets anyway. Two events of
  // a whole stream come here, so they may cost a tree.
  void fold_usage(std::string_view data, const std::string& annotation, std::uint64_t brace) {
    if (held.empty()) return;
    std::string annotated(data);
    if (!annotation.empty()) annotated.insert(static_cast<std::size_t>(brace), "," + annotation);
    boost::system::error_code bad;
    const auto with_usage = boost::json::parse(annotated, bad);
    const auto* counts = !bad && with_usage.is_object() ? with_usage.as_object().if_contains("usage") : nullptr;
    if (counts == nullptr) return;
    const auto begin = held.find('{');
    const auto end = held.rfind('}');
    if (begin == std::string::npos || end == std::string::npos || held.find('\n') < end) return;
    auto last = boost::json::parse(std::string_view(held).substr(begin, end + 1 - begin), bad);
    if (bad || !last.is_object()) return;
    last.as_object()["usage"] = *counts;
    held.replace(begin, end + 1 - begin, boost::json::serialize(last));
  }
};

AnswerBody::AnswerBody(Options options) : state_(std::make_unique<State>(std::move(options))) {}
AnswerBody::~AnswerBody() = default;
AnswerBody::AnswerBody(AnswerBody&&) noexcept = default;
AnswerBody& AnswerBody::operator=(AnswerBody&&) noexcept = default;

void AnswerBody::push(std::string_view in, std::string& out) {
  switch (state_->options.form) {
    case BodyForm::json:
      return state_->push_json(in, out);
    case BodyForm::event_stream:
      return state_->push_events(in, out);
    case BodyForm::opaque:
      out += in;
  }
}

void AnswerBody::finish(std::string& out) {
  State& s = *state_;
  if (s.options.form == BodyForm::json) s.whole = !s.lost && s.scanner.finish() && s.scanner.documents() > 0;
  if (s.options.form == BodyForm::json) s.usage = s.scanner.usage();
  if (s.options.form != BodyForm::event_stream) return;
  s.release(out);
  if (!s.lost) out += s.events.rest();
  s.whole = !s.lost && s.done;
}

const Usage& AnswerBody::usage() const { return state_->usage; }
bool AnswerBody::counted() const { return state_->counted(); }
std::uint64_t AnswerBody::texts() const { return state_->texts; }
bool AnswerBody::whole() const { return state_->whole; }
bool AnswerBody::has_error() const { return state_->error; }

}  // namespace cocoon::openai
