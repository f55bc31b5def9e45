// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/callback/hooks.h"

#include "drivers/callback/output_lines.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace varve::callback {
namespace {

using base::Errc;
using base::Result;

std::string variable(std::string_view prefix, std::string_view key) {
    std::string name(prefix);
    for (const char c : key) name += c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

// How a run that did not succeed ended.
std::pair<Errc, std::string> ending_of(const kernel::Finished& finished) {
    if (finished.timed_out) return {Errc::TimedOut, "was ended at its deadline"};
    if (finished.signal != 0) return {Errc::Io, "was killed by signal " + std::to_string(finished.signal)};
    return {Errc::Denied, "ended with exit status " + std::to_string(finished.exit_status)};
}

// Of its errors, or else of its output.
std::string last_line(const kernel::Finished& finished) {
    for (const auto* text : {&finished.errors, &finished.output})
        if (auto lines = printable_lines(*text); !lines.empty()) return lines.back();
    return "";
}

}  // namespace

Call Hooks::call_of(const Moment& moment, const std::optional<Subject>& subject) const {
    const auto& pool = settings_.name.str();
    Call call;
    call.arguments = {std::string(name_of(moment.when)), std::string(name_of(moment.step)), pool};
    call.environment = {{"VARVE_WHEN", std::string(name_of(moment.when))},
                        {"VARVE_STEP", std::string(name_of(moment.step))},
                        {"VARVE_POOL", pool},
                        {"VARVE_DRIVER", settings_.driver}};
    for (const auto& [key, value] : settings_.driver_parameters) call.environment.emplace_back(variable("VARVE_PARAMETER_", key), value);
    if (!subject) return call;
    call.arguments.insert(call.arguments.end(), {subject->volume.vm.str(), subject->volume.volume.str()});
    call.environment.emplace_back("VARVE_VM", subject->volume.vm.str());
    call.environment.emplace_back("VARVE_VOLUME", subject->volume.volume.str());
    for (const auto& [key, value] : subject->facts) call.environment.emplace_back(variable("VARVE_", key), value);
    return call;
}

Result<> Hooks::run(const Moment& moment, const std::optional<Subject>& subject) const {
    const auto pool = settings_.name.str();
    const auto about = subject ? subject->volume.str() : "pool " + pool;
    const auto whose = about + ": the program " + settings_.program.string() + ", run " + moment.str() + ", ";
    auto finished = runner_->run(call_of(moment, subject));
    // Its errno would look like the operation's own.
    if (!finished) return base::fail(Errc::Io, about + ": " + moment.str() + ": " + finished.error().message());
    const auto log_lines = [&](const std::string& text) {
        for (const auto& line : printable_lines(text)) log_.info("{}: {}: {}", pool, moment.str(), line);
    };
    log_lines(finished->output);
    log_lines(finished->errors);
    if (finished->succeeded() && !finished->timed_out) {
        log_.info("{}: {} ran {}", subject ? pool + "/" + about : pool, settings_.program.string(), moment.str());
        return {};
    }
    const auto [code, ending] = ending_of(*finished);
    const auto said = last_line(*finished);
    auto what = whose + ending;
    what.append(said.empty() ? " and said nothing" : ": " + said);
    while (what.ends_with('.')) what.pop_back();
    return base::fail(code, what);
}

Result<> Hooks::before(Step step, const std::optional<Subject>& subject) const {
    if (!wanted(When::Before, step)) return {};
    return run({When::Before, step}, subject);
}

void Hooks::after(Step step, const std::optional<Subject>& subject) const {
    if (!wanted(When::After, step)) return;
    if (const auto done = run({When::After, step}, subject); !done)
        log_.error("{}: {}; the {} has happened and stays", settings_.name.str(), done.error().message(), name_of(step));
}

}  // namespace varve::callback
