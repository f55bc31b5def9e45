// SPDX-License-Identifier: LGPL-2.1-or-later
// Agreeing with the kernel on passthrough. libfuse has calls for it from 3.17 on (negotiation_by_library.cpp); before, the session's messages
// are completed as they go by (negotiation_by_messages.cpp). CMake chooses by the version that is there.
#pragma once

#include "drivers/base/result.h"
#include "fs/fuse/backing_files.h"
#include "fs/fuse/init_exchange.h"
#include "fs/fuse/lowlevel.h"

#include <optional>
#include <string>

namespace varve::fuse {

// The session's userdata must be a Server that has this as its negotiation.
class Negotiation {
public:
    explicit Negotiation(bool wants_passthrough) : wants_passthrough_(wants_passthrough) {}

    // A new session, before its first message; from now on it reads and writes its descriptor by `io`.
    [[nodiscard]] base::Result<> attach(fuse_session* session, int fd, const fuse_custom_io& io);
    // /dev/fuse's.
    [[nodiscard]] static fuse_custom_io system_io();

    // In the handler of FUSE_INIT.
    void init(fuse_conn_info& connection);
    // After FUSE_INIT: why there is no passthrough; nullopt when the kernel has agreed to it.
    [[nodiscard]] std::optional<std::string> refusal() const;

private:
    static ssize_t read(int fd, void* buffer, std::size_t size, void* userdata);
    static ssize_t write(int fd, iovec* parts, int count, void* userdata);

    const bool wants_passthrough_;
    [[maybe_unused]] bool accepted_ = false;  // by the library's calls
    std::optional<InitExchange> exchange_;    // the session's, where the library has no calls
    fuse_custom_io io_{};
};

// Answers OPEN, or CREATE when there is an entry, with `backing` as the file that the kernel is to use.
[[nodiscard]] int reply_with_backing(fuse_req_t request, const fuse_entry_param* entry, const fuse_file_info& info, BackingId backing);

}  // namespace varve::fuse
