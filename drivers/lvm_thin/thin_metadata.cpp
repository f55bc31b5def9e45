// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/thin_metadata.h"

#include "drivers/kernel/dm_status.h"
#include "drivers/kernel/program.h"
#include "drivers/kernel/thin_messages.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

namespace varve::lvm_thin {

using base::Errc;
using base::fail;
using base::Result;

namespace {

// Given back whatever happens to the program that reads it.
class ReservedCopy {
public:
    [[nodiscard]] static Result<ReservedCopy> make(kernel::DeviceMapper& mapper, const kernel::DmName& pool,
                                                   const std::filesystem::path& mark) {
        std::error_code failed;
        const bool left = !mark.empty() && std::filesystem::exists(mark, failed);
        // Intent before effect. A mark that cannot be made only means that a kill -9 leaves the copy for somebody to release by hand.
        if (!mark.empty()) (void)std::ofstream(mark);
        const auto reserve = [&] { return mapper.message(pool, {}, kernel::thin_message::reserve_metadata()); };
        auto reserved = reserve();
        if (!reserved && left) {                                                       // a killed daemon's
            (void)mapper.message(pool, {}, kernel::thin_message::release_metadata());  // the next line tells
            reserved = reserve();
        }
        if (reserved) return ReservedCopy(mapper, pool, mark);
        if (!mark.empty()) (void)std::filesystem::remove(mark, failed);
        // Somebody else's cannot be told from one that was forgotten: wait for nobody, take nobody's.
        return fail(Errc::Busy, "the metadata of the thin pool " + pool.str() + " is being read by another program (" +
                                    reserved.error().message() + "); if there is none: dmsetup message " + pool.str() +
                                    " 0 release_metadata_snap");
    }
    ~ReservedCopy() {
        if (mapper_ == nullptr) return;
        const auto released = mapper_->message(*pool_, {}, kernel::thin_message::release_metadata());
        std::error_code failed;
        if (released && !mark_.empty()) (void)std::filesystem::remove(mark_, failed);  // else the next one releases it
    }
    ReservedCopy(ReservedCopy&& other) noexcept
        : mapper_(std::exchange(other.mapper_, nullptr)), pool_(std::move(other.pool_)), mark_(std::move(other.mark_)) {}
    ReservedCopy& operator=(ReservedCopy&&) = delete;
    ReservedCopy(const ReservedCopy&) = delete;
    ReservedCopy& operator=(const ReservedCopy&) = delete;

private:
    ReservedCopy(kernel::DeviceMapper& mapper, kernel::DmName pool, std::filesystem::path mark)
        : mapper_(&mapper), pool_(std::move(pool)), mark_(std::move(mark)) {}
    kernel::DeviceMapper* mapper_;
    std::optional<kernel::DmName> pool_;
    std::filesystem::path mark_;
};

}  // namespace

Result<std::string> ThinMetadata::run(std::vector<std::string> arguments) {
    const std::lock_guard lock(mutex_);
    const auto copy = TRY(ReservedCopy::make(mapper_, pool_, mark_));
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
    const auto all = TRY(parse_thin_ls(TRY(run({"thin_ls", "--metadata-snap", "--no-headers", "--format", "DEV,EXCLUSIVE_BYTES"}))));
    const auto found = all.find(id);
    if (found == all.end()) return fail(Errc::Corrupt, "thin_ls says nothing of the thin volume " + std::to_string(id.value));
    return found->second;
}

Result<std::map<kernel::ThinId, base::Bytes>> ThinMetadata::mapped() {
    return parse_thin_ls(TRY(run({"thin_ls", "--metadata-snap", "--no-headers", "--format", "DEV,MAPPED_BYTES"})));
}

Result<bool> ThinMetadata::differ(kernel::ThinId a, kernel::ThinId b) {
    return parse_thin_delta(
        TRY(run({"thin_delta", "--metadata-snap", "--thin1", std::to_string(a.value), "--thin2", std::to_string(b.value)})));
}

Result<std::map<kernel::ThinId, base::Bytes>> parse_thin_ls(std::string_view text) {
    std::istringstream words{std::string(text)};
    std::map<kernel::ThinId, base::Bytes> found;
    kernel::ThinId id{};
    base::Bytes bytes;
    while (words >> id.value >> bytes.count) found.insert_or_assign(id, bytes);
    words.clear();
    if (std::string more; words >> more) return fail(Errc::Corrupt, "thin_ls says '" + more + "' where numbers should be");
    return found;
}

Result<bool> parse_thin_delta(std::string_view text) {
    if (text.find("<diff ") == std::string_view::npos) return fail(Errc::Corrupt, "thin_delta says nothing: '" + std::string(text) + "'");
    for (const std::string_view difference : {"<different ", "<left_only ", "<right_only "})
        if (text.find(difference) != std::string_view::npos) return true;
    return false;
}

}  // namespace varve::lvm_thin
