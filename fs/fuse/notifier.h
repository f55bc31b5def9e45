// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells the kernel to forget what it has cached of paths that show another state now.
#pragma once

#include "fs/engine/change_listener.h"
#include "fs/fuse/node_table.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <variant>

struct fuse_session;

namespace varve::fuse {

// One thread sends the messages, holding no lock of ours: forgetting an entry takes the parent directory's lock in the kernel, which a request
// that one of our threads is answering may hold. Thread-safe.
class Notifier final : public engine::ChangeListener {
public:
    explicit Notifier(NodeTable& nodes);
    ~Notifier() override;
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    // Nothing is sent before there is a session, nor after detach().
    void attach(fuse_session* session);
    void detach();

    void volume_changed(const engine::Vm& vm, const base::VolumeName& volume, const api::VolumeView* before, const api::VolumeView* after) override;
    // The attributes of a node, or (through `select`) of many, have changed. Takes no kernel lock, so it may be awaited anywhere.
    void forget_attributes(NodeId node);
    void forget_entry(NodeId parent, std::string name);

    // Waits until all that was asked for has been sent, at most `wait`. Never from a request that holds a directory in the kernel (create,
    // rename, unlink, look-up ...): only from reads and writes.
    void drain(std::chrono::milliseconds wait);

private:
    struct Entry { NodeId parent; std::string name; };
    struct Attributes { NodeId node; };
    using Message = std::variant<Entry, Attributes>;
    void work();
    void send(fuse_session& session, const Message& message);
    void add(Message message);

    NodeTable& nodes_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Message> queue_;
    std::uint64_t asked_ = 0;
    std::uint64_t sent_ = 0;
    fuse_session* session_ = nullptr;
    bool sending_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace varve::fuse
