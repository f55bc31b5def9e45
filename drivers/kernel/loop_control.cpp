// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/loop_control.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace varve::kernel {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

std::string loop_path(unsigned number) { return "/dev/loop" + std::to_string(number); }

Result<UniqueFd> open_loop(unsigned number, int flags) {
    const auto path = loop_path(number);
    UniqueFd device(::open(path.c_str(), flags | O_CLOEXEC));
    if (!device.valid()) return fail_errno(errno, "cannot open " + path);
    return device;
}

// nullopt when it is not attached.
Result<std::optional<LoopDevice>> look_at(int device) {
    loop_info64 info{};
    if (::ioctl(device, LOOP_GET_STATUS64, &info) != 0) {
        if (errno == ENXIO) return std::nullopt;
        return fail_errno(errno, "cannot ask a loop device what it is");
    }
    struct stat status {};
    if (::fstat(device, &status) != 0) return fail_errno(errno, "cannot look at a loop device");
    return LoopDevice{.number = info.lo_number,
                      .device = DeviceNumber::from(status.st_rdev),
                      .backing = {info.lo_device, info.lo_inode},
                      .offset = {info.lo_offset},
                      .size_limit = {info.lo_sizelimit},
                      .read_only = (info.lo_flags & LO_FLAGS_READ_ONLY) != 0,
                      .direct_io = (info.lo_flags & LO_FLAGS_DIRECT_IO) != 0,
                      .autoclear = (info.lo_flags & LO_FLAGS_AUTOCLEAR) != 0};
}

bool is_still(const std::optional<LoopDevice>& now, const LoopDevice& loop) { return now && now->backing == loop.backing; }

// The numbers of those that are attached: the kernel shows `loop/` only for them.
Result<std::vector<unsigned>> attached_numbers() {
    constexpr std::string_view prefix = "loop";
    std::vector<unsigned> numbers;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/block", failed)) {
        const auto name = entry.path().filename().string();
        unsigned number = 0;
        const auto* const end = name.data() + name.size();
        if (!name.starts_with(prefix) || std::from_chars(name.data() + prefix.size(), end, number).ptr != end) continue;
        if (::access((entry.path() / "loop").c_str(), F_OK) == 0) numbers.push_back(number);
    }
    if (failed) return fail_errno(failed.value(), "cannot list /sys/block");
    std::ranges::sort(numbers);
    return numbers;
}

Result<unsigned> free_number() {
    const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control.valid() && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
        return fail(Errc::Unsupported, "the kernel has no loop devices; load the module loop");
    if (!control.valid()) return fail_errno(errno, "cannot open /dev/loop-control");
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno(errno, "cannot get a free loop device");
    return static_cast<unsigned>(number);
}

loop_config configuration(int file, const LoopOptions& options) {
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file);
    config.info.lo_offset = options.offset.count;
    config.info.lo_sizelimit = options.size_limit.count;
    if (options.read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
    if (options.direct_io) config.info.lo_flags |= LO_FLAGS_DIRECT_IO;  // the kernel drops it where the file system cannot
    return config;
}

base::Failure cannot_attach(int number) {
    const std::string what = "cannot attach a file to a loop device";
    if (number == ENOTTY) return fail(Errc::Unsupported, what + ": it needs Linux 5.8 or newer");
    return fail_errno(number, what);
}

// Some file systems take direct I/O and then fail it; then the device does without.
Result<LoopDevice> with_direct_io_tried(int device) {
    const auto attached = TRY(look_at(device));
    if (!attached) return fail(Errc::NotFound, "a loop device was detached while it was being attached");
    std::array<char, base::sector_size> sector{};
    if (!attached->direct_io || ::pread(device, sector.data(), sector.size(), 0) >= 0) return *attached;
    if (::ioctl(device, LOOP_SET_DIRECT_IO, 0UL) != 0)
        return fail_errno(errno, "cannot do without direct I/O on " + attached->path().string());
    auto without = *attached;
    without.direct_io = false;
    return without;
}

// The kernel does not detach a device that others have open: it marks it to go with the last of them, and says success (loop_clr_fd).
Result<> take_back_autoclear(const LoopDevice& loop) {
    const auto device = TRY(open_loop(loop.number, O_RDONLY));
    loop_info64 info{};
    if (::ioctl(device.get(), LOOP_GET_STATUS64, &info) != 0) return {};  // gone after all
    info.lo_flags &= ~static_cast<std::uint32_t>(LO_FLAGS_AUTOCLEAR);
    if (::ioctl(device.get(), LOOP_SET_STATUS64, &info) != 0) return fail_errno(errno, "cannot keep " + loop.path().string() + " attached");
    return {};
}

struct OpenedLoop {
    LoopDevice loop;
    UniqueFd device;
};

