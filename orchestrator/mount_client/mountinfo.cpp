// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/mountinfo.h"

#include "fs/protocol/names.h"

#include <algorithm>

namespace varve::mount_client {
namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// The kernel writes blanks, newlines and backslashes as \ooo.
std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) && is_octal(text[i + 3])) {
            plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return parts;
}

}  // namespace

std::vector<std::string> varve_mounts(std::string_view mountinfo) {
    std::vector<std::string> points;
    std::vector<std::string_view> devices;
    for (const auto line : split(mountinfo, '\n')) {
        // id parent major:minor root mountpoint options [optional...] - type source options
        const auto fields = split(line, ' ');
        const auto dash = std::ranges::find(fields, "-");
        if (fields.size() < 6 || dash == fields.end() || dash + 1 == fields.end() || dash - fields.begin() < 6) continue;
        if (*(dash + 1) != protocol::filesystem_type || fields[3] != "/") continue;
        if (std::ranges::find(devices, fields[2]) != devices.end()) continue;
        devices.push_back(fields[2]);
        points.push_back(unescape(fields[4]));
    }
    return points;
}

base::Result<std::string> the_varve_mount(std::string_view mountinfo) {
    auto mounts = varve_mounts(mountinfo);
    if (mounts.empty())
        return base::fail(
            base::Errc::NotFound,
            "no Varve file system is mounted: mount one with 'varvefs --config /etc/varve/varve.toml', or name the place with "
            "--mount DIR or VARVE_MOUNT");
    if (mounts.size() == 1) return std::move(mounts.front());
    std::string places;
    for (const auto& mount : mounts) places += (places.empty() ? "" : ", ") + mount;
    return base::fail(base::Errc::InvalidArgument,
                      "several Varve file systems are mounted (" + places + "): choose one with --mount DIR or VARVE_MOUNT");
}

}  // namespace varve::mount_client
