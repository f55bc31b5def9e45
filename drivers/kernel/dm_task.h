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
    explicit DmTask(int type) : task_(::dm_task_create(type)) { note(task_ != nullptr); }

    DmTask& name(const DmName& name) { return note(::dm_task_set_name(get(), name.str().c_str())); }
    DmTask& uuid(const DmUuid& uuid) { return note(::dm_task_set_uuid(get(), uuid.str().c_str())); }
    DmTask& device(DeviceNumber device);
    DmTask& new_name(const DmName& name) { return note(::dm_task_set_newname(get(), name.str().c_str())); }
    DmTask& table(const DmTable& table);
    DmTask& access(DmAccess access) { return access == DmAccess::ReadOnly ? note(::dm_task_set_ro(get())) : *this; }
    // Buffers that held a key are wiped, by libdevmapper and the kernel.
    DmTask& secret() { return note(::dm_task_secure_data(get())); }
    DmTask& without_flush() { return note(::dm_task_no_flush(get())); }
    DmTask& without_filesystem_lock() { return note(::dm_task_skip_lockfs(get())); }
    DmTask& when_unused() { return note(::dm_task_deferred_remove(get())); }
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
    DmTask& note(int success) {
        prepared_ = prepared_ && success != 0;
        return *this;
    }
    struct Destroy {
        void operator()(::dm_task* task) const { ::dm_task_destroy(task); }
    };
    std::unique_ptr<::dm_task, Destroy> task_;
    bool prepared_ = true;
};

}  // namespace varve::kernel
