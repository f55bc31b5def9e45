// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/run.h"

#include "orchestrator/cli/board_command.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/mount_client/files.h"
#include "orchestrator/mount_client/mountinfo.h"

#include <CLI/CLI.hpp>

#include <fcntl.h>

#include <algorithm>
#include <optional>

namespace varve::cli {
namespace {

using base::Errc;
using base::Result;
using mount_client::Mount;

constexpr const char* examples = R"(Examples:
  varve ls                                    everything there is
  varve info fast/work/root                   one volume
  varve status                                how varvefs and its pools are
  varve start fast/work                       all volumes of a VM
  varve snapshot fast/work/root before-upgrade
  varve revert fast/work/root before-upgrade
  varve vm start work                         a VM, through the orchestrator
  varve --json ls fast | jq '.volumes[].size'

Volumes are named POOL/VM/VOLUME, their earlier states POOL/VM/VOLUME@REVISION,
or by their paths inside the mount: /varve/pools/fast/work/root.img@before-upgrade.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 no mounted Varve or no
orchestrator found, 4 no such pool, VM, volume or revision, 5 busy, 130 interrupted.)";

constexpr const char* default_socket = "/run/varve/orchestrator.sock";

struct GlobalOptions {
    std::string mount;
    std::string socket;
    OutputOptions output;
};

void add_global_options(CLI::App& app, GlobalOptions& options) {
    app.set_help_flag("-h,--help", "Show this help");
    app.set_version_flag("--version", "varve " VARVE_VERSION);
    app.add_option("--mount", options.mount, "Where Varve is mounted (default: VARVE_MOUNT, else the only mount there is)")
        ->type_name("DIR");
    app.add_option("--socket", options.socket, "Where the orchestrator listens (default: VARVE_SOCKET, else /run/varve/orchestrator.sock)")
        ->type_name("FILE");
    app.add_flag("--json", options.output.json, "Print one JSON object, and failures as JSON on standard error");
    app.add_flag("-q,--quiet", options.output.quiet, "No remarks and no progress");
    app.add_flag("--bytes", options.output.bytes, "Sizes in tables as exact numbers of bytes");
}

std::vector<Subcommand> add_subcommands(CLI::App& app) {
    std::vector<Subcommand> all;
    all.push_back(add_ls(app));
    all.push_back(add_info(app));
    all.push_back(add_create(app));
    all.push_back(add_rm(app));
    all.push_back(add_start(app));
    all.push_back(add_stop(app));
    all.push_back(add_commit(app));
    all.push_back(add_discard(app));
    all.push_back(add_snapshot(app));
    all.push_back(add_revert(app));
    all.push_back(add_revisions(app));
    all.push_back(add_pin(app));
    all.push_back(add_unpin(app));
    all.push_back(add_reload(app));
    all.push_back(add_retention(app));
    all.push_back(add_prune(app));
    all.push_back(add_usage(app));
    all.push_back(add_verify(app));
    all.push_back(add_resize(app));
    all.push_back(add_partition(app));
    all.push_back(add_clone(app));
    all.push_back(add_mv(app));
    all.push_back(add_diff(app));
    all.push_back(add_events(app));
    all.push_back(add_import(app));
    all.push_back(add_export(app));
    auto* pool = app.add_subcommand("pool", "Add, list, convert, adopt and remove pools");
    pool->footer(
        "Examples:\n  varve pool add fast file-reflink dir_path=/srv/vms revisions_to_keep=5\n  varve pool ls\n  varve pool info fast");
    pool->fallthrough();
    all.push_back(add_pool_add(*pool));
    all.push_back(add_pool_ls(*pool));
    all.push_back(add_pool_info(*pool));
    all.push_back(add_pool_convert(*pool));
    all.push_back(add_pool_adopt_qubes(*pool));
    all.push_back(add_pool_rm(*pool));
    return all;
}

std::vector<OrchestratorSubcommand> add_orchestrator_subcommands(CLI::App& app) {
    auto* vm = app.add_subcommand("vm", "Define, start and stop VMs, through the orchestrator");
    vm->footer("Examples:\n  varve vm ls\n  varve vm start work\n  varve vm set work memory=2G");
    vm->fallthrough();
    std::vector<OrchestratorSubcommand> all;
    for (const auto add :
         {&add_vm_ls, &add_vm_info, &add_vm_create, &add_vm_adopt, &add_vm_set, &add_vm_start, &add_vm_stop, &add_vm_kill, &add_vm_pause,
          &add_vm_resume, &add_vm_console, &add_vm_attach, &add_vm_detach, &add_vm_resize, &add_vm_clone, &add_vm_rename, &add_vm_rm})
        all.push_back(add(*vm));
    auto* templates = app.add_subcommand("template", "Show the versions of templates, through the orchestrator");
    templates->footer("Examples:\n  varve template ls\n  varve template status fedora");
    templates->fallthrough();
    for (const auto add : {&add_template_ls, &add_template_status, &add_template_commit, &add_template_rollback})
        all.push_back(add(*templates));
    auto* disp = app.add_subcommand("disp", "Start disposables, through the orchestrator");
    disp->footer("Examples:\n  varve disp run --template dvm");
    disp->fallthrough();
    all.push_back(add_disp_run(*disp));
    auto* preload = app.add_subcommand("preload", "Keep disposables ready, through the orchestrator");
    preload->footer("Examples:\n  varve preload max dvm 2\n  varve preload status");
    preload->fallthrough();
    for (const auto add :
         {&add_preload_status, &add_preload_max, &add_preload_refresh, &add_preload_begin, &add_preload_suspend, &add_preload_resume})
        all.push_back(add(*preload));
    return all;
}

std::vector<BoardSubcommand> add_board_subcommands(CLI::App& app) {
    std::vector<BoardSubcommand> all;
    all.push_back(add_status(app));
    all.push_back(add_top(app));
    return all;
}

ExitCode run_command(BoardCommand& command, const std::string& mount_option, const Output& output, const World& world) {
    auto board = find_board(mount_option, world);
    if (!board) return output.failure(board.error(), ExitCode::NoMount);
    const board_reader::ThisMachine machine;
    return command.run({*board, machine, output, world});
}

Result<std::string> mount_directory(const std::string& option, const World& world) {
    if (!option.empty()) return option;
    if (!world.mount_variable.empty()) return world.mount_variable;
    return mount_client::the_varve_mount(TRY(mount_client::read_text(AT_FDCWD, world.mountinfo)));
}

Result<Mount> find_mount(const std::string& option, const World& world) { return Mount::open(TRY(mount_directory(option, world))); }

// An orchestrator that does not answer is as a mount that is not there.
ExitCode run_command(OrchestratorCommand& command, const GlobalOptions& options, const Output& output, const World& world) {
    const auto& chosen = options.socket.empty() ? world.socket_variable : options.socket;
    auto client = rpc_client::Client::connect(chosen.empty() ? default_socket : chosen);
    if (!client) return output.failure(client.error(), ExitCode::NoMount);
    std::optional<Mount> mount;
    if (command.uses_mount()) {
        auto found = find_mount(options.mount, world);
        if (!found) return output.failure(found.error(), ExitCode::NoMount);
        mount = *std::move(found);
    }
    if (world.catch_interrupts) world.catch_interrupts();
    client->set_interrupted(world.interrupted);
    const auto ran = command.run({*client, output, world, mount ? &*mount : nullptr});
    if (!ran) return output.failure(ran.error());
    return ExitCode::Ok;
}

ExitCode run_command(Command& command, const Mount& mount, const Output& output, const World& world) {
    const mount_client::ReferenceResolver resolver(mount.path(), world.working_directory);
    if (const auto resolved = command.resolve(resolver); !resolved) {
        const auto code = exit_code_for(resolved.error().code);
        return output.failure(resolved.error(), code == ExitCode::Failed ? ExitCode::Usage : code);
    }
    if (command.handles_interrupts() && world.catch_interrupts) world.catch_interrupts();
    return command.run({mount, output, world});
}

// The command that the arguments had come to when the parser gave up.
const CLI::App& innermost(const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? app : innermost(*chosen.front());
}

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::string explanation(const CLI::App& app, const CLI::ParseError& error) {
    const auto& command = innermost(app);
    const auto help = "'" + full_name(command) + " --help' ";
    const auto rest = app.remaining(true);
    const bool has_commands = !command.get_subcommands([](const CLI::App*) { return true; }).empty();
    if (has_commands && !rest.empty() && !rest.front().starts_with('-'))
        return "there is no command '" + full_name(command) + " " + mount_client::shown(rest.front()) + "'; " + help + "lists them";
    return std::string(error.what()) + "; " + help + "explains the usage";
}

// Help and version are "errors" of the parser, too.
ExitCode answer_parser(const CLI::App& app, const CLI::ParseError& error, const Output& output, const World& world) {
    if (error.get_exit_code() == 0) {
        (void)app.exit(error, world.out, world.err);
        return ExitCode::Ok;
    }
    return output.failure({Errc::InvalidArgument, {}, explanation(app, error)}, ExitCode::Usage);
}

}  // namespace

