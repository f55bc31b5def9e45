// SPDX-License-Identifier: LGPL-2.1-or-later
// What the life cycle needs of the volumes: a port, with the mount behind it.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"
#include "drivers/base/units.h"
#include "orchestrator/domain_xml/disk.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace varve::vm {

enum class VolumeState {
    Halted,
    Started,   // by whomever, in this boot
    Dirty,     // left by an earlier boot or a crash: a start continues it
    Writing,   // a program has it open for writing
    Removed,   // only revisions are left
    Degraded,  // what should be there is not; its `blockers` say why
};

struct VolumeFacts {
    VolumeState state = VolumeState::Halted;
    base::Bytes size;
    bool rw = true;                               // whether its VM may write
    bool kept = true;                             // whether a stop keeps what its VM wrote
    std::optional<std::filesystem::path> device;  // while it is started
};

// What a hypervisor attaches.
struct Attachable {
    std::filesystem::path path;
    domain_xml::SourceKind kind = domain_xml::SourceKind::File;
};

struct StopOutcome {
    bool committed = false;
    std::string revision;  // the state that was kept; empty when none was
};

// Thread-safe. Each call waits for its outcome. While the storage cannot be reached every call is an Io error, whatever is there.
class Storage {
public:
    Storage() = default;
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;
    virtual ~Storage() = default;

    [[nodiscard]] virtual base::Result<VolumeFacts> look(const base::VolumeId& volume) = 0;  // NotFound
    // What is odd about a VM's files in a pool, in sentences; nothing for a VM that is not there.
    [[nodiscard]] virtual base::Result<std::vector<std::string>> verify(const base::PoolName& pool, const base::VmName& vm) = 0;

    // Busy when it is started already.
    [[nodiscard]] virtual base::Result<Attachable> start(const base::VolumeId& volume) = 0;
    // Commits or discards, by kind. Nothing happens to a volume that is halted.
    [[nodiscard]] virtual base::Result<StopOutcome> stop(const base::VolumeId& volume) = 0;
    // What a running VM has written so far; it runs on. nullopt for a volume that does not run, or whose writes are never kept. Unsupported where
    // only a stop commits.
    [[nodiscard]] virtual base::Result<std::optional<StopOutcome>> commit(const base::VolumeId& volume) = 0;
    // Drops what was written since the start. Unsupported where nothing holds that apart. Nothing happens to a volume that is halted.
    [[nodiscard]] virtual base::Result<> discard(const base::VolumeId& volume) = 0;
    // Grows it, running or not.
    [[nodiscard]] virtual base::Result<> resize(const base::VolumeId& volume, base::Bytes size) = 0;

    // How a path of the host or of the mount is attached, which must exist: a file or a block device.
    [[nodiscard]] virtual base::Result<Attachable> attachable(const std::filesystem::path& path) = 0;
    // Whether the path is a volume's committed state or a revision; InvalidArgument for what else lies in the mount.
    [[nodiscard]] virtual base::Result<bool> is_state(const std::filesystem::path& path) = 0;

    [[nodiscard]] virtual base::Result<bool> has_vm(const base::PoolName& pool, const base::VmName& vm) = 0;
    // A VM's place in a pool. Each does nothing when there is none; `rename` also when only the new one is there.
    [[nodiscard]] virtual base::Result<> remove_vm(const base::PoolName& pool, const base::VmName& vm) = 0;
    [[nodiscard]] virtual base::Result<> rename_vm(const base::PoolName& pool, const base::VmName& vm, const base::VmName& to) = 0;
    [[nodiscard]] virtual base::Result<> clone_vm(const base::PoolName& pool, const base::VmName& vm, const base::VmName& to) = 0;
};

}  // namespace varve::vm
