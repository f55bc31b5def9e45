// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/import_image.h"

#include "orchestrator/mount_client/scratch_file.h"
#include "orchestrator/mount_client/state_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace varve::mount_client {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;

constexpr std::string_view qcow2_magic = "QFI\xfb";  // docs/interop/qcow2.txt in QEMU's sources

struct Opened {
    std::unique_ptr<ImageSource> source;
    Zeros zeros;
};

std::string count(Bytes bytes) { return std::to_string(bytes.count) + " bytes"; }

Result<Opened> open_source(const OpenImage& from, const ImportOptions& options, const CopyObserver& observer) {
    struct stat status {};
    if (::fstat(from.fd, &status) != 0) return base::fail_errno(errno, "cannot look at " + from.name);
    if (S_ISDIR(status.st_mode)) return fail(Errc::InvalidArgument, from.name + " is a directory, not an image");
    if (S_ISCHR(status.st_mode))
        return fail(Errc::InvalidArgument,
                    from.name + " is a terminal or another character device: an image is a file, a block device or what comes from a pipe");
    const bool at_start = ::lseek(from.fd, 0, SEEK_CUR) == 0;  // fails for pipes and sockets
    if (S_ISREG(status.st_mode) && at_start)
        return Opened{std::make_unique<FileSource>(from.fd, Bytes{static_cast<std::uint64_t>(status.st_size)}, Holes::PassOver),
                      Zeros::Write};
    if (S_ISBLK(status.st_mode) && at_start) {
        const auto end = ::lseek(from.fd, 0, SEEK_END);
        if (end < 0) return base::fail_errno(errno, "cannot find the size of " + from.name);
        return Opened{std::make_unique<FileSource>(from.fd, Bytes{static_cast<std::uint64_t>(end)}, Holes::PassOver), Zeros::LeaveOut};
    }
    const auto limit = options.size.value_or(base::largest_volume);
    return Opened{std::make_unique<StreamSource>(from.fd, options.size, limit, observer.interrupted), Zeros::LeaveOut};
}

base::Failure source_problem(const OpenImage& from, const CopyFailure& failure, const ImportOptions& options) {
    if (failure.number == ENODATA) return fail(Errc::Io, from.name + " became shorter while it was read");
    if (failure.number == EFBIG && options.size)
        return fail(Errc::InvalidArgument, from.name + " goes on behind the " + count(*options.size) + " of --size: nothing was changed");
    if (failure.number == EFBIG) return fail(Errc::TooLarge, from.name + " is larger than a volume can be");
    if (failure.number == EINTR) return fail(Errc::Interrupted, "interrupted; nothing was changed");
    return base::fail_errno(failure.number, "cannot read " + from.name);
}

Result<> check_content(const OpenImage& from, ImageSource& source, const ImportOptions& options) {
    const auto beginning = source.beginning();
    if (!beginning) return source_problem(from, beginning.error(), options);
    if (beginning->starts_with(qcow2_magic) && !options.any_content)
        return fail(Errc::InvalidArgument,
                    from.name +
                        " is a qcow2 image, not a raw one: --format qcow2 imports what is in it, --raw takes the bytes as "
                        "they are");
    return {};
}

}  // namespace

Result<> check_size(const OpenImage& from, Bytes size, const ImportOptions& options) {
    if (options.size && size != *options.size)
        return fail(Errc::InvalidArgument,
                    from.name + " has " + count(size) + ", not the " + count(*options.size) + " of --size: nothing was changed");
    if (size == Bytes{}) return fail(Errc::InvalidArgument, from.name + " is empty");
    if (!size.whole_sectors())
        return fail(Errc::InvalidArgument,
                    from.name + " has " + count(size) +
                        ", and a volume's size is a multiple of 512: if the image is complete, make it longer with 'truncate "
                        "--size=%512 FILE' first");
    if (size > base::largest_volume) return fail(Errc::TooLarge, from.name + " is larger than a volume can be");
    return {};
}

Result<PreparedImage> prepare_image(const Mount& mount, const OpenImage& from, const base::VolumeId& to, const ImportOptions& options,
                                    const CopyObserver& observer) {
    const StateReference state{to, {}};
    TRY(check_destination(mount, state, options.replace));
    const auto opened = TRY(open_source(from, options, observer));
    // A stream's size is that of its promise until it has ended.
    if (const auto size = opened.source->size()) TRY(check_size(from, *size, options));
    TRY(check_content(from, *opened.source, options));
    auto scratch = TRY(ScratchFile::create(mount, state.vm()));
    FileTarget target(scratch.fd(), opened.zeros);
    const auto copied = copy_image(*opened.source, target, observer);
    if (!copied && (copied.error().side == CopySide::Source || copied.error().number == EINTR))
        return source_problem(from, copied.error(), options);
    if (!copied) return base::Failure(mount.explain(copied.error().operation, copied.error().number, "cannot write " + to.str()));
    TRY(check_size(from, *copied, options));
    return PreparedImage{std::move(scratch), *copied};
}

Result<Bytes> import_image(const Mount& mount, const OpenImage& from, const base::VolumeId& to, const ImportOptions& options,
                           const CopyObserver& observer) {
    auto prepared = TRY(prepare_image(mount, from, to, options, observer));
    TRY(prepared.file.install({to, {}}, options.replace));
    return prepared.size;
}

}  // namespace varve::mount_client
