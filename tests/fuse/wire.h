// SPDX-License-Identifier: LGPL-2.1-or-later
// Speaks FUSE as the kernel does, but says what no kernel would: every request is made by the test, from linux/fuse.h.
#pragma once

#include "drivers/base/unique_fd.h"
#include "tests/support/waiting.h"

#include <linux/fuse.h>
#include <sys/types.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace varve::fuse_test {

using test_support::eventually;

using NodeId = std::uint64_t;
using Unique = std::uint64_t;

// The bytes of a structure.
template <class T>
[[nodiscard]] std::string raw(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}
// A name as the kernel sends it. One with a NUL in it is sent as it is.
[[nodiscard]] inline std::string name_of(std::string_view name) { return std::string(name) + '\0'; }

struct Answer {
    int error = 0;  // a positive errno
    std::string body;
};

// An answer whose body is a T when there is no error.
template <class T>
struct Reply {
    int error = 0;
    T out{};
};

struct Created {
    fuse_entry_out entry;
    fuse_open_out open;
};

struct Notification {
    int code = 0;  // FUSE_NOTIFY_...
    std::string body;
};

struct DirectoryEntry {
    std::string name;
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;  // where to read on
    std::uint32_t type = 0;
    NodeId node = 0;  // with READDIRPLUS: 0 when nothing was looked up
};

// Not thread-safe. Every wait has a deadline: what does not come in time is an exception, which fails the test.
class Wire {
public:
    explicit Wire(base::UniqueFd socket) : socket_(std::move(socket)) {}

    // Who sends the requests from now on.
    void act_as(pid_t pid) { pid_ = pid; }

    // ---- any request
    Unique send(std::uint32_t opcode, NodeId node, std::string_view body);
    // The header's length can lie.
    Unique send(std::uint32_t opcode, NodeId node, std::string_view body, std::uint32_t length);
    void send_bytes(std::string_view message);
    [[nodiscard]] Answer wait(Unique unique);
    [[nodiscard]] Answer call(std::uint32_t opcode, NodeId node, std::string_view body) { return wait(send(opcode, node, body)); }
    // Whether an answer to this request has come by now.
    [[nodiscard]] bool answered(Unique unique);
    // The next notification with this code; those before it are dropped.
    [[nodiscard]] Notification wait_notification(int code);
    // All that have come by now.
    [[nodiscard]] std::vector<Notification> take_notifications();
    // The server has hung up.
    [[nodiscard]] bool ended();
    void hang_up() { socket_.reset(); }
    // Requests still reach the server, and its answers fail as they do for a caller that was killed meanwhile.
    void stop_listening();

    // ---- typed requests
    Reply<fuse_init_out> init(fuse_init_in wanted);
    Reply<fuse_init_out> init(std::uint32_t minor, std::uint64_t flags);
    Reply<fuse_entry_out> lookup(NodeId parent, std::string_view name);
    // The last of the names, each looked up in the one before.
    NodeId walk(const std::vector<std::string>& names);
    void forget(NodeId node, std::uint64_t lookups);
    void batch_forget(const std::vector<fuse_forget_one>& each);
    Reply<fuse_attr_out> getattr(NodeId node);
    Reply<fuse_attr_out> setattr(NodeId node, const fuse_setattr_in& wanted);
    Reply<fuse_open_out> open(NodeId node, int flags);
    Reply<Created> create(NodeId parent, std::string_view name, int flags);
    // What an open(2) for writing of a volume does: OPEN, and with ESTALE LOOKUP and OPEN once more.
    struct Opened {
        int error = 0;
        NodeId node = 0;
        std::uint64_t handle = 0;
    };
    Opened open_for_writing(NodeId parent, std::string_view name, int more_flags = 0);
    Answer read(NodeId node, std::uint64_t handle, std::uint64_t offset, std::uint32_t size);
    int write(NodeId node, std::uint64_t handle, std::uint64_t offset, std::string_view data);
    int flush(NodeId node, std::uint64_t handle);
    int release(NodeId node, std::uint64_t handle);
    Reply<fuse_open_out> opendir(NodeId node);
    int releasedir(NodeId node, std::uint64_t handle);
    Answer readdir(NodeId node, std::uint64_t handle, std::uint64_t offset, std::uint32_t size, bool plus);
    Reply<fuse_entry_out> link(NodeId node, NodeId new_parent, std::string_view new_name);
    int unlink(NodeId parent, std::string_view name) { return call(FUSE_UNLINK, parent, name_of(name)).error; }
    int rename(NodeId parent, std::string_view name, NodeId new_parent, std::string_view new_name);

    // The first part of a whole file as the mount shows it now.
    [[nodiscard]] std::string content(NodeId parent, std::string_view name);

private:
    template <class T>
    Reply<T> typed(const Answer& answer);
    [[nodiscard]] bool receive(int milliseconds);

    base::UniqueFd socket_;
    pid_t pid_ = 1;
    Unique last_ = 0;
    std::map<Unique, Answer> answers_;
    std::vector<Notification> notifications_;
    bool ended_ = false;
};

[[nodiscard]] std::vector<DirectoryEntry> parse_entries(std::string_view body, bool plus);

}  // namespace varve::fuse_test
