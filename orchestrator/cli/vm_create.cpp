// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/changes.h"
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/mount_client/files.h"

#include <fcntl.h>

namespace varve::cli {
namespace {

nlohmann::json volume_list(const nlohmann::json& pools) {
    auto list = nlohmann::json::array();
    for (const auto& [name, pool] : pools.items()) list.push_back({{"name", name}, {"pool", pool}});
    return list;
}

class VmCreateCommand final : public OrchestratorCommand {
public:
    explicit VmCreateCommand(CLI::App& app) {
        app.footer(
            "Its volumes are made by 'varve create' or by any file operation in the mount, before or after.\n\nExamples:\n  varve vm "
            "create fedora class=template memory=1G --volume root=fast\n  varve vm create work class=app template=fedora --volume "
            "root=fast --volume private=fast\n  varve vm create work --file work.toml");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_option("KEY=VALUE", changes_, "Keys of the definition, as in varve-vm(5)")->type_name("");
        // One each: keys may stand behind it.
        app.add_option("--volume", volumes_, "One of its volumes and the pool that it is in; may be given again")
            ->type_name("NAME=POOL")
            ->allow_extra_args(false);
        app.add_option("--file", file_, "A definition to begin with, in TOML")->type_name("FILE");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto changes = TRY(read_changes(changes_));
        nlohmann::json params{{"vm", vm_}, {"changes", changes}};
        if (!file_.empty() && !volumes_.empty())
            return base::fail(base::Errc::InvalidArgument, "--file and --volume exclude each other: the file names the volumes");
        if (!file_.empty()) params["toml"] = TRY(mount_client::read_text(AT_FDCWD, file_));
        if (!volumes_.empty()) params["definition"]["volume"] = volume_list(TRY(read_changes(volumes_)));
        context.output.object(TRY(context.call("vm.create", params)));
        context.output.remark(vm_ + "  created");
        return {};
    }

private:
    std::string vm_;
    std::vector<std::string> changes_;
    std::vector<std::string> volumes_;
    std::string file_;
};

}  // namespace

OrchestratorSubcommand add_vm_create(CLI::App& parent) { return subcommand<VmCreateCommand>(parent, "create", "Define a VM"); }

}  // namespace varve::cli
