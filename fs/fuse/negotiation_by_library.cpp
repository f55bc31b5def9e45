// SPDX-License-Identifier: LGPL-2.1-or-later
// For libfuse 3.17 and later.
#include "fs/fuse/negotiation.h"

#include <cerrno>

namespace varve::fuse {

base::Result<> Negotiation::attach(fuse_session* session, int fd, const fuse_custom_io& io) {
    if (const int failed = fuse_session_custom_io(session, &io, fd); failed != 0)
        return base::fail_errno(failed < 0 ? -failed : EINVAL, "libfuse refused the session's descriptor");
    return {};
}

void Negotiation::init(fuse_conn_info& connection) {
    (void)fuse_set_feature_flag(&connection, FUSE_CAP_HANDLE_KILLPRIV_V2);    // saves a request on every write
    (void)fuse_set_feature_flag(&connection, FUSE_CAP_DIRECT_IO_ALLOW_MMAP);  // both false when the kernel has none of it
    if (!wants_passthrough_) return;
    accepted_ = fuse_set_feature_flag(&connection, FUSE_CAP_PASSTHROUGH);
    connection.max_backing_stack_depth = 1;  // backing files lie on ordinary file systems
}

std::optional<std::string> Negotiation::refusal() const {
    if (accepted_) return std::nullopt;
    return wants_passthrough_ ? "the kernel does not offer it (Linux 6.9 is the first)" : "the configuration says so";
}

int reply_with_backing(fuse_req_t request, const fuse_entry_param* entry, const fuse_file_info& info, BackingId backing) {
    auto answer = info;
    answer.backing_id = backing.value;
    answer.keep_cache = 0;  // the kernel refuses the two together
    return entry != nullptr ? fuse_reply_create(request, entry, &answer) : fuse_reply_open(request, &answer);
}

}  // namespace varve::fuse
