// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/progress.h"
#include "orchestrator/mount_client/move.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VolumeId;
using mount_client::Movable;
using mount_client::PoolReference;
using mount_client::Reference;
using mount_client::StateReference;
using mount_client::VmReference;

// What the source becomes at a destination that may name less than all of it.
Result<Movable> at_destination(const Movable& from, const Reference& to) {
    const auto* volume = std::get_if<VolumeId>(&from);
    const auto vm = mount_client::vm_of(from).vm;
    if (const auto* pool = std::get_if<PoolReference>(&to)) {
        if (volume != nullptr) return VolumeId{pool->pool, vm, volume->volume};
        return VmReference{pool->pool, vm};
    }
    if (const auto* there = std::get_if<VmReference>(&to)) {
        if (volume != nullptr) return VolumeId{there->pool, there->vm, volume->volume};
        return *there;
    }
    const auto& state = std::get<StateReference>(to);
    if (volume == nullptr || state.revision) return fail(Errc::InvalidArgument, "a VM moves to a pool or VM, a volume also to a volume");
    return state.volume;
}

class Mv final : public Command {
public:
    explicit Mv(CLI::App& app) {
        app.footer(
            "All revisions, the kind and the settings go along. Within a pool it is a rename, in one step; to another pool everything is "
            "copied,\n"
            "and the old one is removed last. After a crash the same command goes on where it was.\n\n"
            "Examples:\n  varve mv fast/work slow\n  varve mv fast/work slow/archive\n  varve mv fast/work/private fast/work/home\n"
            "  varve mv fast/work/private slow/work");
        app.add_option("SOURCE", from_text_, "POOL/VM or POOL/VM/VOLUME, or a path inside the mount")->required()->type_name("");
        app.add_option("DESTINATION", to_text_, "A pool, a VM, or of a volume a volume; what it does not name stays as it was")
            ->required()
            ->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        const auto from = TRY(resolver.resolve(from_text_));
        const auto* state = std::get_if<StateReference>(&from);
        if (state != nullptr && state->revision)
            return fail(Errc::InvalidArgument,
                        state->str() + " goes with its volume; 'varve pin' gives it another name, 'varve revert' brings it back");
        if (std::holds_alternative<PoolReference>(from))
            return fail(Errc::InvalidArgument, "a pool is not moved, but each of its VMs can be");
        from_ = state != nullptr ? Movable(state->volume) : Movable(std::get<VmReference>(from));
        to_ = TRY(at_destination(*from_, TRY(resolver.resolve(to_text_))));
        if (*from_ == *to_) return fail(Errc::InvalidArgument, mount_client::to_string(*from_) + " is there already");
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto moved = move(context);
        if (!moved) return context.output.failure(moved.error());
        std::vector<std::string> volumes;
        for (const auto& volume : *moved) volumes.push_back(volume.str());
        context.output.remark(mount_client::to_string(*to_));
        context.output.object(
            {{"source", mount_client::to_string(*from_)}, {"destination", mount_client::to_string(*to_)}, {"volumes", volumes}});
        return ExitCode::Ok;
    }

private:
    Result<std::vector<VolumeId>> move(const Context& context) const {
        Progress progress(context.world.err, context.output.progress_style());
        const auto observer = observer_of(progress, context.world);
        return mount_client::move(context.mount, *from_, *to_, observer);
    }

    std::string from_text_;
    std::string to_text_;
    std::optional<Movable> from_;
    std::optional<Movable> to_;
};

}  // namespace

Subcommand add_mv(CLI::App& parent) {
    auto* app = parent.add_subcommand("mv", "Move or rename a volume or a whole VM, with all revisions");
    app->fallthrough();
    return {app, std::make_unique<Mv>(*app)};
}

}  // namespace varve::cli
