// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/call_filter.h"

#include "drivers/base/unique_fd.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace varve::image_formats {
namespace {

using base::fail_errno;
using base::Result;
using base::UniqueFd;

constexpr auto what = "cannot make the filter of system calls";
// Of Linux 5.12, 5.14, 5.15 and 6.6, the same for all architectures; not every libseccomp knows them.
constexpr int mount_setattr = 442;
constexpr int quotactl_fd = 443;
constexpr int process_mrelease = 448;
constexpr int fchmodat2 = 452;

constexpr std::array denied{
    // sockets; a handed one there is never
    SCMP_SYS(socket),
    // other processes
    SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(pidfd_getfd), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
    process_mrelease, SCMP_SYS(kcmp), SCMP_SYS(setpriority), SCMP_SYS(ioprio_set), SCMP_SYS(migrate_pages), SCMP_SYS(move_pages),
    SCMP_SYS(sched_setattr), SCMP_SYS(sched_setparam), SCMP_SYS(sched_setscheduler),
    // what processes share
    SCMP_SYS(shmget), SCMP_SYS(shmat), SCMP_SYS(shmctl), SCMP_SYS(msgget), SCMP_SYS(msgsnd), SCMP_SYS(msgrcv), SCMP_SYS(msgctl),
    SCMP_SYS(semget), SCMP_SYS(semop), SCMP_SYS(semtimedop), SCMP_SYS(semctl), SCMP_SYS(mq_open), SCMP_SYS(mq_unlink),
    // what Landlock leaves of files
    SCMP_SYS(truncate), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), fchmodat2, SCMP_SYS(chown), SCMP_SYS(lchown),
    SCMP_SYS(fchown), SCMP_SYS(fchownat), SCMP_SYS(setxattr), SCMP_SYS(lsetxattr), SCMP_SYS(fsetxattr), SCMP_SYS(removexattr),
    SCMP_SYS(lremovexattr), SCMP_SYS(fremovexattr), SCMP_SYS(utime), SCMP_SYS(utimes), SCMP_SYS(futimesat), SCMP_SYS(utimensat),
    SCMP_SYS(fanotify_init), SCMP_SYS(fanotify_mark), SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at),
    // the machine
    SCMP_SYS(mount), SCMP_SYS(umount2), mount_setattr, SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fspick),
    SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(keyctl),
    SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct), SCMP_SYS(quotactl), quotactl_fd,
    SCMP_SYS(syslog), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime), SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(userfaultfd),
    // its calls pass no filter
    SCMP_SYS(io_uring_setup)};

struct Release {
    void operator()(void* context) const { ::seccomp_release(context); }
};

// libseccomp gives its program to a file only.
Result<CallFilter> exported(scmp_filter_ctx context) {
    const UniqueFd file(::memfd_create("call-filter", MFD_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, what);
    if (const int failed = ::seccomp_export_bpf(context, file.get()); failed != 0) return fail_errno(-failed, what);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return fail_errno(errno, what);
    CallFilter filter(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
    const auto size = filter.size() * sizeof(sock_filter);
    const auto count = ::pread(file.get(), filter.data(), size, 0);
    if (count != static_cast<ssize_t>(size)) return fail_errno(count < 0 ? errno : EIO, what);
    return filter;
}

}  // namespace

Result<CallFilter> make_call_filter() {
    if (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) return CallFilter{};
    const std::unique_ptr<void, Release> context(::seccomp_init(SCMP_ACT_ALLOW));
    if (!context) return fail_errno(ENOMEM, what);
    for (const int call : denied)
        if (const int failed = ::seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(EPERM), call, 0); failed != 0)
            return fail_errno(-failed, what);
    // Of its own it may; a limit takes another process's life.
    const scmp_arg_cmp of_another{.arg = 0, .op = SCMP_CMP_NE, .datum_a = 0, .datum_b = 0};
    if (const int failed = ::seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1, of_another); failed != 0)
        return fail_errno(-failed, what);
    return exported(context.get());
}

int bind_to(const CallFilter& filter) {
    if (filter.empty()) return 0;
    const sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : errno;
}

}  // namespace varve::image_formats
