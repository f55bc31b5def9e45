// SPDX-License-Identifier: LGPL-2.1-or-later
// The control tree `.varve` (docs/control-tree.md): what is in it, what its files say, and what writing to them does. Knows nothing of FUSE.
#pragma once

#include "drivers/base/result.h"
#include "fs/activity/metrics.h"
#include "fs/activity/running.h"
#include "fs/engine/failures.h"
#include "fs/engine/open_pool.h"
#include "fs/engine/volumes.h"
#include "fs/engine/writes.h"

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace varve::control {

// What a reload did, in the names of the configuration.
struct Reloaded {
    struct Key {
        std::string pool;  // empty: a key above the pools
        std::string key;
    };
    std::vector<std::string> opened;  // pools
    std::vector<std::string> closed;
    std::vector<Key> changed;        // in force from now on
    std::vector<Key> needs_restart;  // the daemon goes on with what it was started with
};

// Pools at run time; main() knows how to open and keep them.
class PoolAdministration {
public:
    virtual ~PoolAdministration() = default;
    [[nodiscard]] virtual base::Result<> add(const std::vector<std::string>& words) = 0;  // NAME DRIVER KEY=VALUE...
    [[nodiscard]] virtual base::Result<> remove(const std::string& name) = 0;
    // A pool of the driver `file` becomes one of `file-reflink`, with all its states.
    [[nodiscard]] virtual base::Result<> convert(const std::string& name) = 0;
    [[nodiscard]] virtual base::Result<Reloaded> reload() = 0;
    // The pool on one of whose volumes this pool's file system lies.
    [[nodiscard]] virtual base::Result<std::optional<base::PoolName>> included_in(const engine::OpenPool& pool) const = 0;
};

// Whose `.varve` is meant: the root's (all empty), a pool's, a VM's, or a volume's folder in the VM's.
struct Place {
    std::shared_ptr<engine::OpenPool> pool;
    engine::VmPtr vm;
    std::optional<base::VolumeName> volume;
};

enum class EntryType {
    Value,          // read-only text
    OwnersValue,    // the same, for the pool's owner alone
    WritableValue,  // text that may be written
    Command,        // ctl
    Link,           // symbolic link (device)
    State,          // a volume's state as a file (base)
    Directory,      // a volume's folder
    Stream,         // events: grows, and is read as a file
};

struct Entry {
    std::string name;
    EntryType type;
};

struct Reply {
    std::string json;                  // one object and a newline
    std::optional<base::Error> error;  // what the write(2) fails with
};

// Thread-safe.
class ControlTree {
public:
    // What `version` says below the version: lines that each end in a newline.
    using About = std::function<std::string()>;

    // What was and is being done.
    struct Activity {
        const activity::RunningOperations& running;
        const activity::Metrics& metrics;
    };

    ControlTree(engine::Volumes& volumes, engine::Failures& failures, PoolAdministration& administration, Activity activity, About about)
        : volumes_(volumes), failures_(failures), administration_(administration), activity_(activity), about_(std::move(about)) {}

    // What exists now at a place (device and base only while started).
    [[nodiscard]] std::vector<Entry> entries(const Place& place) const;
    [[nodiscard]] std::optional<Entry> find(const Place& place, std::string_view name) const;

    // `user` sees only its own failures in `errors`; 0 sees all.
    [[nodiscard]] base::Result<std::string> read(const Place& place, std::string_view name, uid_t user) const;
    [[nodiscard]] base::Result<std::string> link(const Place& place, std::string_view name) const;
    [[nodiscard]] base::Result<> write(const Place& place, std::string_view name, std::string_view text);
    // Runs one command and waits for its outcome; while it waits for other operations it can be interrupted.
    [[nodiscard]] Reply command(const Place& place, std::string_view text, std::stop_token interrupted = {});

private:
    engine::Volumes& volumes_;
    engine::Failures& failures_;
    PoolAdministration& administration_;
    Activity activity_;
    About about_;
};

}  // namespace varve::control
