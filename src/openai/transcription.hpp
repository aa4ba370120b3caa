// /v1/audio/transcriptions: forms on both sides (wire.md 5.3, 5.4.3, 5.4.4).
#pragma once
#include "openai/multipart.hpp"
#include "openai/request.hpp"

namespace cocoon::openai {

// A body that is a form, with the header that says so.
struct FormBody {
  std::string content_type;
  std::string body;
};

struct TranscriptionRequest {
  ClientRequest request;     // its body is the form for the worker
  std::string content_type;  // of that body
};
// What parse_client_request does for JSON: `model` and `file` must be there, client-level fields are read and taken
// out, numbers are decimal text. A token limit is always present. Error 621 says which field is wrong.
Result<TranscriptionRequest> parse_transcription_request(std::string_view content_type, std::string_view body,
                                                         const RequestDefaults& defaults = {});

struct TranscriptionForEngine {
  FormBody form;
  bool stream = false;
};
// For the worker: the model must be `model` (621); fields that are Cocoon's own do not reach the engine.
Result<TranscriptionForEngine> rewrite_transcription(std::string_view content_type, std::string_view body,
                                                     std::string_view model, const JsonLimits& limits = {});

}  // namespace cocoon::openai
