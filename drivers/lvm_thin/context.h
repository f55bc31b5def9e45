// SPDX-License-Identifier: LGPL-2.1-or-later
// What the commands of one pool work with.
#pragma once

#include "drivers/lvm_thin/catalog.h"
#include "drivers/lvm_thin/lvm_thin.h"
#include "drivers/lvm_thin/thin_image.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace varve::lvm_thin {

struct Context {
    Context(const Settings& own, std::unique_ptr<Lvm> port, api::StateIds& state_ids, const base::Clock& own_clock, spdlog::logger& own_log,
            kernel::BootId own_boot)
        : settings(own),
          lvm(std::move(port)),
          ids(state_ids),
          clock(own_clock),
          log(own_log),
          boot(std::move(own_boot)),
          catalog(*lvm, {own.volume_group, own.thin_pool}, own_clock, own_log, own.name.str()) {}

    Settings settings;
    std::unique_ptr<Lvm> lvm;
    api::StateIds& ids;
    const base::Clock& clock;
    spdlog::logger& log;
    kernel::BootId boot;
    Catalog catalog;

    // The outermost: held by every call that changes something, so that LVM commands and the catalogue stay together. LVM itself works on one
    // command at a time.
    std::mutex commands;
    // Innermost; over the maps below.
    mutable std::mutex memory;
    std::map<LvUuid, api::StateId> state_ids;
    std::map<LvUuid, api::StateId> base_ids;       // by the session's LV
    std::map<LvUuid, std::uint64_t> committed_at;  // how many writes a session had when it was committed last
    std::map<std::string, LvUuid> images;          // private images by their handles
};

[[nodiscard]] api::Identity identity_of(const LvUuid& lv);

// The volume as it is now. nullopt when there is none.
[[nodiscard]] std::optional<api::VolumeView> view_of(Context& pool, const RecordId& volume);

// The LV that shows a state of the view. NotFound when it is another one by now.
[[nodiscard]] base::Result<LvUuid> find_state(const Context& pool, const base::VolumePath& volume, const api::VolumeView& view,
                                              const api::StateRef& state);
// Active, and open for reading.
[[nodiscard]] base::Result<base::UniqueFd> open_lv(Context& pool, const LvUuid& lv, Lvm::Access access);

// Runs a command that the rules have let pass; the command lock is held.
[[nodiscard]] base::Result<> run(Context& pool, const base::VolumePath& volume, const api::Command& command);

}  // namespace varve::lvm_thin
