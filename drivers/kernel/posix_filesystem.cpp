// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/posix_filesystem.h"

#include "drivers/kernel/extents.h"
#include "drivers/kernel/sparse_copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's, not C's
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <memory>

namespace varve::kernel {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

std::string quoted(const std::string& name) { return "'" + name + "'"; }

// A component, never a path: names come from directory listings, records and requests.
Result<> check_component(const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos || name.find('\0') != std::string::npos)
        return fail(Errc::InvalidName, quoted(name) + " is not a file name");
    return {};
}

Result<UniqueFd> open_at(int directory, const std::string& name, int flags, mode_t mode = 0) {
    TRY(check_component(name));
    // O_NONBLOCK: opening a planted fifo must not wait for a writer; regular files ignore it.
    UniqueFd file(::openat(directory, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, mode));
    if (!file.valid()) return fail_errno(errno, "cannot open " + quoted(name));
    return file;
}

FileType type_of(mode_t mode) {
    if (S_ISREG(mode)) return FileType::Regular;
    if (S_ISDIR(mode)) return FileType::Directory;
    if (S_ISLNK(mode)) return FileType::Symlink;
    return FileType::Other;
}

FileStatus to_status(const struct stat& from) {
    return {.type = type_of(from.st_mode),
            .device = from.st_dev,
            .inode = from.st_ino,
            .links = from.st_nlink,
            .size = {static_cast<std::uint64_t>(from.st_size)},
            .allocated = {static_cast<std::uint64_t>(from.st_blocks) * 512},
            .modified = base::Timestamp::from(from.st_mtim),
            .uid = from.st_uid,
            .gid = from.st_gid,
            .mode = from.st_mode & 07777};
}

Result<UniqueFd> open_regular(int directory, const std::string& name, int flags) {
    auto file = TRY(open_at(directory, name, flags));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return fail_errno(errno, "cannot look at " + quoted(name));
    if (!S_ISREG(status.st_mode)) return fail(Errc::InvalidArgument, quoted(name) + " is not a regular file");
    return file;
}

FileType entry_type(int directory, const dirent& entry) {
    switch (entry.d_type) {
        case DT_REG: return FileType::Regular;
        case DT_DIR: return FileType::Directory;
        case DT_LNK: return FileType::Symlink;
        case DT_UNKNOWN: break;  // some file systems do not say
        default: return FileType::Other;
    }
    struct stat status {};
    if (::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return FileType::Other;
    return type_of(status.st_mode);
}

std::string attribute(const std::string& key) { return "user.varve." + key; }

// "Cannot share these ranges", as against a failure (ioctl_ficlonerange(2)).
base::Failure clone_failure(int number) {
    if (number == EBADF || number == EINVAL || number == EOPNOTSUPP || number == EXDEV)
        return base::Failure(
            base::Error{Errc::Unsupported, std::error_code(number, std::generic_category()), "the file system cannot share this data"});
    return fail_errno(number, "cannot clone");
}

Result<off_t> to_offset_type(Bytes size) {
    if (size.count > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()))
        return fail(Errc::TooLarge, std::to_string(size.count) + " bytes is larger than a file can be");
    return static_cast<off_t>(size.count);
}

}  // namespace

Result<UniqueFd> PosixFileSystem::open_top(const std::string& path) const {
    UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) return fail_errno(errno, "cannot open the directory " + quoted(path));
    return directory;
}

Result<UniqueFd> PosixFileSystem::open_directory(int directory, const std::string& name) const {
    return open_at(directory, name, O_RDONLY | O_DIRECTORY);
}

Result<UniqueFd> PosixFileSystem::open_file(int directory, const std::string& name, Access access) const {
    return open_regular(directory, name, access == Access::Read ? O_RDONLY : O_RDWR);
}

Result<UniqueFd> PosixFileSystem::create_file(int directory, const std::string& name) {
    return open_at(directory, name, O_RDWR | O_CREAT | O_EXCL, 0600);
}

