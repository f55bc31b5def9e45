// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

#include "orchestrator/cli/terminal_text.h"
#include "orchestrator/mount_client/json_fields.h"

#include <array>
#include <cstdio>

namespace varve::cli {
namespace {

constexpr std::int64_t longest_time = 1'000'000'000'000;  // microseconds; what is beyond was not measured

void show_stage(std::ostream& err, const nlohmann::json& event) {
    const auto what = mount_client::text_field(event, "what");
    if (what == "began") return;
    const auto took = mount_client::number_field(event, "microseconds", 0, longest_time).value_or(0);
    auto line =
        mount_client::text_field(event, "vm") + "  " + mount_client::text_field(event, "stage") + "  " + what + "  " + shown_time(took);
    if (const auto remark = mount_client::text_field(event, "remark"); !remark.empty()) line += "  " + remark;
    err << printable(line) << '\n';
}

class VmVerbCommand final : public OrchestratorCommand {
public:
    VmVerbCommand(CLI::App& app, VmVerb verb) : verb_(std::move(verb)) {
        app.footer(verb_.footer);
        app.add_option("VM", vm_, "The VM's name")->required()->type_name("");
    }

    base::Result<> run(const OrchestratorContext& context) override {
        const auto result = TRY(context.call("vm." + verb_.verb, {{"vm", vm_}}));
        context.output.object(result);
        context.output.remark(vm_ + "  " + verb_.done);
        return {};
    }

private:
    VmVerb verb_;
    std::string vm_;
};

}  // namespace

std::string shown_time(std::int64_t microseconds) {
    constexpr std::int64_t in_a_second = 1'000'000;
    constexpr std::int64_t in_a_millisecond = 1'000;
    std::array<char, 32> text{};
    if (microseconds < in_a_second)
        (void)std::snprintf(text.data(), text.size(), "%lld ms", static_cast<long long>(microseconds / in_a_millisecond));  // fits
    else
        (void)std::snprintf(text.data(), text.size(), "%.2f s", static_cast<double>(microseconds) / in_a_second);  // fits
    return text.data();
}

base::Result<nlohmann::json> OrchestratorContext::call(std::string_view method, const nlohmann::json& params) const {
    return client.call(method, params, [&](std::string_view told, const nlohmann::json& event) {
        if (told == "vm.stage" && output.progress_style() == ProgressStyle::Bar) show_stage(world.err, event);
    });
}

OrchestratorSubcommand add_vm_verb(CLI::App& parent, VmVerb verb) {
    const auto name = verb.verb;
    const auto description = verb.description;
    return subcommand<VmVerbCommand>(parent, name, description, std::move(verb));
}

}  // namespace varve::cli
