// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"

#include <CLI/CLI.hpp>

namespace varve::cli {
namespace {

class PoolConvert final : public Command {
public:
    explicit PoolConvert(CLI::App& app) {
        app.footer(
            "What the driver file keeps in COW files becomes images, and the COW files go; all states and their names stay. The file "
            "system must be\n"
            "able to share data (XFS, Btrfs), and all volumes of the pool must be halted and clean. A pool that varve.toml describes is "
            "set to\n"
            "file-reflink there first.\n\nExamples:\n  varve pool convert fast");
        app.add_option("NAME", target_, "The pool")->required()->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    base::Result<> resolve(const mount_client::ReferenceResolver& /*resolver*/) override {
        // It need not be open: file-reflink refuses to open what was not converted.
        const auto pool = TRY(base::PoolName::parse(target_));
        request_ = request_for_root("the pool " + pool.str(), {std::string(protocol::verb::pool_convert), pool.str()});
        return {};
    }

    ExitCode run(const Context& context) override {
        return send_all(context, {request_},
                        [&](const mount_client::Reply&) { return request_.words.back() + "  converted to file-reflink"; });
    }

private:
    std::string target_;
    CtlRequest request_;
};

}  // namespace

Subcommand add_pool_convert(CLI::App& parent) {
    auto* app = parent.add_subcommand("convert", "Make a pool of the driver file one of file-reflink");
    app->fallthrough();
    return {app, std::make_unique<PoolConvert>(*app)};
}

}  // namespace varve::cli
