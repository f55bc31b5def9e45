// SPDX-License-Identifier: LGPL-2.1-or-later
// The nodes that the kernel knows, by the numbers it knows them by.
#pragma once

#include "fs/fuse/node.h"

#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace varve::fuse {

// A node's number towards the kernel (FUSE's nodeid). 1 is the root; no number ever stands for two things. Not st_ino.
using NodeId = std::uint64_t;
inline constexpr NodeId root_node = 1;

using NodePtr = std::shared_ptr<const Node>;

// A kernel that has listed everything knows every revision there is, so each costs no more here than its node and one entry of a table.
// Thread-safe.
class NodeTable {
public:
    NodeTable();

    // The node as it is now, a copy; nullptr for a number that the kernel cannot have (any more).
    [[nodiscard]] NodePtr get(NodeId id) const;
    // The number of what this node stands for, new or known, with one more look-up counted.
    [[nodiscard]] NodeId look_up(Node node);
    // The number, if the kernel knows the node; these count nothing.
    [[nodiscard]] std::optional<NodeId> find(const Node& node) const;
    [[nodiscard]] std::optional<NodeId> directory_of(const engine::Vm& vm) const;
    [[nodiscard]] std::optional<NodeId> file_of(api::StateId state) const;
    void forget(NodeId id, std::uint64_t lookups);
    // The kernel's inode stands for something else now (a scratch file became a state, a volume was renamed).
    void rebind(NodeId id, Node node);
    // Takes nodes away although the kernel still knows their numbers, which stand for nothing from now on: what they refer to shall go.
    template <class Unwanted>
    void drop(Unwanted unwanted) {
        std::vector<Slots::node_type> dying;  // destroyed outside the lock
        const std::lock_guard lock(mutex_);
        for (auto at = slots_.begin(); at != slots_.end();) {
            const auto slot = at++;
            if (!unwanted(slot->second.node)) continue;
            forget_key(slot->first, slot->second.node);
            dying.push_back(slots_.extract(slot));
        }
    }
    // All nodes for which `wanted` holds: for rare, wide changes.
    template <class Wanted>
    [[nodiscard]] std::vector<std::pair<NodeId, NodePtr>> select(Wanted wanted) const {
        const std::lock_guard lock(mutex_);
        std::vector<std::pair<NodeId, NodePtr>> found;
        for (const auto& [id, slot] : slots_)
            if (wanted(slot.node)) found.emplace_back(id, std::make_shared<const Node>(slot.node));
        return found;
    }

private:
    // What makes two nodes the same: their kind, and the object or name they are about.
    struct Key {
        std::size_t kind = 0;
        const void* object = nullptr;
        std::uint64_t number = 0;
        std::string text;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const;
    };
    struct Slot {
        Node node;
        std::uint64_t lookups = 0;
    };
    using Slots = std::unordered_map<NodeId, Slot>;
    [[nodiscard]] static Key key_of(const Node& node);
    [[nodiscard]] static Key vm_key(const engine::Vm* vm);
    [[nodiscard]] static Key state_key(api::StateId state);
    [[nodiscard]] static std::optional<NodeId> own_number(const Node& node);
    [[nodiscard]] static std::optional<NodeId> own_number(api::StateId state);
    // Of these, under mutex_.
    [[nodiscard]] std::optional<NodeId> known(const Key& key, std::optional<NodeId> own) const;
    void forget_key(NodeId id, const Node& node);

    mutable std::mutex mutex_;
    Slots slots_;
    std::unordered_map<Key, NodeId, KeyHash> by_key_;  // of nodes that have another than their own number
    NodeId next_ = root_node + 1;
};

}  // namespace varve::fuse