ExitCode run(std::vector<std::string> arguments, const World& world) {
    CLI::App app("Shows and changes the storage of virtual machines through a mounted Varve.", "varve");
    GlobalOptions options;
    add_global_options(app, options);
    auto subcommands = add_subcommands(app);
    auto board_subcommands = add_board_subcommands(app);
    auto orchestrator_subcommands = add_orchestrator_subcommands(app);
    app.footer(examples);
    std::ranges::reverse(arguments);  // as the parser wants them
    try {
        app.parse(arguments);
    } catch (const CLI::ParseError& error) {
        return answer_parser(app, error, Output(world, options.output), world);
    }
    const Output output(world, options.output);
    const auto asking =
        std::ranges::find_if(orchestrator_subcommands, [](const OrchestratorSubcommand& subcommand) { return subcommand.app->parsed(); });
    if (asking != orchestrator_subcommands.end()) return run_command(*asking->command, options, output, world);
    const auto reading =
        std::ranges::find_if(board_subcommands, [](const BoardSubcommand& subcommand) { return subcommand.app->parsed(); });
    if (reading != board_subcommands.end()) return run_command(*reading->command, options.mount, output, world);
    const auto chosen = std::ranges::find_if(subcommands, [](const Subcommand& subcommand) { return subcommand.app->parsed(); });
    if (chosen == subcommands.end())
        return output.failure({Errc::InvalidArgument, {}, "a subcommand is missing; '" + full_name(innermost(app)) + " --help' lists them"},
                              ExitCode::Usage);
    const auto mount = find_mount(options.mount, world);
    if (!mount) return output.failure(mount.error(), ExitCode::NoMount);
    return run_command(*chosen->command, *mount, output, world);
}

}  // namespace varve::cli
