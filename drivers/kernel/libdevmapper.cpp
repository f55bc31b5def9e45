// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/libdevmapper.h"

#include "drivers/kernel/dm_task.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace varve::kernel {
namespace {

using base::Errc;
using base::Result;

std::string device_words(const DmName& name) { return "the device '" + name.str() + "'"; }

bool errno_was(const base::Error& error, int number) {
    return error.cause.category() == std::generic_category() && error.cause.value() == number;
}

// The kernel says EBUSY for names and uuids that are taken (dm_hash_insert in dm-ioctl.c).
base::Failure taken_or(base::Error error, std::string why) {
    if (errno_was(error, EBUSY)) return base::fail(Errc::Exists, std::move(why));
    return base::Failure(std::move(error));
}

bool all_are_there(const DmTable& table) {
    return std::ranges::all_of(table.devices(),
                               [](DeviceNumber device) { return std::filesystem::exists("/sys/dev/block/" + device.str()); });
}

bool has_snapshot(const DmTable& table) {
    return std::ranges::any_of(table.targets(), [](const DmTarget& target) {
        return std::holds_alternative<SnapshotTarget>(target.kind) || std::holds_alternative<SnapshotMergeTarget>(target.kind);
    });
}

// What the kernel does not like in a table stands only in its log.
base::Failure refused_table(base::Error error, const DmTable& table) {
    // ENXIO is a missing device, or a COW device with a header of something else (read_header in dm-snap-persistent.c).
    if (error.code == Errc::NotFound && has_snapshot(table) && all_are_there(table))
        return base::fail(Errc::Corrupt, error.context + ": its COW device holds something else than a snapshot's changes");
    if (errno_was(error, EINVAL)) error.context += ": the kernel refuses its table, its log says why";
    if (error.code == Errc::Busy) error.context += ": a device of its table is in use";
    return base::Failure(std::move(error));
}

base::Failure no_such_device(const DmName& name) { return base::fail(Errc::NotFound, "there is no device '" + name.str() + "'"); }

// libdevmapper opens it without O_CLOEXEC, and programs that Varve runs (lvm warns of it) must not get it.
void close_control_on_exec() {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
        if (std::filesystem::read_symlink(entry.path(), failed) != "/dev/mapper/control") continue;
        const int fd = std::stoi(entry.path().filename());
        (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);  // best effort: it is only untidy
    }
}

Result<> check_node(const DmName& name, DeviceNumber device) {
    const auto path = DeviceMapper::node_path(name).string();
    const auto at = block_device_at(path);
    if (at && *at == device) return {};
    return base::fail(Errc::Io,
                      "there is no right node " + path + " for " + device_words(name) + ", neither from udev nor from libdevmapper");
}

}  // namespace

LibDeviceMapper::LibDeviceMapper(std::chrono::milliseconds udev_deadline) : udev_(udev_deadline) { set_up_libdevmapper(); }

Result<> LibDeviceMapper::open_control(const Lock& /*lock*/) const {
    if (control_open_) return {};
    TRY(DmTask(DM_DEVICE_VERSION).run("cannot use device-mapper"));
    close_control_on_exec();
    control_open_ = true;
    return {};
}

Result<bool> LibDeviceMapper::has_target(const std::string& type) const {
    const auto name = TRY(DmName::parse(type));
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_GET_TARGET_VERSION);  // Linux 5.4
    const auto asked = task.name(name).run("cannot ask for device-mapper's targets of type " + type);
    if (!asked && errno_was(asked.error(), EINVAL)) return false;  // get_target_version in dm-ioctl.c
    if (!asked) return base::Failure(asked.error());
    return true;
}

base::Failure LibDeviceMapper::undo_make(const DmName& name, DmPending& pending, base::Error error, const DmTable& table,
                                         const Lock& /*lock*/) {
    // Fails only when the device is gone already.
    (void)DmTask(DM_DEVICE_REMOVE).name(name).udev(pending).run("cannot remove " + device_words(name));
    return refused_table(std::move(error), table);
}

Result<DeviceNumber> LibDeviceMapper::make(const DmName& name, const DmUuid& uuid, const DmTable& table, DmAccess access,
                                           DmPending& pending, const Lock& lock) {
    const auto what = "cannot make " + device_words(name);
    DmTask create(DM_DEVICE_CREATE);
    if (auto made = create.name(name).uuid(uuid).access(access).run(what); !made)
        return taken_or(std::move(made).error(), what + ": a device has that name or the uuid '" + uuid.str() + "'");
    const auto info = create.info();
    if (auto loaded = DmTask(DM_DEVICE_RELOAD).name(name).table(table).access(access).run(what); !loaded)
        return undo_make(name, pending, std::move(loaded).error(), table, lock);
    if (auto resumed = DmTask(DM_DEVICE_RESUME).name(name).udev(pending).run(what); !resumed)
        return undo_make(name, pending, std::move(resumed).error(), table, lock);
    return DeviceNumber{info.major, info.minor};
}

