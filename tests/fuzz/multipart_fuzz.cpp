// Forms: what is accepted is a form again when written, with the same parts; adding and removing keep it one.
#include "openai/multipart.hpp"
#include "openai/transcription.hpp"

using namespace cocoon::openai;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  // The first line is the content type.
  const auto line = in.find('\n');
  const auto type = in.substr(0, line);
  const auto body = line == in.npos ? std::string_view() : in.substr(line + 1);
  if (auto form = Form::parse(type, body)) {
    const auto text = form->body();
    const auto again = Form::parse(form->content_type(), text);
    if (!again || again->body() != text || again->parts().size() != form->parts().size()) __builtin_trap();
    for (std::size_t i = 0; i < again->parts().size(); ++i)
      if (again->parts()[i].content != form->parts()[i].content || again->parts()[i].name != form->parts()[i].name)
        __builtin_trap();
  }
  RequestDefaults defaults;
  if (const auto t = parse_transcription_request(type, body, defaults); t && !t->request.encrypted)
    if (!rewrite_transcription(t->content_type, t->request.body, t->request.model)) __builtin_trap();
  return 0;
}
