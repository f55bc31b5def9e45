// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/callback/trusted_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace varve::callback {
namespace {

using base::Errc;
using base::fail;
using base::Result;

bool trusted_owner(const struct stat& status) { return status.st_uid == 0 || status.st_uid == ::geteuid(); }
bool others_write(const struct stat& status) { return (status.st_mode & (S_IWGRP | S_IWOTH)) != 0; }

Result<> check_directories(const std::filesystem::path& program) {
    std::error_code error;
    const auto real = std::filesystem::canonical(program.parent_path(), error);
    if (error) return base::fail_errno(error.value(), program.parent_path().string() + " cannot be looked at");
    for (auto directory = real;; directory = directory.parent_path()) {
        struct stat status {};
        if (::lstat(directory.c_str(), &status) != 0) return base::fail_errno(errno, directory.string() + " cannot be looked at");
        if (!trusted_owner(status))
            return fail(Errc::Denied, directory.string() + " is neither root's nor the daemon's, so " + program.string() + " is not run");
        if (others_write(status) && (status.st_mode & S_ISVTX) == 0)
            return fail(Errc::Denied, "others may write to " + directory.string() + ", so " + program.string() + " is not run");
        if (directory == directory.root_path()) return {};
    }
}

}  // namespace

Result<> check_trusted(const std::filesystem::path& program) {
    if (!program.is_absolute() || program != program.lexically_normal() || !program.has_filename())
        return fail(Errc::InvalidArgument, "the program '" + program.string() + "' must be given by its absolute path");
    struct stat status {};
    if (::lstat(program.c_str(), &status) != 0) return base::fail_errno(errno, "the program " + program.string() + " cannot be looked at");
    if (S_ISLNK(status.st_mode))
        return fail(Errc::Denied, "the program " + program.string() + " is a symbolic link; name the file that it points to");
    if (!S_ISREG(status.st_mode)) return fail(Errc::Denied, "the program " + program.string() + " is no regular file");
    if (!trusted_owner(status)) return fail(Errc::Denied, "the program " + program.string() + " must belong to root (chown root)");
    if (others_write(status))
        return fail(Errc::Denied, "the program " + program.string() + " can be written by others than its owner (chmod go-w)");
    if ((status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return fail(Errc::Denied, "the program " + program.string() + " is not executable (chmod +x)");
    return check_directories(program);
}

}  // namespace varve::callback
