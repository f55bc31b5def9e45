// SPDX-License-Identifier: LGPL-2.1-or-later
// A volume of a mounted Varve, used as a person or a hypervisor's script does. Between the steps its next start is prepared.
#pragma once

#include "tests/benchmarks/steps.h"

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

namespace varve::benchmarks {

class MountedVolume {
public:
    // `mounted`: the VM's directory in the mount; `backing`: where the driver keeps it.
    MountedVolume(std::filesystem::path mounted, std::filesystem::path backing)
        : mounted_(std::move(mounted)), backing_(std::move(backing)) {}

    [[nodiscard]] Steps start_ready();              // .varve/root/ctl
    [[nodiscard]] Steps start_cloning();            // the same, the precache having gone
    [[nodiscard]] Steps stop();                     // .varve/root/ctl, with commit
    [[nodiscard]] Steps revert();                   // .varve/root/ctl, to the oldest revision
    [[nodiscard]] Steps snapshot();                 // ln root.img root.img@label
    [[nodiscard]] Steps clone();                    // copy_file_range to a scratch file
    [[nodiscard]] Steps commit(std::size_t bytes);  // open, overwrite in place, close

private:
    [[nodiscard]] std::filesystem::path image() const { return mounted_ / "root.img"; }
    [[nodiscard]] std::filesystem::path precache() const { return backing_ / "root-precache.img"; }
    [[nodiscard]] base::Result<> command(const std::string& command) const;
    [[nodiscard]] base::Result<> make_ready() const;
    [[nodiscard]] base::Result<> settle() const;
    [[nodiscard]] base::Result<> clone_image() const;
    [[nodiscard]] base::Result<> overwrite_file(const std::filesystem::path& path, std::size_t bytes) const;
    [[nodiscard]] std::set<std::string> revisions() const;
    [[nodiscard]] base::Result<> remove_new_revisions() const;
    [[nodiscard]] base::Result<> find_oldest_revision();

    std::filesystem::path mounted_;
    std::filesystem::path backing_;
    std::set<std::string> revisions_before_;
    std::string oldest_;
};

}  // namespace varve::benchmarks
