// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/thin_image.h"

#include "drivers/api/file_io.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace varve::lvm_thin {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;

ThinImage::ThinImage(std::shared_ptr<ImageHome> home, base::UniqueFd fd, Start start)
    : home_(std::move(home)),
      chunk_(start.chunk),
      fd_(std::move(fd)),
      lv_(std::move(start.lv)),
      size_(start.size),
      capacity_(start.capacity),
      modified_(start.modified),
      changed_(home_->now()) {}

int ThinImage::fd() const {
    const std::shared_lock lock(mutex_);
    return fd_.get();
}

LvUuid ThinImage::lv() const {
    const std::shared_lock lock(mutex_);
    return lv_;
}

bool ThinImage::is_empty() const {
    const std::shared_lock lock(mutex_);
    return size_.count == 0;
}

void ThinImage::touch() {
    const std::lock_guard lock(time_mutex_);
    modified_ = home_->now();
    changed_ = modified_;
}

Result<std::size_t> ThinImage::read(std::span<char> buffer, Bytes offset) const {
    const std::shared_lock lock(mutex_);
    if (offset >= size_) return std::size_t{0};
    const auto count = std::min<std::uint64_t>(buffer.size(), (size_ - offset).count);
    return api::read_at(fd_.get(), buffer.first(static_cast<std::size_t>(count)), offset);
}

Result<> ThinImage::write(std::span<const char> data, Bytes offset) {
    if (data.size() > base::largest_volume.count || offset.count > base::largest_volume.count - data.size())
        return fail(Errc::TooLarge, "the image would be larger than a volume can be");
    const auto end = offset + Bytes{data.size()};
    {
        const std::shared_lock lock(mutex_);
        if (end <= size_ && !clone_) {
            TRY(api::write_at(fd_.get(), data, offset));
            touch();
            return {};
        }
    }
    const std::lock_guard lock(mutex_);
    TRY(end_clone());
    if (end > size_) TRY(make_room(end));
    TRY(api::write_at(fd_.get(), data, offset));
    size_ = std::max(size_, end);
    touch();
    return {};
}

// Thin volumes take no room for what nobody wrote, so the LV grows far ahead: each time costs a change of LVM's metadata.
Result<> ThinImage::make_room(Bytes end) {
    if (end <= capacity_) return {};
    constexpr std::uint64_t ahead = 4;
    constexpr Bytes much{std::uint64_t{1} << 40};  // beyond it, only what is needed
    const auto wanted = end < much ? Bytes{std::min(end.count * ahead, much.count)} : end;
    TRY(home_->resize(lv_, wanted));
    capacity_ = home_->rounded(wanted);
    return {};
}

Result<> ThinImage::trim() {
    const std::lock_guard lock(mutex_);
    TRY(end_clone());
    if (::fsync(fd_.get()) != 0) return base::fail_errno(errno, "cannot make the image durable");
    TRY(home_->resize(lv_, size_));
    capacity_ = home_->rounded(size_);
    return {};
}

// Whole chunks are given back to the pool, the rest is written.
Result<> ThinImage::zero(Bytes from, Bytes to) {
    to = std::min(to, capacity_);
    if (from >= to) return {};
    const auto first = std::min((from.count + chunk_.count - 1) / chunk_.count * chunk_.count, to.count);
    const auto last = std::max(to.count / chunk_.count * chunk_.count, first);
    const auto write_zeroes = [&](std::uint64_t begin, std::uint64_t end) -> Result<> {
        const std::vector<char> zeroes(static_cast<std::size_t>(end - begin));
        return api::write_at(fd_.get(), zeroes, {begin});
    };
    TRY(write_zeroes(from.count, first));
    if (last > first) TRY(home_->discard(fd_.get(), {first}, {last - first}));
    return write_zeroes(last, to.count);
}

Result<> ThinImage::end_clone() {
    if (!clone_) return {};
    TRY(zero(size_, capacity_));
    clone_.reset();
    return {};
}

Result<> ThinImage::set_size(Bytes size) {
    if (size > base::largest_volume) return fail(Errc::TooLarge, "the image would be larger than a volume can be");
    const std::lock_guard lock(mutex_);
    TRY(end_clone());
    if (size < size_) TRY(zero(size, size_));
    if (size > size_) TRY(make_room(size));
    size_ = size;
    touch();
    return {};
}

Result<> ThinImage::allocate(int mode, Bytes offset, Bytes length) {
    if (length.count == 0 || offset > base::largest_volume || length > base::largest_volume - offset)
        return base::fail_errno(EINVAL, "cannot allocate or punch the range");
    const std::lock_guard lock(mutex_);
    TRY(end_clone());
    const auto end = offset + length;
    const bool keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
    const auto what = mode & ~FALLOC_FL_KEEP_SIZE;
    if (what != 0 && what != FALLOC_FL_ZERO_RANGE && !(what == FALLOC_FL_PUNCH_HOLE && keeps_size))
        return base::fail_errno(EOPNOTSUPP, "a thin volume can only be grown, and ranges of it zeroed");
    if (what != 0) TRY(zero(offset, std::min(end, size_)));
    if (!keeps_size && end > size_) {
        TRY(make_room(end));
        size_ = end;
    }
    touch();
    return {};
}

Result<> ThinImage::sync(bool data_only) {
    const std::shared_lock lock(mutex_);
    if ((data_only ? ::fdatasync(fd_.get()) : ::fsync(fd_.get())) != 0) return base::fail_errno(errno, "cannot make the image durable");
    return {};
}

Result<api::ImageFacts> ThinImage::facts() const {
    const std::shared_lock lock(mutex_);
    const auto mapped = TRY(home_->mapped(lv_));
    const std::lock_guard time_lock(time_mutex_);
    return api::ImageFacts{size_, mapped, modified_, changed_};
}

Result<> ThinImage::set_modified(base::Timestamp time) {
    const std::lock_guard lock(time_mutex_);
    modified_ = time;
    changed_ = home_->now();
    return {};
}

void ThinImage::replace(LvUuid lv, base::UniqueFd fd, Bytes capacity, LvUuid source, Bytes source_size, Bytes size) {
    const std::lock_guard lock(mutex_);
    fd_ = std::move(fd);
    lv_ = std::move(lv);
    capacity_ = capacity;
    size_ = size;
    clone_ = Clone{std::move(source), source_size};
    touch();
}

bool ThinImage::extend_clone(const LvUuid& source, Bytes from, Bytes to, Bytes end) {
    const std::lock_guard lock(mutex_);
    if (!clone_ || clone_->source != source || from != to || end > clone_->size || from > size_) return false;
    size_ = std::max(size_, end);
    touch();
    return true;
}

}  // namespace varve::lvm_thin
