// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/local_path.h"
#include "orchestrator/cli/progress.h"
#include "orchestrator/cli/targets.h"
#include "orchestrator/image_formats/convert.h"
#include "orchestrator/image_formats/spool.h"
#include "orchestrator/mount_client/create.h"
#include "orchestrator/mount_client/import_image.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <cerrno>

namespace varve::cli {
namespace {

using base::Bytes;
using base::Result;
using image_formats::Format;
using mount_client::ImportOptions;
using mount_client::Mount;

class Import final : public Command {
public:
    explicit Import(CLI::App& app) {
        app.footer(
            "The volume appears in one step, complete; what fails or is interrupted leaves nothing.\n"
            "Of an image in another format than raw nothing is read but its one file; from a pipe it is spooled first.\n"
            "Holes of a file stay holes; of a pipe or a device, whole 64 KiB of zeros become holes.\n\n"
            "Examples:\n  varve import debian.raw fast/work/root\n  varve import --force debian.raw fast/work/root\n"
            "  varve import -p debian.raw fast/new/root\n"
            "  varve import --format qcow2 debian.qcow2 fast/work/root\n"
            "  zstd -dc debian.raw.zst | varve import --size 10G - fast/work/root\n"
            "  curl -s https://example.org/debian.qcow2 | varve import --format qcow2 - fast/work/root");
        app.add_option("FILE", file_, "The image: a file, and of raw ones a block device, too, or - for standard input")
            ->required()
            ->type_name("");
        app.add_option("VOLUME", target_, "POOL/VM/VOLUME, or a path inside the mount")->required()->type_name("");
        app.add_flag("-f,--force", force_, "Replace a volume that is there; its state becomes a revision");
        app.add_option("--size", size_, "Refuse an image that is not exactly that long: a broken pipe looks like an end")
            ->type_name("SIZE");
        app.add_option("--format", format_text_, "raw (the default), qcow2, vdi, vhdx or vpc; all but raw need qemu-img")
            ->type_name("FORMAT");
        app.add_option("--spool", spool_, "Where a qcow2 image from a pipe waits until it is whole (default: TMPDIR, else /var/tmp)")
            ->type_name("DIR");
        app.add_flag("-p,--parents", parents_, "Make the VM if it is missing");
        app.add_flag("--raw", options_.any_content, "Take the bytes as they are, even if they look like a qcow2 image");
    }

    [[nodiscard]] bool handles_interrupts() const override { return true; }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        volume_ = TRY(volume_target(resolver, target_));
        path_ = TRY(local_path(file_, resolver.working_directory()));
        if (!size_.empty()) options_.size = TRY(base::parse_bytes(size_));
        if (!format_text_.empty()) format_ = TRY(image_formats::parse_format(format_text_));
        if (format_ != Format::Raw && options_.any_content)
            return base::fail(base::Errc::InvalidArgument,
                              "--raw takes the bytes as they are, --format what is in them: give one of the two");
        if (format_ == Format::Raw && !spool_.empty())
            return base::fail(base::Errc::InvalidArgument, "--spool is for images in another --format than raw: a raw one needs no spool");
        options_.replace = force_ ? Mount::Replace::Yes : Mount::Replace::No;
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto size = make_volume(context);
        if (!size) return context.output.failure(size.error());
        context.output.remark(volume_->str() + "  " + context.output.size(*size));
        context.output.object({{"source", file_}, {"destination", volume_->str()}, {"size", size->count}});
        return ExitCode::Ok;
    }

private:
    Result<Bytes> make_volume(const Context& context) const {
        if (!parents_) return copy(context);
        auto vm = TRY(mount_client::VmToFill::make(context.mount, {volume_->pool, volume_->vm}));
        auto size = copy(context);
        if (size) vm.keep();
        return size;
    }

    Result<Bytes> copy(const Context& context) const {
        if (!path_) return copy(context, {context.world.input, "standard input"});
        const auto name = "'" + mount_client::shown(file_) + "'";
        const base::UniqueFd file(::open(path_->c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
        if (!file.valid()) return base::fail_errno(errno, "cannot open " + name);
        return copy(context, {file.get(), name});
    }

    Result<Bytes> copy(const Context& context, const mount_client::OpenImage& image) const {
        Progress progress(context.world.err, context.output.progress_style());
        const auto observer = observer_of(progress, context.world);
        if (format_ == Format::Raw) return mount_client::import_image(context.mount, image, *volume_, options_, observer);
        if (!TRY(image_formats::needs_spool(image)))
            return image_formats::import_converted(context.mount, image, format_, *volume_, options_, observer);
        // Of a qcow2 image it can be told whether its end came.
        if (format_ != Format::Qcow2)
            return base::fail(base::Errc::InvalidArgument, "only raw and qcow2 images come from a pipe: whether a " +
                                                               std::string(image_formats::name_of(format_)) +
                                                               " image is whole cannot be told; save it to a file first");
        const auto whole = TRY(image_formats::spool(image, spool_directory(spool_, context.world), observer));
        return image_formats::import_converted(context.mount, {whole.get(), image.name}, format_, *volume_, options_, observer);
    }

    std::string file_;
    std::string target_;
    std::string size_;
    std::string format_text_;
    std::string spool_;
    Format format_ = Format::Raw;
    bool force_ = false;
    bool parents_ = false;
    ImportOptions options_;
    std::optional<base::VolumeId> volume_;
    std::optional<std::string> path_;  // nothing: standard input
};

}  // namespace

Subcommand add_import(CLI::App& parent) {
    auto* app = parent.add_subcommand("import", "Make an image a volume");
    app->fallthrough();
    return {app, std::make_unique<Import>(*app)};
}

}  // namespace varve::cli
