// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/inventory.h"

#include "fs/protocol/names.h"
#include "fs/protocol/precise_time.h"
#include "orchestrator/mount_client/json_fields.h"
#include "orchestrator/mount_client/volume_text.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>

namespace varve::mount_client {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using nlohmann::json;
namespace volume_file = protocol::volume_file;
namespace pool_file = protocol::pool_file;

base::Failure strange(const std::string& file, const std::string& what) { return fail(Errc::Corrupt, file + " does not hold " + what); }

template <class Number>
Result<Number> number_in(const Mount& mount, const std::string& file) {
    const auto text = TRY(mount.value(file));
    Number number{};
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) return strange(file, "a number");
    return number;
}

Result<bool> flag_in(const Mount& mount, const std::string& file) {
    const auto text = TRY(mount.value(file));
    if (text != "0" && text != "1") return strange(file, "0 or 1");
    return text == "1";
}

Result<std::vector<Revision>> revisions_in(const Mount& mount, const std::string& file) {
    std::vector<Revision> revisions;
    const auto text = TRY(mount.value(file));
    for (const auto line : lines_of(text)) {
        auto revision = revision_in(json::parse(line, nullptr, false));
        if (!revision) return strange(file, "one JSON object for each revision");
        revisions.push_back(*std::move(revision));
    }
    return revisions;
}

// What `parse` takes among the entries of a directory.
template <class Name>
Result<std::vector<Name>> names_in(const Mount& mount, const std::string& directory, Result<Name> (*parse)(std::string_view)) {
    std::vector<Name> names;
    for (const auto& entry : TRY(mount.list(directory)))
        if (auto name = parse(entry)) names.push_back(std::move(*name));
    return names;
}

base::Failure missing(base::Error error, const std::string& subject) {
    if (error.code == Errc::NotFound) return fail(Errc::NotFound, subject + " does not exist");
    return base::Failure(std::move(error));
}

}  // namespace

Result<std::vector<base::PoolName>> pools(const Mount& mount) {
    return names_in(mount, std::string(protocol::pools_directory), base::PoolName::parse);
}

Result<std::vector<base::VmName>> vms(const Mount& mount, const base::PoolName& pool) {
    auto names = names_in(mount, pool_directory(pool), base::parse_place);
    if (!names) return missing(std::move(names).error(), "the pool " + pool.str());
    return names;
}

Result<std::vector<base::VolumeName>> volumes(const Mount& mount, const VmReference& vm) {
    const auto entries = mount.list(vm_directory(vm));
    if (!entries) return missing(entries.error(), vm.str());
    std::vector<base::VolumeName> names;
    for (const auto& entry : *entries) {
        const std::string_view file = std::string_view(entry).substr(0, entry.find(protocol::revision_separator));
        if (!file.ends_with(protocol::volume_suffix)) continue;
        auto name = base::VolumeName::parse(file.substr(0, file.size() - protocol::volume_suffix.size()));
        // Sorted by bytes, a volume stands beside its revisions.
        if (name && (names.empty() || names.back() != *name)) names.push_back(std::move(*name));
    }
    return names;
}

Result<Pool> read_pool(const Mount& mount, const base::PoolName& pool) {
    const auto file = [&](std::string_view name) { return pool_control(pool, name); };
    auto driver = mount.value(file(pool_file::driver));
    if (!driver) return missing(std::move(driver).error(), "the pool " + pool.str());
    auto config = TRY(mount.value(file(pool_file::config)));
    Pool found{pool, std::move(*driver), std::move(config), 0, 0, {}, 0, {}, {}};
    found.size = TRY(number_in<std::uint64_t>(mount, file(pool_file::size)));
    found.usage = TRY(number_in<std::uint64_t>(mount, file(pool_file::usage)));
    found.included_in = TRY(mount.value(file(pool_file::included_in)));
    found.revisions_to_keep = TRY(number_in<std::int64_t>(mount, file(pool_file::revisions_to_keep)));
    found.schedule = TRY(mount.value(file(pool_file::schedule)));
    found.prune_below = TRY(mount.value(file(pool_file::prune_below)));
    return found;
}