Result<OpenedLoop> configure_free_loop(const loop_config& config) {
    constexpr int tries = 64;  // each one lost to somebody who was faster
    for (int i = 0; i < tries; ++i) {
        const auto number = TRY(free_number());
        auto device = TRY(open_loop(number, O_RDWR));
        if (::ioctl(device.get(), LOOP_CONFIGURE, &config) != 0) {
            if (errno == EBUSY) continue;
            return cannot_attach(errno);
        }
        const auto attached = with_direct_io_tried(device.get());
        if (attached) return OpenedLoop{*attached, std::move(device)};
        (void)::ioctl(device.get(), LOOP_CLR_FD);  // the error that counts is the first
        return base::Failure(attached.error());
    }
    return fail(Errc::Busy, "others took every free loop device first");
}

base::Failure nothing_attached(DeviceNumber device) {
    return fail(Errc::NotFound, "no file is attached to the loop device " + device.str());
}

// By the kernel's name of it: numbers and minors differ when loop devices have partitions.
Result<unsigned> loop_number(DeviceNumber device) {
    constexpr std::string_view prefix = "loop";
    std::error_code failed;
    const auto name = std::filesystem::read_symlink("/sys/dev/block/" + device.str(), failed).filename().string();
    if (failed) return nothing_attached(device);
    unsigned number = 0;
    const auto* const end = name.data() + name.size();
    if (!name.starts_with(prefix) || std::from_chars(name.data() + prefix.size(), end, number).ptr != end)
        return fail(Errc::InvalidArgument, "the device " + device.str() + " is no loop device but '" + name + "'");
    return number;
}

base::Failure in_use(const LoopDevice& loop) { return fail(Errc::Busy, loop.path().string() + " is in use"); }

Result<bool> is_gone(const LoopDevice& loop) {
    const auto device = open_loop(loop.number, O_RDONLY);
    if (!device) return device.error().code == Errc::NotFound || device.error().cause.value() == ENXIO;
    return !is_still(TRY(look_at(device->get())), loop);
}

}  // namespace

Result<LoopDevice> LoopControl::attach(int file, const LoopOptions& options) {
    return TRY(configure_free_loop(configuration(file, options))).loop;
}

Result<HeldLoop> LoopControl::attach_held(int file, const LoopOptions& options) {
    auto config = configuration(file, options);
    config.info.lo_flags |= LO_FLAGS_AUTOCLEAR;
    auto opened = TRY(configure_free_loop(config));
    return HeldLoop{opened.loop, std::make_shared<const UniqueFd>(std::move(opened.device))};
}

Result<HeldLoop> LoopControl::hold(DeviceNumber device) {
    UniqueFd opened = TRY(open_loop(TRY(loop_number(device)), O_RDONLY));
    const auto loop = TRY(look_at(opened.get()));
    if (!loop || loop->device != device) return nothing_attached(device);
    return HeldLoop{*loop, std::make_shared<const UniqueFd>(std::move(opened))};
}

Result<std::vector<LoopDevice>> LoopControl::list() const {
    std::vector<LoopDevice> all;
    for (const auto number : TRY(attached_numbers())) {
        const auto device = open_loop(number, O_RDONLY);
        if (!device && (device.error().code == Errc::NotFound || device.error().cause.value() == ENXIO)) continue;  // gone meanwhile
        if (!device) return base::Failure(device.error());
        if (const auto loop = TRY(look_at(device->get()))) all.push_back(*loop);
    }
    return all;
}

Result<> LoopControl::update_size(const LoopDevice& loop) {
    const auto device = TRY(open_loop(loop.number, O_RDONLY));
    if (!is_still(TRY(look_at(device.get())), loop))
        return fail(Errc::NotFound, loop.path().string() + " is no longer attached to that file");
    if (::ioctl(device.get(), LOOP_SET_CAPACITY) != 0) return fail_errno(errno, "cannot update the size of " + loop.path().string());
    return {};
}

Result<> LoopControl::detach(const LoopDevice& loop) {
    {
        // Exclusively, which fails while device-mapper or a mount has it.
        const auto device = open_loop(loop.number, O_RDONLY | O_EXCL);
        if (!device && device.error().code == Errc::Busy) return TRY(is_gone(loop)) ? Result<>{} : in_use(loop);
        if (!device && TRY(is_gone(loop))) return {};
        if (!device) return base::Failure(device.error());
        if (!is_still(TRY(look_at(device->get())), loop)) return {};
        if (::ioctl(device->get(), LOOP_CLR_FD) != 0 && errno != ENXIO) return fail_errno(errno, "cannot detach " + loop.path().string());
    }
    // Pauses are counted, not the time: who closes it gets nothing done either while the machine stands still.
    std::chrono::microseconds waited{0};
    for (std::chrono::microseconds pause{200}; !TRY(is_gone(loop)); pause = std::min(pause * 2, std::chrono::microseconds(20'000))) {
        if (waited >= patience_) {
            if (!loop.autoclear) TRY(take_back_autoclear(loop));
            return TRY(is_gone(loop)) ? Result<>{} : in_use(loop);
        }
        std::this_thread::sleep_for(pause);  // nothing tells when a device is closed
        waited += pause;
    }
    return {};
}

Result<LoopBacking> LoopControl::backing_of(int file) const {
    struct stat status {};
    if (::fstat(file, &status) != 0) return fail_errno(errno, "cannot look at a file for a loop device");
    return LoopBacking{status.st_dev, status.st_ino};
}

}  // namespace varve::kernel
