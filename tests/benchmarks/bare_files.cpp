// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/benchmarks/bare_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

namespace varve::benchmarks {
namespace {

using base::Result;
using base::UniqueFd;

constexpr const char* image = "root.img";
constexpr const char* ready = "root-ready.img";
constexpr const char* running = "root-running.img";
constexpr const char* copy = "copy.img";
constexpr const char* removed = "removed/";

Result<> nothing() { return {}; }

}  // namespace

Result<> overwrite(int file, std::size_t bytes) {
    const std::vector<char> data(bytes, 'v');
    const auto written = ::pwrite(file, data.data(), data.size(), 0);
    if (written < 0) return base::fail_errno(errno, "cannot write");
    if (static_cast<std::size_t>(written) != bytes) return base::fail(base::Errc::Io, "the write was cut short");
    return {};
}

Result<std::unique_ptr<BareFiles>> BareFiles::make(const std::filesystem::path& directory, int content, std::size_t revisions) {
    TRY(checked(::mkdir(directory.c_str(), 0755), "cannot make a directory"));
    UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid()) return base::fail_errno(errno, "cannot open " + directory.string());
    TRY(checked(::mkdirat(opened.get(), removed, 0755), "cannot make a directory"));
    std::unique_ptr<BareFiles> files(new BareFiles(std::move(opened)));
    TRY(files->clone_to(image, content));
    while (files->last_number_ < revisions) {
        files->revisions_.push_back("root.img." + std::to_string(++files->last_number_));
        TRY(files->clone_to(files->revisions_.back(), content));
    }
    return files;
}

Steps BareFiles::start_ready() {
    return {
        .prepare = [this]() -> Result<> {
            if (::faccessat(directory_.get(), ready, F_OK, 0) == 0) return {};
            return clone_and_sync(ready);
        },
        .dirty = {},
        .measured = [this]() -> Result<> {
            TRY(rename(ready, running));
            return sync_directory();
        },
        .clean_up = [this] { return rename(running, ready); },
    };
}

Steps BareFiles::start_cloning() {
    return {
        .prepare = nothing,
        .dirty = {},
        .measured = [this]() -> Result<> {
            const auto from = TRY(open(image, O_RDONLY));
            const auto to = TRY(open(copy, O_RDWR | O_CREAT | O_EXCL));
            TRY(checked(::ioctl(to.get(), FICLONE, from.get()), "cannot clone"));
            TRY(checked(::fsync(to.get()), "cannot sync"));
            TRY(rename(copy, running));
            return sync_directory();
        },
        .clean_up = [this] { return remove(running); },
    };
}

Steps BareFiles::stop() {
    return {
        .prepare = [this] { return clone_and_sync(running); },
        .dirty = [this] { return write_block(running); },
        .measured = [this]() -> Result<> {
            const auto file = TRY(open(running, O_RDONLY));
            TRY(checked(::fdatasync(file.get()), "cannot sync"));
            return keep_and_replace(running);
        },
        .clean_up = [this]() -> Result<> {
            TRY(remove(revisions_.back()));
            revisions_.pop_back();
            return {};
        },
    };
}

Steps BareFiles::revert() {
    return {
        .prepare = nothing,
        .dirty = {},
        .measured = [this]() -> Result<> {
            const auto target = std::move(revisions_.front());
            revisions_.pop_front();
            return keep_and_replace(target);
        },
        .clean_up = nothing,
    };
}

Steps BareFiles::clone() {
    return {
        .prepare = nothing,
        .dirty = {},
        .measured = [this] { return clone_image(copy); },
        .clean_up = [this] { return remove(copy); },
    };
}

Steps BareFiles::snapshot() {
    return {
        .prepare = nothing,
        .dirty = {},
        .measured = [this]() -> Result<> {
            TRY(clone_and_sync(copy));
            return sync_directory();
        },
        .clean_up = [this] { return remove(copy); },
    };
}

Steps BareFiles::commit(std::size_t bytes) {
    return {
        .prepare = nothing,
        .dirty = {},
        .measured = [this, bytes]() -> Result<> {
            const auto from = TRY(open(image, O_RDONLY));
            const auto to = TRY(open(copy, O_RDWR | O_CREAT | O_EXCL));
            TRY(checked(::ioctl(to.get(), FICLONE, from.get()), "cannot clone"));
            TRY(overwrite(to.get(), bytes));
            TRY(checked(::fdatasync(to.get()), "cannot sync"));
            return keep_and_replace(copy);
        },
        .clean_up = [this]() -> Result<> {
            TRY(remove(revisions_.back()));
            revisions_.pop_back();
            return {};
        },
    };
}

Result<> BareFiles::clone_to(const std::string& name, int content) {
    const auto to = TRY(open(name, O_RDWR | O_CREAT | O_EXCL));
    return checked(::ioctl(to.get(), FICLONE, content), "cannot clone");
}

Result<> BareFiles::clone_image(const std::string& name) { return clone_to(name, TRY(open(image, O_RDONLY)).get()); }

Result<> BareFiles::clone_and_sync(const std::string& name) {
    TRY(clone_image(name));
    return checked(::fsync(TRY(open(name, O_RDONLY)).get()), "cannot sync");
}

Result<> BareFiles::write_block(const std::string& name) { return overwrite(TRY(open(name, O_RDWR)).get(), guest_write); }

Result<> BareFiles::keep_and_replace(const std::string& by) {
    revisions_.push_back("root.img." + std::to_string(++last_number_));
    TRY(checked(::linkat(directory_.get(), image, directory_.get(), revisions_.back().c_str(), 0), "cannot link"));
    TRY(rename(by, image));
    return sync_directory();
}

Result<> BareFiles::remove(const std::string& name) { return rename(name, removed + std::to_string(++removed_count_)); }

Result<> BareFiles::rename(const std::string& from, const std::string& to) {
    return checked(::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()), "cannot rename");
}

Result<> BareFiles::sync_directory() { return checked(::fsync(directory_.get()), "cannot sync the directory"); }

Result<UniqueFd> BareFiles::open(const std::string& name, int flags) {
    UniqueFd file(::openat(directory_.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return base::fail_errno(errno, "cannot open " + name);
    return file;
}

}  // namespace varve::benchmarks
