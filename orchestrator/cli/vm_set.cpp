// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/changes.h"
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/mount_client/files.h"

#include <fcntl.h>

namespace varve::cli {
namespace {

class VmSetCommand final : public OrchestratorCommand {
public:
    explicit VmSetCommand(CLI::App& app) {
        app.footer(
            "The keys are those of varve-vm(5); an empty value takes a key away, lists take commas. What runs is not changed: it holds "
            "from the next start.\n\nExamples:\n  varve vm set work memory=2G vcpus=4\n  varve vm set work needs=net,firewall "
            "boot.cmdline='quiet'\n  varve vm set work default_dispvm=\n"
            "  varve vm info --toml work > work.toml; editor work.toml; varve vm set work --file work.toml");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_option("KEY=VALUE", changes_, "What to change")->type_name("");
        app.add_option("--file", file_, "A definition in TOML that replaces the present one: its volumes, interfaces and devices, too")
            ->type_name("FILE");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        if (changes_.empty() && file_.empty())
            return base::fail(base::Errc::InvalidArgument, "what to change is missing: KEY=VALUE, or --file");
        auto what = nlohmann::json::object();
        what["changes"] = TRY(read_changes(changes_));
        if (!file_.empty()) what["toml"] = TRY(mount_client::read_text(AT_FDCWD, file_));
        return change_definition(context, vm_, std::move(what));
    }

private:
    std::string vm_;
    std::vector<std::string> changes_;
    std::string file_;
};

}  // namespace

OrchestratorSubcommand add_vm_set(CLI::App& parent) { return subcommand<VmSetCommand>(parent, "set", "Change a VM's definition"); }

}  // namespace varve::cli
