// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/text_file.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace varve::settings {

using base::fail;
using base::fail_errno;
using base::Result;

Result<std::string> read_text(const std::filesystem::path& path) {
    constexpr std::size_t largest = 1U << 20;
    const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot read " + path.string());
    std::string text;
    std::array<char, 4096> buffer{};
    while (text.size() <= largest) {
        const auto count = ::read(file.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot read " + path.string());
        if (count == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return fail(base::Errc::TooLarge, path.string() + " is larger than 1 MiB");
}

namespace {

Result<> sync_directory_of(const std::filesystem::path& path) {
    const base::UniqueFd directory(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::fsync(directory.get()) != 0)
        return fail_errno(errno, "cannot make " + path.parent_path().string() + " durable");
    return {};
}

}  // namespace

Result<> make_directory(const std::filesystem::path& directory) {
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed) return fail_errno(failed.value(), "cannot make " + directory.string());
    return {};
}

Result<std::vector<std::filesystem::path>> files_in(const std::filesystem::path& directory, std::string_view suffix) {
    std::error_code failed;
    std::vector<std::filesystem::path> files;
    for (std::filesystem::directory_iterator entry(directory, failed), end; !failed && entry != end; entry.increment(failed)) {
        const auto name = entry->path().filename().string();
        if (name.ends_with(suffix) && name.front() != '.') files.push_back(entry->path());
    }
    if (failed) return fail_errno(failed.value(), "cannot list " + directory.string());
    std::ranges::sort(files);
    return files;
}

Result<> remove_file(const std::filesystem::path& path) {
    if (::unlink(path.c_str()) != 0) return fail_errno(errno, "cannot remove " + path.string());
    return sync_directory_of(path);
}

Result<> rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0)
        return fail_errno(errno, "cannot rename " + from.string() + " to " + to.string());
    return sync_directory_of(to);
}

Result<> write_text(const std::filesystem::path& path, std::string_view text) {
    TRY(make_directory(path.parent_path()));
    const base::UniqueFd directory(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) return fail_errno(errno, "cannot open " + path.parent_path().string());

    const auto name = path.filename().string();
    const auto temporary = "." + name + "~";
    const base::UniqueFd file(::openat(directory.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return fail_errno(errno, "cannot write " + path.string());
    while (!text.empty()) {
        const auto count = ::write(file.get(), text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot write " + path.string());
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::fsync(file.get()) != 0) return fail_errno(errno, "cannot make " + path.string() + " durable");
    if (::renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) != 0)
        return fail_errno(errno, "cannot put " + path.string() + " in place");
    if (::fsync(directory.get()) != 0) return fail_errno(errno, "cannot make " + path.string() + " durable");
    return {};
}

}  // namespace varve::settings
