// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/boot_id.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace varve::kernel {

base::Result<BootId> read_boot_id() {
    constexpr const char* path = "/proc/sys/kernel/random/boot_id";
    const base::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return base::fail_errno(errno, std::string("cannot open ") + path);
    constexpr std::size_t length = 36;
    std::array<char, 64> text{};
    const auto count = ::read(file.get(), text.data(), text.size());
    if (count < 0) return base::fail_errno(errno, std::string("cannot read ") + path);
    if (static_cast<std::size_t>(count) < length) return base::fail(base::Errc::Io, std::string(path) + " does not hold a boot id");
    return BootId{std::string(text.data(), length)};
}

}  // namespace varve::kernel
