// SPDX-License-Identifier: LGPL-2.1-or-later
// What a kernel inode stands for. One node for each state, never one for a path: the path moves on to another node when its state changes.
#pragma once

#include "drivers/api/view.h"
#include "fs/control/control_tree.h"
#include "fs/engine/open_pool.h"
#include "fs/engine/scratch_file.h"
#include "fs/engine/transaction.h"
#include "fs/engine/volumes.h"

#include <memory>
#include <string>
#include <variant>

namespace varve::fuse {

struct RootDir {};
struct PoolsDir {};
struct PoolDir {
    std::shared_ptr<engine::OpenPool> pool;
};
struct VmDir {
    engine::VmPtr vm;
};

struct VmsDir {};  // vms/
struct VmsVmDir {
    base::VmName vm;
};  // vms/work/
struct VmsLink {
    base::VmName vm;
    base::VolumeName volume;
    std::string target;
};  // vms/work/root.img -> ../../pools/fast/work/root.img

// A state of a volume, committed or a revision. `state` is what it was when it was last looked up: for whoever still has it open when it is gone.
struct StateFile {
    engine::VolumeRef volume;
    api::State state;
};
struct CurrentFile {
    engine::VolumeRef volume;
    api::State state;
};  // root.img@current
struct BaseFile {
    engine::VolumeRef volume;
    api::State state;
};  // .varve/root/base
struct SourceLink {
    engine::VolumeRef volume;
};  // a snapshot volume
struct EmptyFile {
    engine::VolumeRef volume;
};  // a volatile volume
struct LayerlessFile {
    engine::VolumeRef volume;
};  // running with revisions_to_keep = -1: the guest writes it

struct TransactionFile {
    std::shared_ptr<engine::Transaction> transaction;
};
struct Scratch {
    engine::VmPtr vm;
    std::string name;
    std::shared_ptr<engine::ScratchFile> file;
};

struct ControlDir {
    control::Place place;
};
struct ControlFile {
    control::Place place;
    control::Entry entry;
};

using Node = std::variant<RootDir, PoolsDir, PoolDir, VmDir, VmsDir, VmsVmDir, VmsLink, StateFile, CurrentFile, BaseFile, SourceLink,
                          EmptyFile, LayerlessFile, TransactionFile, Scratch, ControlDir, ControlFile>;

// Where the node is found now, relative to the mountpoint: "pools/fast/work/root.img". For messages and inode numbers.
[[nodiscard]] std::string path_of(const Node& node);

// Whether `state` is (still) shown by the volume, and as which revision (nullptr: as the committed state).
struct Shown {
    engine::VolumeView view;
    const api::Revision* revision = nullptr;  // within view
    [[nodiscard]] const api::State& state() const { return revision != nullptr ? revision->state : *view->committed; }
};
[[nodiscard]] std::optional<Shown> find_shown(const engine::VolumeRef& volume, const api::State& state);

}  // namespace varve::fuse
