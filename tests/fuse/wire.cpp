// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fuse/wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace varve::fuse_test {
namespace {

using test_support::patience;
constexpr std::size_t longest_message = 1U << 18;

int left_until(std::chrono::steady_clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
}

template <class T>
T structure(std::string_view bytes) {
    T value{};
    if (bytes.size() < sizeof value) throw std::runtime_error("an answer is too short");
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace

Unique Wire::send(std::uint32_t opcode, NodeId node, std::string_view body) {
    return send(opcode, node, body, static_cast<std::uint32_t>(sizeof(fuse_in_header) + body.size()));
}

Unique Wire::send(std::uint32_t opcode, NodeId node, std::string_view body, std::uint32_t length) {
    fuse_in_header header{};
    header.len = length;
    header.opcode = opcode;
    header.unique = last_ += 2;  // the kernel's are even: an interrupt's own number is odd
    header.nodeid = node;
    header.pid = static_cast<std::uint32_t>(pid_);
    send_bytes(raw(header) + std::string(body));
    return header.unique;
}

void Wire::send_bytes(std::string_view message) {
    const auto sent = ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(message.size())) throw std::runtime_error("a request could not be sent: " + std::to_string(errno));
}

// One message, if one comes in time.
bool Wire::receive(int milliseconds) {
    if (ended_) return false;
    pollfd ready{socket_.get(), POLLIN, 0};
    int count = 0;
    do count = ::poll(&ready, 1, milliseconds);
    while (count < 0 && errno == EINTR);  // a fuzzer's alarm
    if (count <= 0) return false;
    std::string message(longest_message, '\0');
    const auto size = ::recv(socket_.get(), message.data(), message.size(), 0);
    if (size <= 0) {
        ended_ = true;
        return false;
    }
    message.resize(static_cast<std::size_t>(size));
    const auto header = structure<fuse_out_header>(message);
    if (header.len != message.size()) throw std::runtime_error("an answer's length is not what its header says");
    auto body = message.substr(sizeof header);
    if (header.unique == 0)
        notifications_.push_back({header.error, std::move(body)});
    else if (!answers_.emplace(header.unique, Answer{-header.error, std::move(body)}).second)
        throw std::runtime_error("a request was answered twice");
    return true;
}

Answer Wire::wait(Unique unique) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto found = answers_.find(unique);
    while (found == answers_.end()) {
        if (!receive(left_until(deadline))) throw std::runtime_error("request " + std::to_string(unique) + " was not answered");
        found = answers_.find(unique);
    }
    return found->second;  // it stays known: a second answer to it is a mistake
}

bool Wire::answered(Unique unique) {
    while (receive(0)) {}
    return answers_.contains(unique);
}

Notification Wire::wait_notification(int code) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        while (!notifications_.empty()) {
            const auto first = notifications_.front();
            notifications_.erase(notifications_.begin());
            if (first.code == code) return first;
        }
        if (!receive(left_until(deadline))) throw std::runtime_error("no notification " + std::to_string(code) + " came");
    }
}

std::vector<Notification> Wire::take_notifications() {
    while (receive(0)) {}
    return std::exchange(notifications_, {});
}

bool Wire::ended() {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (receive(left_until(deadline))) {}
    return ended_;
}

void Wire::stop_listening() {
    if (::shutdown(socket_.get(), SHUT_RD) != 0) throw std::runtime_error("shutdown failed");
}

template <class T>
Reply<T> Wire::typed(const Answer& answer) {
    if (answer.error != 0) return {answer.error, {}};
    return {0, structure<T>(answer.body)};
}

Reply<fuse_init_out> Wire::init(fuse_init_in wanted) {
    auto answer = call(FUSE_INIT, 0, raw(wanted));
    answer.body.resize(std::max(answer.body.size(), sizeof(fuse_init_out)));  // old protocols have shorter ones
    return typed<fuse_init_out>(answer);
}

Reply<fuse_init_out> Wire::init(std::uint32_t minor, std::uint64_t flags) {
    fuse_init_in wanted{};
    wanted.major = FUSE_KERNEL_VERSION;
    wanted.minor = minor;
    wanted.max_readahead = 1U << 17;
    wanted.flags = static_cast<std::uint32_t>(flags);
    wanted.flags2 = static_cast<std::uint32_t>(flags >> 32);
    return init(wanted);
}

Reply<fuse_entry_out> Wire::lookup(NodeId parent, std::string_view name) {
    return typed<fuse_entry_out>(call(FUSE_LOOKUP, parent, name_of(name)));
}

NodeId Wire::walk(const std::vector<std::string>& names) {
    NodeId node = FUSE_ROOT_ID;
    for (const auto& name : names) {
        const auto found = lookup(node, name);
        if (found.error != 0) throw std::runtime_error("there is no " + name);
        node = found.out.nodeid;
    }
    return node;
}

void Wire::forget(NodeId node, std::uint64_t lookups) { send(FUSE_FORGET, node, raw(fuse_forget_in{lookups})); }

void Wire::batch_forget(const std::vector<fuse_forget_one>& each) {
    std::string body = raw(fuse_batch_forget_in{static_cast<std::uint32_t>(each.size()), 0});
    for (const auto& one : each) body += raw(one);
    send(FUSE_BATCH_FORGET, 0, body);
}