Result<Volume> read_volume(const Mount& mount, const base::VolumeId& volume) {
    const auto file = [&](std::string_view name) { return volume_control(volume, name); };
    auto kind = mount.value(file(volume_file::kind));
    if (!kind) return missing(std::move(kind).error(), volume.str());
    auto state = TRY(mount.value(file(volume_file::state)));
    auto source = TRY(mount.value(file(volume_file::source)));
    Volume found{volume, std::move(*kind), std::move(state), std::move(source), 0, 0, false, {}, 0};
    found.size = TRY(number_in<std::uint64_t>(mount, file(volume_file::size)));
    found.usage = TRY(number_in<std::uint64_t>(mount, file(volume_file::usage)));
    found.outdated = TRY(flag_in(mount, file(volume_file::outdated)));
    found.revisions = TRY(revisions_in(mount, file(volume_file::revisions)));
    found.revision_count = found.revisions.size();
    return found;
}

Result<VolumeDetails> read_details(const Mount& mount, const base::VolumeId& volume) {
    const auto file = [&](std::string_view name) { return volume_control(volume, name); };
    VolumeDetails details{TRY(read_volume(mount, volume)), 0, false, false, 0, {}, {}, {}};
    details.exclusive = TRY(number_in<std::uint64_t>(mount, file(volume_file::exclusive)));
    details.rw = TRY(flag_in(mount, file(volume_file::rw)));
    details.ephemeral = TRY(flag_in(mount, file(volume_file::ephemeral)));
    details.revisions_to_keep = TRY(number_in<std::int64_t>(mount, file(volume_file::revisions_to_keep)));
    details.schedule = TRY(mount.value(file(volume_file::schedule)));
    const auto blockers = TRY(mount.value(file(volume_file::blockers)));
    for (const auto line : lines_of(blockers)) details.blockers.emplace_back(line);
    if (auto device = mount.link_target(file(volume_file::device)))
        details.device = std::move(*device);
    else if (device.error().code != Errc::NotFound)
        return base::Failure(std::move(device).error());
    return details;
}

