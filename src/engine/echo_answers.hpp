// What the fixture engine (echo_backend.hpp) says where an answer depends on its request. Private to this room: it
// shows Boost.JSON.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/api_error.hpp"
#include "engine/json_fields.hpp"
#include "engine/tool_calls.hpp"
#include "net/http_server.hpp"

namespace cocoon::engine {

// A value that fits the schema: the first of an enum, every member of an object, one item of an array.
boost::json::value example_of(const boost::json::value& schema, int depth = 8);

// The calls that a chat request gets for an answer: of the tool it names, of all tools where it says
// "parallel_tool_calls": true, else of the first one; none where the last message is a tool's result.
std::vector<ToolCall> example_calls(const boost::json::object& request);
// What response_format asks for, as text.
std::optional<std::string> example_content(const boost::json::object& request);

// /v1/embeddings and /v1/audio/transcriptions.
ApiResult<std::string> example_embeddings(const std::string& body);
ApiResult<std::string> example_transcription(const net::HttpRequest& request);

}  // namespace cocoon::engine
