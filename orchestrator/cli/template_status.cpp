// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

using mount_client::flag_field;
using mount_client::list_field;
using mount_client::text_field;

class TemplateStatusCommand final : public OrchestratorCommand {
public:
    explicit TemplateStatusCommand(CLI::App& app) {
        app.footer(
            "A child keeps the version that it started from until it starts again: 'outdated' says that there is a newer "
            "one.\n\nExamples:\n"
            "  varve template status fedora\n  varve --json template status fedora | jq '.children[] | select(.outdated)'");
        app.add_option("VM", vm_, "The template")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto status = TRY(context.call("template.status", {{"template", vm_}}));
        context.output.object(status);
        Table volumes({{"VOLUME"}, {"POOL"}, {"STATE"}, {"REVISIONS"}});
        const auto list = list_field(status, "volumes");
        for (const auto& volume : list)
            volumes.add({text_field(volume, "volume"), text_field(volume, "pool"), text_field(volume, "state"), revisions(volume)});
        Table children({{"CHILD"}, {"VOLUME"}, {"STATE"}, {"VERSION"}, {"RUNS"}, {"OUTDATED"}});
        const auto users = list_field(status, "children");
        for (const auto& child : users) {
            const auto revision = text_field(child, "revision");
            children.add({text_field(child, "vm"), text_field(child, "volume"), text_field(child, "state"),
                          revision.empty() ? "newest" : revision, running(child), flag_field(child, "outdated") ? "outdated" : ""});
        }
        context.output.text(volumes.text() + "\n" + children.text());
        return {};
    }

private:
    static std::string revisions(const nlohmann::json& volume) {
        std::string names;
        const auto list = list_field(volume, "revisions");
        for (const auto& each : list) names.append(names.empty() ? "" : ", ").append(text_field(each, "revision"));
        return names;
    }

    // A version that has been pruned by now is called by the time at which it was written.
    static std::string running(const nlohmann::json& child) {
        const auto runs = child.value("runs", nlohmann::json());
        if (!runs.is_object()) return "";
        if (auto revision = text_field(runs, "revision"); !revision.empty()) return revision;
        return flag_field(runs, "newest") ? "newest" : text_field(runs, "written");
    }

    std::string vm_;
};

}  // namespace

OrchestratorSubcommand add_template_status(CLI::App& parent) {
    return subcommand<TemplateStatusCommand>(parent, "status", "Show the versions of a template, and who runs which");
}

}  // namespace varve::cli
