// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/mount_client/json_fields.h"

#include <optional>

namespace varve::cli {
namespace {

class PreloadSuspendCommand final : public OrchestratorCommand {
public:
    explicit PreloadSuspendCommand(CLI::App& app) {
        app.footer(
            "Before the host sleeps; varve-preload-sleep.service does it. 'varve preload resume' ends it, also when some had not gone in "
            "time.\n\nExamples:\n  varve preload suspend\n  varve preload suspend --timeout 20");
        app.add_option("--timeout", seconds_, "Wait so many seconds and no longer until all have gone; the rest goes by and by")
            ->check(CLI::Range(0U, 86400U))
            ->type_name("SECONDS");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        constexpr std::uint64_t in_a_second = 1000;
        auto params = nlohmann::json::object();
        if (seconds_) params["timeout"] = *seconds_ * in_a_second;
        const auto result = TRY(context.call("preload.suspend", params));
        context.output.object(result);
        context.output.remark(mount_client::flag_field(result, "gone") ? "preloading  suspended"
                                                                       : "preloading  suspended; some have not gone yet");
        return {};
    }

private:
    std::optional<std::uint32_t> seconds_;
};

}  // namespace

OrchestratorSubcommand add_preload_suspend(CLI::App& parent) {
    return subcommand<PreloadSuspendCommand>(parent, "suspend", "Remove all that are kept ready, and make none");
}

}  // namespace varve::cli
