// SPDX-License-Identifier: LGPL-2.1-or-later
// What a sim pool would have on its disk.
#pragma once

#include "drivers/api/view.h"
#include "drivers/kernel/boot_id.h"
#include "drivers/sim/content.h"
#include "drivers/sim/sim.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace varve::sim {

// Contents of states never change: whatever would change one copies it first. So names may share them, and open descriptors stay right.
struct StoredState {
    api::StateId id;
    std::shared_ptr<Content> content;
    base::Timestamp modified;
    base::Timestamp changed;
};

struct StoredRevision {
    base::RevisionId id;
    std::uint64_t number = 0;
    StoredState state;
    std::optional<base::Timestamp> replaced;
};

struct StoredSession {
    std::shared_ptr<Content> content;
    kernel::BootId boot;
    base::Bytes size_at_start;
    std::optional<StoredState> base;
    std::optional<StoredState> layerless;  // revisions_to_keep = -1: the committed state that the guest is writing
};

struct StoredVolume {
    api::VolumeConfig config;
    std::optional<StoredState> committed;
    std::vector<StoredRevision> revisions;  // oldest state first
    std::optional<StoredSession> session;
};

struct StoredVm {
    api::Ownership ownership;
    base::Timestamp created;
    std::map<base::VolumeName, StoredVolume> volumes;
};

class Disk {
public:
    std::mutex mutex;  // held for every look and change
    std::map<base::VmName, StoredVm> vms;
    std::map<std::string, std::shared_ptr<Content>> images;  // private images by handle
    std::uint64_t next_number = 1;

    // NotFound, with a reason, when there is no such VM.
    [[nodiscard]] base::Result<StoredVm*> vm(const base::VmName& name);
    [[nodiscard]] StoredVolume* volume(const base::VolumePath& path);

    // All that the contents allocate; shared ones once.
    [[nodiscard]] base::Bytes used() const;
    // How many states (not sessions) show this content.
    [[nodiscard]] std::size_t users(const Content& content) const;
    [[nodiscard]] std::shared_ptr<Content> find(std::uint64_t number) const;

    template <class Visit>
    void each_state(Visit visit) const {
        for (const auto& [vm_name, vm] : vms)
            for (const auto& [name, volume] : vm.volumes) {
                if (volume.committed) visit(*volume.committed);
                for (const auto& revision : volume.revisions) visit(revision.state);
                if (volume.session && volume.session->base) visit(*volume.session->base);
            }
    }
};

[[nodiscard]] api::VolumeView view_of(const StoredVolume& volume, const kernel::BootId& boot);

}  // namespace varve::sim
