// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/output.h"

#include "orchestrator/cli/terminal_text.h"

#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

// ASCII, so that no text of others reaches a terminal raw.
std::string dump(const nlohmann::json& object, int indent) {
    return object.dump(indent, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

ProgressStyle Output::progress_style() const {
    if (options_.quiet || options_.json) return ProgressStyle::None;
    return world_.err_is_terminal ? ProgressStyle::Bar : ProgressStyle::Lines;
}

std::string Output::size(base::Bytes bytes) const { return options_.bytes ? std::to_string(bytes.count) : base::human(bytes); }

void Output::text(std::string_view text) const {
    if (!options_.json) world_.out << text;
}

void Output::remark(std::string_view remark) const {
    if (!options_.json && !options_.quiet) world_.out << printable(remark) << '\n';
}

void Output::object(const nlohmann::json& object) const {
    if (options_.json) world_.out << dump(object, 2) << '\n';
}

ExitCode Output::failure(const base::Error& error, ExitCode code) const {
    if (options_.json) {
        const nlohmann::json problem{{"code", base::name_of(error.code)}, {"message", error.message()}, {"exit", static_cast<int>(code)}};
        world_.err << dump(nlohmann::json{{"error", problem}}, -1) << '\n';
    } else {
        world_.err << "varve: " << printable(error.message()) << '\n';
    }
    return code;
}

}  // namespace varve::cli
