// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/unpin.h"

#include "orchestrator/mount_client/scratch_file.h"
#include "orchestrator/mount_client/state_copy.h"
#include "orchestrator/mount_client/state_files.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>

namespace varve::mount_client {
namespace {

using base::Errc;
using base::Result;

// The first free name of that second: the plain one, else one with a number. Which numbers the driver has given away is not to be seen.
Result<StateReference> install_at_time(const Mount& mount, ScratchFile& scratch, const StateReference& labelled, std::int64_t seconds) {
    constexpr std::uint64_t most = 1000;
    TRY(scratch.complete());
    for (std::uint64_t number = 0;; ++number) {
        const base::TimedName name{seconds, number == 0 ? std::nullopt : std::optional(number)};
        StateReference timed{labelled.volume, name};
        if (TRY(mount.exists(state_path(timed)))) continue;
        const auto given = scratch.give_name(timed, Mount::Replace::No);
        if (given) return timed;
        if (given.error().code != Errc::Exists || number == most) return base::Failure(given.error());
    }
}

}  // namespace

Result<StateReference> unpin(const Mount& mount, const StateReference& labelled, const CopyObserver& observer) {
    const auto cannot = "cannot take the label from " + labelled.str();
    const auto source = TRY(open_state(mount, labelled));
    struct stat status {};
    if (::fstat(source.get(), &status) != 0) return base::fail_errno(errno, cannot);
    auto scratch = TRY(ScratchFile::create(mount, labelled.vm()));
    const auto copied = copy_file(source.get(), scratch.fd(), CopyMethod::Clone, observer);
    if (!copied) return base::Failure(mount.explain(copied.error().operation, copied.error().number, cannot));
    const std::array times{timespec{0, UTIME_OMIT}, status.st_mtim};
    if (::futimens(scratch.fd(), times.data()) != 0) return base::Failure(mount.explain("setattr", errno, cannot));
    auto timed = TRY(install_at_time(mount, scratch, labelled, status.st_mtim.tv_sec));
    if (const auto removed = mount.unlink(state_path(labelled)); !removed) {
        (void)mount.unlink(state_path(timed));  // pruning takes it otherwise
        return base::Failure(removed.error());
    }
    return timed;
}

}  // namespace varve::mount_client
