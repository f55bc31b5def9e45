// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/pool_tables.h"

#include "fs/control/parallel.h"
#include "fs/control/volume_facts.h"
#include "fs/engine/open_pool.h"
#include "fs/engine/volume_state.h"
#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <iterator>
#include <vector>

namespace varve::control {
namespace {

using engine::OpenPool;
using engine::VolumeRef;
using engine::Volumes;
namespace field = protocol::field;
namespace volume_file = protocol::volume_file;

template <class Use>
void for_each_volume(const Volumes& volumes, const OpenPool& pool, Use use) {
    for (const auto& vm : pool.vms()) {
        vm->writes().let_close(volumes.settings().wait_release);
        for (const auto all = vm->view(); const auto& [name, view] : all->volumes)
            if (!view->plain_file) use(VolumeRef{vm, name}, view);
    }
}

// The volume's name first, then what the object has, which is something. (Names need no escaping.)
void add_line(std::string& text, const VolumeRef& volume, const Json& object) {
    const auto id = volume.id();
    for (const auto part : {std::string_view("{\""), field::volume, std::string_view("\":\"")}) text += part;
    text.append(id.pool.str()).append("/").append(id.vm.str()).append("/").append(id.volume.str()).append("\",");
    text.append(compact(object), 1).append("\n");
}

}  // namespace

std::string volumes_table(const Volumes& volumes, const OpenPool& pool) {
    std::string text;
    for_each_volume(volumes, pool, [&](const VolumeRef& volume, const engine::VolumeView& view) {
        auto object = config_object(volume, *view);
        object[std::string(volume_file::state)] = name_of(engine::state_of(*volume.vm, volume.volume, *view));
        object[std::string(volume_file::outdated)] = volumes.outdated(volume);
        object[std::string(volume_file::size)] = present_size(volumes, volume, *view).count;
        object[std::string(volume_file::usage)] = usage_of(volume, *view).count;
        object[std::string(volume_file::revisions)] = std::distance(view->revisions.begin(), view->revisions.end());
        add_line(text, volume, object);
    });
    return text;
}

std::string revisions_table(const Volumes& volumes, const OpenPool& pool) {
    std::string text;
    for_each_volume(volumes, pool, [&](const VolumeRef& volume, const engine::VolumeView& view) {
        for (const auto& revision : revision_objects(volumes, volume, *view)) add_line(text, volume, revision);
    });
    return text;
}

std::string shares_table(const Volumes& volumes, const OpenPool& pool) {
    struct Part {
        VolumeRef volume;
        engine::VolumeView view;
        std::string text;
    };
    std::vector<Part> parts;
    for_each_volume(volumes, pool, [&](const VolumeRef& volume, const engine::VolumeView& view) { parts.push_back({volume, view, {}}); });
    // Every image is opened and its extents are asked for: nearly all of it is the file system's work.
    for_each_parallel(parts.size(), [&](std::size_t at) {
        auto& [volume, view, text] = parts[at];
        const auto shares = shares_of(volumes, volume, *view);
        if (!shares) return add_line(text, volume, Json{{field::error, error_object(shares.error())}});
        for (const auto& share : *shares) add_line(text, volume, share_object(share));
    });
    std::string text;
    for (const auto& part : parts) text += part.text;
    return text;
}

}  // namespace varve::control
