// SPDX-License-Identifier: LGPL-2.1-or-later
// Loop devices, as a port: the real one (loop_control.h), and in tests one that keeps them in memory (tests/fakes/fake_loops.h). Both pass
// tests/support/loops_contract.cpp.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"
#include "drivers/kernel/device_number.h"

#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace varve::kernel {

// The file behind a loop device, whatever its name: st_dev and st_ino of stat(2), also where those are made up (Btrfs).
struct LoopBacking {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend auto operator<=>(const LoopBacking&, const LoopBacking&) = default;
};

// An attached loop device as it was when somebody looked.
struct LoopDevice {
    unsigned number = 0;
    DeviceNumber device;
    LoopBacking backing;
    base::Bytes offset;
    base::Bytes size_limit;  // 0: to the end of the file
    bool read_only = false;
    bool direct_io = false;  // past the page cache of the file system below
    bool autoclear = false;  // goes with its last user: attach_held's, or somebody else's, as of mount(8)
    friend bool operator==(const LoopDevice&, const LoopDevice&) = default;

    [[nodiscard]] std::filesystem::path path() const { return "/dev/loop" + std::to_string(number); }
};

struct LoopOptions {
    bool read_only = false;
    bool direct_io = true;  // when the file can; LoopDevice::direct_io tells
    base::Bytes offset = {};
    base::Bytes size_limit = {};
};

// A loop device that does not go while `held` or a copy of it is there.
struct HeldLoop {
    LoopDevice loop;
    std::shared_ptr<const void> held;
};

// A loop device outlives the process, and the name of its file; it does not survive a reboot. Errors: Unsupported without the loop driver
// or before Linux 5.8, Denied without the right to use it. Thread-safe.
class Loops {
public:
    virtual ~Loops() = default;
    Loops() = default;
    Loops(const Loops&) = delete;
    Loops& operator=(const Loops&) = delete;

    // A new loop device over an open file (read-write, or read-only with the option). It stays until detach. Busy when others were faster too often.
    [[nodiscard]] virtual base::Result<LoopDevice> attach(int file, const LoopOptions& options) = 0;
    // The same, but it goes with its last user: whoever holds it or has it open, and device-mapper devices that stand on it. So nothing
    // is left of it when the process dies before a device stands on it.
    [[nodiscard]] virtual base::Result<HeldLoop> attach_held(int file, const LoopOptions& options) = 0;
    // One that is attached, by whomever. NotFound when it is not, or no longer; InvalidArgument for what is no loop device.
    [[nodiscard]] virtual base::Result<HeldLoop> hold(DeviceNumber device) = 0;
    // All that are attached, by number.
    [[nodiscard]] virtual base::Result<std::vector<LoopDevice>> list() const = 0;
    // Makes the device as large as its file is now. NotFound when it is no longer attached to that file.
    [[nodiscard]] virtual base::Result<> update_size(const LoopDevice& loop) = 0;
    // Success when it is no longer attached to that file. Busy while anybody has it open: it then stays as it was.
    [[nodiscard]] virtual base::Result<> detach(const LoopDevice& loop) = 0;
    // Which file an open descriptor is.
    [[nodiscard]] virtual base::Result<LoopBacking> backing_of(int file) const = 0;
};

// Those over that file, by number.
[[nodiscard]] base::Result<std::vector<LoopDevice>> loops_over(const Loops& loops, const LoopBacking& backing);

struct SharedLoop {
    LoopDevice loop;
    bool attached_now = false;
};
// The loop device over that file and part of it that is there already (and can be written, if so asked, and stays), else a new one.
// Two at once would make two: the caller holds a lock over the file.
[[nodiscard]] base::Result<SharedLoop> find_or_attach(Loops& loops, int file, const LoopOptions& options);

// Owns a loop device that was just attached, until release(): a step that fails later takes it away again.
class LoopGuard {
public:
    LoopGuard(Loops& loops, LoopDevice loop) : loops_(&loops), loop_(loop) {}
    ~LoopGuard() {
        if (loops_ != nullptr) (void)loops_->detach(loop_);  // what stays is found again by its file
    }
    LoopGuard(LoopGuard&& other) noexcept : loops_(std::exchange(other.loops_, nullptr)), loop_(other.loop_) {}
    LoopGuard& operator=(LoopGuard&&) = delete;
    LoopGuard(const LoopGuard&) = delete;
    LoopGuard& operator=(const LoopGuard&) = delete;

    [[nodiscard]] const LoopDevice& loop() const { return loop_; }
    void release() { loops_ = nullptr; }

private:
    Loops* loops_;  // nullptr: released
    LoopDevice loop_;
};

}  // namespace varve::kernel
