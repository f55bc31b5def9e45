// SPDX-License-Identifier: LGPL-2.1-or-later
// An image that belongs to no volume yet: what an open transaction or a scratch file writes to.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/timestamp.h"
#include "drivers/base/unique_fd.h"
#include "drivers/base/units.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace varve::api {

struct ImageFacts {
    base::Bytes size;
    base::Bytes allocated;
    base::Timestamp modified;  // the last write, or set_modified since
    base::Timestamp changed;
};

// Where a private image's bytes are: a regular file (the default), or what a block driver has instead. The size is exact to the byte, whatever
// the storage gives out; between the old and a larger new size there are zeroes. read() and write() may run in several threads at once, the
// others alone.
class ImageStorage {
public:
    virtual ~ImageStorage() = default;
    ImageStorage() = default;
    ImageStorage(const ImageStorage&) = delete;
    ImageStorage& operator=(const ImageStorage&) = delete;

    // Reads the image's first facts().size bytes, for as long as the image lives. Whoever writes through it is not noticed.
    [[nodiscard]] virtual int fd() const = 0;
    // Fewer bytes than asked for only at the end of the image.
    [[nodiscard]] virtual base::Result<std::size_t> read(std::span<char> buffer, base::Bytes offset) const = 0;
    // All of it, or an error; how much was written before the error is unknown. The image grows as needed.
    [[nodiscard]] virtual base::Result<> write(std::span<const char> data, base::Bytes offset) = 0;
    [[nodiscard]] virtual base::Result<> set_size(base::Bytes size) = 0;
    // fallocate(2) with its mode.
    [[nodiscard]] virtual base::Result<> allocate(int mode, base::Bytes offset, base::Bytes length) = 0;
    [[nodiscard]] virtual base::Result<> sync(bool data_only) = 0;
    [[nodiscard]] virtual base::Result<ImageFacts> facts() const = 0;
    [[nodiscard]] virtual base::Result<> set_modified(base::Timestamp time) = 0;
};

// In a regular file (or memfd) that is open for reading and writing; an invalid descriptor makes one that every call fails on.
[[nodiscard]] std::unique_ptr<ImageStorage> file_storage(base::UniqueFd file);

// Owned by whoever writes it. Published (Publish) it becomes a state; destroyed unpublished it is removed from the pool.
// After a crash the driver's recovery removes it. As thread-safe as its storage.
class PrivateImage {
public:
    using Discard = std::function<void(const std::string& handle)>;

    // `handle` is the driver's name of the object.
    PrivateImage(std::unique_ptr<ImageStorage> storage, std::string handle, Discard discard);
    // In a regular file, open for reading and writing.
    PrivateImage(base::UniqueFd file, std::string handle, Discard discard);
    ~PrivateImage();
    PrivateImage(const PrivateImage&) = delete;
    PrivateImage& operator=(const PrivateImage&) = delete;
    PrivateImage(PrivateImage&& other) noexcept;
    PrivateImage& operator=(PrivateImage&&) = delete;

    [[nodiscard]] int fd() const { return storage_->fd(); }
    [[nodiscard]] const std::string& handle() const { return handle_; }
    [[nodiscard]] ImageStorage& storage() { return *storage_; }
    [[nodiscard]] const ImageStorage& storage() const { return *storage_; }

    // For drivers: the object has become a state and is no longer this image's to remove.
    void published() { discard_ = nullptr; }

private:
    std::unique_ptr<ImageStorage> storage_;
    std::string handle_;
    Discard discard_;
};

}  // namespace varve::api
