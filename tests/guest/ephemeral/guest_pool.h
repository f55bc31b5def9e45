// SPDX-License-Identifier: LGPL-2.1-or-later
// A file-reflink pool on an XFS of its own, opened as varvefs opens it, with one ephemeral volume.
#pragma once

#include "drivers/ephemeral/ephemeral.h"
#include "drivers/kernel/kernel_keyring.h"
#include "drivers/kernel/libdevmapper.h"
#include "drivers/kernel/loop_control.h"
#include "drivers/kernel/posix_block_access.h"
#include "drivers/kernel/posix_filesystem.h"
#include "tests/support/loop_filesystem.h"

#include <gtest/gtest.h>

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace spdlog {
class logger;
}

namespace varve::ephemeral_guest_test {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

template <class T>
[[nodiscard]] testing::AssertionResult succeeded(const base::Result<T>& result) {
    if (result) return testing::AssertionSuccess();
    return testing::AssertionFailure() << result.error().message();
}

// The ports, one of which a test may replace.
struct Ports {
    kernel::LibDeviceMapper mapper;
    kernel::LoopControl loops;
    kernel::KernelKeyring own_keyring;
    kernel::PosixBlockAccess own_blocks;
    kernel::Keyring* keyring = &own_keyring;
    kernel::BlockAccess* blocks = &own_blocks;
};

// One process's view of the pool in that directory.
class Process {
public:
    Process(const std::filesystem::path& directory, Ports& ports);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // Whether the pool has the volume; makes it otherwise.
    void need_volume(base::Bytes size);
    [[nodiscard]] base::Result<> execute(const api::Command& command);
    [[nodiscard]] base::Result<> start() { return execute(api::Start{}); }
    [[nodiscard]] base::Result<> stop() { return execute(api::Stop{}); }
    [[nodiscard]] bool started() const;
    [[nodiscard]] const api::VolumeView& view() const { return *view_; }
    [[nodiscard]] base::Result<std::filesystem::path> device() const { return pool_->device(volume(), *view_); }
    [[nodiscard]] static base::VolumePath volume();

private:
    kernel::PosixFileSystem files_;
    api::StateIds ids_;
    base::SystemClock clock_;
    std::shared_ptr<spdlog::logger> log_;
    std::unique_ptr<api::Pool> pool_;
    std::optional<api::VolumeView> view_;
};

class Ephemeral : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    [[nodiscard]] std::unique_ptr<Process> process() { return std::make_unique<Process>(directory_, ports_); }
    // A process that does this, and is killed when it returns; how it ended.
    [[nodiscard]] int killed_after(const std::function<void(Process&)>& work);
    [[nodiscard]] std::filesystem::path image() const { return directory_ / "appvms/work/volatile-dirty.img"; }
    // Names of the pool's device-mapper devices.
    [[nodiscard]] std::vector<std::string> devices() const;
    // Loop devices that are there since the test began.
    [[nodiscard]] std::vector<kernel::LoopDevice> new_loops() const;
    // Whether the kernel has the volume's key.
    [[nodiscard]] bool key_there();
    // No device, no loop device, no key.
    void expect_nothing_left();
    [[nodiscard]] const std::string& ready() const { return ready_; }

    Ports ports_;
    std::filesystem::path directory_;

private:
    [[nodiscard]] std::string key_name() const { return "varve:" + kernel::pool_uuid_prefix(identity_) + "crypt-work-volatile"; }

    std::vector<kernel::LoopDevice> loops_before_;
    std::string identity_;
    std::string ready_;
};

// Past the page cache; whole blocks of 4 KiB of one letter.
void write_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length, char letter);
// What the device has there, past the page cache.
[[nodiscard]] std::string read_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length);
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
[[nodiscard]] std::uint64_t allocated(const std::filesystem::path& path);
[[nodiscard]] std::uint64_t size_of(const std::filesystem::path& device);

}  // namespace varve::ephemeral_guest_test
