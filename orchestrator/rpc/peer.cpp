// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/peer.h"

#include <sys/socket.h>

#include <cerrno>

namespace varve::rpc {

base::Result<orchestrator::Caller> peer_of(int socket) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return base::fail_errno(errno, "cannot find out who connected");
    orchestrator::Caller caller{credentials.uid, {}, credentials.pid};
    // Groups cannot change any more, so the size that is asked for is right the second time.
    length = 0;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length) != 0 && errno != ERANGE)
        return base::fail_errno(errno, "cannot find out the groups of who connected");
    caller.groups.resize(length / sizeof(gid_t));
    if (length > 0 && ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, caller.groups.data(), &length) != 0)
        return base::fail_errno(errno, "cannot find out the groups of who connected");
    caller.groups.push_back(credentials.gid);
    return caller;
}

}  // namespace varve::rpc
