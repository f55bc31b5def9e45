// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/crash/picture.h"

#include "drivers/images/layout.h"
#include "tests/crash/world.h"

#include <algorithm>
#include <vector>

namespace varve::crash_tests {

using base::Result;

namespace {

// Facts read "<content> at <time> changed <time>".
constexpr auto time_follows = " at ";
constexpr std::string_view change_follows = " changed ";

std::string text(base::Timestamp time) { return std::to_string(time.seconds) + "." + std::to_string(time.nanoseconds); }

std::string content(const base::UniqueFd& fd) {
    const auto read = fakes::Content::of(fd.get());
    auto shown = read->extents.empty() ? std::string() : read->extents.front().data.substr(0, 12);
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' '; }, '_');
    return std::to_string(read->size) + " bytes '" + shown + "' #" + std::to_string(read->digest);
}

Result<std::string> state_text(World& world, const base::VolumePath& path, const api::VolumeView& view, const api::State& state,
                               const api::StateRef& reference) {
    const auto open = TRY(world.pool().open_state(path, view, reference));
    const auto shown = content(open);
    if (fakes::Content::of(open.get())->size != state.size.count)
        return base::fail(base::Errc::Corrupt, path.str() + " has another size than its view says");
    return shown + time_follows + text(state.modified) + std::string(change_follows) + text(state.changed);
}

std::string config_text(const api::VolumeConfig& config) {
    auto shown = std::string(api::kind_name(config.kind));
    if (const auto* source = api::source_of(config.kind))
        shown += " of " + source->volume.str() + (source->fixed ? "@" + source->fixed->str() : "");
    shown += " size " + std::to_string(config.size.count) + " rw " + std::to_string(config.rw);
    if (config.revisions_to_keep) shown += " keep " + std::to_string(config.revisions_to_keep->count());
    return shown + time_follows + text(config.created);
}

Result<std::string> session_text(World& world, const base::VolumePath& path, const api::VolumeView& view) {
    std::string shown = view.session->phase == api::Session::Phase::Started ? "started " : "dirty ";
    shown += std::to_string(view.session->size.count) + (view.session->no_snapshot_layer ? " no layer " : " ");
    const auto image = TRY(world.open_session(path.str()));
    shown += content(image);
    if (view.session->base) {
        const auto base = TRY(state_text(world, path, view, *view.session->base, api::BaseState{}));
        shown += " base " + base;
    }
    return shown;
}

// By its full name where nothing can keep which revision was the first of its second: there the name changes with what else is there.
std::string name_of(const World& world, const api::Revision& revision) {
    const auto* timed = revision.id.timed();
    if (world.ground() == Ground::Reflinks || timed == nullptr || revision.number == 0) return revision.id.str();
    return base::TimedName{timed->seconds, revision.number}.str();
}

Result<> add_volume(World& world, const base::VolumePath& path, const api::VolumeView& view, Picture& picture) {
    auto& facts = picture.facts;
    facts[path.str() + " config"] = config_text(view.config);
    if (view.committed) facts[path.str() + " committed"] = TRY(state_text(world, path, view, *view.committed, api::CommittedState{}));
    for (const auto& revision : view.revisions) {
        const auto shown = TRY(state_text(world, path, view, revision.state, revision.id));
        facts[path.str() + " @" + name_of(world, revision)] =
            shown + " number " + std::to_string(revision.number) + (revision.replaced ? " replaced " + text(*revision.replaced) : "");
    }
    if (view.session) facts[path.str() + " session"] = TRY(session_text(world, path, view));
    return {};
}

struct Found {
    std::string path;
    kernel::FileStatus status;
};

Result<> walk(const fakes::MemoryFileSystem& files, int directory, const std::string& prefix, std::vector<Found>& found) {
    for (const auto& entry : TRY(files.list(directory))) {
        const auto status = TRY(files.status(directory, entry.name));
        found.push_back({prefix + entry.name, status});
        if (entry.type == kernel::FileType::Directory)
            TRY(walk(files, TRY(files.open_directory(directory, entry.name)).get(), prefix + entry.name + "/", found));
    }
    return {};
}

Result<std::vector<Found>> tree(World& world) {
    std::vector<Found> found;
    const auto top = TRY(world.files().open_top("/pool"));
    TRY(walk(world.files(), top.get(), "", found));
    return found;
}

bool ends_with(const std::string& name, std::string_view end) {
    return name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
}

bool is_precache(const std::string& name) { return ends_with(name, "-precache.img"); }

std::string first_difference(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
    std::string shown;
    for (const auto& [key, value] : a)
        if (!b.contains(key) || b.at(key) != value) shown += "\n    - " + key + ": " + value;
    for (const auto& [key, value] : b)
        if (!a.contains(key) || a.at(key) != value) shown += "\n    + " + key + ": " + value;
    return shown;
}

// A snapshot's `<volume>.img` is a link to the state that it started from.
bool is_snapshot(World& world, const std::string& directory, const base::VolumeName& volume) {
    const auto vm = directory.substr(directory.rfind('/') + 1);
    const auto* view = world.view(vm + "/" + volume.str());
    return view != nullptr && !api::saves_on_stop(view->config.kind);
}

