// SPDX-License-Identifier: LGPL-2.1-or-later
// What the driver keeps with an inode (extended attributes user.varve.*; docs/on-disk-formats.md). On a file system without them the marks
// are lost: times of change fall back to st_mtime, the prune grace to none, numbered names to the order of numbers, and `started` after
// a restart of the daemon to what the kernel says about writers.
#pragma once

#include "drivers/base/timestamp.h"
#include "drivers/kernel/boot_id.h"
#include "drivers/kernel/filesystem.h"

#include <cstdint>
#include <optional>
#include <string>

namespace varve::images {

// All for one open file. Setting succeeds where the file system has no attributes.
class Marks {
public:
    Marks(kernel::FileSystem& files, int file) : files_(&files), file_(file) {}

    // When the path that shows this state last changed state.
    [[nodiscard]] base::Result<std::optional<base::Timestamp>> changed() const { return time("changed"); }
    [[nodiscard]] base::Result<> set_changed(base::Timestamp time) { return set("changed", time); }

    // When an operation of the mount replaced this state, which is a revision.
    [[nodiscard]] base::Result<std::optional<base::Timestamp>> replaced() const { return time("replaced"); }
    [[nodiscard]] base::Result<> set_replaced(std::optional<base::Timestamp> time);

    // Whether this revision's name shows its number.
    [[nodiscard]] base::Result<bool> numbered() const;
    [[nodiscard]] base::Result<> set_numbered(bool numbered);

    // The boot in which the session was started.
    [[nodiscard]] base::Result<bool> started_in(const kernel::BootId& boot) const;
    [[nodiscard]] base::Result<> set_started_in(const kernel::BootId& boot);

    // ---- of the driver `file`
    // What tells this state from others; absent: the inode does.
    [[nodiscard]] base::Result<std::optional<std::uint64_t>> state() const { return number("state"); }
    [[nodiscard]] base::Result<> set_state(std::uint64_t state) { return set("state", std::to_string(state)); }
    // The time of the state that a COW file belongs to.
    [[nodiscard]] base::Result<std::optional<base::Timestamp>> modified() const { return time("modified"); }
    [[nodiscard]] base::Result<> set_modified(base::Timestamp time) { return set("modified", time); }
    // The number of the revision that a COW file has become.
    [[nodiscard]] base::Result<std::optional<std::uint64_t>> revision_number() const { return number("revision"); }
    [[nodiscard]] base::Result<> set_revision_number(std::uint64_t number) { return set("revision", std::to_string(number)); }

private:
    [[nodiscard]] base::Result<std::optional<std::uint64_t>> number(const char* key) const;
    [[nodiscard]] base::Result<std::optional<base::Timestamp>> time(const char* key) const;
    [[nodiscard]] base::Result<> set(const char* key, base::Timestamp time);
    [[nodiscard]] base::Result<> set(const char* key, const std::string& value);

    kernel::FileSystem* files_;
    int file_;
};

}  // namespace varve::images
