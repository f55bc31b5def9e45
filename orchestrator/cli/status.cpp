// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/board_command.h"
#include "orchestrator/cli/board_page.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

class Status final : public BoardCommand {
public:
    explicit Status(CLI::App& app) {
        app.footer(
            "Reads the status board, so that it answers also when varvefs hangs or has died. The exit status is 3 when it does not run.\n\n"
            "Examples:\n  varve status\n  varve --json status | jq '.pools[] | select(.trouble != \"\")'");
    }

    ExitCode run(const BoardContext& context) override {
        const auto snapshot = context.board.read(context.machine);
        if (!snapshot) return context.output.failure(snapshot.error(), ExitCode::NoMount);
        const auto now = base::SystemClock().now();
        context.output.object(board_object(*snapshot, now));
        context.output.text(board_page(*snapshot, std::nullopt, context.output, now));
        return snapshot->life == board_reader::WriterLife::Alive ? ExitCode::Ok : ExitCode::NoMount;
    }
};

}  // namespace

BoardSubcommand add_status(CLI::App& parent) {
    auto* app = parent.add_subcommand("status", "Show how varvefs, its pools and volumes are");
    app->fallthrough();
    return {app, std::make_unique<Status>(*app)};
}

}  // namespace varve::cli