Result<DeviceNumber> LibDeviceMapper::create(const DmName& name, const DmUuid& uuid, const DmTable& table, DmAccess access,
                                             DmPending* later) {
    DmPending own;
    DmPending& pending = later != nullptr ? *later : own;
    auto device = [&]() -> Result<DeviceNumber> {
        const Lock lock(mutex_);
        TRY(open_control(lock));
        return make(name, uuid, table, access, pending, lock);
    }();
    if (later != nullptr) return device;
    const auto settled = settle(own);
    if (!device) return device;
    auto usable = settled ? check_node(name, *device) : settled;
    if (usable) return device;
    (void)remove(name, nullptr);  // the error that counts is the first
    return base::Failure(std::move(usable).error());
}

Result<> LibDeviceMapper::load(const DmName& name, const DmTable& table, DmAccess access) {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    auto loaded =
        DmTask(DM_DEVICE_RELOAD).name(name).table(table).access(access).run("cannot give " + device_words(name) + " another table");
    if (!loaded) return refused_table(std::move(loaded).error(), table);
    return {};
}

Result<> LibDeviceMapper::clear(const DmName& name) {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    return DmTask(DM_DEVICE_CLEAR).name(name).run("cannot drop the inactive table of " + device_words(name));
}

Result<> LibDeviceMapper::suspend(const DmName& name, DmSuspend how) {
    {
        const Lock lock(mutex_);
        TRY(open_control(lock));
    }
    DmTask task(DM_DEVICE_SUSPEND);
    task.name(name);
    if (!how.lock_filesystem) task.without_filesystem_lock();
    if (!how.flush) task.without_flush();
    return task.run("cannot suspend " + device_words(name));
}

Result<> LibDeviceMapper::resume(const DmName& name) {
    DmPending pending;
    const auto resumed = [&]() -> Result<> {
        const Lock lock(mutex_);
        TRY(open_control(lock));
        return DmTask(DM_DEVICE_RESUME).name(name).udev(pending).run("cannot resume " + device_words(name));
    }();
    const auto settled = settle(pending);
    return resumed ? settled : resumed;
}

Result<> LibDeviceMapper::run_remove(const DmName& name, bool when_unused, DmPending& pending) {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_REMOVE);
    task.name(name).udev(pending);
    if (when_unused) task.when_unused();
    return task.run("cannot remove " + device_words(name));
}

Result<> LibDeviceMapper::remove(const DmName& name, DmPending* later) {
    DmPending own;
    const auto removed = run_remove(name, false, later != nullptr ? *later : own);
    const auto settled = settle(own);
    return removed ? settled : removed;
}

Result<> LibDeviceMapper::remove_when_unused(const DmName& name) {
    DmPending pending;
    const auto removed = run_remove(name, true, pending);
    const auto settled = settle(pending);
    if (!removed || !settled) return removed ? settled : removed;
    return give_node_back(name);
}

// Without udev libdevmapper takes the node away at once, also that of a device which is still in use.
Result<> LibDeviceMapper::give_node_back(const DmName& name) {
    const auto there = TRY(find(name));
    if (!there || check_node(name, there->device)) return {};
    const Lock lock(mutex_);
    TRY(DmTask(DM_DEVICE_MKNODES).name(name).run("cannot make the node of " + device_words(name)));
    ::dm_task_update_nodes();
    return {};
}

Result<> LibDeviceMapper::keep(const DmName& name) {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    // message_for_md in dm-ioctl.c; Linux 3.13.
    return DmTask(DM_DEVICE_TARGET_MSG).name(name).message({}, "@cancel_deferred_remove").run("cannot keep " + device_words(name));
}

Result<> LibDeviceMapper::rename(const DmName& from, const DmName& to) {
    DmPending pending;
    auto renamed = [&]() -> Result<> {
        const Lock lock(mutex_);
        TRY(open_control(lock));
        return DmTask(DM_DEVICE_RENAME).name(from).new_name(to).udev(pending).run("cannot rename " + device_words(from));
    }();
    auto settled = settle(pending);
    if (!renamed) return taken_or(std::move(renamed).error(), "cannot rename " + device_words(from) + ": '" + to.str() + "' is taken");
    return settled;
}

