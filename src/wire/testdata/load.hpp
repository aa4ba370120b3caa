// For tests: the carried vectors and recorded sessions.
#pragma once
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace cocoon::wire::testdata {

namespace json = boost::json;

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

inline std::filesystem::path folder() { return std::filesystem::path(COCOON_SOURCE_DIR) / "src/wire/testdata"; }

// The vectors of wire-vectors.json by id.
inline const std::map<std::string, json::object>& vectors() {
  static const auto all = [] {
    std::map<std::string, json::object> out;
    const json::value parsed = json::parse(read_text(folder() / "wire-vectors.json"));
    for (const auto& v : parsed.as_array()) {
      const json::object& one = v.as_object();
      out.emplace(json::value_to<std::string>(one.at("id")), one);
    }
    return out;
  }();
  return all;
}

inline std::string output(const std::string& id) { return json::value_to<std::string>(vectors().at(id).at("output")); }
inline Bytes output_bytes(const std::string& id) { return from_hex(output(id)).value(); }

// Files of recorded sessions: those carried, and all of them where the specification lies beside the repository.
inline std::vector<std::filesystem::path> transcripts() {
  std::filesystem::path from = std::filesystem::path(COCOON_SOURCE_DIR) / "../shared/spec/transcripts";
  if (!std::filesystem::exists(from)) {
    std::cout << "[          ] " << from.string() << " is absent: testing the carried selection only\n";
    from = folder() / "transcripts";
  }
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(from))
    if (entry.path().extension() == ".json") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace cocoon::wire::testdata
