// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/targets.h"
#include "orchestrator/guest_layout/guest_layout.h"
#include "orchestrator/mount_client/inventory.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <cerrno>

namespace varve::cli {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using mount_client::VolumeDetails;

class Partition final : public Command {
public:
    explicit Partition(CLI::App& app) {
        app.footer(
            "For guests that stack the changes to a read-only root themselves: partition 1 takes the changes, partition 2 is swap.\n"
            "The volume is volatile, started and empty; contrib/guest has the guest's side.\n\n"
            "Examples:\n  varve start fast/work\n  varve partition fast/work/volatile --swap 1G");
        app.add_option("TARGET", target_, "POOL/VM/VOLUME, or a path inside the mount")->required()->type_name("");
        app.add_option("--swap", swap_, "Size of the swap partition")->required()->type_name("SIZE");
    }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        volume_ = TRY(volume_target(resolver, target_));
        swap_size_ = TRY(base::parse_bytes(swap_));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto layout = make(context.mount);
        if (!layout) return context.output.failure(base::with_context(layout.error(), volume_->str()));
        context.output.remark(volume_->str() + "  1: changes " + context.output.size(layout->changes.size) + ", 2: swap " +
                              context.output.size(layout->swap.size));
        context.output.object(
            {{"volume", volume_->str()}, {"partitions", {object(1, "changes", layout->changes), object(2, "swap", layout->swap)}}});
        return ExitCode::Ok;
    }

private:
    static nlohmann::json object(int number, const char* use, const guest_layout::Partition& partition) {
        return {{"number", number}, {"use", use}, {"start", partition.start.count}, {"size", partition.size.count}};
    }

    Result<guest_layout::Layout> make(const mount_client::Mount& mount) const {
        const auto details = TRY(mount_client::read_details(mount, *volume_));
        if (details.volume.kind != protocol::kind::volatile_volume)
            return fail(Errc::InvalidArgument, "only volatile volumes are partitioned, and this one is of kind " + details.volume.kind);
        if (details.device.empty()) return fail(Errc::NotFound, "it is not started; varve start " + volume_->str());
        // The device may be a symbolic link of udev's. It comes from varvefs, not from a guest.
        const base::UniqueFd device(::open(details.device.c_str(), O_RDWR | O_CLOEXEC));
        if (!device.valid()) return base::fail_errno(errno, "cannot open " + details.device);
        return guest_layout::ensure_layout(device.get(), swap_size_);
    }

    std::string target_;
    std::string swap_;
    std::optional<base::VolumeId> volume_;
    Bytes swap_size_;
};

}  // namespace

Subcommand add_partition(CLI::App& parent) {
    auto* app = parent.add_subcommand("partition", "Divide a volatile volume in changes to the root and swap");
    app->fallthrough();
    return {app, std::make_unique<Partition>(*app)};
}

}  // namespace varve::cli
