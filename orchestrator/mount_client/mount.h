// SPDX-License-Identifier: LGPL-2.1-or-later
// A mounted Varve file system, used through its paths alone.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "orchestrator/mount_client/files.h"
#include "orchestrator/mount_client/reply.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace varve::mount_client {

// Paths are relative to the mount's root. Errors of operations carry the reason that varvefs noted for this process, and strerror's where there
// is none. Not for several threads at once: the reason found may be another thread's.
class Mount {
public:
    // NotFound when the directory is not the root of a Varve file system.
    [[nodiscard]] static base::Result<Mount> open(const std::string& directory);

    // Absolute, without symbolic links.
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int directory() const { return root_.get(); }

    // A control file's value without its final newline; TooLarge beyond `limit` bytes.
    [[nodiscard]] base::Result<std::string> value(const std::string& file, std::size_t limit = largest_text) const;
    [[nodiscard]] base::Result<> set_value(const std::string& file, std::string_view value) const;
    [[nodiscard]] base::Result<std::vector<std::string>> list(const std::string& directory) const;
    [[nodiscard]] base::Result<std::string> link_target(const std::string& link) const;
    [[nodiscard]] base::Result<bool> exists(const std::string& file) const;  // a link counts, wherever it leads

    // Sends one command to a ctl file with one write(2) and reads the answer. A reply with `ok` false is a value, not an error; errors are
    // a ctl file that cannot be opened (`subject` names it in messages), and a refusal without a usable reply. Interrupted: a signal came first.
    [[nodiscard]] base::Result<Reply> command(const std::string& ctl, std::string_view subject, std::span<const std::string> words) const;

    [[nodiscard]] base::Result<base::UniqueFd> open_for_reading(const std::string& file) const;
    [[nodiscard]] base::Result<base::UniqueFd> create_new(
        const std::string& file) const;  // for reading and writing; Exists when it is there
    [[nodiscard]] base::Result<> link(const std::string& from, const std::string& to) const;
    [[nodiscard]] base::Result<> unlink(const std::string& file) const;
    [[nodiscard]] base::Result<> make_directory(const std::string& directory) const;
    [[nodiscard]] base::Result<> remove_directory(const std::string& directory) const;

    // Of VMs' directories.
    [[nodiscard]] base::Result<> copy_owner_and_mode(const std::string& from, const std::string& to) const;

    enum class Replace { No, Yes };
    [[nodiscard]] base::Result<> rename(const std::string& from, const std::string& to, Replace replace) const;

    // For an operation on a path that has just failed: the reason in `.varve/errors`, else `what` and the errno's text.
    [[nodiscard]] base::Error explain(std::string_view operation, int number, std::string what) const;

private:
    Mount(base::UniqueFd root, std::string path) : root_(std::move(root)), path_(std::move(path)) {}

    base::UniqueFd root_;
    std::string path_;
};

}  // namespace varve::mount_client
