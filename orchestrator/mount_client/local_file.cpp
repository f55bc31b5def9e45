// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/local_file.h"

#include "orchestrator/mount_client/reference.h"
#include "orchestrator/mount_client/scratch_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace varve::mount_client {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

Result<LocalFile> LocalFile::create(const std::string& path, Overwrite overwrite) {
    const std::filesystem::path place(path);
    LocalFile file(shown(path), place.filename().string(), overwrite);
    if (file.name_.empty() || file.name_ == "." || file.name_ == "..")
        return fail(Errc::InvalidArgument, "'" + file.path_ + "' names a directory: give the name of a file in it");
    const auto parent = place.has_parent_path() ? place.parent_path().string() : std::string(".");
    file.directory_ = UniqueFd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!file.directory_.valid()) return fail_errno(errno, "cannot open the directory of '" + file.path_ + "'");
    TRY(file.check_place());
    TRY(file.open_temporary());
    return file;
}

Result<> LocalFile::check_place() const {
    struct stat status {};
    if (::fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return {};
        return fail_errno(errno, "cannot look at '" + path_ + "'");
    }
    if (S_ISDIR(status.st_mode)) return fail(Errc::InvalidArgument, "'" + path_ + "' is a directory: give the name of a file in it");
    if (!S_ISREG(status.st_mode))
        return fail(Errc::InvalidArgument, "'" + path_ + "' is not a plain file: give '-' and direct standard output to it");
    if (overwrite_ == Overwrite::No) return fail(Errc::Exists, "'" + path_ + "' exists already; --force replaces it");
    return {};
}

// What names it without being its name (proc(5)).
std::string LocalFile::handle() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

Result<> LocalFile::open_temporary() {
    fd_ = UniqueFd(::openat(directory_.get(), ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
    if (fd_.valid() && ::access(handle().c_str(), F_OK) == 0) return {};
    // No such files here, or no way to give it a name: whatever else is wrong is so for a file with a name, too.
    return take_temporary_name([this](const char* name) {
        fd_ = UniqueFd(::openat(directory_.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        return fd_.valid();
    });
}

// `take` sets errno when it gives false.
Result<> LocalFile::take_temporary_name(const std::function<bool(const char* name)>& take) {
    constexpr int attempts = 8;
    for (int attempt = 1;; ++attempt) {
        auto name = ".varve-export-" + random_suffix();
        if (take(name.c_str())) {
            temporary_ = std::move(name);
            return {};
        }
        if (errno != EEXIST || attempt == attempts) return fail_errno(errno, "cannot create a file beside '" + path_ + "'");
    }
}

LocalFile::LocalFile(LocalFile&& other) noexcept
    : path_(std::move(other.path_)),
      name_(std::move(other.name_)),
      overwrite_(other.overwrite_),
      directory_(std::move(other.directory_)),
      fd_(std::move(other.fd_)),
      temporary_(std::exchange(other.temporary_, {})) {}

LocalFile::~LocalFile() {
    if (!temporary_.empty()) (void)::unlinkat(directory_.get(), temporary_.c_str(), 0);  // its name says whose it is
}

bool LocalFile::link_to(const char* name) const {
    return ::linkat(AT_FDCWD, handle().c_str(), directory_.get(), name, AT_SYMLINK_FOLLOW) == 0;
}

// Both: 0 or the errno.

int LocalFile::rename_to_place() const {
    const int directory = directory_.get();
    if (overwrite_ == Overwrite::Yes) return ::renameat(directory, temporary_.c_str(), directory, name_.c_str()) == 0 ? 0 : errno;
    if (::renameat2(directory, temporary_.c_str(), directory, name_.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL) return errno;
    // NFS has no RENAME_NOREPLACE; a link replaces nothing either.
    if (::linkat(directory, temporary_.c_str(), directory, name_.c_str(), 0) != 0) return errno;
    return ::unlinkat(directory, temporary_.c_str(), 0) == 0 ? 0 : errno;
}

int LocalFile::give_name() const {
    if (temporary_.empty()) return link_to(name_.c_str()) ? 0 : errno;
    return rename_to_place();
}

Result<> LocalFile::install() {
    if (::fsync(fd_.get()) != 0) return fail_errno(errno, "cannot make '" + path_ + "' durable");
    // A link replaces nothing: only what has a name can take another's place.
    if (temporary_.empty() && overwrite_ == Overwrite::Yes) TRY(take_temporary_name([this](const char* name) { return link_to(name); }));
    if (!temporary_.empty() && ::close(fd_.release()) != 0) return fail_errno(errno, "cannot finish '" + path_ + "'");
    // The point of no return: a complete file has its name.
    if (const int problem = give_name(); problem != 0) return fail_errno(problem, "cannot give '" + path_ + "' its name");
    temporary_.clear();
    if (::fsync(directory_.get()) != 0) return fail_errno(errno, "'" + path_ + "' is complete, but its name may not outlast a crash");
    return {};
}

}  // namespace varve::mount_client
