// An engine's answer on its way through the worker: bytes in, bytes out, usage learnt in passing (wire.md 5.5, D1).
#pragma once
#include <memory>

#include "openai/sse.hpp"
#include "openai/usage.hpp"

namespace cocoon::openai {

enum class BodyForm { json, event_stream, opaque };
BodyForm form_of_content_type(std::string_view content_type);

class AnswerBody {
 public:
  // Members to add at the end of a usage object, as JSON text without a leading comma ("\"total_cost\":5"); empty for
  // none.
  using Annotate = std::function<std::string(const Usage&)>;

  struct Options {
    BodyForm form = BodyForm::json;
    // Of a stream whose reader did not ask for usage: the event with empty `choices` does not go on; its usage moves
    // into the event that ended the choices.
    bool drop_usage_event = false;
    Annotate annotate;
    std::size_t max_event = std::size_t{1} << 20;
  };

  explicit AnswerBody(Options options);
  ~AnswerBody();
  AnswerBody(AnswerBody&&) noexcept;
  AnswerBody& operator=(AnswerBody&&) noexcept;

  // What may go on is appended to `out`: JSON and opaque bytes at once, events when they are whole. Bytes that turn out
  // not to be of the announced form go on as they are, uncounted.
  void push(std::string_view in, std::string& out);
  void finish(std::string& out);  // no more comes; what was held back goes on

  const Usage& usage() const;
  // Has the engine said what its answer cost? Until it has, the [DONE] of an event stream is held back for finish():
  // whoever takes no answer without usage can still end it otherwise.
  bool counted() const;
  // Of an event stream: events that have gone on with text of an answer in them. Engines send one token in each, so
  // this is what was delivered of an answer that broke off before its usage came.
  std::uint64_t texts() const;
  // After finish: the form was kept to the end (one or more whole JSON values; events up to [DONE]). True for opaque.
  bool whole() const;
  bool has_error() const;  // an `error` member or event was seen

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cocoon::openai
