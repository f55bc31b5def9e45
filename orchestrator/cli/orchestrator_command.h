// SPDX-License-Identifier: LGPL-2.1-or-later
// A subcommand that asks the orchestrator, not the mount.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/cli/exit_code.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/world.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/rpc_client/client.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::cli {

struct OrchestratorContext {
    rpc_client::Client& client;
    const Output& output;
    const World& world;
    const mount_client::Mount* mount = nullptr;  // for commands that use it

    // The result of a method; stages that it tells of are shown on a terminal.
    [[nodiscard]] base::Result<nlohmann::json> call(std::string_view method, const nlohmann::json& params) const;
};

// Made while the command line is described, filled while it is parsed, and run once.
class OrchestratorCommand {
public:
    OrchestratorCommand() = default;
    OrchestratorCommand(const OrchestratorCommand&) = delete;
    OrchestratorCommand& operator=(const OrchestratorCommand&) = delete;
    virtual ~OrchestratorCommand() = default;

    // What it says of the outcome; its error is shown by the caller.
    [[nodiscard]] virtual base::Result<> run(const OrchestratorContext& context) = 0;

    // Whether it needs the mount, too.
    [[nodiscard]] virtual bool uses_mount() const { return false; }
};

struct OrchestratorSubcommand {
    const CLI::App* app;
    std::unique_ptr<OrchestratorCommand> command;
};

// Adds the subcommand of a Made, an OrchestratorCommand that is made from its part of the command line and `more`.
template <class Made, class... More>
[[nodiscard]] OrchestratorSubcommand subcommand(CLI::App& parent, const std::string& name, const std::string& description, More&&... more) {
    auto* app = parent.add_subcommand(name, description);
    app->fallthrough();
    return {app, std::make_unique<Made>(*app, std::forward<More>(more)...)};
}

// One that takes a VM's name, calls a method with it and says a word ("started") about it.
struct VmVerb {
    std::string verb;         // "pause", of the method "vm.pause"
    std::string description;  // one line
    std::string footer;       // with examples
    std::string done;         // "paused"
};
[[nodiscard]] OrchestratorSubcommand add_vm_verb(CLI::App& parent, VmVerb verb);

// "12 ms", "1.53 s".
[[nodiscard]] std::string shown_time(std::int64_t microseconds);

[[nodiscard]] OrchestratorSubcommand add_vm_adopt(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_create(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_ls(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_info(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_start(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_stop(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_kill(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_pause(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_resume(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_set(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_resize(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_clone(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_rename(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_rm(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_console(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_attach(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_vm_detach(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_disp_run(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_template_ls(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_template_status(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_template_commit(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_template_rollback(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_preload_status(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_preload_max(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_preload_refresh(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_preload_begin(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_preload_suspend(CLI::App& parent);
[[nodiscard]] OrchestratorSubcommand add_preload_resume(CLI::App& parent);

}  // namespace varve::cli
