// SPDX-License-Identifier: LGPL-2.1-or-later
// One command of libdevmapper, and what it says when it fails. Only for libdevmapper.cpp.
#pragma once

#include "drivers/base/result.h"
#include "drivers/kernel/device_mapper.h"

#include <libdevmapper.h>

#include <memory>
#include <optional>
#include <string>

namespace varve::kernel {

// Sends libdevmapper's log to the failing task's error instead of standard error, and lets names be as they are. Both are settings of the
// process: whoever else uses libdevmapper in it gets them too. May be called again.
void set_up_libdevmapper();

// Not thread-safe, as libdevmapper is not: see LibDeviceMapper.
class DmTask {
public:
    // libdevmapper makes none, without an errno, when it cannot talk to the kernel: then run fails.
    explicit DmTask(int type) : task_(::dm_task_create(type)), prepared_(task_ != nullptr) {}

    DmTask& name(const DmName& name) { return set(::dm_task_set_name, name.str().c_str()); }
    DmTask& uuid(const DmUuid& uuid) { return set(::dm_task_set_uuid, uuid.str().c_str()); }
    DmTask& device(DeviceNumber device);
    DmTask& new_name(const DmName& name) { return set(::dm_task_set_newname, name.str().c_str()); }
    DmTask& table(const DmTable& table);
    DmTask& access(DmAccess access) { return access == DmAccess::ReadOnly ? set(::dm_task_set_ro) : *this; }
    // Buffers that held a key are wiped, by libdevmapper and the kernel.
    DmTask& secret() { return set(::dm_task_secure_data); }
    DmTask& without_flush() { return set(::dm_task_no_flush); }
    DmTask& without_filesystem_lock() { return set(::dm_task_skip_lockfs); }
    DmTask& when_unused() { return set(::dm_task_deferred_remove); }
    DmTask& message(base::SectorCount sector, const std::string& text);
    // For what udev answers to: udev's rules that would read the device's content, which a guest writes, are switched off.
    DmTask& udev(DmPending& pending);

    // `what` says in the error what could not be done.
    [[nodiscard]] base::Result<> run(const std::string& what);
    [[nodiscard]] dm_info info() const;
    // As in find: nullopt when there is no device.
    [[nodiscard]] std::optional<DmInfo> found() const;
    [[nodiscard]] ::dm_task* get() const { return task_.get(); }

private:
    template <class Setter, class... Values>
    DmTask& set(Setter setter, Values... values) {
        prepared_ = prepared_ && setter(task_.get(), values...) != 0;
        return *this;
    }
    struct Destroy {
        void operator()(::dm_task* task) const { ::dm_task_destroy(task); }
    };
    std::unique_ptr<::dm_task, Destroy> task_;
    bool prepared_;
};

}  // namespace varve::kernel
