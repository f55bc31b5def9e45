// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_task.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

namespace varve::kernel {
namespace {

using base::Errc;
using base::Result;

// libdevmapper calls back without saying for which task, on the thread that runs it.
thread_local std::string* log_of_this_task = nullptr;

class LogOfTask {
public:
    explicit LogOfTask(std::string& lines) { log_of_this_task = &lines; }
    ~LogOfTask() { log_of_this_task = nullptr; }
    LogOfTask(const LogOfTask&) = delete;
    LogOfTask& operator=(const LogOfTask&) = delete;
};

extern "C" __attribute__((format(printf, 5, 6))) void collect_log(int level, const char* /*file*/, int /*line*/, int /*errno_or_class*/,
                                                                  const char* format, ...) {
    constexpr int level_mask = 7;  // libdm/misc/dm-logging.h: flags stand above
    constexpr int error_level = 3;
    if (log_of_this_task == nullptr || (level & level_mask) > error_level) return;
    std::array<char, 400> line{};
    va_list arguments;
    va_start(arguments, format);
    (void)std::vsnprintf(line.data(), line.size(), format, arguments);  // cut when longer
    va_end(arguments);
    if (!log_of_this_task->empty()) *log_of_this_task += "; ";
    *log_of_this_task += line.data();
}

// libdevmapper failed before it could ask the kernel.
base::Failure not_asked(const std::string& what, const std::string& log) {
    if (::access("/sys/class/misc/device-mapper", F_OK) != 0 && errno == ENOENT)
        return base::fail(Errc::Unsupported, what + ": the kernel has no device-mapper; load dm-mod");
    if (::geteuid() != 0) return base::fail(Errc::Denied, what + ": only root may use device-mapper");
    return base::fail(Errc::Io, what + ": " + (log.empty() ? "libdevmapper failed" : log));
}

Errc code_for(int number) {
    switch (number) {
        case ENXIO:
        case ENODEV: return Errc::NotFound;
        default: return base::error_from_errno(number, {}).code;
    }
}

}  // namespace

void set_up_libdevmapper() {
    ::dm_log_with_errno_init(collect_log);
    (void)::dm_set_name_mangling_mode(DM_STRING_MANGLING_NONE);  // fails only for a mode it does not know
}

DmTask& DmTask::device(DeviceNumber device) {
    set(::dm_task_set_major, static_cast<int>(device.major));
    return set(::dm_task_set_minor, static_cast<int>(device.minor));
}

DmTask& DmTask::table(const DmTable& table) {
    for (const auto& target : table.targets()) {
        const auto parameters = parameters_of(target.kind);
        set(::dm_task_add_target, target.start.count, target.length.count, type_of(target.kind).c_str(), parameters.c_str());
    }
    return secret();
}

DmTask& DmTask::message(base::SectorCount sector, const std::string& text) {
    set(::dm_task_set_sector, sector.count);
    return set(::dm_task_set_message, text.c_str());
}

DmTask& DmTask::udev(DmPending& pending) {
    constexpr std::uint16_t no_other_rules =
        DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG | DM_UDEV_DISABLE_OTHER_RULES_FLAG;
    return set(::dm_task_set_cookie, &pending.cookie, no_other_rules);
}

Result<> DmTask::run(const std::string& what) {
    std::string log;
    const LogOfTask collecting(log);
    if (prepared_ && ::dm_task_run(get()) != 0) return {};
    const int number = task_ ? ::dm_task_get_errno(get()) : 0;
    if (number == 0) return not_asked(what, log);
    return base::Failure(base::Error{code_for(number), std::error_code(number, std::generic_category()), what});
}

dm_info DmTask::info() const {
    dm_info info{};
    (void)::dm_task_get_info(get(), &info);  // fails only before run
    return info;
}

std::optional<DmInfo> DmTask::found() const {
    const auto info = this->info();
    if (info.exists == 0) return std::nullopt;
    const auto text = [](const char* said) { return std::string(said != nullptr ? said : ""); };
    return DmInfo{.name = text(::dm_task_get_name(get())),
                  .uuid = text(::dm_task_get_uuid(get())),
                  .device = {info.major, info.minor},
                  .suspended = info.suspended != 0,
                  .read_only = info.read_only != 0,
                  .live_table = info.live_table != 0,
                  .inactive_table = info.inactive_table != 0,
                  .removed_when_unused = info.deferred_remove != 0,
                  .open_count = static_cast<std::uint32_t>(info.open_count < 0 ? 0 : info.open_count),
                  .event_number = info.event_nr};
}

}  // namespace varve::kernel
