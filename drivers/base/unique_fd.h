// SPDX-License-Identifier: LGPL-2.1-or-later
// The one owner of a file descriptor.
#pragma once

#include <unistd.h>

#include <utility>

namespace varve::base {

class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    ~UniqueFd() { reset(); }

    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }

    // Errors of close(2) are ignored: whoever cares about the data has called fsync before.
    void reset() {
        if (fd_ >= 0) (void)::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

}  // namespace varve::base
