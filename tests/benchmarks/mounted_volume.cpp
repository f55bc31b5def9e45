// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/benchmarks/mounted_volume.h"

#include "tests/benchmarks/bare_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>

namespace varve::benchmarks {
namespace {

using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

constexpr std::string_view revision_prefix = "root.img@";

Result<UniqueFd> open_file(const std::filesystem::path& path, int flags) {
    UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
    if (!file.valid()) return fail_errno(errno, "cannot open " + path.filename().string());
    return file;
}

}  // namespace

Steps MountedVolume::start_ready() {
    return {
        .prepare = [this] { return make_ready(); },
        .dirty = {},
        .measured = [this] { return command("start"); },
        .clean_up = [this]() -> Result<> {
            TRY(command("stop"));  // nothing was written: the image becomes the precache, which is quicker than to make another
            return settle();
        },
    };
}

Steps MountedVolume::start_cloning() {
    auto steps = start_ready();
    steps.prepare = [this]() -> Result<> {
        TRY(make_ready());  // so that nobody is preparing another
        return checked(::unlink(precache().c_str()), "cannot remove the precache");
    };
    return steps;
}

Steps MountedVolume::stop() {
    return {
        .prepare = [this]() -> Result<> {
            TRY(make_ready());
            revisions_before_ = revisions();
            return command("start");
        },
        .dirty = [this] { return overwrite_file(mounted_ / ".varve/root/device", guest_write); },
        .measured = [this] { return command("stop"); },
        .clean_up = [this] { return remove_new_revisions(); },
    };
}

Steps MountedVolume::revert() {
    return {
        .prepare = [this]() -> Result<> {
            TRY(make_ready());
            return find_oldest_revision();
        },
        .dirty = {},
        .measured = [this] { return command("revert " + oldest_); },
        .clean_up = [this] { return settle(); },
    };
}

Steps MountedVolume::snapshot() {
    const auto label = mounted_ / "root.img@kept";
    return {
        .prepare = [this] { return make_ready(); },
        .dirty = {},
        .measured = [this, label] { return checked(::link(image().c_str(), label.c_str()), "cannot link"); },
        .clean_up = [label] { return checked(::unlink(label.c_str()), "cannot remove the label"); },
    };
}

Steps MountedVolume::clone() {
    return {
        .prepare = [this] { return make_ready(); },
        .dirty = {},
        .measured = [this] { return clone_image(); },
        .clean_up = [this] { return checked(::unlink((mounted_ / ".copy").c_str()), "cannot remove the copy"); },
    };
}

Steps MountedVolume::commit(std::size_t bytes) {
    return {
        .prepare = [this]() -> Result<> {
            revisions_before_ = revisions();
            return make_ready();  // so that nothing is done in the background while it is measured
        },
        .dirty = {},
        .measured = [this, bytes] { return overwrite_file(image(), bytes); },
        .clean_up = [this] { return remove_new_revisions(); },
    };
}

Result<> MountedVolume::command(const std::string& command) const {
    const auto ctl = TRY(open_file(mounted_ / ".varve/root/ctl", O_WRONLY));
    if (::write(ctl.get(), command.data(), command.size()) < 0) return fail_errno(errno, "cannot " + command);
    return {};
}

Result<> MountedVolume::make_ready() const {
    if (std::filesystem::exists(precache())) return {};
    TRY(command("start"));  // the end of a session is what has the next start prepared
    TRY(command("discard"));
    return settle();
}

Result<> MountedVolume::settle() const {
    using Clock = std::chrono::steady_clock;
    for (const auto deadline = Clock::now() + std::chrono::seconds(30); Clock::now() < deadline;) {
        if (std::filesystem::exists(precache())) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return fail(base::Errc::Io, "the next start was not prepared in thirty seconds");
}

Result<> MountedVolume::clone_image() const {
    const auto from = TRY(open_file(image(), O_RDONLY));
    auto to = TRY(open_file(mounted_ / ".copy", O_WRONLY | O_CREAT | O_EXCL));
    auto left = std::filesystem::file_size(image());
    while (left > 0) {
        const auto count = ::copy_file_range(from.get(), nullptr, to.get(), nullptr, left, 0);
        if (count < 0) return fail_errno(errno, "cannot copy");
        if (count == 0) return fail(base::Errc::Io, "the copy was cut short");
        left -= static_cast<std::size_t>(count);
    }
    return checked(::close(to.release()), "cannot close");
}

Result<> MountedVolume::overwrite_file(const std::filesystem::path& path, std::size_t bytes) const {
    auto file = TRY(open_file(path, O_RDWR));
    TRY(overwrite(file.get(), bytes));
    return checked(::close(file.release()), "cannot close");
}

std::set<std::string> MountedVolume::revisions() const {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(mounted_))
        if (auto name = entry.path().filename().string(); name.starts_with(revision_prefix)) found.insert(std::move(name));
    return found;
}

Result<> MountedVolume::remove_new_revisions() const {
    for (const auto& name : revisions())
        if (!revisions_before_.contains(name)) TRY(checked(::unlink((mounted_ / name).c_str()), "cannot remove a revision"));
    return settle();
}

// Times sort as text.
Result<> MountedVolume::find_oldest_revision() {
    const auto found = revisions();
    if (found.empty()) return fail(base::Errc::NotFound, "there is no revision to revert to");
    oldest_ = found.begin()->substr(revision_prefix.size());
    return {};
}

}  // namespace varve::benchmarks
