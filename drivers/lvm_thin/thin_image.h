// SPDX-License-Identifier: LGPL-2.1-or-later
// A private image in a thin LV: its size is exact, the LV's is whole extents and grows ahead of it.
#pragma once

#include "drivers/api/private_image.h"
#include "drivers/base/timestamp.h"
#include "drivers/base/unique_fd.h"
#include "drivers/lvm_thin/lv.h"
#include "drivers/lvm_thin/lvm.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>

namespace varve::lvm_thin {

// What an image needs of its pool, which it may outlive by a moment.
class ImageHome {
public:
    virtual ~ImageHome() = default;
    [[nodiscard]] virtual base::Result<> resize(const LvUuid& lv, base::Bytes size) = 0;
    [[nodiscard]] virtual base::Result<base::Bytes> mapped(const LvUuid& lv) const = 0;
    [[nodiscard]] virtual base::Result<> discard(int fd, base::Bytes offset, base::Bytes length) = 0;
    [[nodiscard]] virtual base::Timestamp now() const = 0;
    [[nodiscard]] virtual base::Bytes rounded(base::Bytes size) const = 0;
};

// What lies in the LV beyond the image's size is zero, but while a clone that was asked for in parts is under way.
class ThinImage final : public api::ImageStorage {
public:
    struct Start {
        LvUuid lv;
        base::Bytes size;
        base::Bytes capacity;  // the LV's size
        base::Bytes chunk;     // what the pool gives back
        base::Timestamp modified;
    };
    ThinImage(std::shared_ptr<ImageHome> home, base::UniqueFd fd, Start start);

    [[nodiscard]] int fd() const override;
    [[nodiscard]] base::Result<std::size_t> read(std::span<char> buffer, base::Bytes offset) const override;
    [[nodiscard]] base::Result<> write(std::span<const char> data, base::Bytes offset) override;
    [[nodiscard]] base::Result<> set_size(base::Bytes size) override;
    [[nodiscard]] base::Result<> allocate(int mode, base::Bytes offset, base::Bytes length) override;
    [[nodiscard]] base::Result<> sync(bool data_only) override;
    [[nodiscard]] base::Result<api::ImageFacts> facts() const override;
    [[nodiscard]] base::Result<> set_modified(base::Timestamp time) override;

    [[nodiscard]] LvUuid lv() const;
    // The image becomes what another LV holds: a snapshot of `source`, of which the first `size` bytes have been asked for so far.
    void replace(LvUuid lv, base::UniqueFd fd, base::Bytes capacity, LvUuid source, base::Bytes source_size, base::Bytes size);
    // More of the same source is asked for, at its own place: true when the image has it already.
    [[nodiscard]] bool extend_clone(const LvUuid& source, base::Bytes from, base::Bytes to, base::Bytes end);
    [[nodiscard]] bool is_empty() const;
    // Makes the LV as large as the image needs (home.rounded), and durable: it is going to be a state.
    [[nodiscard]] base::Result<> trim();

private:
    // Each needs the exclusive lock.
    [[nodiscard]] base::Result<> make_room(base::Bytes end);
    [[nodiscard]] base::Result<> zero(base::Bytes from, base::Bytes to);
    [[nodiscard]] base::Result<> end_clone();
    void touch();

    const std::shared_ptr<ImageHome> home_;
    const base::Bytes chunk_;
    mutable std::shared_mutex mutex_;  // exclusive: everything but reads, and writes within the size; over all below
    base::UniqueFd fd_;
    LvUuid lv_;
    base::Bytes size_;
    base::Bytes capacity_;
    struct Clone {
        LvUuid source;
        base::Bytes size;  // of the source, all of which the LV holds
    };
    std::optional<Clone> clone_;
    mutable std::mutex time_mutex_;  // over the times; the innermost
    base::Timestamp modified_;
    base::Timestamp changed_;
};

}  // namespace varve::lvm_thin
