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

// Numbers with it are states' own: the rest is the state's id, which is never used again.
constexpr NodeId state_bit = NodeId{1} << 62;

}  // namespace

NodeTable::NodeTable() {
    slots_.emplace(root_node, Slot{RootDir{}, std::numeric_limits<std::uint64_t>::max()});
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

std::optional<NodeId> NodeTable::own_number(api::StateId state) { return state_bit | state.value; }

std::optional<NodeId> NodeTable::own_number(const Node& node) {
    const auto* file = std::get_if<StateFile>(&node);
    return file != nullptr ? own_number(file->state.id) : std::nullopt;
}

std::optional<NodeId> NodeTable::known(const Key& key, std::optional<NodeId> own) const {
    if (const auto found = by_key_.find(key); found != by_key_.end()) return found->second;
    if (!own) return std::nullopt;
    const auto slot = slots_.find(*own);
    const bool still_its = slot != slots_.end() && key_of(slot->second.node) == key;
    return still_its ? own : std::nullopt;
}

NodePtr NodeTable::get(NodeId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    return found == slots_.end() ? nullptr : std::make_shared<const Node>(found->second.node);
}

NodeId NodeTable::look_up(Node node) {
    auto key = key_of(node);
    const auto own = own_number(node);
    const std::lock_guard lock(mutex_);
    if (const auto id = known(key, own)) {
        auto& slot = slots_.at(*id);
        std::swap(slot.node, node);  // the old one is destroyed outside the lock
        if (*id != root_node) ++slot.lookups;
        return *id;
    }
    if (own && !slots_.contains(*own)) {
        slots_.emplace(*own, Slot{std::move(node), 1});
        return *own;
    }
    const auto id = next_++;
    slots_.emplace(id, Slot{std::move(node), 1});
    by_key_.emplace(std::move(key), id);
    return id;
}

std::optional<NodeId> NodeTable::find(const Node& node) const {
    const auto key = key_of(node);
    const std::lock_guard lock(mutex_);
    return known(key, own_number(node));
}

std::optional<NodeId> NodeTable::directory_of(const engine::Vm& vm) const {
    const std::lock_guard lock(mutex_);
    return known(vm_key(&vm), std::nullopt);
}

std::optional<NodeId> NodeTable::file_of(api::StateId state) const {
    const std::lock_guard lock(mutex_);
    return known(state_key(state), own_number(state));
}

void NodeTable::forget_key(NodeId id, const Node& node) {
    const auto key = by_key_.find(key_of(node));
    if (key != by_key_.end() && key->second == id) by_key_.erase(key);
}

void NodeTable::forget(NodeId id, std::uint64_t lookups) {
    Slots::node_type dying;  // destroyed outside the lock: it may own the last reference to an image or a pool
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    if (found == slots_.end() || id == root_node) return;
    auto& slot = found->second;
    slot.lookups -= std::min(slot.lookups, lookups);
    if (slot.lookups > 0) return;
    forget_key(id, slot.node);
    dying = slots_.extract(found);
}

void NodeTable::rebind(NodeId id, Node node) {
    auto key = key_of(node);
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    if (found == slots_.end()) return;
    forget_key(id, found->second.node);
    by_key_.insert_or_assign(std::move(key), id);
    std::swap(found->second.node, node);  // the old one is destroyed outside the lock
}

}  // namespace varve::fuse
