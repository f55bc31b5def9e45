// SPDX-License-Identifier: LGPL-2.1-or-later
// What a user names: a pool, a VM's place in a pool, or one state of a volume.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/revision_name.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace varve::mount_client {

struct PoolReference {
    base::PoolName pool;
    friend bool operator==(const PoolReference&, const PoolReference&) = default;
    [[nodiscard]] std::string str() const { return pool.str(); }
};

struct VmReference {
    base::PoolName pool;
    base::VmName vm;
    friend bool operator==(const VmReference&, const VmReference&) = default;
    [[nodiscard]] std::string str() const { return pool.str() + "/" + vm.str(); }
};

// Without a revision: the committed state (`@current` reads as that).
struct StateReference {
    base::VolumeId volume;
    std::optional<base::RevisionId> revision;
    friend bool operator==(const StateReference&, const StateReference&) = default;
    [[nodiscard]] VmReference vm() const { return {volume.pool, volume.vm}; }
    [[nodiscard]] std::string str() const { return revision ? volume.str() + "@" + revision->str() : volume.str(); }
};

using Reference = std::variant<PoolReference, VmReference, StateReference>;

// What somebody gave for a reference, short enough for a message.
[[nodiscard]] std::string shown(std::string_view text);

[[nodiscard]] std::string to_string(const Reference& reference);

// POOL[/], POOL/VM[/], or POOL/VM/VOLUME[@REVISION]; InvalidName for anything else.
[[nodiscard]] base::Result<Reference> parse_reference(std::string_view text);

// Paths relative to the mount's root.
[[nodiscard]] std::string pool_directory(const base::PoolName& pool);                           // pools/P
[[nodiscard]] std::string vm_directory(const VmReference& vm);                                  // pools/P/VM
[[nodiscard]] std::string state_name(const StateReference& state);                              // root.img@label
[[nodiscard]] std::string state_path(const StateReference& state);                              // pools/P/VM/root.img@label
[[nodiscard]] std::string pool_control(const base::PoolName& pool, std::string_view file);      // pools/P/.varve/<file>
[[nodiscard]] std::string vm_control(const VmReference& vm, std::string_view file);             // pools/P/VM/.varve/<file>
[[nodiscard]] std::string volume_control(const base::VolumeId& volume, std::string_view file);  // pools/P/VM/.varve/<volume>/<file>
[[nodiscard]] std::string root_control(std::string_view file);                                  // .varve/<file>

}  // namespace varve::mount_client
