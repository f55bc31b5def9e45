// SPDX-License-Identifier: LGPL-2.1-or-later
// A volume of a mounted Varve, used as a person or a hypervisor's script does.
#pragma once

#include "tests/benchmarks/steps.h"

#include <cstddef>
#include <filesystem>

namespace varve::benchmarks {

class MountedVolume {
public:
    // `mounted`: the VM's directory in the mount; `backing`: where the driver keeps it.
    MountedVolume(std::filesystem::path mounted, std::filesystem::path backing)
        : mounted_(std::move(mounted)), backing_(std::move(backing)) {}

    [[nodiscard]] Steps start();                    // .varve/root/ctl, when the precache is ready
    [[nodiscard]] Steps stop();                     // .varve/root/ctl, with commit
    [[nodiscard]] Steps commit(std::size_t bytes);  // open, overwrite in place, close
    [[nodiscard]] std::filesystem::path image() const { return mounted_ / "root.img"; }

private:
    [[nodiscard]] std::filesystem::path precache() const { return backing_ / "root-precache.img"; }
    [[nodiscard]] base::Result<> command(const char* command) const;
    [[nodiscard]] base::Result<> make_ready() const;
    [[nodiscard]] base::Result<> overwrite_file(const std::filesystem::path& path, std::size_t bytes) const;
    [[nodiscard]] base::Result<> remove_revisions() const;

    std::filesystem::path mounted_;
    std::filesystem::path backing_;
};

}  // namespace varve::benchmarks