Result<> PosixFileSystem::make_directory(int directory, const std::string& name) {
    TRY(check_component(name));
    if (::mkdirat(directory, name.c_str(), 0755) != 0) return fail_errno(errno, "cannot make the directory " + quoted(name));
    return {};
}

Result<> PosixFileSystem::remove_directory(int directory, const std::string& name) {
    TRY(check_component(name));
    if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0) return fail_errno(errno, "cannot remove the directory " + quoted(name));
    return {};
}

Result<> PosixFileSystem::unlink(int directory, const std::string& name) {
    TRY(check_component(name));
    if (::unlinkat(directory, name.c_str(), 0) != 0) return fail_errno(errno, "cannot remove " + quoted(name));
    return {};
}

Result<> PosixFileSystem::link(int from_directory, const std::string& from, int to_directory, const std::string& to) {
    TRY(check_component(from));
    TRY(check_component(to));
    if (::linkat(from_directory, from.c_str(), to_directory, to.c_str(), 0) != 0)
        return fail_errno(errno, "cannot link " + quoted(from) + " as " + quoted(to));
    return {};
}

Result<> PosixFileSystem::rename(int from_directory, const std::string& from, int to_directory, const std::string& to, Replace replace) {
    TRY(check_component(from));
    TRY(check_component(to));
    const unsigned flags = replace == Replace::Never ? RENAME_NOREPLACE : 0;
    if (::renameat2(from_directory, from.c_str(), to_directory, to.c_str(), flags) != 0)
        return fail_errno(errno, "cannot rename " + quoted(from) + " to " + quoted(to));
    return {};
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::list(int directory) const {
    // A descriptor of its own: the position in a directory belongs to the open file.
    const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return fail_errno(errno, "cannot list the directory");
    const auto close = [](DIR* stream) { (void)::closedir(stream); };  // read only: nothing to lose
    const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(own), close);
    if (!stream) {
        const int number = errno;
        (void)::close(own);
        return fail_errno(number, "cannot list the directory");
    }
    std::vector<DirectoryEntry> entries;
    while (true) {
        errno = 0;
        const auto* const entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        std::string name = entry->d_name;
        if (name != "." && name != "..") entries.push_back({std::move(name), entry_type(own, *entry)});
    }
    if (errno != 0) return fail_errno(errno, "cannot list the directory");
    return entries;
}

