// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/reserved_metadata.h"

#include "drivers/kernel/thin_messages.h"

#include <fstream>
#include <system_error>
#include <utility>

namespace varve::lvm_thin {

using base::Errc;
using base::fail;
using base::Result;
namespace thin_message = kernel::thin_message;

namespace {

// The pool's own table opens its metadata; what thin_ls and its kind do comes on top.
constexpr std::uint32_t opened_by_the_pool = 1;

struct Marks {
    std::filesystem::path reserved;
    std::filesystem::path known;
};

Marks marks_in(const std::filesystem::path& directory) {
    if (directory.empty()) return {};
    return {directory / "metadata-copy", directory / "metadata-known"};
}

bool is_there(const std::filesystem::path& mark) {
    std::error_code failed;
    return std::filesystem::exists(mark, failed);
}

// A mark that cannot be made only means that what a kill -9 leaves must be given back by hand.
void make_mark(const std::filesystem::path& mark) {
    if (!mark.empty()) (void)std::ofstream(mark);
}

void remove_mark(const std::filesystem::path& mark) {
    std::error_code failed;
    if (!mark.empty()) (void)std::filesystem::remove(mark, failed);  // one that stays only says less than is known
}

// Nobody of this boot has reserved it, as far as can be seen: without this, nothing could read the metadata of a pool whose power was cut.
bool is_from_before_the_boot(const kernel::DeviceMapper& mapper, const ThinPoolDevices& devices, const Marks& marks) {
    if (marks.known.empty() || is_there(marks.known)) return false;
    const auto metadata = mapper.find(devices.metadata);
    return metadata && *metadata && (*metadata)->open_count <= opened_by_the_pool;
}

}  // namespace

Result<ReservedMetadata> ReservedMetadata::reserve(kernel::DeviceMapper& mapper, const ThinPoolDevices& devices,
                                                   const std::filesystem::path& directory) {
    const auto marks = marks_in(directory);
    const bool a_killed_daemons = !marks.reserved.empty() && is_there(marks.reserved);
    make_mark(marks.reserved);  // intent before effect
    const auto try_it = [&] { return mapper.message(devices.pool, {}, thin_message::reserve_metadata()); };
    auto reserved = try_it();
    if (!reserved && reserved.error().code == Errc::Busy && (a_killed_daemons || is_from_before_the_boot(mapper, devices, marks))) {
        (void)mapper.message(devices.pool, {}, thin_message::release_metadata());  // the next line tells
        reserved = try_it();
    }
    if (reserved) {
        make_mark(marks.known);
        return ReservedMetadata(mapper, devices.pool, marks.reserved);
    }
    const bool somebody_elses = reserved.error().code == Errc::Busy;
    if (somebody_elses || !a_killed_daemons) remove_mark(marks.reserved);  // a killed daemon's is still there
    if (!somebody_elses) return base::Failure(reserved.error());
    // Somebody else's cannot be told from one that was forgotten: wait for nobody, take nobody's.
    return fail(Errc::Busy, "the metadata of the thin pool " + devices.pool.str() + " is being read by another program (" +
                                reserved.error().message() + "); if there is none: dmsetup message " + devices.pool.str() + " 0 " +
                                thin_message::release_metadata());
}

ReservedMetadata::ReservedMetadata(kernel::DeviceMapper& mapper, kernel::DmName pool, std::filesystem::path mark)
    : mapper_(&mapper), pool_(std::move(pool)), mark_(std::move(mark)) {}

ReservedMetadata::ReservedMetadata(ReservedMetadata&& other) noexcept
    : mapper_(std::exchange(other.mapper_, nullptr)), pool_(std::move(other.pool_)), mark_(std::move(other.mark_)) {}

ReservedMetadata::~ReservedMetadata() {
    if (mapper_ == nullptr) return;
    const auto released = mapper_->message(pool_, {}, thin_message::release_metadata());
    // InvalidArgument: somebody has released it by hand. After another failure the next one does.
    if (released || released.error().code == Errc::InvalidArgument) remove_mark(mark_);
}

}  // namespace varve::lvm_thin
