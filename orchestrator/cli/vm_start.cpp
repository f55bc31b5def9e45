// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

constexpr std::int64_t longest_stage = 1'000'000'000'000;  // microseconds

std::string total_time(const nlohmann::json& report) {
    std::int64_t total = 0;
    const auto stages = mount_client::list_field(report, "stages");
    for (const auto& stage : stages) total += mount_client::number_field(stage, "microseconds", 0, longest_stage).value_or(0);
    return shown_time(total);
}

class VmStartCommand final : public OrchestratorCommand {
public:
    explicit VmStartCommand(CLI::App& app) {
        app.footer("With --json, how long each stage took.\n\nExamples:\n  varve vm start work\n  varve --json vm start work | jq .stages");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto report = TRY(context.call("vm.start", {{"vm", vm_}}));
        context.output.object(report);
        const auto needed = mount_client::list_field(report, "needed");
        for (const auto& other : needed) context.output.remark(mount_client::text_field(other, "vm") + "  started, " + total_time(other));
        const auto findings = mount_client::list_field(report, "findings");
        for (const auto& finding : findings)
            if (finding.is_string()) context.output.remark(vm_ + "  found: " + finding.get<std::string>());
        context.output.remark(vm_ + "  started, " + total_time(report));
        return {};
    }

private:
    std::string vm_;
};

}  // namespace

OrchestratorSubcommand add_vm_start(CLI::App& parent) {
    return subcommand<VmStartCommand>(parent, "start", "Start a VM, and what it needs");
}

}  // namespace varve::cli
