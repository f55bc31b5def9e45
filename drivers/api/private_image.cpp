// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/private_image.h"

#include "drivers/api/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace varve::api {
namespace {

using base::fail_errno;
using base::Result;

class FileStorage final : public ImageStorage {
public:
    explicit FileStorage(base::UniqueFd file) : file_(std::move(file)) {}

    int fd() const override { return file_.get(); }
    Result<std::size_t> read(std::span<char> buffer, base::Bytes offset) const override { return read_at(fd(), buffer, offset); }
    Result<> write(std::span<const char> data, base::Bytes offset) override { return write_at(fd(), data, offset); }

    Result<> set_size(base::Bytes size) override {
        if (size.count > static_cast<std::uint64_t>(INT64_MAX)) return base::fail(base::Errc::TooLarge, "the size does not fit a file");
        if (::ftruncate(fd(), static_cast<off_t>(size.count)) != 0)
            return fail_errno(errno, "cannot set the size to " + std::to_string(size.count) + " bytes");
        return {};
    }

    Result<> allocate(int mode, base::Bytes offset, base::Bytes length) override {
        if (::fallocate(fd(), mode, static_cast<off_t>(offset.count), static_cast<off_t>(length.count)) != 0)
            return fail_errno(errno, "cannot allocate or punch the range");
        return {};
    }

    Result<> sync(bool data_only) override {
        if ((data_only ? ::fdatasync(fd()) : ::fsync(fd())) != 0) return fail_errno(errno, "cannot make the image durable");
        return {};
    }

    Result<ImageFacts> facts() const override {
        struct stat found {};
        if (::fstat(fd(), &found) != 0) return fail_errno(errno, "cannot look at the image");
        constexpr std::uint64_t stat_block = 512;
        return ImageFacts{{static_cast<std::uint64_t>(found.st_size)},
                          {static_cast<std::uint64_t>(found.st_blocks) * stat_block},
                          base::Timestamp::from(found.st_mtim),
                          base::Timestamp::from(found.st_ctim)};
    }

    // The access time follows it.
    Result<> set_modified(base::Timestamp time) override {
        const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, time.to_timespec()};
        if (::futimens(fd(), times.data()) != 0) return fail_errno(errno, "cannot set the time");
        return {};
    }

private:
    base::UniqueFd file_;
};

}  // namespace

std::unique_ptr<ImageStorage> file_storage(base::UniqueFd file) { return std::make_unique<FileStorage>(std::move(file)); }

PrivateImage::PrivateImage(std::unique_ptr<ImageStorage> storage, std::string handle, Discard discard)
    : storage_(std::move(storage)), handle_(std::move(handle)), discard_(std::move(discard)) {}

PrivateImage::PrivateImage(base::UniqueFd file, std::string handle, Discard discard)
    : PrivateImage(file_storage(std::move(file)), std::move(handle), std::move(discard)) {}

PrivateImage::~PrivateImage() {
    storage_.reset();  // a device that is open cannot be removed
    if (discard_) discard_(handle_);
}

PrivateImage::PrivateImage(PrivateImage&& other) noexcept
    : storage_(std::move(other.storage_)), handle_(std::move(other.handle_)), discard_(std::exchange(other.discard_, nullptr)) {}

}  // namespace varve::api
