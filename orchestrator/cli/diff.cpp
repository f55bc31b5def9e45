// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/progress.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/cli/targets.h"
#include "orchestrator/mount_client/difference.h"
#include "orchestrator/mount_client/inventory.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using mount_client::Difference;
using mount_client::StateReference;

class Diff final : public Command {
public:
    explicit Diff(CLI::App& app) {
        app.footer(
            "Every byte is read and compared but holes and what the storage says that both share: what is listed differs, what is not is\n"
            "the same. What one state has behind the end of the other is compared with zeros. With one argument a volume is compared with "
            "its newest revision, and a revision with\n"
            "the volume.\n\n"
            "Examples:\n  varve diff fast/work/root\n  varve diff fast/work/root@before-upgrade\n"
            "  varve diff --block 64K fast/work/root@monday fast/work/root@tuesday\n"
            "  varve --json diff fast/work/root | jq .changed");
        app.add_option("FROM", from_text_, "POOL/VM/VOLUME[@REVISION], or a path inside the mount")->required()->type_name("");
        app.add_option("TO", to_text_, "Another state of the same volume (default: as it is now)")->type_name("");
        app.add_option("--block", block_text_, "Compare blocks of that size as a whole: a power of two, at most 1M (default: 512)")
            ->type_name("SIZE");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        from_ = TRY(state_target(resolver, from_text_));
        to_ = to_text_.empty() ? StateReference{from_->volume, {}} : TRY(state_target(resolver, to_text_));
        if (from_->volume != to_->volume) return fail(Errc::InvalidArgument, "two states of one volume are compared");
        if (!to_text_.empty() && *from_ == *to_) return fail(Errc::InvalidArgument, from_->str() + " is compared with another state");
        if (!block_text_.empty()) options_.block = TRY(base::parse_bytes(block_text_));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto found = compare(context);
        if (!found) return context.output.failure(found.error());
        show(context.output, *found);
        return ExitCode::Ok;
    }

private:
    Result<Difference> compare(const Context& context) {
        if (!from_->revision && to_text_.empty()) from_->revision = TRY(newest_revision(context.mount));
        Progress progress(context.world.err, context.output.progress_style());
        const auto observer = observer_of(progress, context.world);
        return mount_client::find_difference(context.mount, *from_, *to_, options_, observer);
    }

    [[nodiscard]] Result<base::RevisionId> newest_revision(const mount_client::Mount& mount) const {
        const auto volume = TRY(mount_client::read_volume(mount, from_->volume));
        if (volume.revisions.empty()) return fail(Errc::NotFound, from_->volume.str() + " has no revision to compare it with");
        return base::RevisionId::parse(volume.revisions.back().name);
    }

    void show(const Output& output, const Difference& found) const {
        Table table({{"OFFSET", Align::Right}, {"LENGTH", Align::Right}});
        auto extents = nlohmann::json::array();
        for (const auto& extent : found.extents) {
            if (output.json())
                extents.push_back({{"offset", extent.offset.count}, {"length", extent.length.count}});
            else
                table.add({std::to_string(extent.offset.count), std::to_string(extent.length.count)});
        }
        table.add({"total", output.size(found.sum())});
        output.object({{"from", from_->str()},
                       {"to", to_->str()},
                       {"from_size", found.from_size.count},
                       {"to_size", found.to_size.count},
                       {"extents", std::move(extents)},
                       {"changed", found.sum().count}});
        output.text(table.text());
        if (found.from_size != found.to_size)
            output.remark(from_->str() + " has " + output.size(found.from_size) + ", " + to_->str() + " " + output.size(found.to_size));
    }

    std::string from_text_;
    std::string to_text_;
    std::string block_text_;
    mount_client::DifferenceOptions options_;
    std::optional<StateReference> from_;
    std::optional<StateReference> to_;
};

}  // namespace

Subcommand add_diff(CLI::App& parent) {
    auto* app = parent.add_subcommand("diff", "Show where two states of a volume differ");
    app->fallthrough();
    return {app, std::make_unique<Diff>(*app)};
}

}  // namespace varve::cli
