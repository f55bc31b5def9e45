// SPDX-License-Identifier: LGPL-2.1-or-later
// A scratch file in a VM's directory that becomes a volume's new state by one rename.
#pragma once

#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

namespace varve::mount_client {

// Removes the file when it goes without having been installed. The mount must outlive it.
class ScratchFile {
public:
    [[nodiscard]] static base::Result<ScratchFile> create(const Mount& mount, const VmReference& vm);

    ScratchFile(ScratchFile&& other) noexcept;
    ScratchFile& operator=(ScratchFile&&) = delete;
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile();

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const std::string& path() const { return path_; }

    // Makes the content durable and gives it its name: one transaction of the state that has (or gets) that name.
    [[nodiscard]] base::Result<> install(const StateReference& state, Mount::Replace replace);
    // The two steps of that. The second may be tried again with another name.
    [[nodiscard]] base::Result<> complete();
    [[nodiscard]] base::Result<> give_name(const StateReference& state, Mount::Replace replace);

private:
    ScratchFile(const Mount& mount, base::UniqueFd fd, std::string path) : mount_(&mount), fd_(std::move(fd)), path_(std::move(path)) {}

    const Mount* mount_;
    base::UniqueFd fd_;
    std::string path_;  // empty when there is nothing to remove
};

// Removes those that a killed process has left in the directory, in which nobody else may be at work; varvefs would do so much later.
[[nodiscard]] base::Result<> remove_scratch_files(const Mount& mount, const VmReference& vm);

// Six random letters and digits.
[[nodiscard]] std::string random_suffix();

}  // namespace varve::mount_client
