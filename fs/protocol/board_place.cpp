// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/board_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>

namespace varve::protocol {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

namespace {

bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
}

// FNV-1a (RFC draft-eastlake-fnv).
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

std::string hexadecimal(const char* form, std::uint64_t value) {
    std::array<char, 24> text{};
    const int length = std::snprintf(text.data(), text.size(), form, static_cast<unsigned long long>(value));
    return {text.data(), static_cast<std::size_t>(length)};
}

Result<> trustworthy(int directory, const std::string& path) {
    struct stat status {};
    if (::fstat(directory, &status) != 0) return fail_errno(errno, "cannot look at " + path);
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return fail(Errc::Denied, path + " belongs to another user, who may have planted what is in it");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(Errc::Denied, path + " may be written by others, who may have planted what is in it");
    return {};
}

}  // namespace

Result<std::string> real_mountpoint(const std::filesystem::path& mountpoint) {
    std::error_code error;
    auto path = std::filesystem::absolute(mountpoint, error).lexically_normal();
    if (error) return fail_errno(error.value(), "cannot find " + mountpoint.string());
    constexpr int most_links = 40;  // as the kernel
    for (int links = 0; links < most_links; ++links) {
        if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();  // a slash at the end
        if (!path.has_relative_path()) return path.string();
        const auto parent = std::filesystem::canonical(path.parent_path(), error);
        if (error) return fail_errno(error.value(), "cannot find " + path.parent_path().string());
        path = parent / path.filename();
        // Of a directory, mounted or not, the kernel says EINVAL by itself.
        std::array<char, PATH_MAX> target{};
        const auto length = ::readlink(path.c_str(), target.data(), target.size());
        if (length < 0) return path.string();
        path = (parent / std::string_view(target.data(), static_cast<std::size_t>(length))).lexically_normal();
    }
    return fail_errno(ELOOP, "cannot find " + mountpoint.string());
}

std::string board_file_name(std::string_view real_mountpoint) {
    constexpr std::size_t longest = 200;
    if (real_mountpoint.starts_with('/')) real_mountpoint.remove_prefix(1);
    if (real_mountpoint.empty()) return "-";
    std::string name;
    for (const char c : real_mountpoint) {
        if (c == '/')
            name += '-';
        else if (plain(c) && !(name.empty() && c == '.'))
            name += c;
        else
            name += hexadecimal("\\x%02llx", static_cast<unsigned char>(c));
    }
    if (name.size() <= longest) return name;
    return name.substr(0, longest) + "~" + hexadecimal("%016llx", hash_of(real_mountpoint));
}

Result<UniqueFd> open_boards(const std::filesystem::path& runtime_directory) {
    const auto boards = runtime_directory / boards_directory;
    const UniqueFd runtime(::open(runtime_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!runtime.valid()) return fail_errno(errno, "cannot open " + runtime_directory.string());
    TRY(trustworthy(runtime.get(), runtime_directory.string()));
    UniqueFd directory(::openat(runtime.get(), std::string(boards_directory).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.valid()) return fail_errno(errno, "cannot open " + boards.string());
    TRY(trustworthy(directory.get(), boards.string()));
    return directory;
}

}  // namespace varve::protocol
