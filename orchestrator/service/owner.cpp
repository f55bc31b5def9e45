// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/owner.h"

#include "drivers/base/unique_fd.h"
#include "drivers/settings/text_file.h"

#include <fcntl.h>

#include <cerrno>

namespace varve::service {
namespace {

// Makes the file without following a link that somebody planted.
base::Result<> ensure_file(const std::filesystem::path& path) {
    const base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return base::fail_errno(errno, "cannot open " + path.string());
    return {};
}

}  // namespace

base::Result<Owner> Owner::acquire(const std::filesystem::path& state_directory) {
    TRY(settings::make_directory(state_directory));
    const auto path = state_directory / ".lock";
    TRY(ensure_file(path));
    try {
        auto lock = std::make_unique<boost::interprocess::file_lock>(path.c_str());
        if (!lock->try_lock())
            return base::fail(base::Errc::Busy,
                              "another orchestrator works in " + state_directory.string() + "; a state directory has one");
        return Owner(std::move(lock));
    } catch (const boost::interprocess::interprocess_exception& failure) {
        return base::fail(base::Errc::Io, "cannot lock " + path.string() + ": " + failure.what());
    }
}

}  // namespace varve::service
