// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/mount_client/json_fields.h"

#include <filesystem>

namespace varve::cli {
namespace {

class VmAttachCommand final : public OrchestratorCommand {
public:
    explicit VmAttachCommand(CLI::App& app) {
        app.footer(
            "Any state of a volume may be attached to read from it; its path in the mount names it.\n\nExamples:\n  varve vm attach work "
            "/varve/pools/fast/old/private.img@before-upgrade\n  varve vm attach work /dev/sdb --writable --target vdc");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_option("PATH", path_, "A state in the mount, or a block device or raw image of the host")->required()->type_name("");
        app.add_option("--target", target_, "What the guest shall call it, as vdc")->type_name("DISK");
        app.add_flag("--writable", writable_, "The guest may write to it: a device or an image of the host");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto path = std::filesystem::path(context.world.working_directory) / path_;
        nlohmann::json params{{"vm", vm_}, {"path", path.lexically_normal().string()}, {"writable", writable_}};
        if (!target_.empty()) params["target"] = target_;
        const auto result = TRY(context.call("vm.attach", params));
        context.output.object(result);
        context.output.remark(vm_ + "  attached as " + mount_client::text_field(result, "target"));
        return {};
    }

private:
    std::string vm_;
    std::string path_;
    std::string target_;
    bool writable_ = false;
};

}  // namespace

OrchestratorSubcommand add_vm_attach(CLI::App& parent) { return subcommand<VmAttachCommand>(parent, "attach", "Give a running VM a disk"); }

}  // namespace varve::cli
