// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

class VmStopCommand final : public OrchestratorCommand {
public:
    explicit VmStopCommand(CLI::App& app) {
        app.footer(
            "When its guest has not shut down in time, it is killed. Its volumes commit or discard what was written, as their kinds "
            "say. One that running VMs need is not stopped without --force.\n\nExamples:\n  varve vm stop work\n"
            "  varve vm stop work --timeout 300 --no-kill\n  varve vm stop --force net");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_option("--timeout", seconds_, "How long the guest may take, in seconds")
            ->check(CLI::Range(0U, 86400U))
            ->capture_default_str()
            ->type_name("SECONDS");
        app.add_flag("--no-kill", no_kill_, "Fail instead of killing it; it runs on");
        app.add_flag("-f,--force", force_, "Also when running VMs need it");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        constexpr std::uint64_t in_a_second = 1000;
        const auto report =
            TRY(context.call("vm.stop", {{"vm", vm_}, {"deadline", seconds_ * in_a_second}, {"then_kill", !no_kill_}, {"force", force_}}));
        context.output.object(report);
        const auto volumes = mount_client::list_field(report, "volumes");
        for (const auto& volume : volumes) {
            if (!mount_client::flag_field(volume, "committed")) continue;
            const auto revision = mount_client::text_field(volume, "revision");
            context.output.remark(mount_client::text_field(volume, "volume") + "  committed" +
                                  (revision.empty() ? "" : ", the state before is kept as " + revision));
        }
        context.output.remark(vm_ + (mount_client::flag_field(report, "killed") ? "  killed, it had not shut down in time" : "  stopped"));
        return {};
    }

private:
    std::string vm_;
    std::uint32_t seconds_ = 60;
    bool no_kill_ = false;
    bool force_ = false;
};

}  // namespace

OrchestratorSubcommand add_vm_stop(CLI::App& parent) { return subcommand<VmStopCommand>(parent, "stop", "Shut a VM down"); }

}  // namespace varve::cli
