// SPDX-License-Identifier: LGPL-2.1-or-later
// The port's real version: Linux system calls.
#pragma once

#include "drivers/kernel/filesystem.h"

namespace varve::kernel {

// Stateless. Marks are extended attributes `user.varve.<key>`; on a file system without them mark() finds none and set_mark() is Unsupported.
class PosixFileSystem final : public FileSystem {
public:
    [[nodiscard]] base::Result<base::UniqueFd> open_top(const std::string& path) const override;
    [[nodiscard]] base::Result<base::UniqueFd> open_directory(int directory, const std::string& name) const override;
    [[nodiscard]] base::Result<base::UniqueFd> open_file(int directory, const std::string& name, Access access) const override;
    [[nodiscard]] base::Result<base::UniqueFd> create_file(int directory, const std::string& name) override;
    [[nodiscard]] base::Result<> make_directory(int directory, const std::string& name) override;
    [[nodiscard]] base::Result<> remove_directory(int directory, const std::string& name) override;
    [[nodiscard]] base::Result<> unlink(int directory, const std::string& name) override;
    [[nodiscard]] base::Result<> link(int from_directory, const std::string& from, int to_directory, const std::string& to) override;
    [[nodiscard]] base::Result<> rename(int from_directory, const std::string& from, int to_directory, const std::string& to,
                                        Replace replace) override;
    [[nodiscard]] base::Result<std::vector<DirectoryEntry>> list(int directory) const override;
    [[nodiscard]] base::Result<FileStatus> status(int directory, const std::string& name) const override;

    [[nodiscard]] base::Result<FileStatus> status(int file) const override;
    [[nodiscard]] base::Result<std::string> read_all(int file, base::Bytes limit) const override;
    [[nodiscard]] base::Result<> write_all(int file, std::string_view data) override;
    [[nodiscard]] base::Result<> set_size(int file, base::Bytes size) override;
    [[nodiscard]] base::Result<> set_modified(int file, base::Timestamp time) override;
    [[nodiscard]] base::Result<> take_ownership(int file) override;
    [[nodiscard]] base::Result<> sync_data(int file) override;
    [[nodiscard]] base::Result<> sync(int file) override;

    [[nodiscard]] base::Result<std::optional<std::string>> mark(int file, const std::string& key) const override;
    [[nodiscard]] base::Result<> set_mark(int file, const std::string& key, const std::string& value) override;
    [[nodiscard]] base::Result<> remove_mark(int file, const std::string& key) override;

    [[nodiscard]] base::Result<> clone(int from, int to) override;
    [[nodiscard]] base::Result<> clone_range(int from, base::Bytes from_offset, int to, base::Bytes to_offset, base::Bytes length) override;
    [[nodiscard]] base::Result<> copy_sparse(int from, int to) override;

    [[nodiscard]] base::Result<bool> open_for_writing(int directory, const std::string& name) const override;
    [[nodiscard]] base::Result<FileSystemSpace> space(int directory) const override;
    [[nodiscard]] base::Result<base::Bytes> exclusive(int file) const override;
    [[nodiscard]] base::Result<base::Extents> differing(int one, int other) const override;
};

}  // namespace varve::kernel
