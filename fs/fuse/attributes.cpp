// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/attributes.h"

#include "drivers/api/overloaded.h"
#include "fs/engine/image_io.h"
#include "fs/paths/link_target.h"

namespace varve::fuse {
namespace {

constexpr mode_t read_write_bits = 0666;
constexpr mode_t read_bits = 0444;

using Stat = struct stat;

Stat blank(std::uint64_t number, mode_t mode, const api::Ownership& owner) {
    Stat stat{};
    stat.st_ino = number;
    stat.st_mode = mode;
    stat.st_nlink = 1;
    stat.st_uid = owner.uid;
    stat.st_gid = owner.gid;
    stat.st_blksize = 4096;
    return stat;
}

void set_times(Stat& stat, base::Timestamp modified, base::Timestamp changed) {
    stat.st_mtim = modified.to_timespec();
    stat.st_atim = stat.st_mtim;
    stat.st_ctim = changed.to_timespec();
}

void set_size(Stat& stat, std::uint64_t size, std::uint64_t allocated) {
    stat.st_size = static_cast<off_t>(size);
    stat.st_blocks = static_cast<blkcnt_t>((allocated + 511) / 512);  // st_blocks counts 512 bytes, whatever st_blksize says
}

Stat directory(const std::string& path, const api::Ownership& owner, base::Timestamp time) {
    auto stat = blank(path.empty() ? 1 : inode_number(path), S_IFDIR | owner.mode, owner);
    stat.st_nlink = 2;
    set_times(stat, time, time);
    return stat;
}

Stat state_file(const std::string& path, const engine::Vm& vm, const api::State& state, mode_t bits) {
    const auto owner = vm.view()->ownership;
    auto stat = blank(inode_number(path), S_IFREG | (owner.mode & bits), owner);
    set_size(stat, state.size.count, state.allocated.count);
    set_times(stat, state.modified, state.changed);
    return stat;
}

Stat shown_file(const Node& node, const StateFile& file) {
    if (const auto shown = find_shown(file.volume, file.state))
        return state_file(path_of(node), *file.volume.vm, shown->state(), shown->revision != nullptr ? read_bits : read_write_bits);
    auto gone = state_file(path_of(node), *file.volume.vm, file.state, read_bits);
    gone.st_nlink = 0;
    return gone;
}

Stat placeholder(const std::string& path, const engine::VolumeRef& volume, mode_t type) {
    const auto view = volume.view();
    const auto owner = volume.vm->view()->ownership;
    const auto mode = type == S_IFLNK ? mode_t{0777} : owner.mode & read_write_bits;
    auto stat = blank(inode_number(path), type | mode, owner);
    if (!view) {
        stat.st_nlink = 0;
        return stat;
    }
    set_times(stat, view->config.created, view->config.created);
    if (type == S_IFLNK)
        set_size(stat, paths::link_target(*api::source_of(view->config.kind)).size(), 0);
    else if (view->session && view->session->no_snapshot_layer)
        set_size(stat, view->session->size.count, 0);
    return stat;
}

base::Result<Stat> image_file(const std::string& path, const engine::Vm& vm, const Stat& image) {
    const auto owner = vm.view()->ownership;
    auto stat = blank(inode_number(path), S_IFREG | (owner.mode & read_write_bits), owner);
    stat.st_size = image.st_size;
    stat.st_blocks = image.st_blocks;
    stat.st_mtim = image.st_mtim;
    stat.st_atim = image.st_mtim;
    stat.st_ctim = image.st_ctim;
    return stat;
}

base::Result<Stat> scratch(const std::string& path, const Scratch& scratch) {
    if (auto* image = scratch.file->image()) return image_file(path, *scratch.vm, TRY(engine::status(*image)));
    const auto owner = scratch.vm->view()->ownership;
    auto stat = blank(inode_number(path), S_IFLNK | 0777, owner);
    set_size(stat, scratch.file->link()->target.size(), 0);
    set_times(stat, scratch.file->created(), scratch.file->created());
    return stat;
}

api::Ownership place_owner(const control::Place& place) {
    if (place.vm) return place.vm->view()->ownership;
    if (place.pool) return {place.pool->ownership().uid, place.pool->ownership().gid, 0755};
    return {0, 0, 0755};
}

Stat control_file(const std::string& path, const ControlFile& file) {
    const auto owner = place_owner(file.place);
    using control::EntryType;
    mode_t mode = 0;
    switch (file.entry.type) {
        case EntryType::Value:
        case EntryType::Stream:
        case EntryType::State: mode = S_IFREG | (owner.mode & read_bits); break;
        case EntryType::OwnersValue: mode = S_IFREG | 0400; break;
        case EntryType::WritableValue: mode = S_IFREG | (owner.mode & 0644); break;
        case EntryType::Command: mode = S_IFREG | 0600; break;
        case EntryType::Link: mode = S_IFLNK | 0777; break;
        case EntryType::Directory: mode = S_IFDIR | owner.mode; break;
    }
    return blank(inode_number(path), mode, owner);
}

}  // namespace

std::uint64_t inode_number(std::string_view path) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits: offset basis and prime
    for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash > 1 ? hash : hash + 2;  // 0 means "no inode" and 1 is the root's
}

