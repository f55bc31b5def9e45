// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/lv_names.h"

#include "drivers/lvm_thin/lv.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace varve::lvm_thin {
namespace {

constexpr std::string_view qubes_prefix = "vm-";
constexpr std::string_view own_prefix = "varve-";
constexpr std::string_view temporary_suffix = "-tmp";

std::string doubled(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 8);
    for (const char c : text) out.append(c == '-' ? 2 : 1, c);
    return out;
}

std::optional<base::VolumePath> parse_volume(std::string_view text) {
    const auto dash = text.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    auto vm = base::VmName::parse(text.substr(0, dash));
    auto volume = base::VolumeName::parse(text.substr(dash + 1));
    if (!vm || !volume) return std::nullopt;
    return base::VolumePath{*std::move(vm), *std::move(volume)};
}

// "<rest>-<epoch>-back"
std::optional<std::pair<std::string_view, std::int64_t>> parse_back(std::string_view text) {
    constexpr std::string_view suffix = "-back";
    if (!text.ends_with(suffix)) return std::nullopt;
    text.remove_suffix(suffix.size());
    const auto dash = text.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto digits = text.substr(dash + 1);
    std::int64_t epoch = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), epoch);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.empty() || digits.front() == '-') return std::nullopt;
    return std::pair(text.substr(0, dash), epoch);
}

}  // namespace

std::string committed_name(const base::VolumePath& volume) { return "vm-" + volume.vm.str() + "-" + volume.volume.str(); }
std::string session_name(const base::VolumePath& volume) { return committed_name(volume) + "-snap"; }
std::string revision_name(const base::VolumePath& volume, std::int64_t epoch) {
    return committed_name(volume) + "-" + std::to_string(std::max<std::int64_t>(epoch, 0)) + "-back";
}
std::string label_name(const base::VolumePath& volume, std::uint64_t number) {
    return committed_name(volume) + "-" + std::to_string(number) + "-label";
}
std::string temporary_name(std::string_view unique) { return std::string(own_prefix).append(unique).append(temporary_suffix); }
bool is_temporary(std::string_view name) { return name.starts_with(own_prefix) && name.ends_with(temporary_suffix); }

std::optional<QubesName> parse_name(std::string_view name) {
    using Role = QubesName::Role;
    if (!name.starts_with(qubes_prefix)) return std::nullopt;
    const auto rest = name.substr(qubes_prefix.size());
    if (const auto back = parse_back(rest))
        if (const auto volume = parse_volume(back->first)) return QubesName{*volume, Role::Revision, back->second};
    for (const auto& [suffix, role] : {std::pair<std::string_view, Role>{"-snap", Role::Session}, {"-import", Role::Import}})
        if (rest.ends_with(suffix))
            if (const auto volume = parse_volume(rest.substr(0, rest.size() - suffix.size()))) return QubesName{*volume, role, 0};
    if (const auto volume = parse_volume(rest)) return QubesName{*volume, Role::Committed, 0};
    return std::nullopt;
}

std::string device_name(std::string_view volume_group, std::string_view lv) { return doubled(volume_group) + "-" + doubled(lv); }

base::Result<> check_names(const std::string& volume_group, const base::VolumePath& volume) {
    const auto longest = revision_name(volume, std::numeric_limits<std::int64_t>::max());
    TRY(LvNameRules::check(longest));
    constexpr std::size_t longest_device = 127;  // DM_NAME_LEN in linux/dm-ioctl.h, with its NUL
    if (device_name(volume_group, longest).size() > longest_device)
        return base::fail(base::Errc::InvalidName, "the names of " + volume.str() +
                                                       "'s LVs would be too long for device-mapper in volume group " + volume_group +
                                                       " (dashes count twice); choose a shorter name");
    return {};
}

}  // namespace varve::lvm_thin