Result<> LibDeviceMapper::settle(DmPending& pending) {
    (void)udev_.wait(std::exchange(pending.cookie, 0));  // what it has not done is done here
    const Lock lock(mutex_);
    ::dm_task_update_nodes();
    return {};
}

Result<std::optional<DmInfo>> LibDeviceMapper::find(const DmName& name) const {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_INFO);
    TRY(task.name(name).run("cannot look for " + device_words(name)));
    return task.found();
}

Result<std::optional<DmInfo>> LibDeviceMapper::find(const DmUuid& uuid) const {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_INFO);
    TRY(task.uuid(uuid).run("cannot look for the device with the uuid '" + uuid.str() + "'"));
    return task.found();
}

Result<std::optional<DmInfo>> LibDeviceMapper::find(DeviceNumber device) const {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_INFO);
    TRY(task.device(device).run("cannot look for the device " + device.str()));
    return task.found();
}

Result<DmTable> LibDeviceMapper::table(const DmName& name) const {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_TABLE);
    TRY(task.name(name).secret().run("cannot read the table of " + device_words(name)));
    if (task.info().live_table == 0) return no_such_device(name);
    std::vector<DmTarget> targets;
    for (void* next = nullptr;;) {
        DmTarget target{{}, {}, ZeroTarget{}};
        char* type = nullptr;
        char* parameters = nullptr;
        next = ::dm_get_next_target(task.get(), next, &target.start.count, &target.length.count, &type, &parameters);
        if (type == nullptr) break;
        target.kind = TRY(parse_target(type, parameters != nullptr ? parameters : ""));
        targets.push_back(std::move(target));
        if (next == nullptr) break;
    }
    return DmTable::make(std::move(targets));
}

Result<std::vector<DmTargetStatus>> LibDeviceMapper::status(const DmName& name) const {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_STATUS);
    // Asking must not write: a thin pool would commit its metadata.
    TRY(task.name(name).without_flush().run("cannot read the status of " + device_words(name)));
    if (task.info().exists == 0) return no_such_device(name);
    std::vector<DmTargetStatus> targets;
    for (void* next = nullptr;;) {
        DmTargetStatus target;
        char* type = nullptr;
        char* text = nullptr;
        next = ::dm_get_next_target(task.get(), next, &target.start.count, &target.length.count, &type, &text);
        if (type == nullptr) break;
        target.type = type;
        target.text = text != nullptr ? text : "";
        targets.push_back(std::move(target));
        if (next == nullptr) break;
    }
    return targets;
}

Result<std::vector<DeviceNumber>> LibDeviceMapper::devices_below(const DmName& name) const {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_DEPS);
    TRY(task.name(name).run("cannot ask what " + device_words(name) + " stands on"));
    std::vector<DeviceNumber> devices;
    if (const auto* const found = ::dm_task_get_deps(task.get()); found != nullptr)
        for (std::uint32_t i = 0; i < found->count; ++i) devices.push_back(DeviceNumber::from(found->device[i]));
    return devices;
}

Result<std::vector<DmInfo>> LibDeviceMapper::list(std::string_view uuid_prefix) const {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask names(DM_DEVICE_LIST);
    TRY(names.run("cannot list the devices"));
    std::vector<DmInfo> devices;
    const auto* entry = ::dm_task_get_names(names.get());
    while (entry != nullptr && entry->dev != 0) {
        DmTask task(DM_DEVICE_INFO);
        TRY(task.device(DeviceNumber::from(entry->dev)).run("cannot look at a device"));
        // It may be gone again meanwhile.
        if (auto found = task.found(); found && found->uuid.starts_with(uuid_prefix)) devices.push_back(*std::move(found));
        entry = entry->next == 0 ? nullptr : reinterpret_cast<const dm_names*>(reinterpret_cast<const char*>(entry) + entry->next);
    }
    std::ranges::sort(devices, {}, &DmInfo::name);
    return devices;
}

Result<std::string> LibDeviceMapper::message(const DmName& name, base::SectorCount sector, const std::string& text) {
    const Lock lock(mutex_);
    TRY(open_control(lock));
    DmTask task(DM_DEVICE_TARGET_MSG);
    TRY(task.name(name).message(sector, text).run("cannot send '" + text + "' to " + device_words(name)));
    const auto* const answer = ::dm_task_get_message_response(task.get());
    return std::string(answer != nullptr ? answer : "");
}

}  // namespace varve::kernel
