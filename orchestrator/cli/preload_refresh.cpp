// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class PreloadRefreshCommand final : public OrchestratorCommand {
public:
    explicit PreloadRefreshCommand(CLI::App& app) {
        app.footer("After a change of the template this comes by itself.\n\nExamples:\n  varve preload refresh dvm");
        app.add_option("VM", vm_, "The disposable template")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("preload.refresh", {{"template", vm_}}));
        context.output.object(result);
        context.output.remark(vm_ + "  refreshed");
        return {};
    }

private:
    std::string vm_;
};

}  // namespace

OrchestratorSubcommand add_preload_refresh(CLI::App& parent) {
    return subcommand<PreloadRefreshCommand>(parent, "refresh", "Replace a template's disposables that are kept ready, now");
}

}  // namespace varve::cli
