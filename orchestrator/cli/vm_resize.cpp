// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/units.h"
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

class VmResizeCommand final : public OrchestratorCommand {
public:
    explicit VmResizeCommand(CLI::App& app) {
        app.footer(
            "K, M, G and T are binary units. A guest that runs sees the larger disk at once; its partitions and file systems it grows "
            "itself.\n\nExamples:\n  varve vm resize work private 20G");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_option("VOLUME", volume_, "The volume's name, as private")->required()->type_name("");
        app.add_option("SIZE", size_, "The new size")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto size = TRY(base::parse_bytes(size_));
        const auto result = TRY(context.call("vm.resize", {{"vm", vm_}, {"volume", volume_}, {"size", size.count}}));
        context.output.object(result);
        context.output.remark(mount_client::text_field(result, "volume") + "  " + context.output.size(size));
        return {};
    }

private:
    std::string vm_;
    std::string volume_;
    std::string size_;
};

}  // namespace

OrchestratorSubcommand add_vm_resize(CLI::App& parent) {
    return subcommand<VmResizeCommand>(parent, "resize", "Make a VM's volume larger, running or not");
}

}  // namespace varve::cli
