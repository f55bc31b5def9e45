// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/storage_below.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace varve::kernel {
namespace {

namespace fs = std::filesystem;
using base::Result;

// Deeper than any sane stack; a file system on a loop device over a file of its own would have no end.
constexpr std::size_t deepest = 64;

std::optional<std::string> first_line(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    if (!std::getline(stream, line)) return std::nullopt;
    return line;
}

// mountinfo writes blanks, tabs, newlines and backslashes of names as \ooo.
std::string unescaped(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool octal = text[i] == '\\' && i + 3 < text.size() &&
                           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(i) + 1, text.begin() + static_cast<std::ptrdiff_t>(i) + 4,
                                       [](char digit) { return digit >= '0' && digit <= '7'; });
        if (octal) {
            plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

// The device that a mount with a made-up st_dev names as its source.
std::optional<DeviceNumber> source_of_mount(std::uint64_t mount) {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream fields(line);
        std::uint64_t id = 0;
        if (!(fields >> id) || id != mount) continue;
        const auto separator = line.find(" - ");
        if (separator == std::string::npos) return std::nullopt;
        std::istringstream rest(line.substr(separator + 3));
        std::string type;
        std::string source;
        if (!(rest >> type >> source) || !source.starts_with('/')) return std::nullopt;
        const auto device = block_device_at(unescaped(source));
        return device ? std::optional(*device) : std::nullopt;
    }
    return std::nullopt;
}

Result<std::optional<DeviceNumber>> device_of(const fs::path& file) {
    struct statx found {};
    if (::statx(AT_FDCWD, file.c_str(), AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_MNT_ID, &found) != 0)
        return base::fail_errno(errno, "cannot look at " + file.string());
    const DeviceNumber device{found.stx_dev_major, found.stx_dev_minor};
    if (device.major != 0) return std::optional(device);
    return source_of_mount(found.stx_mnt_id);
}

class Walk {
public:
    explicit Walk(const std::function<bool(const fs::path&)>& enter) : enter_(enter) {}

    Result<> file_system_at(const fs::path& file) {
        if (const auto device = TRY(device_of(file))) return block_device(*device);
        return {};
    }

    [[nodiscard]] StorageBelow take() && { return std::move(found_); }

private:
    Result<> block_device(DeviceNumber device) {
        if (std::ranges::find(found_.devices, device) != found_.devices.end() || found_.devices.size() >= deepest) return {};
        found_.devices.push_back(device);
        const fs::path directory = "/sys/dev/block/" + device.str();
        std::error_code error;
        if (fs::exists(directory / "partition", error)) TRY(device_in(fs::canonical(directory, error).parent_path()));
        for (const auto& below : fs::directory_iterator(directory / "slaves", error)) TRY(device_in(below.path()));
        if (const auto file = first_line(directory / "loop" / "backing_file")) TRY(loop_file(*file));
        return {};
    }

    Result<> device_in(const fs::path& directory) {
        const auto text = first_line(directory / "dev");
        const auto device = text ? DeviceNumber::parse(*text) : base::fail(base::Errc::NotFound, "it is gone");
        return device ? block_device(*device) : Result<>{};  // gone since it was listed
    }

    // A file that was removed has " (deleted)" behind its name: where it lay is still true.
    Result<> loop_file(const std::string& name) {
        constexpr std::string_view removed = " (deleted)";
        const fs::path file = name.ends_with(removed) ? name.substr(0, name.size() - removed.size()) : name;
        found_.files.push_back(file);
        if (!enter_(file)) return {};
        std::error_code error;
        return fs::exists(file.parent_path(), error) ? file_system_at(file.parent_path()) : Result<>{};
    }

    const std::function<bool(const fs::path&)>& enter_;
    StorageBelow found_;
};

}  // namespace

Result<StorageBelow> storage_below(const fs::path& directory, const std::function<bool(const fs::path& file)>& enter) {
    Walk walk(enter);
    TRY(walk.file_system_at(directory));
    return std::move(walk).take();
}

}  // namespace varve::kernel