base::Result<Stat> attributes_of(const Node& node) {
    const api::Ownership everybody{0, 0, 0755};
    const auto path = path_of(node);
    using Answer = base::Result<Stat>;
    return std::visit(api::Overloaded{
                          [&](const RootDir&) -> Answer { return directory(path, everybody, {}); },
                          [&](const PoolsDir&) -> Answer { return directory(path, everybody, {}); },
                          [&](const VmsDir&) -> Answer { return directory(path, everybody, {}); },
                          [&](const VmsVmDir&) -> Answer { return directory(path, everybody, {}); },
                          [&](const PoolDir& dir) -> Answer {
                              return directory(path, {dir.pool->ownership().uid, dir.pool->ownership().gid, 0755}, dir.pool->opened());
                          },
                          [&](const VmDir& dir) -> Answer {
                              const auto view = dir.vm->view();
                              return directory(path, view->ownership, view->created);
                          },
                          [&](const VmsLink& link) -> Answer {
                              auto stat = blank(inode_number(path), S_IFLNK | 0777, everybody);
                              set_size(stat, link.target.size(), 0);
                              return stat;
                          },
                          [&](const StateFile& file) -> Answer { return shown_file(node, file); },
                          [&](const CurrentFile& file) -> Answer { return state_file(path, *file.volume.vm, file.state, read_bits); },
                          [&](const BaseFile& file) -> Answer { return state_file(path, *file.volume.vm, file.state, read_bits); },
                          [&](const SourceLink& link) -> Answer { return placeholder(path, link.volume, S_IFLNK); },
                          [&](const EmptyFile& file) -> Answer { return placeholder(path, file.volume, S_IFREG); },
                          [&](const LayerlessFile& file) -> Answer { return placeholder(path, file.volume, S_IFREG); },
                          [&](const TransactionFile& file) -> Answer {
                              return image_file(path, *file.transaction->ref().vm, TRY(file.transaction->status()));
                          },
                          [&](const Scratch& file) -> Answer { return scratch(path, file); },
                          [&](const ControlDir& dir) -> Answer { return directory(path, place_owner(dir.place), {}); },
                          [&](const ControlFile& file) -> Answer { return control_file(path, file); },
                      },
                      node);
}

mode_t type_of(const Node& node) {
    return std::visit(api::Overloaded{
                          [](const SourceLink&) -> mode_t { return S_IFLNK; },
                          [](const VmsLink&) -> mode_t { return S_IFLNK; },
                          [](const Scratch& scratch) -> mode_t { return scratch.file->link() != nullptr ? S_IFLNK : S_IFREG; },
                          [](const ControlFile& file) -> mode_t {
                              if (file.entry.type == control::EntryType::Link) return S_IFLNK;
                              return file.entry.type == control::EntryType::Directory ? S_IFDIR : S_IFREG;
                          },
                          [](const StateFile&) -> mode_t { return S_IFREG; },
                          [](const CurrentFile&) -> mode_t { return S_IFREG; },
                          [](const BaseFile&) -> mode_t { return S_IFREG; },
                          [](const EmptyFile&) -> mode_t { return S_IFREG; },
                          [](const LayerlessFile&) -> mode_t { return S_IFREG; },
                          [](const TransactionFile&) -> mode_t { return S_IFREG; },
                          [](const auto&) -> mode_t { return S_IFDIR; },
                      },
                      node);
}

}  // namespace varve::fuse
