// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class TemplateRollbackCommand final : public OrchestratorCommand {
public:
    explicit TemplateRollbackCommand(CLI::App& app) {
        app.footer(
            "The template must be halted. What it was before stays as a revision, and children see the change at their next start.\n\n"
            "Examples:\n  varve template rollback fedora root 2026-01-02T03:04:05Z");
        app.add_option("VM", vm_, "The template")->required()->type_name("");
        app.add_option("VOLUME", volume_, "Its volume")->required()->type_name("");
        app.add_option("REVISION", revision_, "The revision's time or label")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("template.rollback", {{"template", vm_}, {"volume", volume_}, {"revision", revision_}}));
        context.output.object(result);
        context.output.remark(vm_ + "/" + volume_ + "  rolled back to " + revision_);
        return {};
    }

private:
    std::string vm_;
    std::string volume_;
    std::string revision_;
};

}  // namespace

OrchestratorSubcommand add_template_rollback(CLI::App& parent) {
    return subcommand<TemplateRollbackCommand>(parent, "rollback", "Make a revision of a template's volume the newest version again");
}

}  // namespace varve::cli
