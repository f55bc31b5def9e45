// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/local_path.h"
#include "orchestrator/cli/progress.h"
#include "orchestrator/cli/targets.h"
#include "orchestrator/mount_client/export_image.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using mount_client::CopyObserver;
using mount_client::ExportOptions;
using mount_client::Overwrite;
using mount_client::StateReference;
using mount_client::Zeros;

class Export final : public Command {
public:
    explicit Export(CLI::App& app) {
        app.footer(
            "The file is raw, with holes where the volume has them, and appears in one step, complete.\n"
            "To standard output holes are written as zeros, and nothing else is printed there.\n\n"
            "Examples:\n  varve export fast/work/root root.raw\n  varve export --sparse fast/work/root@before-upgrade old.raw\n"
            "  varve export fast/work/root - | zstd > root.raw.zst");
        app.add_option("STATE", target_, "POOL/VM/VOLUME[@REVISION], or a path inside the mount")->required()->type_name("");
        app.add_option("FILE", file_, "The new file, or - for standard output")->required()->type_name("");
        app.add_flag("-f,--force", force_, "Replace a file that is there");
        app.add_flag("--sparse", sparse_, "Make holes of whole 64 KiB of zeros, too");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        state_ = TRY(state_target(resolver, target_));
        path_ = TRY(local_path(file_, resolver.working_directory()));
        if (!path_ && (force_ || sparse_))
            return fail(Errc::InvalidArgument, "--force and --sparse are for files, not for standard output");
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto size = copy(context);
        if (!size) return context.output.failure(size.error());
        if (!path_) return ExitCode::Ok;  // standard output is the image
        context.output.remark(mount_client::shown(file_) + "  " + context.output.size(*size));
        context.output.object({{"source", state_->str()}, {"destination", file_}, {"size", size->count}});
        return ExitCode::Ok;
    }

private:
    Result<Bytes> copy(const Context& context) const {
        Progress progress(context.world.err, context.output.shows_progress());
        const CopyObserver observer{[&](Bytes done, std::optional<Bytes> whole) { progress.show(done, whole); }, context.world.interrupted};
        if (!path_) return mount_client::export_to_stream(context.mount, *state_, context.world.output, observer);
        const ExportOptions options{force_ ? Overwrite::Yes : Overwrite::No, sparse_ ? Zeros::LeaveOut : Zeros::Write};
        return mount_client::export_to_file(context.mount, *state_, *path_, options, observer);
    }

    std::string target_;
    std::string file_;
    bool force_ = false;
    bool sparse_ = false;
    std::optional<StateReference> state_;
    std::optional<std::string> path_;  // nothing: standard output
};

}  // namespace

Subcommand add_export(CLI::App& parent) {
    auto* app = parent.add_subcommand("export", "Write a volume or one of its revisions to a raw image");
    app->fallthrough();
    return {app, std::make_unique<Export>(*app)};
}

}  // namespace varve::cli
