// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/unpin.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/progress.h"
#include "orchestrator/cli/targets.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using mount_client::StateReference;

class Unpin final : public Command {
public:
    explicit Unpin(CLI::App& app) {
        app.footer(
            "The revision is called by its time then, and is pruned as any other; nothing goes at once. varve rm removes a pinned one "
            "itself.\n\n"
            "Examples:\n  varve unpin fast/work/root@before-upgrade\n  varve unpin ./root.img@before-upgrade");
        app.add_option("REVISION", target_, "POOL/VM/VOLUME@LABEL, or a path inside the mount")->required()->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        labelled_ = TRY(state_target(resolver, target_));
        if (!labelled_->revision)
            return fail(Errc::InvalidArgument,
                        "'" + target_ + "' names no label; varve revisions " + labelled_->volume.str() + " lists what is pinned");
        if (labelled_->revision->label() == nullptr)
            return fail(Errc::InvalidArgument, "'" + labelled_->revision->str() + "' is a time, not a label: it is not pinned by its name");
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto timed = unpin(context);
        if (!timed && timed.error().code == Errc::NotFound)
            return context.output.failure(
                {Errc::NotFound,
                 {},
                 labelled_->str() + " does not exist; varve revisions " + labelled_->volume.str() + " lists what there is"});
        if (!timed) return context.output.failure(timed.error());
        context.output.remark(timed->str());
        context.output.object({{"volume", timed->volume.str()}, {"revision", timed->revision->str()}});
        return ExitCode::Ok;
    }

private:
    Result<StateReference> unpin(const Context& context) const {
        Progress progress(context.world.err, context.output.progress_style());
        return mount_client::unpin(context.mount, *labelled_, observer_of(progress, context.world));
    }

    std::string target_;
    std::optional<StateReference> labelled_;
};

}  // namespace

Subcommand add_unpin(CLI::App& parent) {
    auto* app = parent.add_subcommand("unpin", "Take a revision's label away, so that it is pruned as any other");
    app->fallthrough();
    return {app, std::make_unique<Unpin>(*app)};
}

}  // namespace varve::cli
