// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"
#include "orchestrator/cli/sheet.h"
#include "orchestrator/mount_client/json_fields.h"

namespace varve::cli {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string shown(const nlohmann::json& value) {
    if (!value.is_object()) return value.is_string() ? value.get<std::string>() : mount_client::compact(value);
    std::string text;
    for (const auto& [key, inner] : value.items()) text.append(text.empty() ? "" : "  ").append(key).append("=").append(shown(inner));
    return text;
}

// Values of tables get rows of their own; what is absent or empty none.
void add_row(Rows& rows, const std::string& name, const nlohmann::json& value) {
    const auto* const text = value.get_ptr<const std::string*>();
    if (value.is_null() || (text != nullptr && text->empty())) return;
    if (value.is_object()) {
        for (const auto& [key, inner] : value.items()) add_row(rows, std::string(name).append(".").append(key), inner);
        return;
    }
    if (!value.is_array()) return rows.emplace_back(name, shown(value)), void();
    bool first = true;
    for (const auto& each : value) {
        rows.emplace_back(first ? name : "", shown(each));
        first = false;
    }
}

class VmInfoCommand final : public OrchestratorCommand {
public:
    explicit VmInfoCommand(CLI::App& app) {
        app.footer(
            "Examples:\n  varve vm info work\n  varve --json vm info work | jq .definition.memory\n  varve vm info --toml work > "
            "work.toml");
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
        app.add_flag("--toml", toml_, "Its definition alone, as 'varve vm create --file' and 'varve vm set --file' take it");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("vm.info", {{"vm", vm_}}));
        context.output.object(result);
        if (toml_) {
            context.output.text(mount_client::text_field(result, "toml"));
            return {};
        }
        std::vector<std::pair<std::string, std::string>> rows;
        for (const auto* name : {"vm", "state", "trouble", "domain"}) add_row(rows, name, result.value(name, nlohmann::json()));
        const auto definition = result.value("definition", nlohmann::json::object());
        for (const auto& [key, value] : definition.items()) add_row(rows, key, value);
        const auto disks = mount_client::list_field(result, "disks");
        for (const auto& disk : disks)
            rows.emplace_back(&disk == &disks.front() ? "disks" : "",
                              mount_client::text_field(disk, "target") + "  " + mount_client::text_field(disk, "source") +
                                  (mount_client::flag_field(disk, "read_only") ? "  read-only" : ""));
        context.output.text(sheet(rows));
        return {};
    }

private:
    std::string vm_;
    bool toml_ = false;
};

}  // namespace

OrchestratorSubcommand add_vm_info(CLI::App& parent) { return subcommand<VmInfoCommand>(parent, "info", "Show everything about a VM"); }

}  // namespace varve::cli
