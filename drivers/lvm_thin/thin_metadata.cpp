// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/thin_metadata.h"

#include "drivers/kernel/dm_status.h"
#include "drivers/kernel/program.h"
#include "drivers/kernel/thin_messages.h"

#include <charconv>
#include <optional>
#include <sstream>

namespace varve::lvm_thin {

using base::Errc;
using base::fail;
using base::Result;

namespace {

// Given back whatever happens to the program that reads it.
class ReservedCopy {
public:
    [[nodiscard]] static Result<ReservedCopy> make(kernel::DeviceMapper& mapper, const kernel::DmName& pool) {
        // One that a killed daemon has left behind is out of date, and cannot be told from a backup program's: wait for nobody, take nobody's.
        auto reserved = mapper.message(pool, {}, kernel::thin_message::reserve_metadata());
        if (!reserved)
            return fail(Errc::Busy, "the metadata of the thin pool " + pool.str() + " is being read by another program (" +
                                        reserved.error().message() + "); if there is none: dmsetup message " + pool.str() +
                                        " 0 release_metadata_snap");
        return ReservedCopy(mapper, pool);
    }
    ~ReservedCopy() {
        if (mapper_ != nullptr) (void)mapper_->message(*pool_, {}, kernel::thin_message::release_metadata());  // the next look tells
    }
    ReservedCopy(ReservedCopy&& other) noexcept : mapper_(std::exchange(other.mapper_, nullptr)), pool_(std::move(other.pool_)) {}
    ReservedCopy& operator=(ReservedCopy&&) = delete;
    ReservedCopy(const ReservedCopy&) = delete;
    ReservedCopy& operator=(const ReservedCopy&) = delete;

private:
    ReservedCopy(kernel::DeviceMapper& mapper, kernel::DmName pool) : mapper_(&mapper), pool_(std::move(pool)) {}
    kernel::DeviceMapper* mapper_;
    std::optional<kernel::DmName> pool_;
};

}  // namespace

Result<std::string> ThinMetadata::run(std::vector<std::string> arguments) {
    const std::lock_guard lock(mutex_);
    const auto copy = TRY(ReservedCopy::make(mapper_, pool_));
    const auto program = arguments.front();
    kernel::Program how;
    how.arguments = std::move(arguments);
    how.arguments.push_back(metadata_path_);
    const auto finished = TRY(kernel::run_program(how));
    if (finished.succeeded()) return finished.output;
    return fail(finished.timed_out ? Errc::TimedOut : Errc::Io,
                program + " cannot read the metadata of the thin pool " + pool_.str() + ": " + finished.describe());
}

Result<base::Bytes> ThinMetadata::exclusive(kernel::ThinId id) {
    return parse_thin_ls(TRY(run({"thin_ls", "--metadata-snap", "--no-headers", "--format", "DEV,EXCLUSIVE_BYTES"})), id);
}

Result<bool> ThinMetadata::differ(kernel::ThinId a, kernel::ThinId b) {
    return parse_thin_delta(
        TRY(run({"thin_delta", "--metadata-snap", "--thin1", std::to_string(a.value), "--thin2", std::to_string(b.value)})));
}

Result<base::Bytes> parse_thin_ls(std::string_view text, kernel::ThinId id) {
    std::istringstream lines{std::string(text)};
    std::uint64_t device = 0;
    std::uint64_t bytes = 0;
    while (lines >> device >> bytes)
        if (device == id.value) return base::Bytes{bytes};
    return fail(Errc::Corrupt, "thin_ls says nothing of the thin volume " + std::to_string(id.value));
}

Result<bool> parse_thin_delta(std::string_view text) {
    if (text.find("<diff ") == std::string_view::npos) return fail(Errc::Corrupt, "thin_delta says nothing: '" + std::string(text) + "'");
    for (const std::string_view difference : {"<different ", "<left_only ", "<right_only "})
        if (text.find(difference) != std::string_view::npos) return true;
    return false;
}

}  // namespace varve::lvm_thin
