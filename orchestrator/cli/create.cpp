// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/create.h"
#include "drivers/base/units.h"
#include "fs/protocol/names.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/targets.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using mount_client::NewVolume;
using mount_client::StateReference;
using mount_client::VmReference;

class Create final : public Command {
public:
    explicit Create(CLI::App& app) {
        app.footer(
            "The kind follows from what is given: with SIZE an origin, which keeps what its VM writes; with --source a snapshot, which "
            "starts "
            "from\nits source each time. K, M, G and T are binary units.\n\n"
            "Examples:\n  varve create fast/work                                        a VM without volumes\n"
            "  varve create -p fast/work/private 2G                          an origin, and its VM if need be\n"
            "  varve create fast/work/root --source fast/fedora/root         a snapshot\n"
            "  varve create fast/work/volatile 12G --kind volatile --ephemeral");
        app.add_option("TARGET", target_text_, "POOL/VM or POOL/VM/VOLUME, or a path inside the mount")->required()->type_name("");
        app.add_option("SIZE", size_, "The volume's size; a multiple of 512 bytes")->type_name("");
        app.add_option("--kind", kind_, "origin, volatile, snapshot or origin_snapshot")->type_name("KIND");
        app.add_option("--source", source_, "What it starts from: POOL/VM/VOLUME[@REVISION], in the same pool")->type_name("STATE");
        app.add_option("--revisions-to-keep", keep_, "Instead of the pool's; -1: no snapshot layer")->type_name("N");
        app.add_flag("--read-only", read_only_, "Its VM may not write");
        app.add_flag("--ephemeral", ephemeral_, "A volatile volume encrypted with a key that is lost at its stop");
        app.add_flag("-p,--parents", parents_, "Make the VM if it is missing");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        const auto target = TRY(vm_or_volume_target(resolver, target_text_));
        if (const auto* vm = std::get_if<VmReference>(&target)) return resolve_vm(*vm);
        return resolve_volume(resolver, std::get<base::VolumeId>(target));
    }

    ExitCode run(const Context& context) override {
        const auto done = vm_ ? mount_client::create_vm(context.mount, *vm_, exists_is_fine()) : create_volume(context);
        if (!done) return context.output.failure(done.error());
        const auto made = volume_ ? volume_->volume.str() : vm_->str();
        context.output.remark(made);
        context.output.object(volume_ ? nlohmann::json{{"volume", made}, {"kind", volume_->kind}} : nlohmann::json{{"vm", made}});
        return ExitCode::Ok;
    }

private:
    Result<> resolve_vm(const VmReference& vm) {
        const bool more = !size_.empty() || !kind_.empty() || !source_.empty() || !keep_.empty() || read_only_ || ephemeral_;
        if (more) return fail(Errc::InvalidArgument, "a VM has no size, kind or settings: name a volume, " + vm.str() + "/VOLUME");
        vm_ = vm;
        return {};
    }

    Result<> resolve_volume(const mount_client::ReferenceResolver& resolver, const base::VolumeId& volume) {
        namespace kinds = protocol::kind;
        NewVolume wanted{volume, kind_, {}, keep_, !read_only_, ephemeral_};
        if (kind_.empty()) wanted.kind = source_.empty() ? kinds::origin : kinds::snapshot;
        const bool from_source = wanted.kind == kinds::snapshot || wanted.kind == kinds::origin_snapshot;
        if (!from_source && wanted.kind != kinds::origin && wanted.kind != kinds::volatile_volume)
            return fail(Errc::InvalidArgument, "there is no kind '" + kind_ + "': origin, volatile, snapshot or origin_snapshot");
        if (from_source ? source_.empty() : !source_.empty())
            return fail(Errc::InvalidArgument,
                        wanted.kind + (from_source ? " volumes need --source POOL/VM/VOLUME" : " volumes start from nothing: no --source"));
        if (from_source ? !size_.empty() : size_.empty())
            return fail(Errc::InvalidArgument,
                        wanted.kind + (from_source ? " volumes have their source's size" : " volumes need a size, such as 2G"));
        if (ephemeral_ && wanted.kind != kinds::volatile_volume) return fail(Errc::InvalidArgument, "only volatile volumes are ephemeral");
        if (from_source) source_state_ = TRY(source_of(resolver, volume));
        wanted.content = from_source ? mount_client::source_link(*source_state_) : std::to_string(TRY(base::parse_bytes(size_)).count);
        volume_ = std::move(wanted);
        return {};
    }

    Result<StateReference> source_of(const mount_client::ReferenceResolver& resolver, const base::VolumeId& volume) const {
        const auto source = TRY(state_target(resolver, source_));
        if (source.volume.pool != volume.pool)
            return fail(Errc::CrossPool, source.str() + " lies in another pool: a source is in the same one (varve clone copies it there)");
        return source;
    }

    [[nodiscard]] bool exists_is_fine() const { return parents_; }

    [[nodiscard]] Result<> create_volume(const Context& context) const {
        if (source_state_ && !TRY(context.mount.exists(mount_client::state_path(*source_state_))))
            return fail(Errc::NotFound, "the source " + source_state_->str() + " does not exist");
        if (parents_) return mount_client::create_volume_and_vm(context.mount, *volume_, context.world.interrupted);
        return mount_client::create_volume(context.mount, *volume_);
    }

    std::string target_text_;
    std::string size_;
    std::string kind_;
    std::string source_;
    std::string keep_;
    bool read_only_ = false;
    bool ephemeral_ = false;
    bool parents_ = false;
    std::optional<VmReference> vm_;
    std::optional<NewVolume> volume_;
    std::optional<StateReference> source_state_;
};

}  // namespace

Subcommand add_create(CLI::App& parent) {
    auto* app = parent.add_subcommand("create", "Make a VM or a volume");
    app->fallthrough();
    return {app, std::make_unique<Create>(*app)};
}

}  // namespace varve::cli
