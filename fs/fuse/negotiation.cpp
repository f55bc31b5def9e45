// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/negotiation.h"

#include <sys/uio.h>
#include <unistd.h>

namespace varve::fuse {

fuse_custom_io Negotiation::system_io() {
    fuse_custom_io io{};
    io.read = [](int fd, void* buffer, std::size_t size, void*) { return ::read(fd, buffer, size); };
    io.writev = [](int fd, iovec* parts, int count, void*) { return ::writev(fd, parts, count); };
    return io;
}

}  // namespace varve::fuse
