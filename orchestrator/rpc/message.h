// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON-RPC 2.0 as the orchestrator speaks it (docs/orchestrator-api.md): pure.
#pragma once

#include "drivers/base/result.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varve::rpc {

using Json = nlohmann::json;

inline constexpr std::size_t longest_request = std::size_t{256} << 10;  // bytes of one line
inline constexpr std::size_t largest_batch = 64;
inline constexpr int deepest_nesting = 32;

// The codes of JSON-RPC 2.0, section 5.1; failed methods have the last one, and say in `data` what failed.
enum class Code {
    Parse = -32700,
    InvalidRequest = -32600,
    UnknownMethod = -32601,
    InvalidParameters = -32602,
    Internal = -32603,
    Failed = -32000
};

struct Request {
    std::string method;
    Json params;             // an object
    std::optional<Json> id;  // absent: a notification, which is not answered
};

// One line: a request, or a batch of them. What is no request is its answer already.
struct Message {
    bool batch = false;
    std::vector<std::variant<Request, Json>> parts;  // never empty
};
[[nodiscard]] Message parse_message(std::string_view line);

[[nodiscard]] Json success(const Json& id, Json result);
[[nodiscard]] Json failure(const Json& id, Code code, std::string_view message);
// InvalidParameters for InvalidArgument and InvalidName, else Failed; `data` is {"code": name_of(error.code)}.
[[nodiscard]] Json failure(const Json& id, const base::Error& error);
[[nodiscard]] Json notification(std::string_view method, Json params);

// One line of ASCII with its newline; text that is not UTF-8 gets replacement characters.
[[nodiscard]] std::string line_of(const Json& message);

}  // namespace varve::rpc
