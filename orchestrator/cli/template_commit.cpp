// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {
namespace {

class TemplateCommitCommand final : public OrchestratorCommand {
public:
    explicit TemplateCommitCommand(CLI::App& app) {
        app.footer(
            "Its file systems are frozen for that moment when its guest agent can do so; else the new version is as after a power cut.\n"
            "Children see it at their next start; the version before stays as a revision.\n\n"
            "Examples:\n  varve template commit fedora");
        app.add_option("VM", vm_, "The template")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("template.commit", {{"template", vm_}}));
        context.output.object(result);
        for (const auto& volume : result.value("volumes", nlohmann::json::array())) {
            auto text = volume.value("volume", "");
            text += volume.value("committed", false) ? "  committed" : "  nothing was written since the last commit";
            if (const auto kept = volume.value("revision", ""); !kept.empty()) text += ", the state before is kept as " + kept;
            context.output.remark(text);
        }
        if (!result.value("frozen", false))
            context.output.remark(vm_ + "  its file systems were not frozen: " + result.value("not_frozen", ""));
        return {};
    }

private:
    std::string vm_;
};

}  // namespace

OrchestratorSubcommand add_template_commit(CLI::App& parent) {
    return subcommand<TemplateCommitCommand>(parent, "commit", "Commit what a running template has written so far; it runs on");
}

}  // namespace varve::cli
