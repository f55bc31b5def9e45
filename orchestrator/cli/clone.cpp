// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/clone.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/progress.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using mount_client::Mount;
using mount_client::PoolReference;
using mount_client::Reference;
using mount_client::StateReference;
using mount_client::VmReference;

class Clone final : public Command {
public:
    explicit Clone(CLI::App& app) {
        app.footer(
            "Within a pool the copy shares its blocks and takes no time; across pools it is a sparse copy.\n"
            "A volume's copy appears in one step. A VM's copy has the same kinds, sources and settings, but no revisions.\n\n"
            "Examples:\n  varve clone fast/work/private fast/test/private\n  varve clone fast/work/root@before-upgrade fast/test\n"
            "  varve clone fast/work fast/work2\n  varve clone --force fast/work/private slow/backup/private");
        app.add_option("SOURCE", from_text_, "POOL/VM/VOLUME[@REVISION] or POOL/VM, or a path inside the mount")->required()->type_name("");
        app.add_option("DESTINATION", to_text_, "A volume or, for the same volume name, a VM; a new VM when SOURCE is one")
            ->required()
            ->type_name("");
        app.add_flag("-f,--force", force_, "Replace a volume that is there; its state becomes a revision");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        from_ = TRY(resolver.resolve(from_text_));
        to_ = TRY(resolver.resolve(to_text_));
        const auto* state = std::get_if<StateReference>(&*from_);
        if (const auto* vm = std::get_if<VmReference>(&*to_); vm != nullptr && state != nullptr)
            to_ = StateReference{{vm->pool, vm->vm, state->volume.volume}, {}};
        if (std::holds_alternative<PoolReference>(*from_) || from_->index() != to_->index())
            return fail(Errc::InvalidArgument, "a volume is cloned to a volume or into a VM, and a VM to a new VM");
        if (*from_ == *to_) return fail(Errc::InvalidArgument, mount_client::to_string(*to_) + " cannot be cloned onto itself");
        if (state == nullptr && force_) return fail(Errc::InvalidArgument, "--force replaces a volume, never a VM: remove the VM first");
        return {};
    }

    ExitCode run(const Context& context) override {
        std::vector<std::string> made;
        if (const auto cloned = clone(context, made); !cloned) return context.output.failure(cloned.error());
        context.output.remark(mount_client::to_string(*to_));
        context.output.object(
            {{"source", mount_client::to_string(*from_)}, {"destination", mount_client::to_string(*to_)}, {"volumes", made}});
        return ExitCode::Ok;
    }

private:
    Result<> clone(const Context& context, std::vector<std::string>& made) const {
        Progress progress(context.world.err, context.output.progress_style());
        const auto observer = observer_of(progress, context.world);
        if (const auto* vm = std::get_if<VmReference>(&*from_)) {
            for (const auto& volume : TRY(mount_client::clone_vm(context.mount, *vm, std::get<VmReference>(*to_), observer)))
                made.push_back(volume.str());
            return {};
        }
        const auto& to = std::get<StateReference>(*to_);
        TRY(mount_client::clone_state(context.mount, std::get<StateReference>(*from_), to,
                                      force_ ? Mount::Replace::Yes : Mount::Replace::No, observer));
        made.push_back(to.volume.str());
        return {};
    }

    std::string from_text_;
    std::string to_text_;
    bool force_ = false;
    std::optional<Reference> from_;
    std::optional<Reference> to_;
};

}  // namespace

Subcommand add_clone(CLI::App& parent) {
    auto* app = parent.add_subcommand("clone", "Copy a volume, one of its revisions or a whole VM");
    app->fallthrough();
    return {app, std::make_unique<Clone>(*app)};
}

}  // namespace varve::cli
