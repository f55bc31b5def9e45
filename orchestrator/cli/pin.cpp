// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/targets.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using mount_client::Mount;
using mount_client::StateReference;

class Pin final : public Command {
public:
    explicit Pin(CLI::App& app) {
        app.footer(
            "A pinned revision is kept until it is removed, or varve unpin takes the label away. Its label may be changed the same way.\n\n"
            "Examples:\n  varve pin fast/work/root@2018-01-02T03:04:05Z before-upgrade\n  varve pin ./root.img@before-upgrade golden");
        app.add_option("REVISION", target_, "POOL/VM/VOLUME@REVISION, or a path inside the mount")->required()->type_name("");
        app.add_option("LABEL", label_, "The revision's name from now on")->required()->type_name("");
    }

    base::Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        from_ = TRY(state_target(resolver, target_));
        if (!from_->revision)
            return fail(Errc::InvalidArgument,
                        "'" + target_ + "' names no revision; varve snapshot " + from_->volume.str() + " LABEL keeps the present state");
        const auto label = TRY(base::Label::parse(label_));
        to_ = StateReference{from_->volume, label};
        if (*from_ == *to_) return fail(Errc::InvalidArgument, from_->str() + " has that label already");
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto renamed = context.mount.rename(mount_client::state_path(*from_), mount_client::state_path(*to_), Mount::Replace::No);
        if (!renamed && renamed.error().cause == std::errc::no_such_file_or_directory)
            return context.output.failure(
                {Errc::NotFound, {}, from_->str() + " does not exist; varve revisions " + from_->volume.str() + " lists what there is"});
        if (!renamed && renamed.error().code == Errc::Exists)
            return context.output.failure({Errc::Exists, {}, to_->str() + " exists already: take another label, or remove that state"});
        if (!renamed) return context.output.failure(renamed.error());
        context.output.remark(to_->str());
        context.output.object({{"volume", to_->volume.str()}, {"revision", to_->revision->str()}});
        return ExitCode::Ok;
    }

private:
    std::string target_;
    std::string label_;
    std::optional<StateReference> from_;
    std::optional<StateReference> to_;
};

}  // namespace

Subcommand add_pin(CLI::App& parent) {
    auto* app = parent.add_subcommand("pin", "Give a revision a label, so that it is kept");
    app->fallthrough();
    return {app, std::make_unique<Pin>(*app)};
}

}  // namespace varve::cli
