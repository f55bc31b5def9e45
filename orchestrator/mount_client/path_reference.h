// SPDX-License-Identifier: LGPL-2.1-or-later
// References given as paths inside the mount, as a shell completes them.
#pragma once

#include "orchestrator/mount_client/reference.h"

#include <string>
#include <string_view>

namespace varve::mount_client {

// Turns what a user typed into a reference. Paths are those that start with '/', './' or '../', are '.' or '..', or that name a volume's file
// (`root.img`, `work/root.img@label`) while the working directory is inside the mount; everything else is POOL[/VM[/VOLUME[@REVISION]]].
// Symbolic links to directories, and those of `vms/`, are followed; a snapshot volume's own link is not.
class ReferenceResolver {
public:
    // Both absolute; `mount` without symbolic links.
    ReferenceResolver(std::string mount, std::string working_directory);

    // InvalidName when it is neither a legal reference nor a path of a pool, a VM or a state.
    [[nodiscard]] base::Result<Reference> resolve(std::string_view text) const;
    [[nodiscard]] const std::string& working_directory() const { return working_directory_; }

private:
    [[nodiscard]] bool is_path(std::string_view text) const;
    [[nodiscard]] base::Result<Reference> resolve_path(std::string_view text) const;

    std::string mount_;
    std::string working_directory_;
};

}  // namespace varve::mount_client
