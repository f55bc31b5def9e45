// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything `varve` says.
#pragma once

#include "drivers/base/error.h"
#include "drivers/base/units.h"
#include "orchestrator/cli/exit_code.h"
#include "orchestrator/cli/world.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace varve::cli {

// How long work shows how far it has come.
enum class ProgressStyle {
    None,
    Lines,  // a line now and then, for a log
    Bar,    // one line that is written over, for a terminal
};

struct OutputOptions {
    bool json = false;
    bool quiet = false;  // no remarks and no progress; what was asked for is still shown
    bool bytes = false;  // sizes as exact numbers in tables, too
};

class Output {
public:
    Output(const World& world, OutputOptions options) : world_(world), options_(options) {}

    [[nodiscard]] bool json() const { return options_.json; }
    // On standard error.
    [[nodiscard]] ProgressStyle progress_style() const;

    // A size for a table.
    [[nodiscard]] std::string size(base::Bytes bytes) const;

    // What was asked for, printable already; nothing in JSON mode.
    void text(std::string_view text) const;
    // A remark on what was done, made printable; nothing in JSON mode or when quiet.
    void remark(std::string_view remark) const;
    // The one object of JSON mode; nothing otherwise.
    void object(const nlohmann::json& object) const;
    // A failure, to standard error: "varve: message", or {"error":{"code":...,"message":...,"exit":...}}. Returns its exit code.
    ExitCode failure(const base::Error& error) const { return failure(error, exit_code_for(error.code)); }
    ExitCode failure(const base::Error& error, ExitCode code) const;

private:
    const World& world_;
    OutputOptions options_;
};

}  // namespace varve::cli
