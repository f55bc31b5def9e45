// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/units.h"
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"
#include "orchestrator/mount_client/inventory.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;

class Resize final : public Command {
public:
    explicit Resize(CLI::App& app) {
        app.footer(
            "K, M, G and T are binary units. A volume can grow while its VM runs; it does not shrink this way.\n\n"
            "Examples:\n  varve resize fast/work/private 20G\n  varve resize fast/work/private +512M");
        app.add_option("TARGET", target_, "POOL/VM/VOLUME, or a path inside the mount")->required()->type_name("");
        app.add_option("SIZE", size_, "The new size, or +SIZE for that much more")->required()->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        volume_ = TRY(volume_target(resolver, target_));
        relative_ = size_.starts_with('+');
        amount_ = TRY(base::parse_bytes(std::string_view(size_).substr(relative_ ? 1 : 0)));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto size = new_size(context.mount);
        if (!size) return context.output.failure(size.error());
        const auto request = request_for(*volume_, {std::string(protocol::verb::resize), std::to_string(size->count)});
        return send_all(context, {request}, [&](const mount_client::Reply&) { return volume_->str() + "  " + context.output.size(*size); });
    }

private:
    Result<Bytes> new_size(const mount_client::Mount& mount) const {
        const Bytes present = relative_ ? Bytes{TRY(mount_client::read_volume(mount, *volume_)).size} : Bytes{};
        if (amount_ > base::largest_volume || present > base::largest_volume - amount_)
            return fail(Errc::TooLarge, volume_->str() + " cannot be larger than " + std::to_string(base::largest_volume.count) + " bytes");
        return present + amount_;
    }

    std::string target_;
    std::string size_;
    std::optional<base::VolumeId> volume_;
    bool relative_ = false;
    Bytes amount_;
};

}  // namespace

Subcommand add_resize(CLI::App& parent) {
    auto* app = parent.add_subcommand("resize", "Change a volume's size");
    app->fallthrough();
    return {app, std::make_unique<Resize>(*app)};
}

}  // namespace varve::cli
