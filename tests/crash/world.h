// SPDX-License-Identifier: LGPL-2.1-or-later
// A file-reflink pool over a file system in memory, as one process sees it between its start and its death.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/file_reflink/file_reflink.h"
#include "tests/fakes/memory_filesystem.h"
#include "tests/fakes/stepping_clock.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace varve::crash_tests {

// What the file system below can do.
enum class Ground { Reflinks, Copies };  // Copies: neither FICLONE nor extended attributes

// The machine that a world runs on, between two boots: all that is left of a world when it ends.
struct Machine {
    fakes::Disk disk;
    base::Timestamp time;
    std::string boot;
};

class World {
public:
    // An empty pool's directory on a new file system. Not open yet.
    explicit World(Ground ground);
    World(Ground ground, const Machine& machine);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // What a daemon does when it starts: open, recover, load every VM.
    [[nodiscard]] base::Result<> start();
    // The machine as it is now, with everything on its disk.
    [[nodiscard]] Machine machine() const;

    [[nodiscard]] Ground ground() const { return ground_; }
    [[nodiscard]] fakes::MemoryFileSystem& files() { return *files_; }
    [[nodiscard]] const fakes::MemoryFileSystem& files() const { return *files_; }
    [[nodiscard]] fakes::SteppingClock& clock() { return clock_; }
    [[nodiscard]] const std::string& boot() const { return boot_.text; }
    [[nodiscard]] api::Pool& pool() { return *pool_; }

    // ---- what the engine does with the pool. Volumes are named "vm/volume".
    [[nodiscard]] base::Result<> create_vm(const std::string& vm);
    [[nodiscard]] base::Result<> execute(const std::string& volume, const api::Command& command);
    [[nodiscard]] base::Result<> start_volume(const std::string& volume);
    [[nodiscard]] base::Result<> stop_volume(const std::string& volume, api::Stop::Outcome outcome = api::Stop::Outcome::Commit);
    // Writes a transaction of `size` bytes that begins with `text`, and publishes it.
    [[nodiscard]] base::Result<> publish(const std::string& volume, std::string_view text,
                                         decltype(api::Publish::target) target = api::Publish::AsCommitted{}, std::size_t size = 8192);
    [[nodiscard]] base::Result<> rename_volume(const std::string& from, const std::string& to, const std::vector<std::string>& children);
    [[nodiscard]] base::Result<> rename_vm(const std::string& from, const std::string& to, const std::vector<std::string>& children);
    [[nodiscard]] base::Result<> prepare_start(const std::string& volume);
    // The guest writes to its disk. Its data is not synced.
    [[nodiscard]] base::Result<> guest_writes(const std::string& volume, std::string_view text);
    // After a failed command.
    [[nodiscard]] base::Result<> reload(const std::string& volume);
    [[nodiscard]] base::Result<> reload_all();

    [[nodiscard]] const api::VolumeView* view(const std::string& volume) const;
    [[nodiscard]] const std::map<std::string, api::VmView>& vms() const { return vms_; }
    // A descriptor of the image that the guest has, by the file's own name: also of a dirty session. NotFound when there is none.
    [[nodiscard]] base::Result<base::UniqueFd> open_session(const std::string& volume) const;

private:
    [[nodiscard]] base::Result<> open_pool();
    void remember(const base::VolumePath& volume, std::optional<api::VolumeView> view);

    Ground ground_;
    fakes::SteppingClock clock_;
    std::unique_ptr<fakes::MemoryFileSystem> files_;
    kernel::BootId boot_;
    api::StateIds ids_;
    std::shared_ptr<spdlog::logger> log_;
    std::unique_ptr<api::Pool> pool_;
    std::map<std::string, api::VmView> vms_;
};

[[nodiscard]] base::VolumePath volume_path(const std::string& text);

}  // namespace varve::crash_tests
