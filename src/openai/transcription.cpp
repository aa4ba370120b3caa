#include "openai/transcription.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace cocoon::openai {
namespace {

constexpr int kRefused = 621;  // wire.md 2.7
constexpr std::string_view kClientOnly[] = {"max_coefficient", "timeout", "enable_debug", "request_guid"};
constexpr std::string_view kNetworkOnly[] = {"is_encrypted", "sender_public_key", "receiver_public_key",
                                             "encryption_nonce"};

Result<std::optional<std::int64_t>> count(const Form& form, std::string_view name) {
  const auto text = form.text(name);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto* const end = text->data() + text->size();
  const auto [at, bad] = std::from_chars(text->data(), end, value);
  if (bad != std::errc() || at != end || value < 0 || value > std::numeric_limits<std::int32_t>::max())
    return fail(kRefused, "{} is not an unsigned integer", name);
  return value;
}

Result<double> timeout_of(const Form& form, const RequestDefaults& defaults) {
  const auto text = form.text("timeout");
  if (!text) return defaults.timeout;
  double value = 0;
  const auto* const end = text->data() + text->size();
  const auto [at, bad] = std::from_chars(text->data(), end, value);
  if (bad != std::errc() || at != end || !std::isfinite(value) || value <= 0)
    return fail(kRefused, "timeout is not a positive number");
  return std::min(value, defaults.max_timeout);
}

// "true" as applications write it, 1 as wire.md 5.4.3 does.
Result<bool> truth(const Form& form, std::string_view name) {
  const auto text = form.text(name);
  if (!text || *text == "false" || *text == "0") return false;
  if (*text == "true" || *text == "1") return true;
  return fail(kRefused, "{} is neither true nor false", name);
}

FormLimits limits_of(const JsonLimits& limits) {
  FormLimits out;
  out.max_bytes = limits.max_bytes;
  return out;
}

}  // namespace

Result<TranscriptionRequest> parse_transcription_request(std::string_view content_type, std::string_view body,
                                                         const RequestDefaults& defaults) {
  TRY_ASSIGN(auto form, Form::parse(content_type, body, limits_of(defaults.limits)));
  TranscriptionRequest out;
  auto& r = out.request;
  r.model = form.text("model").value_or("");
  if (r.model.empty()) return fail(kRefused, "model is missing");
  if (!is_utf8(r.model)) return fail(kRefused, "model is not UTF-8");
  if (form.find("file") == nullptr) return fail(kRefused, "file is missing");
  TRY_ASSIGN(const auto completion, count(form, "max_completion_tokens"));
  TRY_ASSIGN(const auto plain, count(form, "max_tokens"));
  r.max_tokens = completion ? *completion : plain.value_or(defaults.max_tokens);
  if (!completion && !plain) form.add("max_tokens", std::to_string(r.max_tokens));
  TRY_ASSIGN(const auto coefficient, count(form, "max_coefficient"));
  r.max_coefficient = coefficient.value_or(defaults.max_coefficient);
  TRY_ASSIGN(r.timeout, timeout_of(form, defaults));
  TRY_ASSIGN(r.enable_debug, truth(form, "enable_debug"));
  TRY_ASSIGN(r.stream, truth(form, "stream"));
  r.request_guid = form.text("request_guid").value_or("");
  r.receiver_public_key = form.text("receiver_public_key").value_or("");
  r.encrypted = form.find("is_encrypted") != nullptr;
  for (const auto name : kClientOnly) form.remove(name);
  r.body = form.body();
  out.content_type = form.content_type();
  return out;
}

Result<TranscriptionForEngine> rewrite_transcription(std::string_view content_type, std::string_view body,
                                                     std::string_view model, const JsonLimits& limits) {
  TRY_ASSIGN(auto form, Form::parse(content_type, body, limits_of(limits)));
  if (form.text("model") != model) return fail(kRefused, "this worker does not serve the model of the request");
  if (form.find("file") == nullptr) return fail(kRefused, "file is missing");
  if (form.find("is_encrypted") != nullptr) return fail(kRefused, "encrypted forms are not served");
  TranscriptionForEngine out;
  TRY_ASSIGN(out.stream, truth(form, "stream"));
  for (const auto name : kClientOnly) form.remove(name);
  for (const auto name : kNetworkOnly) form.remove(name);
  out.form = {form.content_type(), form.body()};
  return out;
}

}  // namespace cocoon::openai
