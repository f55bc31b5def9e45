// SPDX-License-Identifier: LGPL-2.1-or-later
// A subcommand.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/cli/exit_code.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/world.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/path_reference.h"

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace varve::cli {

struct Context {
    const mount_client::Mount& mount;
    const Output& output;
    const World& world;
};

// Made while the command line is described, filled while it is parsed, then resolved and run once.
class Command {
public:
    Command() = default;
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    virtual ~Command() = default;

    // Checks the arguments and turns them into references. Its errors are mistakes of usage.
    [[nodiscard]] virtual base::Result<> resolve(const mount_client::ReferenceResolver& resolver) = 0;

    // Says what it did and what failed.
    [[nodiscard]] virtual ExitCode run(const Context& context) = 0;

    // Whether run() ends early when a signal comes, having undone what was half done; else the signal just kills.
    [[nodiscard]] virtual bool handles_interrupts() const { return false; }
};

struct Subcommand {
    const CLI::App* app;
    std::unique_ptr<Command> command;
};

// Each describes one subcommand below `parent`.
[[nodiscard]] Subcommand add_pool_adopt_qubes(CLI::App& parent);
[[nodiscard]] Subcommand add_pool_add(CLI::App& parent);
[[nodiscard]] Subcommand add_pool_convert(CLI::App& parent);
[[nodiscard]] Subcommand add_pool_ls(CLI::App& parent);
[[nodiscard]] Subcommand add_pool_info(CLI::App& parent);
[[nodiscard]] Subcommand add_pool_rm(CLI::App& parent);
[[nodiscard]] Subcommand add_ls(CLI::App& parent);
[[nodiscard]] Subcommand add_info(CLI::App& parent);
[[nodiscard]] Subcommand add_create(CLI::App& parent);
[[nodiscard]] Subcommand add_rm(CLI::App& parent);
[[nodiscard]] Subcommand add_pin(CLI::App& parent);
[[nodiscard]] Subcommand add_unpin(CLI::App& parent);
[[nodiscard]] Subcommand add_reload(CLI::App& parent);
[[nodiscard]] Subcommand add_revisions(CLI::App& parent);
[[nodiscard]] Subcommand add_retention(CLI::App& parent);
[[nodiscard]] Subcommand add_prune(CLI::App& parent);
[[nodiscard]] Subcommand add_usage(CLI::App& parent);
[[nodiscard]] Subcommand add_verify(CLI::App& parent);
[[nodiscard]] Subcommand add_start(CLI::App& parent);
[[nodiscard]] Subcommand add_stop(CLI::App& parent);
[[nodiscard]] Subcommand add_commit(CLI::App& parent);
[[nodiscard]] Subcommand add_discard(CLI::App& parent);
[[nodiscard]] Subcommand add_revert(CLI::App& parent);
[[nodiscard]] Subcommand add_snapshot(CLI::App& parent);
[[nodiscard]] Subcommand add_resize(CLI::App& parent);
[[nodiscard]] Subcommand add_partition(CLI::App& parent);
[[nodiscard]] Subcommand add_clone(CLI::App& parent);
[[nodiscard]] Subcommand add_mv(CLI::App& parent);
[[nodiscard]] Subcommand add_diff(CLI::App& parent);
[[nodiscard]] Subcommand add_events(CLI::App& parent);
[[nodiscard]] Subcommand add_import(CLI::App& parent);
[[nodiscard]] Subcommand add_export(CLI::App& parent);

}  // namespace varve::cli
