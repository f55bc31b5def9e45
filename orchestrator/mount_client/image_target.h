// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a copy's bytes go.
#pragma once

#include "orchestrator/mount_client/copy_failure.h"
#include "orchestrator/mount_client/image_source.h"

#include <cstdint>
#include <functional>

namespace varve::mount_client {

class ImageTarget {
public:
    ImageTarget() = default;
    ImageTarget(const ImageTarget&) = delete;
    ImageTarget& operator=(const ImageTarget&) = delete;
    virtual ~ImageTarget() = default;

    // Pieces come in the order of their offsets.
    [[nodiscard]] virtual tl::expected<void, CopyFailure> put(const Piece& piece) = 0;
    // The image is complete and this long.
    [[nodiscard]] virtual tl::expected<void, CopyFailure> finish(std::uint64_t size) = 0;
};

enum class Zeros {
    Write,
    LeaveOut,  // aligned blocks of 64 KiB that are all zeros stay holes: for an empty file
    Punch,     // they become holes where the file system can, and are written where it cannot
};

// A file, written by offset; what no piece has stays as it is.
class FileTarget final : public ImageTarget {
public:
    FileTarget(int fd, Zeros zeros) : fd_(fd), zeros_(zeros) {}

    [[nodiscard]] tl::expected<void, CopyFailure> put(const Piece& piece) override;
    [[nodiscard]] tl::expected<void, CopyFailure> finish(std::uint64_t size) override;

private:
    int fd_;
    Zeros zeros_;
};

// A pipe or the like, written from its position on: the source must give its holes as zeros. `interrupted` may be empty.
class StreamTarget final : public ImageTarget {
public:
    StreamTarget(int fd, std::function<bool()> interrupted) : fd_(fd), interrupted_(std::move(interrupted)) {}

    [[nodiscard]] tl::expected<void, CopyFailure> put(const Piece& piece) override;
    [[nodiscard]] tl::expected<void, CopyFailure> finish(std::uint64_t size) override;

private:
    int fd_;
    std::function<bool()> interrupted_;
};

}  // namespace varve::mount_client
