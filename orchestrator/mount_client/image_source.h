// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a copy's bytes come from.
#pragma once

#include "drivers/base/units.h"
#include "orchestrator/mount_client/copy_failure.h"

#include <sys/types.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace varve::mount_client {

// One read(2) and one write(2) of a copy, in bytes; pieces end at multiples of it.
inline constexpr std::size_t copy_piece = std::size_t{1} << 20;

// Page-aligned and zeroed, `copy_piece` bytes.
class PieceBuffer {
public:
    PieceBuffer();
    [[nodiscard]] char* data() const { return memory_.get(); }

private:
    struct Free {
        void operator()(char* memory) const { std::free(memory); }  // NOLINT(cppcoreguidelines-no-malloc): of aligned_alloc
    };
    std::unique_ptr<char, Free> memory_;
};

// Part of an image; what lies between two pieces is a hole. The bytes are the source's until it gives the next one.
struct Piece {
    std::uint64_t offset = 0;
    std::span<const char> data;  // empty: the end of the image is at `offset`

    [[nodiscard]] std::uint64_t end() const { return offset + data.size(); }
};

class ImageSource {
public:
    ImageSource() = default;
    ImageSource(const ImageSource&) = delete;
    ImageSource& operator=(const ImageSource&) = delete;
    virtual ~ImageSource() = default;

    // Nothing when only the end will tell.
    [[nodiscard]] virtual std::optional<base::Bytes> size() const = 0;
    // How the image begins, without passing over it; short only when the image is.
    [[nodiscard]] virtual tl::expected<std::string_view, CopyFailure> beginning() = 0;
    [[nodiscard]] virtual tl::expected<Piece, CopyFailure> next() = 0;
};

enum class Holes {
    PassOver,
    AsZeros,  // given as pieces of zeros, not read
};

// A file or a block device, as long as `size` says. Reads by offset, but moves the descriptor's position.
class FileSource final : public ImageSource {
public:
    FileSource(int fd, base::Bytes size, Holes holes, std::uint64_t start = 0);

    [[nodiscard]] std::optional<base::Bytes> size() const override { return base::Bytes{size_}; }
    [[nodiscard]] tl::expected<std::string_view, CopyFailure> beginning() override;
    [[nodiscard]] tl::expected<Piece, CopyFailure> next() override;

private:
    [[nodiscard]] tl::expected<void, CopyFailure> find_data();
    [[nodiscard]] std::size_t piece_up_to(std::uint64_t end) const;

    int fd_;
    std::uint64_t size_;
    std::uint64_t at_;
    std::uint64_t data_ = 0;      // the data extent at or behind at_: [data_, data_end_)
    std::uint64_t data_end_ = 0;  // not looked for yet while it is not behind at_
    PieceBuffer buffer_;
    std::optional<PieceBuffer> zeros_;  // what holes are given as; nothing: they are passed over
};

// A pipe or a socket, read to its end; EFBIG when that is behind `limit`. `interrupted` may be empty.
class StreamSource final : public ImageSource {
public:
    StreamSource(int fd, std::optional<base::Bytes> size, base::Bytes limit, std::function<bool()> interrupted);

    [[nodiscard]] std::optional<base::Bytes> size() const override { return size_; }
    [[nodiscard]] tl::expected<std::string_view, CopyFailure> beginning() override;
    [[nodiscard]] tl::expected<Piece, CopyFailure> next() override;

private:
    // Fills the buffer with the next piece, unless there is one.
    [[nodiscard]] tl::expected<void, CopyFailure> fill();

    int fd_;
    std::optional<base::Bytes> size_;
    std::uint64_t limit_;
    std::function<bool()> interrupted_;
    std::uint64_t at_ = 0;
    std::size_t filled_ = 0;
    bool full_ = false;  // the buffer holds the next piece
    PieceBuffer buffer_;
};

}  // namespace varve::mount_client
