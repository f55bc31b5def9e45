// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/file_io.h"

#include <unistd.h>

#include <cerrno>

namespace varve::api {

using base::fail_errno;
using base::Result;

Result<std::size_t> read_at(int fd, std::span<char> buffer, base::Bytes offset) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const auto count = ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset.count + done));
        if (count < 0) {
            if (errno == EINTR) continue;
            return fail_errno(errno, "cannot read the image");
        }
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

Result<> write_at(int fd, std::span<const char> data, base::Bytes offset) {
    std::size_t done = 0;
    while (done < data.size()) {
        const auto count = ::pwrite(fd, data.data() + done, data.size() - done, static_cast<off_t>(offset.count + done));
        if (count < 0) {
            if (errno == EINTR) continue;
            return fail_errno(errno, "cannot write the image");
        }
        done += static_cast<std::size_t>(count);
    }
    return {};
}

}  // namespace varve::api
