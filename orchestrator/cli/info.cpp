// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/objects.h"
#include "orchestrator/cli/sheet.h"
#include "orchestrator/cli/targets.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using mount_client::Revision;
using mount_client::VolumeDetails;
using Rows = std::vector<std::pair<std::string, std::string>>;

std::string yes_no(bool value) { return value ? "yes" : "no"; }

std::string keep_text(std::int64_t count) { return count < 0 ? "none at all (the VM writes the committed state)" : std::to_string(count); }

// The title once, then one row for each text.
void add_list(Rows& rows, std::string title, const std::vector<std::string>& texts) {
    if (texts.empty()) rows.emplace_back(title, "none");
    for (const auto& text : texts) rows.emplace_back(std::exchange(title, {}), text);
}

std::string revision_text(const Output& output, const Revision& revision) {
    return revision.name + "  " + output.size({revision.size}) + ", " + output.size({revision.usage}) + " used, written " +
           revision.modified + (revision.pinned ? ", pinned" : "");
}

std::string text_of(const Output& output, const VolumeDetails& details) {
    const auto& volume = details.volume;
    Rows rows{{"Volume", volume.id.str()}, {"Kind", volume.kind}, {"State", volume.state}};
    if (!volume.source.empty()) {
        rows.emplace_back("Source", volume.source);
        rows.emplace_back("Outdated", yes_no(volume.outdated));
    }
    rows.emplace_back("Size", output.size({volume.size}));
    rows.emplace_back("Used", output.size({volume.usage}));
    rows.emplace_back("Exclusive", output.size({details.exclusive}));
    rows.emplace_back("Writable", yes_no(details.rw));
    rows.emplace_back("Ephemeral", yes_no(details.ephemeral));
    rows.emplace_back("Revisions to keep", keep_text(details.revisions_to_keep));
    rows.emplace_back("Schedule", details.schedule);
    if (!details.device.empty()) rows.emplace_back("Device", details.device);
    std::vector<std::string> revisions;
    for (const auto& revision : volume.revisions) revisions.push_back(revision_text(output, revision));
    add_list(rows, "Revisions", revisions);
    add_list(rows, "Blockers", details.blockers);
    return sheet(rows);
}

class Info final : public Command {
public:
    explicit Info(CLI::App& app) {
        app.footer("Examples:\n  varve info fast/work/root\n  varve --json info ./root.img | jq .exclusive");
        app.add_option("TARGET", target_, "POOL/VM/VOLUME, or a path inside the mount")->required()->type_name("");
    }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        volume_ = TRY(volume_target(resolver, target_));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto details = mount_client::read_details(context.mount, *volume_);
        if (!details) return context.output.failure(details.error());
        context.output.object(object_of(*details));
        context.output.text(text_of(context.output, *details));
        return ExitCode::Ok;
    }

private:
    std::string target_;
    std::optional<base::VolumeId> volume_;
};

}  // namespace

Subcommand add_info(CLI::App& parent) {
    auto* app = parent.add_subcommand("info", "Show everything about a volume");
    app->fallthrough();
    return {app, std::make_unique<Info>(*app)};
}

}  // namespace varve::cli
