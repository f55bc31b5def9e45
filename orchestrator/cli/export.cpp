// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/local_path.h"
#include "orchestrator/cli/progress.h"
#include "orchestrator/cli/targets.h"
#include "orchestrator/image_formats/convert.h"
#include "orchestrator/mount_client/export_image.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace varve::cli {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using image_formats::Compress;
using image_formats::Format;
using mount_client::ExportOptions;
using mount_client::Overwrite;
using mount_client::StateReference;
using mount_client::Zeros;

class Export final : public Command {
public:
    explicit Export(CLI::App& app) {
        app.footer(
            "A raw file has holes where the volume has them. The file appears in one step, complete.\n"
            "To standard output holes are written as zeros, and nothing else is printed there; a qcow2 image is made in a spool first.\n\n"
            "Examples:\n  varve export fast/work/root root.raw\n  varve export --sparse fast/work/root@before-upgrade old.raw\n"
            "  varve export fast/work/root - | zstd > root.raw.zst\n"
            "  varve export --format qcow2 --compress fast/work/root root.qcow2\n"
            "  varve export --format qcow2 fast/work/root - | ssh there 'cat > root.qcow2'");
        app.add_option("STATE", target_, "POOL/VM/VOLUME[@REVISION], or a path inside the mount")->required()->type_name("");
        app.add_option("FILE", file_, "The new file, or - for standard output")->required()->type_name("");
        app.add_flag("-f,--force", force_, "Replace a file that is there");
        app.add_flag("--sparse", sparse_, "Make holes of whole 64 KiB of zeros, too");
        app.add_option("--format", format_text_, "raw (the default) or qcow2, which needs qemu-img")->type_name("FORMAT");
        app.add_option("--spool", spool_, "Where a qcow2 image for standard output is made first (default: TMPDIR, else /var/tmp)")
            ->type_name("DIR");
        app.add_flag("-c,--compress", compress_, "Compress what a qcow2 image holds");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        state_ = TRY(state_target(resolver, target_));
        path_ = TRY(local_path(file_, resolver.working_directory()));
        if (!format_text_.empty()) format_ = TRY(image_formats::parse_format(format_text_));
        TRY(check_format());
        if (!spool_.empty() && (path_ || format_ == Format::Raw))
            return fail(Errc::InvalidArgument, "--spool is for --format qcow2 to standard output: nothing else needs a spool");
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
    [[nodiscard]] Result<> check_format() const {
        if (format_ == Format::Raw && compress_)
            return fail(Errc::InvalidArgument, "--compress is for --format qcow2; a raw image goes through a pipe to zstd or the like");
        if (format_ == Format::Raw) return {};
        if (format_ != Format::Qcow2) return fail(Errc::InvalidArgument, "images are exported as raw or qcow2");
        if (sparse_) return fail(Errc::InvalidArgument, "--sparse is for raw images: in a qcow2 image zeros take no room anyway");
        return {};
    }

    Result<Bytes> copy(const Context& context) const {
        Progress progress(context.world.err, context.output.progress_style());
        const auto observer = observer_of(progress, context.world);
        const auto compress = compress_ ? Compress::Yes : Compress::No;
        if (!path_ && format_ == Format::Qcow2)
            return image_formats::export_qcow2_to_stream(context.mount, *state_, context.world.output,
                                                         spool_directory(spool_, context.world), compress, observer);
        if (!path_) return mount_client::export_to_stream(context.mount, *state_, context.world.output, observer);
        const auto overwrite = force_ ? Overwrite::Yes : Overwrite::No;
        if (format_ == Format::Qcow2) return image_formats::export_qcow2(context.mount, *state_, *path_, overwrite, compress, observer);
        const ExportOptions options{overwrite, sparse_ ? Zeros::LeaveOut : Zeros::Write};
        return mount_client::export_to_file(context.mount, *state_, *path_, options, observer);
    }

    std::string target_;
    std::string file_;
    bool force_ = false;
    bool sparse_ = false;
    bool compress_ = false;
    std::string format_text_;
    std::string spool_;
    Format format_ = Format::Raw;
    std::optional<StateReference> state_;
    std::optional<std::string> path_;  // nothing: standard output
};

}  // namespace

Subcommand add_export(CLI::App& parent) {
    auto* app = parent.add_subcommand("export", "Write a volume or one of its revisions to an image");
    app->fallthrough();
    return {app, std::make_unique<Export>(*app)};
}

}  // namespace varve::cli
