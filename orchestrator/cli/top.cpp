// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/board_command.h"
#include "orchestrator/cli/board_page.h"
#include "orchestrator/cli/screen.h"
#include "orchestrator/cli/terminal_text.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace varve::cli {
namespace {

using base::Result;

// A terminal takes the input's keys; anything else at standard input is not ours to read.
int keyboard(const World& world) { return ::isatty(world.input) == 1 ? world.input : -1; }

class Top final : public BoardCommand {
public:
    explicit Top(CLI::App& app) {
        app.footer(
            "On a terminal q ends it and the space bar shows it anew; elsewhere one page follows another. With --json one object on each "
            "line.\n"
            "The exit status is 3 when varvefs does not run in the end.\n\n"
            "Examples:\n  varve top\n  varve top --interval 0.5\n  varve --json top --count 10 | jq '.rates.operations'");
        app.add_option("-i,--interval", interval_, "Seconds from one look to the next")
            ->check(CLI::Range(0.1, 3600.0))
            ->type_name("SECONDS")
            ->capture_default_str();
        app.add_option("-c,--count", count_, "End after so many looks")->check(CLI::Range(1U, 1'000'000'000U))->type_name("N");
    }

    ExitCode run(const BoardContext& context) override {
        auto looked = context.board.read(context.machine);
        if (!looked) return context.output.failure(looked.error(), ExitCode::NoMount);
        if (context.world.catch_interrupts) context.world.catch_interrupts();
        auto screen = context.output.json() ? std::nullopt : Screen::enter(context.world.input, context.world.output, context.world.out);
        const int keys = screen ? keyboard(context.world) : -1;
        const std::chrono::milliseconds interval(static_cast<std::int64_t>(interval_ * 1000));
        for (std::uint64_t shown = 1;; ++shown) {
            show(context, looked, screen);
            if (!context.world.out || (count_ != 0 && shown >= count_)) break;
            const auto waited = wait(context, keys, interval);
            if (waited == Waited::Signal) return ExitCode::Interrupted;
            if (waited == Waited::Quit || waited == Waited::Gone) break;
            looked = context.board.read(context.machine);
        }
        return looked && looked->life == board_reader::WriterLife::Alive ? ExitCode::Ok : ExitCode::NoMount;
    }

private:
    // Other signals than those that are to end it (a new size of the terminal, say) are a reason to look again.
    static Waited wait(const BoardContext& context, int keys, std::chrono::milliseconds interval) {
        const auto interrupted = [&] { return context.world.interrupted && context.world.interrupted(); };
        if (interrupted()) return Waited::Signal;
        const auto waited = wait_for_key(keys, interval);
        return waited == Waited::Signal && !interrupted() ? Waited::Now : waited;
    }

    void show(const BoardContext& context, const Result<board_reader::BoardSnapshot>& looked, std::optional<Screen>& screen) {
        const auto now = base::SystemClock().now();
        const auto rates = looked ? meter_.add(*looked, std::chrono::steady_clock::now()) : std::nullopt;
        auto& out = context.world.out;
        if (context.output.json()) {
            out << line_of(looked, rates, now) << std::flush;
            return;
        }
        const auto page = looked ? board_page(*looked, rates, context.output, now) : printable(looked.error().message()) + "\n";
        if (screen) {
            const auto size = screen->size();
            screen->show(fitted(page, size.columns, size.lines));
        } else {
            out << page << "\n" << std::flush;
        }
    }

    static std::string line_of(const Result<board_reader::BoardSnapshot>& looked, const std::optional<Rates>& rates, base::Timestamp now) {
        auto object = looked ? board_object(*looked, now) : nlohmann::json{{"state", "gone"}, {"message", looked.error().message()}};
        object["time"] = base::iso_utc(now.seconds);
        if (rates) object["rates"] = {{"operations", rates->operations}, {"read", rates->read}, {"written", rates->written}};
        return object.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
    }

    double interval_ = 2;
    std::uint64_t count_ = 0;  // 0: no end
    RateMeter meter_;
};

}  // namespace

BoardSubcommand add_top(CLI::App& parent) {
    auto* app = parent.add_subcommand("top", "Watch what varvefs does");
    app->fallthrough();
    return {app, std::make_unique<Top>(*app)};
}

}  // namespace varve::cli
