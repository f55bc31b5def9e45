// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/events.h"

#include "orchestrator/cli/command.h"
#include "orchestrator/cli/terminal_text.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iomanip>
#include <sstream>

namespace varve::cli {
namespace {

using base::Errc;
using base::Result;
using mount_client::Event;
using mount_client::EventReader;

std::string text_of(const Event& event) {
    if (event.missed > 0) return std::to_string(event.missed) + " earlier events are gone";
    std::ostringstream line;
    line << event.time << "  " << std::left << std::setw(15) << event.operation << "  " << event.subject;
    if (!event.to.empty()) line << " -> " << event.to;
    if (event.ok)
        line << "  " << std::fixed << std::setprecision(3) << event.seconds << " s";
    else
        line << "  failed: " << event.message;
    return line.str();
}

class Events final : public Command {
public:
    explicit Events(CLI::App& app) {
        app.footer(
            "The last part of what was done since varvefs started; with --follow what is done from now on, until Ctrl-C.\n"
            "With --json one object on each line.\n\n"
            "Examples:\n  varve events\n  varve events --follow\n  varve --json events --follow | jq 'select(.operation == "
            "\"commit\").volume'");
        app.add_flag("-f,--follow", follow_, "Wait for more");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& /*resolver*/) override { return {}; }

    ExitCode run(const Context& context) override {
        auto reader = EventReader::open(context.mount, follow_ ? EventReader::From::Now : EventReader::From::Oldest);
        if (!reader) return context.output.failure(reader.error());
        if (follow_) return follow(context, *reader);
        const auto shown = show(context, *reader);
        return shown ? ExitCode::Ok : context.output.failure(shown.error());
    }

private:
    static Result<> show(const Context& context, EventReader& reader) {
        for (const auto& event : TRY(reader.next()))
            if (context.output.json())
                context.world.out << event.json << '\n';  // ASCII: varvefs writes it so
            else
                context.output.text(printable(text_of(event)) + "\n");
        context.world.out.flush();
        return {};
    }

    // Ends with the signal, or with whoever reads our output.
    static ExitCode follow(const Context& context, EventReader& reader) {
        constexpr std::chrono::milliseconds longest{60'000};
        while (context.world.out) {
            if (const auto shown = show(context, reader); !shown) return context.output.failure(shown.error());
            if (context.world.interrupted && context.world.interrupted()) return ExitCode::Interrupted;
            const auto more = reader.wait(longest);
            if (!more && more.error().code != Errc::Interrupted) return context.output.failure(more.error());
        }
        return ExitCode::Ok;
    }

    bool follow_ = false;
};

}  // namespace

Subcommand add_events(CLI::App& parent) {
    auto* app = parent.add_subcommand("events", "Show what was done, and what is being done");
    app->fallthrough();
    return {app, std::make_unique<Events>(*app)};
}

}  // namespace varve::cli
