// SPDX-License-Identifier: LGPL-2.1-or-later
// An image that belongs to no volume yet: what an open transaction or a scratch file writes to.
#pragma once

#include "drivers/base/unique_fd.h"

#include <functional>
#include <string>
#include <utility>

namespace varve::api {

// Owned by whoever writes it. Published (Publish) it becomes a state; destroyed unpublished it is removed from the pool.
// After a crash the driver's recovery removes it. Not thread-safe.
class PrivateImage {
public:
    using Discard = std::function<void(const std::string& handle)>;

    // `fd` is open for reading and writing; `handle` is the driver's name of the object.
    PrivateImage(base::UniqueFd fd, std::string handle, Discard discard)
        : fd_(std::move(fd)), handle_(std::move(handle)), discard_(std::move(discard)) {}
    ~PrivateImage() {
        if (discard_) discard_(handle_);
    }
    PrivateImage(const PrivateImage&) = delete;
    PrivateImage& operator=(const PrivateImage&) = delete;
    PrivateImage(PrivateImage&& other) noexcept
        : fd_(std::move(other.fd_)), handle_(std::move(other.handle_)), discard_(std::exchange(other.discard_, nullptr)) {}
    PrivateImage& operator=(PrivateImage&&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const std::string& handle() const { return handle_; }

    // For drivers: the object has become a state and is no longer this image's to remove.
    void published() { discard_ = nullptr; }

private:
    base::UniqueFd fd_;
    std::string handle_;
    Discard discard_;
};

}  // namespace varve::api
