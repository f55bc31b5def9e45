// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/targets.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using mount_client::StateReference;

class Snapshot final : public Command {
public:
    explicit Snapshot(CLI::App& app) {
        app.footer(
            "A labelled revision stays until it is removed, or varve unpin takes the label away: then it is pruned as any other.\n\n"
            "Examples:\n  varve snapshot fast/work/root before-upgrade\n  varve snapshot ./root.img@before-upgrade");
        app.add_option("TARGET", target_, "POOL/VM/VOLUME[@LABEL], or a path inside the mount")->required()->type_name("");
        app.add_option("LABEL", label_, "The revision's name, unless TARGET has it")->type_name("");
    }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        auto state = TRY(state_target(resolver, target_));
        if (state.revision.has_value() == !label_.empty())
            return fail(Errc::InvalidArgument, "name one label for the present state: varve snapshot " + state.volume.str() + " LABEL");
        if (!state.revision) state.revision = TRY(base::Label::parse(label_));
        if (state.revision->label() == nullptr)
            return fail(Errc::InvalidArgument,
                        "'" + state.revision->str() + "' is a time: give the revision a label such as before-upgrade");
        revision_ = std::move(state);
        return {};
    }

    ExitCode run(const Context& context) override {
        const StateReference present{revision_->volume, {}};
        const auto linked = context.mount.link(mount_client::state_path(present), mount_client::state_path(*revision_));
        if (!linked && linked.error().cause == std::errc::no_such_file_or_directory)
            return context.output.failure({Errc::NotFound, {}, present.str() + " does not exist"});
        // The kernel refuses it by itself, so varvefs has noted no reason.
        if (!linked && linked.error().code == Errc::Exists)
            return context.output.failure(
                {Errc::Exists, {}, revision_->str() + " exists already: take another label, or remove that state"});
        if (!linked) return context.output.failure(linked.error());
        context.output.remark(revision_->str());
        context.output.object({{"volume", revision_->volume.str()}, {"revision", revision_->revision->str()}});
        return ExitCode::Ok;
    }

private:
    std::string target_;
    std::string label_;
    std::optional<StateReference> revision_;
};

}  // namespace

Subcommand add_snapshot(CLI::App& parent) {
    auto* app = parent.add_subcommand("snapshot", "Keep a volume's present state as a labelled revision");
    app->fallthrough();
    return {app, std::make_unique<Snapshot>(*app)};
}

}  // namespace varve::cli
