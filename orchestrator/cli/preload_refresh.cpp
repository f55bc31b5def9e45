// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class PreloadRefreshCommand final : public OrchestratorCommand {
public:
    explicit PreloadRefreshCommand(CLI::App& parent) {
        app_ = parent.add_subcommand("refresh", "Replace a template's disposables that are kept ready, now");
        app_->footer("After a change of the template this comes by itself.\n\nExamples:\n  varve preload refresh dvm");
        app_->fallthrough();
        app_->add_option("VM", vm_, "The disposable template")->required()->type_name("");
    }
    [[nodiscard]] const CLI::App* app() const { return app_; }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("preload.refresh", {{"template", vm_}}));
        context.output.object(result);
        context.output.remark(vm_ + "  refreshed");
        return {};
    }

private:
    CLI::App* app_;
    std::string vm_;
};

}  // namespace

OrchestratorSubcommand add_preload_refresh(CLI::App& parent) {
    auto command = std::make_unique<PreloadRefreshCommand>(parent);
    const auto* app = command->app();
    return {app, std::move(command)};
}

}  // namespace varve::cli
