// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/device_names.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace varve::file {
namespace {

using base::Result;
using Kind = DeviceRole::Kind;

constexpr int hexadecimal = 16;
constexpr int decimal = 10;
constexpr std::array<std::pair<Kind, char>, 3> letters{{{Kind::Origin, 'o'}, {Kind::Middle, 's'}, {Kind::Top, 't'}}};

std::string digits(std::uint64_t value, int base) {
    std::array<char, 20> text{};  // the longest decimal number
    const auto* const end = std::to_chars(text.data(), text.data() + text.size(), value, base).ptr;
    return std::string(std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
}

std::string words_of(FileId file, int inode_base) { return digits(file.device, hexadecimal) + ":" + digits(file.inode, inode_base); }

std::vector<FileId> files_of(const DeviceRole& role) {
    std::vector<FileId> files{role.image, role.cow};
    if (role.over) files.push_back(*role.over);
    return files;
}

std::string name_of_role(const DeviceRole& role) {
    if (role.kind == Kind::Origin) return "origin-" + words_of(role.image, decimal);
    std::string name = "snapshot";
    for (const auto& file : files_of(role)) name += "-" + words_of(file, decimal);
    return name;
}

std::string uuid_part_of_role(const DeviceRole& role) {
    std::string part;
    for (const auto& [kind, letter] : letters)
        if (kind == role.kind) part += letter;
    for (const auto& file : files_of(role)) part += "-" + words_of(file, hexadecimal);
    return part;
}

bool take_number(std::string_view& text, std::uint64_t& value) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal);
    if (failed != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take(std::string_view& text, char wanted) {
    if (!text.starts_with(wanted)) return false;
    text.remove_prefix(1);
    return true;
}

bool take_file(std::string_view& text, FileId& file) {
    return take(text, '-') && take_number(text, file.device) && take(text, ':') && take_number(text, file.inode);
}

}  // namespace

Result<DeviceName> DeviceNames::of(const DeviceRole& role) const {
    auto name = TRY(kernel::DmName::parse(name_of_role(role)));
    auto uuid = TRY(kernel::uuid_in_pool(pool_uuid_, uuid_part_of_role(role)));
    return DeviceName{std::move(name), std::move(uuid)};
}

std::optional<DeviceRole> DeviceNames::role_of(std::string_view uuid) const {
    const auto prefix = uuid_prefix();
    if (!uuid.starts_with(prefix)) return std::nullopt;
    const auto part = uuid.substr(prefix.size());
    for (const auto& [kind, letter] : letters) {
        auto rest = part;
        DeviceRole role;
        role.kind = kind;
        if (!take(rest, letter) || !take_file(rest, role.image) || !take_file(rest, role.cow)) continue;
        if (kind == Kind::Top && !take_file(rest, role.over.emplace())) continue;
        // Written as we write it, so that a role and its device belong together.
        if (rest.empty() && uuid_part_of_role(role) == part) return role;
    }
    return std::nullopt;
}

}  // namespace varve::file
