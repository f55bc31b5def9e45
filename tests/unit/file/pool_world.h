// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool of the driver file over a file system in memory and a kernel in memory, between two boots.
#pragma once

#include "drivers/file/file.h"
#include "tests/fakes/fake_device_mapper.h"
#include "tests/fakes/fake_loops.h"
#include "tests/fakes/memory_filesystem.h"
#include "tests/fakes/snapshot_data.h"
#include "tests/fakes/stepping_clock.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::file {

class PoolWorld {
public:
    enum class Marks { Yes, No };
    explicit PoolWorld(Marks marks = Marks::Yes);
    // The next boot of the machine that had this disk.
    PoolWorld(Marks marks, const fakes::Disk& disk, base::Timestamp time);
    ~PoolWorld();
    PoolWorld(const PoolWorld&) = delete;
    PoolWorld& operator=(const PoolWorld&) = delete;

    // What a daemon does when it starts; again for its restart in the same boot.
    [[nodiscard]] base::Result<> start();
    // Closes the pool, makes it what file-reflink keeps (convert.h), and leaves it closed.
    [[nodiscard]] base::Result<> convert();
    // start() with the driver file-reflink, as the registry does it: a directory that was not converted is refused.
    [[nodiscard]] base::Result<> start_reflink();
    [[nodiscard]] base::Result<> create_vm(const std::string& vm);

    // ---- commands. Volumes are named "vm/volume".
    [[nodiscard]] base::Result<> execute(const std::string& volume, const api::Command& command);
    [[nodiscard]] base::Result<> create(const std::string& volume, const api::Kind& kind, std::uint64_t bytes = 8192);
    [[nodiscard]] base::Result<> start_volume(const std::string& volume);
    [[nodiscard]] base::Result<> stop(const std::string& volume, api::Stop::Outcome outcome = api::Stop::Outcome::Commit,
                                      long long keep = 1);
    [[nodiscard]] base::Result<> publish(const std::string& volume, std::string_view text);
    [[nodiscard]] base::Result<> reload(const std::string& volume);
    // As the VM does, from the start of its disk. Its data is not synced.
    void guest_writes(const std::string& volume, std::string_view text);

    // ---- what is there
    [[nodiscard]] const api::VolumeView* view(const std::string& volume) const;
    // The first bytes up to the first zero; what went wrong in words otherwise.
    [[nodiscard]] std::string read(const std::string& volume, const api::StateRef& state = api::CommittedState{}) const;
    [[nodiscard]] std::string read_guest(const std::string& volume) const;
    // The texts of committed state, revisions and session. Of a dirty session: of the image as it is.
    [[nodiscard]] std::vector<std::string> all_texts(const std::string& volume) const;
    [[nodiscard]] std::vector<std::string> names(const std::string& vm) const;
    [[nodiscard]] base::UniqueFd file(const std::string& below) const { return files->open_beside(below).value(); }
    [[nodiscard]] fakes::Disk disk() const;

    Marks marks;
    fakes::SteppingClock clock;
    std::unique_ptr<fakes::MemoryFileSystem> files;
    fakes::FakeBlockDevices devices;
    std::unique_ptr<fakes::FakeDeviceMapper> mapper;
    std::unique_ptr<fakes::FakeLoops> loops;
    std::unique_ptr<api::Pool> pool;

private:
    void make_ports();
    [[nodiscard]] Kernel kernel();
    [[nodiscard]] base::Result<> take(std::unique_ptr<api::Pool> opened);
    [[nodiscard]] std::string device_of(const std::string& volume) const;

    api::StateIds ids_;
    std::shared_ptr<spdlog::logger> log_;
    std::map<std::string, std::map<std::string, api::VolumeView>> vms_;
};

[[nodiscard]] base::VolumePath path_of(const std::string& volume);
[[nodiscard]] std::string explain(const base::Result<>& result);

}  // namespace varve::file
