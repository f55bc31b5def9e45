// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/cli/terminal_text.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

class DispRunCommand final : public OrchestratorCommand {
public:
    explicit DispRunCommand(CLI::App& app) {
        app.footer(
            "Without a template, one of the system's default_dispvm.\n\nExamples:\n  varve disp run\n  varve disp run --template dvm\n  "
            "varve disp run --tag web\n  varve disp run --caller mail");
        auto* named = app.add_option("--template", template_, "The disposable template")->type_name("VM");
        auto* tagged = app.add_option("--tag", tag_, "Any disposable template that has the tag")->type_name("TAG")->excludes(named);
        app.add_option("--caller", caller_, "The default_dispvm of the VM that asks for it")
            ->type_name("VM")
            ->excludes(named)
            ->excludes(tagged);
    }

    base::Result<> run(const OrchestratorContext& context) override {
        auto params = nlohmann::json::object();
        if (!template_.empty()) params["template"] = template_;
        if (!tag_.empty()) params["tag"] = tag_;
        if (!caller_.empty()) params["caller"] = caller_;
        const auto report = TRY(context.call("disp.run", params));
        context.output.object(report);
        context.output.text(printable(mount_client::text_field(report, "vm")) + "\n");
        return {};
    }

private:
    std::string template_;
    std::string tag_;
    std::string caller_;
};

}  // namespace

OrchestratorSubcommand add_disp_run(CLI::App& parent) {
    return subcommand<DispRunCommand>(parent, "run", "Start a new disposable, which is removed when it has shut down");
}

}  // namespace varve::cli