bool is_revision(const std::string& key) { return key.find(" @") != std::string::npos; }

// The facts that a command with pruning changes at one point.
std::map<std::string, std::string> without_revisions(const Picture& picture) {
    std::map<std::string, std::string> facts;
    for (const auto& [key, value] : picture.facts)
        if (!is_revision(key)) facts.emplace(key, value);
    return facts;
}

bool has(const Picture& picture, const std::string& key, const std::string& value) {
    const auto found = picture.facts.find(key);
    return found != picture.facts.end() && found->second == value;
}

std::string partly_pruned(const Picture& before, const Picture& after, const Picture& found) {
    const bool done = without_revisions(found) != without_revisions(before);
    if (done && without_revisions(found) != without_revisions(after))
        return "neither before:" + before.difference(found) + "\n  nor after:" + after.difference(found);
    // With keep = 0 the old state becomes a revision that pruning has not come to yet.
    const auto was_committed = [&](const std::string& key, const std::string& value) {
        const auto old = before.facts.find(key.substr(0, key.find(' ')) + " committed");
        return old != before.facts.end() && value.starts_with(old->second);
    };
    for (const auto& [key, value] : found.facts)
        if (is_revision(key) && !has(before, key, value) && !(done && (has(after, key, value) || was_committed(key, value))))
            return "unknown revision " + key + ": " + value;
    for (const auto& [key, value] : after.facts)
        if (is_revision(key) && (done || has(before, key, value)) && !has(found, key, value)) return "lost revision " + key + ": " + value;
    for (const auto& name : found.names)
        if (!before.names.contains(name) && !after.names.contains(name) && !(done && name.find('@') != std::string::npos))
            return "left over: " + name;
    return {};
}

}  // namespace

std::string Picture::difference(const Picture& other) const {
    auto shown = first_difference(facts, other.facts);
    for (const auto& name : names)
        if (!other.names.contains(name)) shown += "\n    - file " + name;
    for (const auto& name : other.names)
        if (!names.contains(name)) shown += "\n    + file " + name;
    return shown;
}

Picture Picture::unchanged() const {
    auto picture = *this;
    for (auto& [key, value] : picture.facts)
        for (auto at = value.find(change_follows); at != std::string::npos; at = value.find(change_follows))
            value.erase(at, value.find(' ', at + change_follows.size()) - at);
    return picture;
}

Picture Picture::without_marks() const {
    constexpr std::string_view started = "started ";
    auto shown = *this;
    for (auto& [key, value] : shown.facts)
        if (key.ends_with(" session") && value.starts_with(started)) value.replace(0, started.size(), "dirty ");
    return shown;
}

std::map<std::string, std::string> Picture::contents() const {
    std::map<std::string, std::string> shown;
    for (const auto& [key, value] : facts)
        if (!is_revision(key)) shown[key] = value.substr(0, value.find(time_follows));
    return shown;
}

Result<Picture> take_picture(World& world) {
    Picture picture;
    for (const auto& [name, vm] : world.vms()) {
        picture.facts[name] = "owner " + std::to_string(vm.ownership.uid) + ":" + std::to_string(vm.ownership.gid) + " mode " +
                              std::to_string(vm.ownership.mode);
        for (const auto& foreign : vm.foreign) picture.facts[name + " foreign " + foreign] = "";
        for (const auto& [volume, view] : vm.volumes) TRY(add_volume(world, {base::VmName::parse(name).value(), volume}, *view, picture));
    }
    for (const auto& file : TRY(tree(world)))
        if (!is_precache(file.path)) picture.names.insert(file.path);
    return picture;
}

std::string wrong_names(World& world) {
    const auto found = tree(world);
    if (!found) return found.error().message();
    std::map<std::uint64_t, std::vector<std::string>> committed;
    std::map<std::uint64_t, std::vector<std::string>> others;
    for (const auto& file : *found) {
        const auto slash = file.path.rfind('/');
        const auto directory = file.path.substr(0, slash == std::string::npos ? 0 : slash);
        const auto entry = images::classify(file.path.substr(slash + 1));
        if (file.path.find('~') != std::string::npos || std::holds_alternative<images::ImportFile>(entry))
            return "a temporary is left: " + file.path;
        if (file.status.type != kernel::FileType::Regular || std::holds_alternative<images::BaseFile>(entry)) continue;
        const auto* image = std::get_if<images::CommittedFile>(&entry);
        if (image != nullptr && is_snapshot(world, directory, image->volume)) continue;  // its base
        (image != nullptr ? committed : others)[file.status.inode].push_back(file.path);
    }
    for (const auto& [inode, paths] : committed) {
        if (paths.size() > 1) return paths.front() + " and " + paths.back() + " are one inode";
        if (others.contains(inode)) return others.at(inode).front() + " is the committed inode of " + paths.front();
    }
    return {};
}

std::string not_between(const Picture& before, const Picture& after, const Picture& found, bool pruning) {
    if (found == after || found.unchanged() == before.unchanged()) return {};
    if (pruning) return partly_pruned(before.unchanged(), after.unchanged(), found.unchanged());
    return "neither before:" + before.difference(found) + "\n  nor after:" + after.difference(found);
}

}  // namespace varve::crash_tests
