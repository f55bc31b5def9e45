// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/node_table.h"

#include "drivers/api/overloaded.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

namespace varve::fuse {
namespace {

// The position of an alternative in Node.
template <class Alternative, std::size_t Index = 0>
constexpr std::size_t kind_of() {
    if constexpr (std::is_same_v<std::variant_alternative_t<Index, Node>, Alternative>)
        return Index;
    else
        return kind_of<Alternative, Index + 1>();
}

}  // namespace

NodeTable::NodeTable() {
    slots_.emplace(root_node, Slot{std::make_shared<const Node>(RootDir{}), std::numeric_limits<std::uint64_t>::max()});
    by_key_.emplace(key_of(RootDir{}), root_node);
}

std::size_t NodeTable::KeyHash::operator()(const Key& key) const {
    auto hash = std::hash<const void*>{}(key.object);
    hash = hash * 31 + std::hash<std::uint64_t>{}(key.number);
    hash = hash * 31 + std::hash<std::string>{}(key.text);
    return hash * 31 + key.kind;
}

NodeTable::Key NodeTable::vm_key(const engine::Vm* vm) { return {kind_of<VmDir>(), vm, 0, {}}; }

NodeTable::Key NodeTable::state_key(api::StateId state) { return {kind_of<StateFile>(), nullptr, state.value, {}}; }

NodeTable::Key NodeTable::key_of(const Node& node) {
    auto key =
        std::visit(api::Overloaded{
                       [](const PoolDir& dir) {
                           return Key{0, dir.pool.get(), 0, {}};
                       },
                       [](const VmDir& dir) { return vm_key(dir.vm.get()); },
                       [](const VmsVmDir& dir) {
                           return Key{0, nullptr, 0, dir.vm.str()};
                       },
                       [](const VmsLink& link) {
                           return Key{0, nullptr, 0, link.vm.str() + "/" + link.volume.str()};
                       },
                       [](const StateFile& file) { return state_key(file.state.id); },
                       [](const CurrentFile& file) {
                           return Key{0, nullptr, file.state.id.value, {}};
                       },
                       [](const BaseFile& file) {
                           return Key{0, file.volume.vm.get(), file.state.id.value, file.volume.volume.str()};
                       },
                       [](const SourceLink& link) {
                           return Key{0, link.volume.vm.get(), 0, link.volume.volume.str()};
                       },
                       [](const EmptyFile& file) {
                           return Key{0, file.volume.vm.get(), 0, file.volume.volume.str()};
                       },
                       [](const LayerlessFile& file) {
                           return Key{0, file.volume.vm.get(), 0, file.volume.volume.str()};
                       },
                       [](const TransactionFile& file) {
                           return Key{0, file.transaction.get(), 0, {}};
                       },
                       [](const Scratch& scratch) {
                           return Key{0, scratch.file.get(), 0, {}};
                       },
                       [](const ControlDir& dir) {
                           const void* object = dir.place.vm ? static_cast<const void*>(dir.place.vm.get()) : dir.place.pool.get();
                           return Key{0, object, 0, dir.place.volume ? dir.place.volume->str() : std::string()};
                       },
                       [](const ControlFile& file) {
                           const void* object = file.place.vm ? static_cast<const void*>(file.place.vm.get()) : file.place.pool.get();
                           return Key{0, object, 0, (file.place.volume ? file.place.volume->str() : std::string()) + "/" + file.entry.name};
                       },
                       [](const auto&) { return Key{}; },  // RootDir, PoolsDir, VmsDir: there is one of each
                   },
                   node);
    key.kind = node.index();
    return key;
}

NodePtr NodeTable::get(NodeId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    return found == slots_.end() ? nullptr : found->second.node;
}

NodeId NodeTable::look_up(Node node) {
    auto key = key_of(node);
    const std::lock_guard lock(mutex_);
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
        auto& slot = slots_.at(known->second);
        slot.node = std::make_shared<const Node>(std::move(node));
        if (known->second != root_node) ++slot.lookups;
        return known->second;
    }
    const auto id = next_++;
    slots_.emplace(id, Slot{std::make_shared<const Node>(std::move(node)), 1});
    by_key_.emplace(std::move(key), id);
    return id;
}

std::optional<NodeId> NodeTable::find(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<NodeId> NodeTable::find(const Node& node) const { return find(key_of(node)); }

std::optional<NodeId> NodeTable::directory_of(const engine::Vm& vm) const { return find(vm_key(&vm)); }

std::optional<NodeId> NodeTable::file_of(api::StateId state) const { return find(state_key(state)); }

void NodeTable::forget(NodeId id, std::uint64_t lookups) {
    NodePtr dying;  // destroyed outside the lock: it may own the last reference to an image or a pool
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    if (found == slots_.end() || id == root_node) return;
    auto& slot = found->second;
    slot.lookups -= std::min(slot.lookups, lookups);
    if (slot.lookups > 0) return;
    const auto key = by_key_.find(key_of(*slot.node));
    if (key != by_key_.end() && key->second == id) by_key_.erase(key);
    dying = std::move(slot.node);
    slots_.erase(found);
}

void NodeTable::rebind(NodeId id, Node node) {
    auto key = key_of(node);
    NodePtr dying;
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    if (found == slots_.end()) return;
    const auto old_key = by_key_.find(key_of(*found->second.node));
    if (old_key != by_key_.end() && old_key->second == id) by_key_.erase(old_key);
    by_key_.insert_or_assign(std::move(key), id);
    dying = std::exchange(found->second.node, std::make_shared<const Node>(std::move(node)));
}

}  // namespace varve::fuse
