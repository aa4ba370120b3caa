// Forms with files (multipart/form-data: RFC 7578, RFC 2046 5.1), taken apart into views and put together again.
#pragma once
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cocoon::openai {

struct FormLimits {
  std::size_t max_bytes = std::size_t{16} << 20;
  std::size_t max_parts = 64;
  std::size_t max_header = 4096;  // bytes of one part's header lines
};

struct FormPart {
  std::string name;          // of Content-Disposition
  std::string_view headers;  // its lines as they were, the empty one excluded
  std::string_view content;
};

// Views the body it was parsed from, which must outlive it. Error code 621.
class Form {
 public:
  Form() = default;
  Form(Form&&) noexcept = default;
  Form& operator=(Form&&) noexcept = default;
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;

  // `content_type` is the header's value. The type and the parameter's name compare without case, the boundary (1 to 70
  // characters of RFC 2046) may be quoted, what else the header says does not matter.
  static Result<Form> parse(std::string_view content_type, std::string_view body, const FormLimits& limits = {});

  const std::vector<FormPart>& parts() const { return parts_; }
  // Of parts with one name the last counts, as with JSON's members.
  const FormPart* find(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  void remove(std::string_view name);
  // `name` needs no quoting; the text must not hold the boundary.
  void add(std::string_view name, std::string text);

  // "multipart/form-data; boundary=..." with the space that existing workers insist on (wire.md D6).
  std::string content_type() const;
  std::string body() const;

 private:
  std::string boundary_;
  std::vector<FormPart> parts_;
  std::list<std::string> own_;  // of parts that were added
};

}  // namespace cocoon::openai
