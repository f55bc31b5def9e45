// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/mount_client/inventory.h"
#include "orchestrator/mount_client/remove.h"

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
using mount_client::Removed;
using mount_client::StateReference;
using mount_client::VmReference;

class Rm final : public Command {
public:
    explicit Rm(CLI::App& app) {
        app.footer(
            "A removed volume's revisions stay, and bring it back (varve revert), unless they are removed too (-r). What a running VM "
            "uses, "
            "and what\nis the source of a snapshot, is not removed.\n\n"
            "Examples:\n  varve rm fast/work/root@before-upgrade\n  varve rm fast/work/private\n  varve rm -r fast/work/private\n"
            "  varve rm -r fast/work");
        app.add_option("TARGET", texts_, "POOL/VM/VOLUME[@REVISION] or POOL/VM, or a path inside the mount")->required()->type_name("");
        app.add_flag("-r,--recursive", recursive_, "A volume with its revisions, a VM with its volumes");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        for (const auto& text : texts_) {
            targets_.push_back(TRY(resolver.resolve(text)));
            if (std::holds_alternative<PoolReference>(targets_.back()))
                return fail(Errc::InvalidArgument, "'" + text + "' is a pool, which is taken away by varve pool rm");
        }
        return {};
    }

    ExitCode run(const Context& context) override {
        auto code = ExitCode::Ok;
        auto gone = nlohmann::json::array();
        const Removed removed = [&](const std::string& name) {
            context.output.remark(name + "  removed");
            gone.push_back(name);
        };
        for (const auto& target : targets_) {
            const auto done = remove(context, target, removed);
            if (done) continue;
            const auto one = context.output.failure(done.error());
            if (code == ExitCode::Ok) code = one;
            if (one == ExitCode::Interrupted) break;
        }
        context.output.object({{"removed", gone}});
        return code;
    }

private:
    Result<> remove(const Context& context, const Reference& target, const Removed& removed) const {
        const auto& mount = context.mount;
        if (context.world.interrupted && context.world.interrupted())
            return fail(Errc::Interrupted, "interrupted before " + mount_client::to_string(target) + " was removed");
        if (const auto* vm = std::get_if<VmReference>(&target)) return remove_vm(mount, *vm, removed);
        const auto& state = std::get<StateReference>(target);
        if (!recursive_ || state.revision) return mount_client::remove_state(mount, state, removed);
        return mount_client::remove_volume(mount, state.volume, removed);
    }

    Result<> remove_vm(const Mount& mount, const VmReference& vm, const Removed& removed) const {
        if (recursive_) return mount_client::remove_vm(mount, vm, removed);
        if (!TRY(mount_client::volumes(mount, vm)).empty())
            return fail(Errc::NotEmpty, vm.str() + " has volumes: varve rm -r " + vm.str() + " removes it with them");
        return mount_client::remove_empty_vm(mount, vm, removed);
    }

    std::vector<std::string> texts_;
    bool recursive_ = false;
    std::vector<Reference> targets_;
};

}  // namespace

Subcommand add_rm(CLI::App& parent) {
    auto* app = parent.add_subcommand("rm", "Remove states, volumes or VMs");
    app->fallthrough();
    return {app, std::make_unique<Rm>(*app)};
}

}  // namespace varve::cli
