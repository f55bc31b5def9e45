// SPDX-License-Identifier: LGPL-2.1-or-later
// What a script would do by hand with image files on a file system with reflinks: the same effect and durability, in the fewest system calls.
#pragma once

#include "drivers/base/unique_fd.h"
#include "tests/benchmarks/steps.h"

#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>

namespace varve::benchmarks {

class BareFiles {
public:
    // Makes `directory` with an image that shares the data of `content`, and so many revisions of it.
    [[nodiscard]] static base::Result<std::unique_ptr<BareFiles>> make(const std::filesystem::path& directory, int content,
                                                                       std::size_t revisions);

    [[nodiscard]] Steps start_ready();              // rename, fsync of the directory
    [[nodiscard]] Steps start_cloning();            // FICLONE, fsync, rename, fsync of the directory
    [[nodiscard]] Steps stop();                     // fdatasync, link, rename, fsync of the directory
    [[nodiscard]] Steps revert();                   // link, rename, fsync of the directory
    [[nodiscard]] Steps clone();                    // FICLONE
    [[nodiscard]] Steps snapshot();                 // FICLONE, fsync, fsync of the directory
    [[nodiscard]] Steps commit(std::size_t bytes);  // FICLONE, write, fdatasync, link, rename, fsync of the directory

private:
    explicit BareFiles(base::UniqueFd directory) : directory_(std::move(directory)) {}
    [[nodiscard]] base::Result<> clone_to(const std::string& name, int content);
    [[nodiscard]] base::Result<> clone_image(const std::string& name);
    [[nodiscard]] base::Result<> clone_and_sync(const std::string& name);
    [[nodiscard]] base::Result<> write_block(const std::string& name);
    [[nodiscard]] base::Result<> keep_and_replace(const std::string& by);
    // Out of sight only: freeing 100,000 extents takes as long as cloning them, and the whole file system goes in the end.
    [[nodiscard]] base::Result<> remove(const std::string& name);
    [[nodiscard]] base::Result<> rename(const std::string& from, const std::string& to);
    [[nodiscard]] base::Result<> sync_directory();
    [[nodiscard]] base::Result<base::UniqueFd> open(const std::string& name, int flags);

    base::UniqueFd directory_;
    std::deque<std::string> revisions_;
    std::size_t last_number_ = 0;
    std::size_t removed_count_ = 0;
};

// Overwrites the first `bytes` of an open image.
[[nodiscard]] base::Result<> overwrite(int file, std::size_t bytes);
// The data that a stop finds not yet written: small, so that the operation is seen and not the disk.
inline constexpr std::size_t guest_write = 4096;

}  // namespace varve::benchmarks
