// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine in memory with a file-reflink pool, whose volatile volumes can be ephemeral, and the process that has it open.
#pragma once

#include "drivers/ephemeral/ephemeral.h"
#include "tests/fakes/fake_block_access.h"
#include "tests/fakes/fake_device_mapper.h"
#include "tests/fakes/fake_keyring.h"
#include "tests/fakes/fake_loops.h"
#include "tests/fakes/memory_filesystem.h"
#include "tests/fakes/stepping_clock.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace varve::ephemeral_tests {

constexpr base::Bytes mib{1 << 20};
constexpr std::size_t more_than_any_command = 400;  // calls of the ports
inline const std::string identity = "0123456789abcdef";

[[nodiscard]] base::VolumePath path(const std::string& text);  // "vm/volume"
[[nodiscard]] api::VolumeConfig ephemeral_config(base::Bytes size = mib);

class World {
public:
    // With an open pool and a VM "work".
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // The next process on the same machine opens, recovers and loads the pool.
    void restart();
    // The same, but the next process dies at its first call, the one after it at its second, and so on until one comes to the end.
    void restart_dying_everywhere(fakes::Faults::Moment moment);
    // The same after the machine's next boot.
    void reboot();

    // ---- commands
    [[nodiscard]] base::Result<> execute(const std::string& volume, const api::Command& command);
    [[nodiscard]] base::Result<> start(const std::string& volume) { return execute(volume, api::Start{}); }
    [[nodiscard]] base::Result<> stop(const std::string& volume) { return execute(volume, api::Stop{}); }
    // What the engine does after a failed command.
    void reload(const std::string& volume);
    void make(const std::string& volume, base::Bytes size = mib);  // and its VM

    // ---- what is there
    [[nodiscard]] const api::VolumeView* view(const std::string& volume) const;
    [[nodiscard]] bool started(const std::string& volume) const;
    [[nodiscard]] base::Result<std::filesystem::path> device(const std::string& volume) const;
    [[nodiscard]] const fakes::FakeDmDevice* mapped(const std::string& name) const;
    [[nodiscard]] kernel::CryptTarget crypt(const std::string& name) const;
    // Everything of the kernel's that is there: names of devices, loop devices, keys; one a line.
    [[nodiscard]] std::string kernel_objects() const;
    [[nodiscard]] std::string log() const { return log_text_.str(); }
    [[nodiscard]] fakes::Faults& faults() { return files_->faults(); }
    [[nodiscard]] fakes::MemoryFileSystem& files() { return *files_; }
    [[nodiscard]] api::Pool& pool() { return *pool_; }
    [[nodiscard]] fakes::SteppingClock& clock() { return clock_; }
    [[nodiscard]] fakes::FakeBlockDevices& devices() { return devices_; }
    [[nodiscard]] fakes::FakeKeys& keys() { return keys_; }
    [[nodiscard]] fakes::FakeBlockAccess& blocks() { return *blocks_; }
    [[nodiscard]] kernel::DeviceMapper& mapper() { return *mapper_; }
    [[nodiscard]] kernel::DeviceNumber number_of(const std::string& name) const { return mapped(name)->number; }
    // Instead of the image: the driver gives a block device of this path.
    void give_block_device(const std::filesystem::path& device) { block_device_ = device; }

private:
    void make_ports();
    [[nodiscard]] base::Result<> open();
    [[nodiscard]] base::Result<> load();

    fakes::FakeBlockDevices devices_;
    fakes::FakeKeys keys_;
    fakes::SteppingClock clock_{{1'700'000'000, 0}};
    std::unique_ptr<fakes::MemoryFileSystem> files_;
    int boot_ = 1;
    std::optional<std::filesystem::path> block_device_;

    std::ostringstream log_text_;
    std::unique_ptr<spdlog::logger> log_;
    api::StateIds ids_;
    std::unique_ptr<fakes::FakeDeviceMapper> mapper_;
    std::unique_ptr<fakes::FakeLoops> loops_;
    std::unique_ptr<fakes::FakeKeyring> keyring_;
    std::unique_ptr<fakes::FakeBlockAccess> blocks_;
    std::unique_ptr<api::Pool> pool_;
    std::map<std::string, api::VmView> vms_;
};

inline const std::string swap = "work/volatile";
inline const std::string ready = "varve-" + identity + "-crypt-work-volatile";

template <class T>
[[nodiscard]] testing::AssertionResult succeeded(const base::Result<T>& result) {
    if (result) return testing::AssertionSuccess();
    return testing::AssertionFailure() << result.error().message();
}

}  // namespace varve::ephemeral_tests
