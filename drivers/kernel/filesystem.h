// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything the file drivers ask of the kernel's file systems, as a port: the real one (posix_filesystem.h), and in tests one
// that keeps everything in memory and can die at any call (tests/fakes).
#pragma once

#include "drivers/base/extent.h"
#include "drivers/base/result.h"
#include "drivers/base/timestamp.h"
#include "drivers/base/unique_fd.h"
#include "drivers/base/units.h"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::kernel {

enum class FileType { Regular, Directory, Symlink, Other };

struct DirectoryEntry {
    std::string name;  // never "." or ".."
    FileType type;
};

struct FileStatus {
    FileType type;
    std::uint64_t device;
    std::uint64_t inode;
    std::uint64_t links;
    base::Bytes size;
    base::Bytes allocated;
    base::Timestamp modified;
    uid_t uid;
    gid_t gid;
    mode_t mode;  // permission bits
};

struct FileSystemSpace {
    base::Bytes size;
    base::Bytes free;
    base::Bytes available;  // to an unprivileged writer
};

// Names are single components, relative to a directory descriptor that the caller holds. Symbolic links are never followed
// (a symlink where a file or directory is expected is an error), every descriptor is close-on-exec. Thread-safe.
//
// Durability: data after sync_data or sync on the file; names after sync on their directory. Nothing else survives a crash for certain.
class FileSystem {
public:
    virtual ~FileSystem() = default;
    FileSystem() = default;
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;

    // ---- names
    // By absolute path: only for a pool's own top directory, whose path the administrator chose (symlinks in it are followed).
    [[nodiscard]] virtual base::Result<base::UniqueFd> open_top(const std::string& path) const = 0;
    [[nodiscard]] virtual base::Result<base::UniqueFd> open_directory(int directory, const std::string& name) const = 0;
    enum class Access { Read, ReadWrite };
    [[nodiscard]] virtual base::Result<base::UniqueFd> open_file(int directory, const std::string& name, Access access) const = 0;
    // O_CREAT | O_EXCL, read-write, mode 0600.
    [[nodiscard]] virtual base::Result<base::UniqueFd> create_file(int directory, const std::string& name) = 0;
    [[nodiscard]] virtual base::Result<> make_directory(int directory, const std::string& name) = 0;
    [[nodiscard]] virtual base::Result<> remove_directory(int directory, const std::string& name) = 0;
    [[nodiscard]] virtual base::Result<> unlink(int directory, const std::string& name) = 0;
    [[nodiscard]] virtual base::Result<> link(int from_directory, const std::string& from, int to_directory, const std::string& to) = 0;
    enum class Replace { Never, Allow };
    [[nodiscard]] virtual base::Result<> rename(int from_directory, const std::string& from, int to_directory, const std::string& to,
                                                Replace replace) = 0;
    [[nodiscard]] virtual base::Result<std::vector<DirectoryEntry>> list(int directory) const = 0;
    [[nodiscard]] virtual base::Result<FileStatus> status(int directory, const std::string& name) const = 0;

    // ---- open files
    [[nodiscard]] virtual base::Result<FileStatus> status(int file) const = 0;
    [[nodiscard]] virtual base::Result<std::string> read_all(int file, base::Bytes limit) const = 0;  // TooLarge beyond the limit
    [[nodiscard]] virtual base::Result<> write_all(int file, std::string_view data) = 0;
    [[nodiscard]] virtual base::Result<> set_size(int file, base::Bytes size) = 0;
    [[nodiscard]] virtual base::Result<> set_modified(int file, base::Timestamp time) = 0;
    // Makes it this process's alone: its user's and group's, 0600. Nobody else can open it anew; who has it open goes on.
    [[nodiscard]] virtual base::Result<> take_ownership(int file) = 0;
    [[nodiscard]] virtual base::Result<> sync_data(int file) = 0;  // fdatasync
    [[nodiscard]] virtual base::Result<> sync(int file) = 0;       // fsync, of a file or directory

    // A small value kept with the inode, not with its name: an extended attribute `user.varve.<key>`. Clones do not inherit it.
    // nullopt when there is none. Durable with the next sync of the file or of a directory that names it.
    [[nodiscard]] virtual base::Result<std::optional<std::string>> mark(int file, const std::string& key) const = 0;
    [[nodiscard]] virtual base::Result<> set_mark(int file, const std::string& key, const std::string& value) = 0;
    [[nodiscard]] virtual base::Result<> remove_mark(int file, const std::string& key) = 0;  // success when there is none

    // FICLONE and FICLONERANGE (length 0: to the end). Unsupported exactly when the file system cannot share these ranges
    // (EBADF, EINVAL, EOPNOTSUPP, EXDEV); other failures are themselves.
    [[nodiscard]] virtual base::Result<> clone(int from, int to) = 0;
    [[nodiscard]] virtual base::Result<> clone_range(int from, base::Bytes from_offset, int to, base::Bytes to_offset,
                                                     base::Bytes length) = 0;
    // Copies data only where `from` has data, keeps holes, ends with the same size.
    [[nodiscard]] virtual base::Result<> copy_sparse(int from, int to) = 0;

    // ---- questions
    // Whether anybody (a process, a loop device, QEMU) has the file open for writing: asked of the kernel with a read lease.
    [[nodiscard]] virtual base::Result<bool> open_for_writing(int directory, const std::string& name) const = 0;
    [[nodiscard]] virtual base::Result<FileSystemSpace> space(int directory) const = 0;
    // Bytes of the file's extents that no other file shares (FIEMAP, FIEMAP_EXTENT_SHARED).
    [[nodiscard]] virtual base::Result<base::Bytes> exclusive(int file) const = 0;
    // Where two files may differ, from what they share (FIEMAP). Unsupported where the file system cannot tell.
    [[nodiscard]] virtual base::Result<base::Extents> differing(int one, int other) const = 0;
};

}  // namespace varve::kernel
