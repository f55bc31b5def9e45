// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel's own references to files that it reads and writes in our place (FUSE passthrough, Linux 6.9).
#pragma once

#include "drivers/base/result.h"

#include <atomic>
#include <cstdint>

namespace varve::fuse {

// The kernel's number of a backing file; never 0.
struct BackingId {
    std::int32_t value = 0;
    friend bool operator==(const BackingId&, const BackingId&) = default;
};

// Thread-safe.
class BackingFiles {
public:
    BackingFiles() = default;
    virtual ~BackingFiles() = default;
    BackingFiles(const BackingFiles&) = delete;
    BackingFiles& operator=(const BackingFiles&) = delete;

    // The kernel keeps the file open until close(). Each open of the FUSE file makes its own description of it, with the flags of that open,
    // so that one id serves readers and writers.
    [[nodiscard]] virtual base::Result<BackingId> open(int fd) = 0;
    // Files that the kernel has open by this id stay so.
    virtual void close(BackingId id) = 0;
};

// By ioctls on /dev/fuse. Needs CAP_SYS_ADMIN.
class DeviceBackingFiles final : public BackingFiles {
public:
    // Until then, and after detach(), nothing can be opened.
    void attach(int device) { device_ = device; }
    void detach() { device_ = none; }

    [[nodiscard]] base::Result<BackingId> open(int fd) override;
    void close(BackingId id) override;

private:
    static constexpr int none = -1;
    std::atomic<int> device_ = none;
};

}  // namespace varve::fuse
