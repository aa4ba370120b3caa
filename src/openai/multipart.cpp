#include "openai/multipart.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace cocoon::openai {
namespace {

constexpr int kRefused = 621;  // wire.md 2.7
constexpr std::size_t kMaxBoundary = 70;
constexpr std::size_t kMaxName = 256;

bool is_boundary(std::string_view text) {
  constexpr std::string_view kMarks = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= kMaxBoundary && text.back() != ' ' && std::ranges::all_of(text, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || kMarks.find(c) != std::string_view::npos;
  });
}

// The value of NAME in `type; a=b; name="quoted \" text"`. Quotes are undone.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos && at < header.size()) {
    header.remove_prefix(at + 1);
    const auto equals = header.find_first_of("=;");
    if (equals == std::string_view::npos || header[equals] == ';') {
      at = equals;
      continue;
    }
    const bool wanted = equal_ignoring_case(trimmed(header.substr(0, equals)), name);
    header = trimmed(header.substr(equals + 1));
    std::string value;
    std::size_t i = 0;
    if (header.starts_with('"')) {
      for (i = 1; i < header.size() && header[i] != '"'; ++i) {
        if (header[i] == '\\' && i + 1 < header.size()) ++i;
        value += header[i];
      }
      if (i >= header.size()) return std::nullopt;  // no end
    } else {
      i = std::min(header.find(';'), header.size());
      value = trimmed(header.substr(0, i));
    }
    if (wanted) return value;
    at = header.find(';', i);
  }
  return std::nullopt;
}

// The value of one header among lines that end with CRLF (or LF).
std::string_view header_in(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && equal_ignoring_case(trimmed(line.substr(0, colon)), name))
      return trimmed(line.substr(colon + 1));
  }
  return {};
}

Result<FormPart> part_in(std::string_view text, const FormLimits& limits) {
  FormPart out;
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos || end > limits.max_header)
    return fail(kRefused, "a part of the form has no headers, or more than {} bytes of them", limits.max_header);
  out.headers = text.substr(0, end);
  out.content = text.substr(end + 4);
  auto name = parameter(header_in(out.headers, "content-disposition"), "name");
  if (!name || name->empty() || name->size() > kMaxName) return fail(kRefused, "a part of the form has no name");
  out.name = std::move(*name);
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

Result<Form> Form::parse(std::string_view content_type, std::string_view body, const FormLimits& limits) {
  if (body.size() > limits.max_bytes)
    return fail(kRefused, "form of {} bytes, at most {}", body.size(), limits.max_bytes);
  if (!equal_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))), "multipart/form-data"))
    return fail(kRefused, "the body must be multipart/form-data");
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || !is_boundary(*boundary)) return fail(kRefused, "the form's boundary is missing or malformed");
  Form out;
  out.boundary_ = std::move(*boundary);
  const std::string first = "--" + out.boundary_;
  const std::string next = "\r\n" + first;
  // What stands before the first delimiter does not count.
  std::size_t at = 0;
  if (!body.starts_with(first)) {
    at = body.find(next);
    if (at == std::string_view::npos) return fail(kRefused, "the form does not hold its boundary");
    at += 2;
  }
  for (;;) {
    at += first.size();
    if (body.substr(at).starts_with("--")) return out;  // what follows does not count
    const auto line = body.find("\r\n", at);
    if (line == std::string_view::npos || !trimmed(body.substr(at, line - at)).empty())
      return fail(kRefused, "the form is cut off, or its boundary stands inside of a part");
    const auto end = body.find(next, line);  // this line's own end may begin the next delimiter
    if (end == std::string_view::npos) return fail(kRefused, "the form is cut off");
    if (out.parts_.size() >= limits.max_parts) return fail(kRefused, "a form of more than {} parts", limits.max_parts);
    if (end < line + 2) return fail(kRefused, "a part of the form is empty");
    TRY_ASSIGN(auto part, part_in(body.substr(line + 2, end - line - 2), limits));
    out.parts_.push_back(std::move(part));
    at = end + 2;
  }
}

const FormPart* Form::find(std::string_view name) const {
  for (auto it = parts_.rbegin(); it != parts_.rend(); ++it)
    if (it->name == name) return &*it;
  return nullptr;
}

std::optional<std::string> Form::text(std::string_view name) const {
  const auto* part = find(name);
  return part == nullptr ? std::nullopt : std::optional<std::string>(part->content);
}

void Form::remove(std::string_view name) {
  std::erase_if(parts_, [&](const FormPart& p) { return p.name == name; });
}

void Form::add(std::string_view name, std::string text) {
  FormPart part;
  part.name = name;
  part.headers = own_.emplace_back("Content-Disposition: form-data; name=\"" + part.name + "\"");
  part.content = own_.emplace_back(std::move(text));
  parts_.push_back(std::move(part));
}

std::string Form::body() const {
  std::size_t size = boundary_.size() + 8;
  for (const auto& p : parts_) size += boundary_.size() + p.headers.size() + p.content.size() + 16;
  std::string out;
  out.reserve(size);
  for (const auto& p : parts_) {
    out.append("--").append(boundary_).append("\r\n");
    out.append(p.headers).append("\r\n\r\n");
    out.append(p.content).append("\r\n");
  }
  return out.append("--").append(boundary_).append("--\r\n");
}

std::string Form::content_type() const {
  const bool plain = std::ranges::all_of(boundary_, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  });
  return "multipart/form-data; boundary=" + (plain ? boundary_ : quoted(boundary_));
}

}  // namespace cocoon::openai