Result<FileStatus> PosixFileSystem::status(int directory, const std::string& name) const {
    TRY(check_component(name));
    struct stat found {};
    if (::fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno(errno, "cannot look at " + quoted(name));
    return to_status(found);
}

Result<FileStatus> PosixFileSystem::status(int file) const {
    struct stat found {};
    if (::fstat(file, &found) != 0) return fail_errno(errno, "cannot look at an open file");
    return to_status(found);
}

Result<std::string> PosixFileSystem::read_all(int file, Bytes limit) const {
    std::string text;
    std::array<char, 16384> buffer{};
    while (true) {
        const auto count = ::pread(file, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot read");
        if (count == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > limit.count) return fail(Errc::TooLarge, "the file is larger than " + std::to_string(limit.count) + " bytes");
    }
}

Result<> PosixFileSystem::write_all(int file, std::string_view data) {
    while (!data.empty()) {
        const auto written = ::write(file, data.data(), data.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(errno, "cannot write");
        data.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<> PosixFileSystem::set_size(int file, Bytes size) {
    if (::ftruncate(file, TRY(to_offset_type(size))) != 0)
        return fail_errno(errno, "cannot set the size to " + std::to_string(size.count) + " bytes");
    return {};
}

Result<> PosixFileSystem::set_modified(int file, base::Timestamp time) {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, time.to_timespec()};
    if (::futimens(file, times.data()) != 0) return fail_errno(errno, "cannot set the modification time");
    return {};
}

// The mode last: until then its owner could change it back.
Result<> PosixFileSystem::take_ownership(int file) {
    if (::fchown(file, ::geteuid(), ::getegid()) == 0 && ::fchmod(file, S_IRUSR | S_IWUSR) == 0) return {};
    return fail_errno(errno, "cannot take the ownership of an open file");
}

Result<> PosixFileSystem::sync_data(int file) {
    if (::fdatasync(file) != 0) return fail_errno(errno, "cannot write the data to disk");
    return {};
}

Result<> PosixFileSystem::sync(int file) {
    if (::fsync(file) != 0) return fail_errno(errno, "cannot write to disk");
    return {};
}

Result<std::optional<std::string>> PosixFileSystem::mark(int file, const std::string& key) const {
    std::array<char, 256> value{};  // marks are numbers and ids; a longer one is not ours
    const auto length = ::fgetxattr(file, attribute(key).c_str(), value.data(), value.size());
    if (length >= 0) return std::optional<std::string>(std::in_place, value.data(), static_cast<std::size_t>(length));
    if (errno == ENODATA || errno == EOPNOTSUPP || errno == ERANGE) return std::optional<std::string>();
    return fail_errno(errno, "cannot read the mark " + key);
}

Result<> PosixFileSystem::set_mark(int file, const std::string& key, const std::string& value) {
    if (::fsetxattr(file, attribute(key).c_str(), value.data(), value.size(), 0) != 0)
        return fail_errno(errno, "cannot set the mark " + key);
    return {};
}

Result<> PosixFileSystem::remove_mark(int file, const std::string& key) {
    if (::fremovexattr(file, attribute(key).c_str()) != 0 && errno != ENODATA && errno != EOPNOTSUPP)
        return fail_errno(errno, "cannot remove the mark " + key);
    return {};
}

Result<> PosixFileSystem::clone(int from, int to) {
    if (::ioctl(to, FICLONE, from) != 0) return clone_failure(errno);
    return {};
}

Result<> PosixFileSystem::clone_range(int from, Bytes from_offset, int to, Bytes to_offset, Bytes length) {
    file_clone_range range{};
    range.src_fd = from;
    range.src_offset = from_offset.count;
    range.src_length = length.count;
    range.dest_offset = to_offset.count;
    if (::ioctl(to, FICLONERANGE, &range) != 0) return clone_failure(errno);
    return {};
}

Result<> PosixFileSystem::copy_sparse(int from, int to) { return kernel::copy_sparse(from, to); }

Result<bool> PosixFileSystem::open_for_writing(int directory, const std::string& name) const {
    const auto file = TRY(open_regular(directory, name, O_RDONLY));
    // Whoever opens the file for writing while the lease is held makes the kernel signal its holder. The default, SIGIO, would end
    // the process; SIGURG is ignored by default. The opener waits for the microsecond until the lease is given back.
    if (::fcntl(file.get(), F_SETSIG, SIGURG) != 0) return fail_errno(errno, "cannot prepare a lease on " + quoted(name));
    if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) != 0) {
        if (errno == EAGAIN) return true;
        return fail_errno(errno, "cannot ask whether " + quoted(name) + " is open for writing");
    }
    if (::fcntl(file.get(), F_SETLEASE, F_UNLCK) != 0) return fail_errno(errno, "cannot give back the lease on " + quoted(name));
    return false;
}

Result<FileSystemSpace> PosixFileSystem::space(int directory) const {
    struct statvfs found {};
    if (::fstatvfs(directory, &found) != 0) return fail_errno(errno, "cannot ask for the free space");
    const auto bytes = [&](fsblkcnt_t blocks) { return Bytes{blocks * found.f_frsize}; };
    return FileSystemSpace{bytes(found.f_blocks), bytes(found.f_bfree), bytes(found.f_bavail)};
}

Result<Bytes> PosixFileSystem::exclusive(int file) const { return exclusive_bytes(file); }
Result<base::Extents> PosixFileSystem::differing(int one, int other) const { return differing_extents(one, other); }

}  // namespace varve::kernel
