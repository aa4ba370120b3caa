#include "openai/multipart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "openai/transcription.hpp"

namespace cocoon::openai {
namespace {

using testing::HasSubstr;

constexpr std::string_view kType = "multipart/form-data; boundary=XX";

std::string part(std::string_view name, std::string_view content, std::string_view more = "") {
  return fmt::format("--XX\r\nContent-Disposition: form-data; name=\"{}\"{}\r\n\r\n{}\r\n", name, more, content);
}
std::string form(const std::string& parts) { return parts + "--XX--\r\n"; }
const std::string kFile =
    part("file", std::string("RIFF\0\r\n--X\r\n\r\n", 13), "; filename=\"a \\\"b\\\".wav\"\r\nContent-Type: audio/wav");

TEST(Form, PartsAreViewsOfTheBody) {
  const auto body = form(part("model", "whisper") + kFile + part("empty", ""));
  const auto f = Form::parse(kType, body);
  ASSERT_TRUE(f) << f.error().what;
  ASSERT_EQ(f->parts().size(), 3U);
  EXPECT_EQ(f->text("model"), "whisper");
  EXPECT_EQ(f->text("empty"), "");
  EXPECT_EQ(f->find("file")->content, std::string_view("RIFF\0\r\n--X\r\n\r\n", 13)) << "a near miss of the boundary";
  EXPECT_THAT(std::string(f->find("file")->headers), HasSubstr("Content-Type: audio/wav"));
  EXPECT_EQ(f->text("other"), std::nullopt);
  EXPECT_EQ(f->body(), body);
  EXPECT_EQ(f->content_type(), kType);
}

TEST(Form, HeadersInEverySpelling) {
  const auto body =
      form("--XX  \r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION:form-data;NAME=a; x=\"; name=no\"\r\n\r\n1\r\n");
  for (const auto* type : {"Multipart/Form-Data;boundary=XX", "multipart/form-data ; charset=utf-8;  BOUNDARY=\"XX\"",
                           "multipart/form-data; boundary=XX; charset=utf-8"}) {
    const auto f = Form::parse(type, body);
    ASSERT_TRUE(f) << type << ": " << f.error().what;
    EXPECT_EQ(f->text("a"), "1");
  }
  const auto odd = Form::parse("multipart/form-data; boundary=\"a b=c\"", "--a b=c--");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->content_type(), "multipart/form-data; boundary=\"a b=c\"");
  EXPECT_TRUE(Form::parse(kType, "preamble\r\n" + body + "epilogue"));
}

TEST(Form, WhatIsNoFormIs621) {
  for (const auto& [type, body] : std::vector<std::pair<std::string, std::string>>{
           {"application/json", form(kFile)},
           {"multipart/form-data", form(kFile)},
           {"multipart/form-data; boundary=", form(kFile)},
           {"multipart/form-data; boundary=\"XX", form(kFile)},
           {"multipart/form-data; boundary=" + std::string(71, 'X'), form(kFile)},
           {"multipart/form-data; boundary=X\tX", form(kFile)},
           {"multipart/form-data; boundary=YY", form(kFile)},
           {std::string(kType), ""},
           {std::string(kType), "--XX"},
           {std::string(kType), "--XX\r\n--XX--"},
           {std::string(kType), kFile},
           {std::string(kType), form("--XX\r\nX: y\r\n\r\n1\r\n")},
           {std::string(kType), form("--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n")},
           {std::string(kType), form("--XXY\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n")},
       }) {
    const auto f = Form::parse(type, body);
    ASSERT_FALSE(f) << type << "\n" << body;
    EXPECT_EQ(f.error().code, 621);
  }
}

TEST(Form, Limits) {
  const FormLimits limits{.max_bytes = 400, .max_parts = 2, .max_header = 50};
  EXPECT_TRUE(Form::parse(kType, form(part("a", "1") + part("b", "2")), limits));
  EXPECT_FALSE(Form::parse(kType, form(part("a", "1") + part("b", "2") + part("c", "3")), limits));
  EXPECT_FALSE(Form::parse(kType, form(part("a", std::string(400, 'x'))), limits));
  EXPECT_FALSE(Form::parse(kType, form(part(std::string(60, 'n'), "1")), limits));
}

TEST(Form, PartsComeAndGo) {
  const auto body = form(part("a", "1") + part("a", "2") + part("b", "3"));
  auto f = Form::parse(kType, body).value();
  EXPECT_EQ(f.text("a"), "2") << "the last counts";
  f.remove("a");
  f.add("c", "4");
  const auto again_body = f.body();
  const auto again = Form::parse(f.content_type(), again_body);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->parts().size(), 2U);
  EXPECT_EQ(again->text("b"), "3");
  EXPECT_EQ(again->text("c"), "4");
}

TEST(Transcription, ClientFieldsAreReadAndTakenOut) {
  const auto body = form(part("model", "whisper") + kFile + part("timeout", "7.5") + part("max_coefficient", "1500") +
                         part("request_guid", "g") + part("language", "de") + part("stream", "true"));
  const auto t = parse_transcription_request("multipart/form-data;boundary=XX", body);
  ASSERT_TRUE(t) << t.error().what;
  EXPECT_EQ(t->request.model, "whisper");
  EXPECT_EQ(t->request.timeout, 7.5);
  EXPECT_EQ(t->request.max_coefficient, 1500);
  EXPECT_EQ(t->request.request_guid, "g");
  EXPECT_TRUE(t->request.stream);
  EXPECT_EQ(t->request.max_tokens, 10000);
  EXPECT_EQ(t->content_type, "multipart/form-data; boundary=XX") << "with the space that workers need";
  EXPECT_EQ(t->request.body, form(part("model", "whisper") + kFile + part("language", "de") + part("stream", "true") +
                                  part("max_tokens", "10000")));
  const auto engine = rewrite_transcription(t->content_type, t->request.body, "whisper");
  ASSERT_TRUE(engine) << engine.error().what;
  EXPECT_EQ(engine->form.body, t->request.body);
  EXPECT_TRUE(engine->stream);
  EXPECT_EQ(rewrite_transcription(t->content_type, t->request.body, "other").error().code, 621);
}

TEST(Transcription, WrongFieldsAreNamed) {
  const auto with = [](const std::string& more) { return form(part("model", "m") + kFile + more); };
  for (const auto& [body, named] : std::vector<std::pair<std::string, std::string>>{
           {form(kFile), "model"},
           {form(part("model", "m")), "file"},
           {form(part("model", "\xff") + kFile), "UTF-8"},
           {with(part("max_tokens", "-1")), "max_tokens"},
           {with(part("max_tokens", "4294967301")), "max_tokens"},
           {with(part("max_completion_tokens", "1.5")), "max_completion_tokens"},
           {with(part("timeout", "0")), "timeout"},
           {with(part("timeout", "inf")), "timeout"},
           {with(part("stream", "maybe")), "stream"},
       }) {
    const auto t = parse_transcription_request(kType, body);
    ASSERT_FALSE(t) << named;
    EXPECT_EQ(t.error().code, 621);
    EXPECT_THAT(t.error().what, HasSubstr(named));
  }
  EXPECT_EQ(parse_transcription_request(kType, with(part("timeout", "1e9")))->request.timeout, 3600);
}

}  // namespace
}  // namespace cocoon::openai
