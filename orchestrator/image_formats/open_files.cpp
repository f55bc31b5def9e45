// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/open_files.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace varve::image_formats {
namespace {

using base::Result;
using base::UniqueFd;

constexpr std::uint64_t reads = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t writes = LANDLOCK_ACCESS_FS_WRITE_FILE;
// What the first version knows, but running programs: there is nothing to run for who may open nothing.
constexpr std::uint64_t handled = reads | writes | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                  LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

Result<> allow(const UniqueFd& ruleset, int file, std::uint64_t access) {
    landlock_path_beneath_attr rule{};
    rule.allowed_access = access;
    rule.parent_fd = file;
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return base::fail_errno(errno, "cannot confine qemu-img to its files");
    return {};
}

// What is not there needs no rule.
Result<> allow_reading(const UniqueFd& ruleset, const std::filesystem::path& path) {
    const UniqueFd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!file.valid()) return {};
    return allow(ruleset, file.get(), reads);
}

}  // namespace

Result<UniqueFd> only_these_files(std::span<const HandedFile> files, const std::filesystem::path& program) {
    landlock_ruleset_attr attributes{};
    attributes.handled_access_fs = handled;
    UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
    if (!ruleset.valid() && (errno == ENOSYS || errno == EOPNOTSUPP)) return ruleset;
    if (!ruleset.valid()) return base::fail_errno(errno, "cannot confine qemu-img to its files");
    for (const auto& file : files) TRY(allow(ruleset, file.fd, file.writable ? reads | writes : reads));
    constexpr std::array<const char*, 5> libraries{"/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null"};
    for (const auto* path : libraries) TRY(allow_reading(ruleset, path));
    TRY(allow_reading(ruleset, program.parent_path()));
    return ruleset;
}

int bind_to(int ruleset) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (ruleset >= 0 && ::syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) return errno;
    return 0;
}

}  // namespace varve::image_formats
