// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/benchmarks/mounted_volume.h"

#include "tests/benchmarks/bare_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace varve::benchmarks {
namespace {

using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

Result<UniqueFd> open_file(const std::filesystem::path& path, int flags) {
    UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot open " + path.filename().string());
    return file;
}

}  // namespace

Steps MountedVolume::start() {
    return {
        .prepare = [this] { return make_ready(); },
        .dirty = {},
        .measured = [this] { return command("start"); },
        .clean_up = [this] { return command("discard"); },
    };
}

Steps MountedVolume::stop() {
    return {
        .prepare = [this] { return command("start"); },
        .dirty = [this] { return overwrite_file(mounted_ / ".varve/root/device", guest_write); },
        .measured = [this] { return command("stop"); },
        .clean_up = [this] { return remove_revisions(); },
    };
}

Steps MountedVolume::commit(std::size_t bytes) {
    return {
        .prepare = [this] { return make_ready(); },  // so that nothing is done in the background while it is measured
        .dirty = {},
        .measured = [this, bytes] { return overwrite_file(image(), bytes); },
        .clean_up = [this] { return remove_revisions(); },
    };
}

Result<> MountedVolume::command(const char* command) const {
    const auto ctl = TRY(open_file(mounted_ / ".varve/root/ctl", O_WRONLY));
    if (::write(ctl.get(), command, std::strlen(command)) < 0) return fail_errno(errno, std::string("cannot ") + command);
    return {};
}

Result<> MountedVolume::make_ready() const {
    using Clock = std::chrono::steady_clock;
    if (std::filesystem::exists(precache())) return {};
    TRY(command("start"));  // the end of a session is what has the next start prepared
    TRY(command("discard"));
    for (const auto deadline = Clock::now() + std::chrono::seconds(10); Clock::now() < deadline;) {
        if (std::filesystem::exists(precache())) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return fail(base::Errc::Io, "the next start was not prepared in ten seconds");
}

Result<> MountedVolume::overwrite_file(const std::filesystem::path& path, std::size_t bytes) const {
    auto file = TRY(open_file(path, O_RDWR));
    TRY(overwrite(file.get(), bytes));
    return checked(::close(file.release()), "cannot close");
}

Result<> MountedVolume::remove_revisions() const {
    std::vector<std::filesystem::path> revisions;
    for (const auto& entry : std::filesystem::directory_iterator(mounted_))
        if (entry.path().filename().string().starts_with("root.img@")) revisions.push_back(entry.path());
    for (const auto& revision : revisions) TRY(checked(::unlink(revision.c_str()), "cannot remove a revision"));
    return {};
}

}  // namespace varve::benchmarks
