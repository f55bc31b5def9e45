// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_status.h"

#include "drivers/kernel/dm_words.h"

namespace varve::kernel {
namespace {

using base::Result;

std::string_view without_blanks_behind(std::string_view text) {
    const auto last = text.find_last_not_of(" \n");
    return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

Result<ThinPoolMode> read_mode(DmWords& words) {
    const auto word = TRY(words.word());
    if (word == "rw") return ThinPoolMode::ReadWrite;
    if (word == "ro") return ThinPoolMode::ReadOnly;
    if (word == "out_of_data_space") return ThinPoolMode::OutOfDataSpace;
    return words.corrupt("its mode is none of rw, ro and out_of_data_space");
}

Result<Discards> read_discards(DmWords& words) {
    const auto word = TRY(words.word());
    if (word == "discard_passdown") return Discards::PassedDown;
    if (word == "no_discard_passdown") return Discards::NotPassedDown;
    if (word == "ignore_discard") return Discards::Ignored;
    return words.corrupt("it does not say what becomes of discards");
}

Result<bool> read_choice(DmWords& words, std::string_view yes, std::string_view no) {
    const auto word = TRY(words.word());
    if (word != yes && word != no) return words.corrupt("'" + std::string(yes) + "' or '" + std::string(no) + "' is missing");
    return word == yes;
}

Result<BlockUse> read_use(DmWords& words) {
    const auto [used, total] = TRY(words.fraction());
    if (used > total) return words.corrupt("more is used than there is");
    return BlockUse{used, total};
}

// A number, or "-" for none.
Result<std::optional<std::uint64_t>> read_number_or_none(DmWords& words) {
    const auto word = TRY(words.word());
    std::uint64_t value = 0;
    if (word == "-") return std::nullopt;
    if (!read_decimal(word, value)) return words.corrupt("a number is missing");
    return value;
}

Result<ThinPoolUsage> read_thin_pool(DmWords& words) {
    ThinPoolUsage usage;
    usage.transaction_id = TRY(words.number());
    usage.metadata = TRY(read_use(words));
    usage.data = TRY(read_use(words));
    usage.held_root = TRY(read_number_or_none(words));
    usage.mode = TRY(read_mode(words));
    usage.discards = TRY(read_discards(words));
    usage.error_if_no_space = TRY(read_choice(words, "error_if_no_space", "queue_if_no_space"));
    usage.needs_check = TRY(read_choice(words, "needs_check", "-"));
    // Newer kernels may say more.
    if (!words.at_end()) usage.metadata_low_water = TRY(words.number());
    return usage;
}

}  // namespace

base::Percent BlockUse::percent() const {
    if (total == 0) return {100};
    return {100.0 * static_cast<double>(used) / static_cast<double>(total)};
}

Result<SnapshotStatus> parse_snapshot_status(std::string_view text) {
    const auto said = without_blanks_behind(text);
    if (said == "Invalid") return SnapshotFault::Invalid;
    if (said == "Merge failed") return SnapshotFault::MergeFailed;
    if (said == "Overflow") return SnapshotFault::Overflow;
    if (said == "Unknown") return SnapshotFault::Unknown;
    DmWords words("the status of a snapshot", text);
    const auto [allocated, total] = TRY(words.fraction());
    const auto metadata = TRY(words.number());
    TRY(words.end());
    return SnapshotUsage{{allocated}, {total}, {metadata}};
}

Result<ThinPoolStatus> parse_thin_pool_status(std::string_view text) {
    const auto said = without_blanks_behind(text);
    if (said == "Fail" || said == "Error") return ThinPoolFailed{};
    DmWords words("the status of a thin pool", text);
    return TRY(read_thin_pool(words));
}

Result<ThinStatus> parse_thin_status(std::string_view text) {
    const auto said = without_blanks_behind(text);
    if (said == "Fail" || said == "Error" || said == "-") return ThinFailed{};
    DmWords words("the status of a thin volume", text);
    ThinUsage usage;
    usage.mapped = {TRY(words.number())};
    usage.highest_mapped_sector = TRY(read_number_or_none(words));
    TRY(words.end());
    return usage;
}

}  // namespace varve::kernel
