// SPDX-License-Identifier: LGPL-2.1-or-later
// Each of LVM's writes is durable before its next one.
//
// LVM writes a new copy of its metadata, waits for it, and then the header that says where it is: past the page cache, but into the disks'
// volatile caches, which may keep the header and lose the copy (no flush in lib/device/bcache.c, LVM 2.03.16). After such a power cut the whole
// volume group is unreadable. LVM has no setting for it; but its library submits its writes by libaio's io_submit, of which this program has
// its own: the same call, with each write asked to be durable when it is done (RWF_DSYNC, since Linux 4.13).
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <span>

// As libaio's (io_submit(2)): how many were submitted, or the negative of an errno.
extern "C" __attribute__((visibility("default"))) int io_submit(aio_context_t context, long count, struct iocb** requests);

extern "C" int io_submit(aio_context_t context, long count, struct iocb** requests) {
    for (auto* const request : std::span(requests, static_cast<std::size_t>(count)))
        if (request->aio_lio_opcode == IOCB_CMD_PWRITE) request->aio_rw_flags |= RWF_DSYNC;
    const long submitted = ::syscall(SYS_io_submit, context, count, requests);
    return submitted < 0 ? -errno : static_cast<int>(submitted);
}