Reply<fuse_attr_out> Wire::getattr(NodeId node) { return typed<fuse_attr_out>(call(FUSE_GETATTR, node, raw(fuse_getattr_in{}))); }

Reply<fuse_attr_out> Wire::setattr(NodeId node, const fuse_setattr_in& wanted) {
    return typed<fuse_attr_out>(call(FUSE_SETATTR, node, raw(wanted)));
}

Reply<fuse_open_out> Wire::open(NodeId node, int flags) {
    return typed<fuse_open_out>(call(FUSE_OPEN, node, raw(fuse_open_in{static_cast<std::uint32_t>(flags), 0})));
}

Reply<Created> Wire::create(NodeId parent, std::string_view name, int flags) {
    return typed<Created>(
        call(FUSE_CREATE, parent, raw(fuse_create_in{static_cast<std::uint32_t>(flags), S_IFREG | 0644, 0, 0}) + name_of(name)));
}

Wire::Opened Wire::open_for_writing(NodeId parent, std::string_view name, int more_flags) {
    auto found = lookup(parent, name);
    if (found.error != 0) return {found.error, 0, 0};
    auto opened = open(found.out.nodeid, O_WRONLY | more_flags);
    if (opened.error == ESTALE) {
        found = lookup(parent, name);
        if (found.error != 0) return {found.error, 0, 0};
        opened = open(found.out.nodeid, O_WRONLY | more_flags);
    }
    return {opened.error, found.out.nodeid, opened.out.fh};
}

Answer Wire::read(NodeId node, std::uint64_t handle, std::uint64_t offset, std::uint32_t size) {
    fuse_read_in wanted{};
    wanted.fh = handle;
    wanted.offset = offset;
    wanted.size = size;
    return call(FUSE_READ, node, raw(wanted));
}

int Wire::write(NodeId node, std::uint64_t handle, std::uint64_t offset, std::string_view data) {
    fuse_write_in wanted{};
    wanted.fh = handle;
    wanted.offset = offset;
    wanted.size = static_cast<std::uint32_t>(data.size());
    return call(FUSE_WRITE, node, raw(wanted) + std::string(data)).error;
}

int Wire::flush(NodeId node, std::uint64_t handle) {
    fuse_flush_in wanted{};
    wanted.fh = handle;
    return call(FUSE_FLUSH, node, raw(wanted)).error;
}

int Wire::release(NodeId node, std::uint64_t handle) {
    fuse_release_in wanted{};
    wanted.fh = handle;
    return call(FUSE_RELEASE, node, raw(wanted)).error;
}

Reply<fuse_open_out> Wire::opendir(NodeId node) { return typed<fuse_open_out>(call(FUSE_OPENDIR, node, raw(fuse_open_in{}))); }

int Wire::releasedir(NodeId node, std::uint64_t handle) {
    fuse_release_in wanted{};
    wanted.fh = handle;
    return call(FUSE_RELEASEDIR, node, raw(wanted)).error;
}

Answer Wire::readdir(NodeId node, std::uint64_t handle, std::uint64_t offset, std::uint32_t size, bool plus) {
    fuse_read_in wanted{};
    wanted.fh = handle;
    wanted.offset = offset;
    wanted.size = size;
    return call(plus ? FUSE_READDIRPLUS : FUSE_READDIR, node, raw(wanted));
}

Reply<fuse_entry_out> Wire::link(NodeId node, NodeId new_parent, std::string_view new_name) {
    return typed<fuse_entry_out>(call(FUSE_LINK, new_parent, raw(fuse_link_in{node}) + name_of(new_name)));
}

int Wire::rename(NodeId parent, std::string_view name, NodeId new_parent, std::string_view new_name) {
    return call(FUSE_RENAME, parent, raw(fuse_rename_in{new_parent}) + name_of(name) + name_of(new_name)).error;
}

std::string Wire::content(NodeId parent, std::string_view name) {
    const auto found = lookup(parent, name);
    if (found.error != 0) return "(no file: " + std::to_string(found.error) + ")";
    const auto opened = open(found.out.nodeid, O_RDONLY);
    if (opened.error != 0) return "(not opened: " + std::to_string(opened.error) + ")";
    const auto answer = read(found.out.nodeid, opened.out.fh, 0, 1U << 16);
    (void)release(found.out.nodeid, opened.out.fh);  // a RELEASE's outcome reaches nobody
    if (answer.error != 0) return "(not read: " + std::to_string(answer.error) + ")";
    return answer.body.substr(0, answer.body.find('\0'));
}

std::vector<DirectoryEntry> parse_entries(std::string_view body, bool plus) {
    std::vector<DirectoryEntry> entries;
    while (!body.empty()) {
        DirectoryEntry entry;
        const std::size_t before = plus ? sizeof(fuse_entry_out) : 0;
        if (plus) entry.node = structure<fuse_entry_out>(body).nodeid;
        const auto head = structure<fuse_dirent>(body.substr(before));
        entry.name = body.substr(before + FUSE_NAME_OFFSET, head.namelen);
        entry.inode = head.ino;
        entry.offset = head.off;
        entry.type = head.type;
        entries.push_back(entry);
        body.remove_prefix(FUSE_REC_ALIGN(before + FUSE_NAME_OFFSET + head.namelen));
    }
    return entries;
}

}  // namespace varve::fuse_test
