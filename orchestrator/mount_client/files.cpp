// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace varve::mount_client {

using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

Result<std::string> read_to_end(int fd, std::size_t limit) {
    std::string text;
    std::array<char, 16384> buffer{};
    while (true) {
        const auto count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0) return fail_errno(errno, "cannot read");
        if (count == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > limit) return fail(base::Errc::TooLarge, "it is longer than " + std::to_string(limit) + " bytes");
    }
}

Result<std::string> read_text(int directory, const std::string& path, std::size_t limit) {
    const UniqueFd fd(::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return fail_errno(errno, "cannot open " + path);
    auto text = read_to_end(fd.get(), limit);
    if (!text) return base::Failure(base::with_context(std::move(text).error(), path));
    return text;
}

Result<std::vector<std::string>> list_names(int directory, const std::string& path) {
    UniqueFd fd(::openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return fail_errno(errno, "cannot open " + path);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), &::closedir);
    if (!stream) return fail_errno(errno, "cannot list " + path);
    (void)fd.release();  // the stream owns it now
    std::vector<std::string> names;
    while (true) {
        errno = 0;
        const auto* entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        const std::string name(static_cast<const char*>(entry->d_name));
        if (name != "." && name != "..") names.push_back(name);
    }
    if (errno != 0) return fail_errno(errno, "cannot list " + path);
    std::ranges::sort(names);
    return names;
}

}  // namespace varve::mount_client
