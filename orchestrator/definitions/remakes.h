// SPDX-License-Identifier: LGPL-2.1-or-later
// Renames and clones of VMs that are under way: of their places in the pools and of their definitions together. Noted before the first of these is
// changed, so that the next process can finish or undo what this one cannot.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace varve::definitions {

struct Remake {
    enum class What { Rename, Clone };
    What what = What::Rename;
    base::VmName from;
    base::VmName to;
    std::vector<base::PoolName> pools;  // whose places are changed, or may be: `to` had none there before
    friend bool operator==(const Remake&, const Remake&) = default;
};

// <directory>/<new name>.toml, one file each. Thread-safe; changes are durable when they return.
class Remakes {
public:
    // Corrupt when a file cannot be read: nobody knows then where volumes are.
    [[nodiscard]] static base::Result<std::unique_ptr<Remakes>> open(const std::filesystem::path& directory);

    // In place of what was noted for the same new name.
    [[nodiscard]] base::Result<> note(const Remake& remake);
    [[nodiscard]] base::Result<> forget(const Remake& remake);
    [[nodiscard]] std::vector<Remake> all() const;
    // The one that has this name at either end; of a clone only the new one, since what it is made of does not change.
    [[nodiscard]] std::optional<Remake> of(const base::VmName& vm) const;

private:
    explicit Remakes(std::filesystem::path directory) : directory_(std::move(directory)) {}
    [[nodiscard]] base::Result<> load();
    [[nodiscard]] std::filesystem::path file_of(const base::VmName& to) const { return directory_ / (to.str() + ".toml"); }

    const std::filesystem::path directory_;
    mutable std::mutex mutex_;
    std::map<base::VmName, Remake> remakes_;  // by the new name; under the mutex
};

}  // namespace varve::definitions
