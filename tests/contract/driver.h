// SPDX-License-Identifier: LGPL-2.1-or-later
// What the contract suite needs of each driver under test.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/kernel/boot_id.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

namespace varve::contract {

// One fresh, empty place for a pool; what is in it goes with the object.
class Place {
public:
    virtual ~Place() = default;
    Place() = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // Opens the pool in this place, again after an earlier one was closed. One at a time.
    [[nodiscard]] virtual base::Result<std::unique_ptr<api::Pool>> open(api::StateIds& ids, const base::Clock& clock,
                                                                        const kernel::BootId& boot,
                                                                        api::RevisionsToKeep revisions_to_keep) = 0;
    // The machine starts again, while the pool is closed: what the kernel had made for it is gone.
    virtual void reboot() {}
    // The directory that holds this VM's files, for drivers that have one.
    [[nodiscard]] virtual std::optional<std::filesystem::path> directory(const base::VmName& vm) const = 0;
};

struct Driver {
    std::string name;
    std::function<base::Result<std::unique_ptr<Place>>()> make_place;
};

inline void PrintTo(const Driver& driver, std::ostream* out) { *out << driver.name; }

}  // namespace varve::contract