Result<std::optional<std::string>> read_base_time(const Mount& mount, const base::VolumeId& volume) {
    const auto file = volume_control(volume, volume_file::base);
    struct stat status {};
    if (::fstatat(mount.directory(), file.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
        return protocol::precise_utc(base::Timestamp::from(status.st_mtim));
    if (errno == ENOENT) return std::nullopt;
    return base::fail_errno(errno, "cannot look at " + file);
}

Result<VolumeConfiguration> read_configuration(const Mount& mount, const base::VolumeId& volume) {
    const auto file = [&](std::string_view name) { return volume_control(volume, name); };
    const auto text = mount.value(file(volume_file::config));
    if (!text) return missing(text.error(), volume.str());
    auto state = TRY(mount.value(file(volume_file::state)));
    const auto size = TRY(number_in<std::uint64_t>(mount, file(volume_file::size)));
    auto found = configuration_in(json::parse(*text, nullptr, false), volume, std::move(state), size);
    if (!found) return strange(file(volume_file::config), "a volume's configuration as a JSON object");
    return *std::move(found);
}

Result<VolumeRetention> read_retention(const Mount& mount, const base::VolumeId& volume) {
    const auto file = [&](std::string_view name) { return volume_control(volume, name); };
    auto schedule = mount.value(file(volume_file::schedule));
    if (!schedule) return missing(std::move(schedule).error(), volume.str());
    const auto keep = TRY(number_in<std::int64_t>(mount, file(volume_file::revisions_to_keep)));
    auto revisions = TRY(revisions_in(mount, file(volume_file::revisions)));
    auto prune_below = TRY(mount.value(pool_control(volume.pool, pool_file::prune_below)));
    return VolumeRetention{volume, keep, *std::move(schedule), std::move(prune_below), std::move(revisions)};
}

Result<VolumeRetention> foretell_retention(const Mount& mount, const base::VolumeId& volume, std::vector<std::string> settings) {
    settings.insert(settings.begin(), std::string(protocol::verb::retention));
    auto reply = mount.command(volume_control(volume, volume_file::ctl), volume.str(), settings);
    if (!reply) return base::Failure(std::move(reply).error());
    if (!reply->ok) return base::Failure(std::move(reply->error));
    auto prune_below = TRY(mount.value(pool_control(volume.pool, pool_file::prune_below)));
    const auto object = json::parse(reply->json, nullptr, false);
    const auto* result = field(object, protocol::field::result);
    const auto keep = result == nullptr ? std::nullopt : number_field(*result, volume_file::revisions_to_keep, INT64_MIN, INT64_MAX);
    if (!keep) return fail(Errc::Corrupt, "varvefs answered with something that is not a retention");
    VolumeRetention found{volume, *keep, text_field(*result, volume_file::schedule), std::move(prune_below), {}};
    for (const auto& line : list_field(*result, volume_file::revisions)) {
        auto revision = revision_in(line);
        if (!revision) return fail(Errc::Corrupt, "varvefs answered with something that is not a revision");
        found.revisions.push_back(*std::move(revision));
    }
    return found;
}

Result<std::vector<base::VolumeId>> volumes_below(const Mount& mount, const std::optional<Reference>& reference) {
    std::vector<base::VolumeId> found;
    const auto vanished = [](const base::Error& error) { return error.code == Errc::NotFound; };
    const auto add_vm = [&](const VmReference& vm) -> Result<> {
        for (const auto& volume : TRY(volumes(mount, vm))) found.push_back({vm.pool, vm.vm, volume});
        return {};
    };
    const auto add_pool = [&](const base::PoolName& pool) -> Result<> {
        for (const auto& vm : TRY(vms(mount, pool)))
            if (auto added = add_vm({pool, vm}); !added && !vanished(added.error())) return added;
        return {};
    };
    if (!reference) {
        for (const auto& pool : TRY(pools(mount)))
            if (auto added = add_pool(pool); !added && !vanished(added.error())) return base::Failure(std::move(added).error());
    } else if (const auto* pool = std::get_if<PoolReference>(&*reference)) {
        TRY(add_pool(pool->pool));
    } else if (const auto* vm = std::get_if<VmReference>(&*reference)) {
        TRY(add_vm(*vm));
    } else {
        found.push_back(std::get<StateReference>(*reference).volume);
    }
    return found;
}

const Revision* VolumeUsage::find(std::string_view revision) const {
    const auto found = std::ranges::find(revisions, revision, &Revision::name);
    return found == revisions.end() ? nullptr : &*found;
}

std::uint64_t VolumeUsage::exclusive() const {
    std::uint64_t sum = 0;
    for (const auto& state : states) sum += state.exclusive;
    return sum;
}

std::uint64_t VolumeUsage::prunable() const {
    std::set<std::string_view> going;
    for (const auto& revision : revisions)
        if (revision.kept.empty()) going.insert(revision.name);
    std::uint64_t sum = 0;
    for (const auto& state : states)
        if (going.contains(state.revision)) sum += state.exclusive;
    return sum;
}

Result<VolumeUsage> read_usage(const Mount& mount, const base::VolumeId& volume) {
    const auto file = [&](std::string_view name) { return volume_control(volume, name); };
    const auto shares = mount.value(file(volume_file::shares));
    if (!shares) return missing(shares.error(), volume.str());
    VolumeUsage usage{volume, 0, 0, {}, {}};
    for (const auto line : lines_of(*shares)) {
        auto share = share_in(json::parse(line, nullptr, false));
        if (!share) return strange(file(volume_file::shares), "one JSON object for each state");
        usage.states.push_back(*std::move(share));
    }
    usage.size = TRY(number_in<std::uint64_t>(mount, file(volume_file::size)));
    usage.usage = TRY(number_in<std::uint64_t>(mount, file(volume_file::usage)));
    usage.revisions = TRY(revisions_in(mount, file(volume_file::revisions)));
    return usage;
}

}  // namespace varve::mount_client
