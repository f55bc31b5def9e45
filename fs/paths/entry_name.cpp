// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/paths/entry_name.h"

#include <algorithm>

namespace varve::paths {
namespace {

constexpr std::string_view image_suffix = ".img";
constexpr std::size_t longest_name = 255;  // NAME_MAX: a directory that lists a longer one cannot be read

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// coreutils 9.1 (force-link.c) makes CuXXXXXX for ln -f and cp -f, GNU sed makes sedXXXXXX for -i: both rename it over the target.
bool is_tool_scratch(std::string_view name) {
    constexpr std::size_t random = 6;
    for (const std::string_view prefix : {std::string_view("Cu"), std::string_view("sed")})
        if (name.starts_with(prefix) && name.size() == prefix.size() + random &&
            std::ranges::all_of(name.substr(prefix.size()), is_alphanumeric))
            return true;
    return false;
}

}  // namespace

base::Result<EntryName> parse_entry(std::string_view name) {
    using base::Errc;
    if (name == control_directory) return ControlEntry{};
    if (name == "." || name == "..") return base::fail(Errc::InvalidName, "'" + std::string(name) + "' is not a name");
    if (name.size() > longest_name || name.find('/') != std::string_view::npos)
        return base::fail(Errc::InvalidName,
                          "'" + std::string(name.substr(0, 80)) + "...' is not a name: up to 255 bytes, none of them '/'");
    if (name.starts_with('.') || is_tool_scratch(name)) return ScratchEntry{std::string(name)};

    const auto at = name.find('@');
    const auto file = name.substr(0, at);
    if (!file.ends_with(image_suffix))
        return base::fail(Errc::InvalidName, "a VM's directory holds <volume>.img, <volume>.img@<revision> and .scratch files, not '" +
                                                 std::string(name.substr(0, 80)) + "'");
    auto volume = TRY(base::VolumeName::parse(file.substr(0, file.size() - image_suffix.size())));
    if (at == std::string_view::npos) return VolumeEntry{std::move(volume)};
    const auto revision = name.substr(at + 1);
    if (revision == "current") return CurrentEntry{std::move(volume)};
    auto id = TRY(base::RevisionId::parse(revision));
    return RevisionEntry{std::move(volume), std::move(id)};
}

std::string volume_file(const base::VolumeName& volume) { return volume.str() + std::string(image_suffix); }

std::string shown_file(const base::VolumeName& volume, const api::VolumeView& view) {
    return view.plain_file ? volume.str() : volume_file(volume);
}

std::string revision_file(const base::VolumeName& volume, const base::RevisionId& revision) {
    return volume_file(volume) + "@" + revision.str();
}

}  // namespace varve::paths
