// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/export_image.h"

#include "orchestrator/mount_client/state_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace varve::mount_client {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;

Result<Bytes> size_of(int fd, const StateReference& state) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return base::fail_errno(errno, "cannot look at " + state.str());
    return Bytes{static_cast<std::uint64_t>(status.st_size)};
}

base::Failure explained(const Mount& mount, const StateReference& from, const std::string& target, const CopyFailure& failure) {
    if (failure.number == EINTR) return fail(Errc::Interrupted, "interrupted; " + from.str() + " was not exported");
    if (failure.side == CopySide::Source)
        return base::Failure(mount.explain(failure.operation, failure.number, "cannot read " + from.str()));
    if (failure.number == EPIPE) return fail(Errc::Io, "whoever reads " + target + " stopped before the end of " + from.str());
    return base::fail_errno(failure.number, "cannot write " + from.str() + " to " + target);
}

}  // namespace

Result<Bytes> export_to_file(const Mount& mount, const StateReference& from, const std::string& path, const ExportOptions& options,
                             const CopyObserver& observer) {
    const auto state = TRY(open_state(mount, from));
    auto file = TRY(LocalFile::create(path, options.overwrite));
    FileSource source(state.get(), TRY(size_of(state.get(), from)), Holes::PassOver);
    FileTarget target(file.fd(), options.zeros);
    const auto copied = copy_image(source, target, observer);
    if (!copied) return explained(mount, from, "'" + shown(path) + "'", copied.error());
    TRY(file.install());
    return *copied;
}

Result<> refuse_terminal(int fd) {
    if (::isatty(fd) == 1) return fail(Errc::InvalidArgument, "standard output is a terminal: direct it to a file or into a pipe");
    return {};
}

Result<Bytes> export_to_stream(const Mount& mount, const StateReference& from, int fd, const CopyObserver& observer) {
    TRY(refuse_terminal(fd));
    const auto state = TRY(open_state(mount, from));
    return file_to_stream(mount, state.get(), from, fd, observer);
}

Result<Bytes> file_to_stream(const Mount& mount, int file, const StateReference& from, int fd, const CopyObserver& observer) {
    FileSource source(file, TRY(size_of(file, from)), Holes::AsZeros);
    StreamTarget target(fd, observer.interrupted);
    const auto copied = copy_image(source, target, observer);
    if (!copied) return explained(mount, from, "standard output", copied.error());
    return *copied;
}

}  // namespace varve::mount_client
