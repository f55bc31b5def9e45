// SPDX-License-Identifier: LGPL-2.1-or-later
// Names to nodes: what stands under which name now.
#pragma once

#include "fs/control/control_tree.h"
#include "fs/engine/catalogue.h"
#include "fs/engine/writes.h"
#include "fs/fuse/node.h"

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace varve::fuse {

struct Found {
    Node node;
    bool cacheable;  // false: the same name may show somebody else something else, or something else at any time
};

struct Listed {
    std::string name;
    mode_t type;           // S_IFREG, ...
    std::uint64_t number;  // st_ino
};

// Thread-safe.
class Tree {
public:
    Tree(engine::Catalogue& catalogue, engine::Writes& writes, control::ControlTree& control)
        : catalogue_(catalogue), writes_(writes), control_(control) {}

    // `thread` is who asks: one that has announced a write is shown its transaction. NotFound, also for names that could never exist.
    [[nodiscard]] base::Result<Found> look_up(const Node& parent, std::string_view name, pid_t thread) const;
    // Everything that is not hidden. NotFound for a node that is no directory.
    [[nodiscard]] base::Result<std::vector<Listed>> list(const Node& directory) const;

private:
    [[nodiscard]] base::Result<Found> in_vm(const engine::VmPtr& vm, std::string_view name, pid_t thread) const;
    [[nodiscard]] static base::Result<Found> plain_file(const engine::VmPtr& vm, std::string_view name);
    [[nodiscard]] base::Result<Found> volume_file(const engine::VolumeRef& volume, const std::string& file, pid_t thread) const;
    [[nodiscard]] base::Result<Found> in_control(const control::Place& place, std::string_view name) const;
    [[nodiscard]] base::Result<Found> in_vms(const base::VmName& vm, std::string_view name) const;
    [[nodiscard]] std::vector<VmsLink> links_of(const base::VmName& vm) const;

    engine::Catalogue& catalogue_;
    engine::Writes& writes_;
    control::ControlTree& control_;
};

}  // namespace varve::fuse
