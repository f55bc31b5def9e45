// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/ctl.h"

#include <CLI/CLI.hpp>

#include <filesystem>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// varvefs has another working directory: a value that starts with a dot directory is made absolute.
std::string absolute_value(const std::string& value, const std::string& working_directory) {
    if (value != "." && value != ".." && !value.starts_with("./") && !value.starts_with("../")) return value;
    return (std::filesystem::path(working_directory) / value).lexically_normal().string();
}

class PoolAdd final : public Command {
public:
    explicit PoolAdd(CLI::App& app) {
        app.footer(
            "Drivers: file-reflink, file, lvm_thin, linux-kernel, sim, callback (a program around one of them), and plugin:PATH of a "
            "shared\n"
            "object. The keys are those of [[pool]] in varve.toml(5), and the driver's own, which varve-DRIVER(7) tells. A value that "
            "starts\n"
            "with ./ or ../ is taken relative to the working directory.\n\n"
            "Examples:\n  varve pool add fast file-reflink dir_path=/srv/vms\n  varve pool add play sim revisions_to_keep=5");
        app.add_option("NAME", name_, "The new pool")->required()->type_name("");
        app.add_option("DRIVER", driver_, "What keeps the data")->required()->type_name("");
        app.add_option("PARAMETER", parameters_, "KEY=VALUE")->type_name("");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        const auto pool = TRY(base::PoolName::parse(name_));
        std::vector<std::string> words{std::string(protocol::verb::pool_add), pool.str(), driver_};
        for (const auto& parameter : parameters_) {
            const auto equals = parameter.find('=');
            if (equals == std::string::npos || equals == 0) return fail(Errc::InvalidArgument, "'" + parameter + "' is not KEY=VALUE");
            words.push_back(parameter.substr(0, equals + 1) + absolute_value(parameter.substr(equals + 1), resolver.working_directory()));
        }
        request_ = request_for_root("the pool " + pool.str(), std::move(words));
        return {};
    }

    ExitCode run(const Context& context) override {
        return send_all(context, {request_}, [&](const mount_client::Reply&) { return name_ + "  added"; });
    }

private:
    std::string name_;
    std::string driver_;
    std::vector<std::string> parameters_;
    CtlRequest request_;
};

}  // namespace

Subcommand add_pool_add(CLI::App& parent) {
    auto* app = parent.add_subcommand("add", "Add a pool");
    app->fallthrough();
    return {app, std::make_unique<PoolAdd>(*app)};
}

}  // namespace varve::cli
