// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/lvm_library.h"

#include "drivers/kernel/dm_status.h"
#include "drivers/lvm_thin/lv_names.h"
#include "drivers/lvm_thin/records.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>

namespace varve::lvm_thin {

using base::Errc;
using base::fail;
using base::Result;

namespace {

// LVM's uuids in device-mapper: "LVM-", the VG's, the LV's (build_dm_uuid in lib/activate/dev_manager.c); the pool's layers have a suffix.
constexpr std::string_view dm_uuid_prefix = "LVM-";
constexpr std::size_t uuid_length = 32;

Result<LvUuid> lv_uuid(const kernel::DmInfo& device) {
    const std::string_view uuid(device.uuid);
    if (!uuid.starts_with(dm_uuid_prefix) || uuid.size() < dm_uuid_prefix.size() + 2 * uuid_length)
        return fail(Errc::InvalidArgument, "the device " + device.name + " is no LV");
    return parse_uuid(uuid.substr(dm_uuid_prefix.size() + uuid_length, uuid_length));
}

std::vector<std::string> with_tags(std::vector<std::string> words, const std::vector<std::string>& tags) {
    for (const auto& tag : tags) words.insert(words.end(), {"--addtag", tag});
    return words;
}

// LVM's names have been checked, and dashes are doubled: device-mapper takes them.
kernel::DmName dm_name(const std::string& text) { return kernel::DmName::parse(text).value(); }

}  // namespace

LvmLibrary::LvmLibrary(LvmPlace place, kernel::DeviceMapper& mapper)
    : place_(std::move(place)),
      mapper_(mapper),
      worker_(place_.worker),
      metadata_(mapper, pool_device(), kernel::DeviceMapper::node_path(device(place_.thin_pool + "_tmeta")).string()) {}

kernel::DmName LvmLibrary::device(const std::string& lv) const { return dm_name(device_name(place_.volume_group, lv)); }
// The thin-pool target itself; the device without the suffix is only there so that the pool has a name.
kernel::DmName LvmLibrary::pool_device() const { return dm_name(device_name(place_.volume_group, place_.thin_pool) + "-tpool"); }

Result<std::string> LvmLibrary::run(const std::string& what, const std::vector<std::string>& words) {
    auto finished = worker_.run(words);
    if (!finished) {
        (void)worker_.run({"vgs", place_.volume_group});  // only to have waited for LVM's lock: somebody else may be at work
        resume_devices();
        return base::Failure(std::move(finished).error());
    }
    auto& answer = *finished;
    if (answer.succeeded) return std::move(answer.printed);
    std::string reasons;
    for (const auto& error : answer.errors) {
        reasons.append(reasons.empty() ? "" : "; ").append(error);
        while (reasons.ends_with('.')) reasons.pop_back();
    }
    return fail(meaning_of(reasons), "LVM cannot " + what + ": " + reasons);
}

std::vector<kernel::DmInfo> LvmLibrary::devices() const {
    const auto pool = mapper_.find(pool_device());
    if (!pool || !*pool) return {};
    return mapper_.list((*pool)->uuid.substr(0, dm_uuid_prefix.size() + uuid_length)).value_or(std::vector<kernel::DmInfo>());
}

void LvmLibrary::resume_devices() const {
    auto all = devices();
    // The pool writes to its parts when it is resumed.
    const auto is_part = [](const kernel::DmInfo& device) { return device.uuid.ends_with("-tmeta") || device.uuid.ends_with("-tdata"); };
    std::stable_partition(all.begin(), all.end(), is_part);
    for (const auto& device : all)
        if (device.suspended) (void)mapper_.resume(dm_name(device.name));  // the next look tries again
}

void LvmLibrary::finish_renames(const VolumeGroup& group) {
    std::map<std::string, std::string> names;  // by uuid
    for (const auto& device : devices()) names.emplace(device.uuid.substr(dm_uuid_prefix.size() + uuid_length), device.name);
    for (const auto& lv : group.lvs) {
        const auto present = names.find(lv.uuid.text);
        if (present == names.end() || present->second == device(lv.name).str()) continue;
        (void)run("give the device of " + full(lv.name) + " its name",
                  {"lvchange", "--refresh", full(lv.name)});  // the next look tries again
    }
}

// ---- metadata. No backup is written to /etc/lvm/backup for each step (--autobackup n): it costs more than the step.

Result<VolumeGroup> LvmLibrary::look() {
    const std::vector<std::string> format{"--reportformat", "json", "--units", "b", "--nosuffix"};
    std::vector<std::string> vgs{"vgs"};
    vgs.insert(vgs.end(), format.begin(), format.end());
    vgs.insert(vgs.end(), {"-o", "vg_extent_size", place_.volume_group});
    std::vector<std::string> lvs{"lvs", "-a"};
    lvs.insert(lvs.end(), format.begin(), format.end());
    lvs.insert(lvs.end(), {"-o", "lv_name,lv_uuid,lv_tags,lv_size,pool_lv,lv_active", place_.volume_group});
    const auto group = TRY(run("show the volume group " + place_.volume_group, vgs));
    resume_devices();  // LVM's lock was free: a worker that outlived varvefs has finished
    auto seen = TRY(parse_report(TRY(run("list the volume group " + place_.volume_group, lvs)), group));
    finish_renames(seen);
    return seen;
}

Result<LvUuid> LvmLibrary::create(const std::string& name, base::Bytes size, const std::vector<std::string>& tags) {
    std::vector<std::string> words{"lvcreate",
                                   "--yes",
                                   "--quiet",
                                   "--autobackup",
                                   "n",
                                   "--setactivationskip",
                                   "n",
                                   "--virtualsize",
                                   std::to_string(size.count) + "b",
                                   "--thinpool",
                                   place_.thin_pool,
                                   "--name",
                                   name};
    words = with_tags(std::move(words), tags);
    words.push_back(place_.volume_group);
    TRY(run("make " + full(name), words));
    return uuid_of(name);
}

Result<LvUuid> LvmLibrary::snapshot(const std::string& origin, const std::string& name, const std::vector<std::string>& tags) {
    std::vector<std::string> words{"lvcreate",   "--yes",  "--quiet", "--autobackup", "n", "--setactivationskip", "n",
                                   "--snapshot", "--name", name};
    words = with_tags(std::move(words), tags);
    words.push_back(full(origin));
    TRY(run("take a snapshot of " + full(origin), words));
    return uuid_of(name);
}

Result<> LvmLibrary::rename(const std::string& from, const std::string& to) {
    TRY(run("rename " + full(from) + " to " + to, {"lvrename", "--autobackup", "n", place_.volume_group, from, to}));
    return {};
}

Result<> LvmLibrary::remove(const std::string& name) {
    TRY(run("remove " + full(name), {"lvremove", "--yes", "--autobackup", "n", full(name)}));
    return {};
}

Result<> LvmLibrary::set_size(const std::string& name, base::Bytes size) {
    TRY(run("resize " + full(name),
            {"lvresize", "--yes", "--force", "--autobackup", "n", "--size", std::to_string(size.count) + "b", full(name)}));
    return {};
}

Result<> LvmLibrary::activate(const std::string& name) {
    const auto activate_it = [&]() -> Result<> {
        TRY(run("activate " + full(name), {"lvchange", "--yes", "--activate", "y", "--ignoreactivationskip", full(name)}));
        return {};
    };
    auto activated = activate_it();
    if (activated || activated.error().message().find("No data available") == std::string::npos) return activated;
    // When the machine died LVM had written that there is this LV, and had not told the thin pool. It tells it with the next one that it makes
    // (update_thin_pool_lv in lib/metadata/thin_manip.c), not when the pool is activated.
    const auto next = temporary_name("next");
    constexpr base::Bytes least{4096};  // LVM rounds it up
    TRY(create(next, least, {lv_tag}));
    TRY(remove(next));
    return activate_it();
}

Result<> LvmLibrary::change_tags(const std::string& name, const std::vector<std::string>& remove, const std::vector<std::string>& add) {
    std::vector<std::string> words{"lvchange", "--yes", "--autobackup", "n"};
    // One word each: LVM takes at most 64 words.
    for (const auto& tag : remove) words.push_back("--deltag=" + tag);
    for (const auto& tag : add) {
        if (!is_tag(tag)) return fail(Errc::InvalidArgument, "LVM takes no such tag: " + tag);
        words.push_back("--addtag=" + tag);
    }
    if (remove.empty() && add.empty()) return {};
    words.push_back(full(name));
    TRY(run("change the tags of " + full(name), words));
    return {};
}

// ---- state

std::filesystem::path LvmLibrary::path_of(const std::string& name) const { return kernel::DeviceMapper::node_path(device(name)); }

Result<kernel::DmInfo> LvmLibrary::info(const std::string& lv) const {
    auto found = TRY(mapper_.find(device(lv)));
    if (!found) return fail(Errc::NotFound, "the LV " + full(lv) + " is not active");
    return *std::move(found);
}

Result<LvUuid> LvmLibrary::uuid_of(const std::string& lv) const { return lv_uuid(TRY(info(lv))); }

Result<base::UniqueFd> LvmLibrary::open(const std::string& name, Access access) const {
    const auto path = path_of(name);
    base::UniqueFd fd(::open(path.c_str(), (access == Access::Read ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    if (!fd.valid()) return base::fail_errno(errno == ENXIO ? ENOENT : errno, "cannot open " + path.string());
    return fd;
}

Result<LvUuid> LvmLibrary::shown_by(int fd) const {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return base::fail_errno(errno, "cannot look at a descriptor");
    if (!S_ISBLK(status.st_mode)) return fail(Errc::InvalidArgument, "it is no block device, so it shows no LV");
    const auto device = TRY(mapper_.find(kernel::DeviceNumber::from(status.st_rdev)));
    if (!device) return fail(Errc::InvalidArgument, "it is no device-mapper device, so it shows no LV");
    return lv_uuid(*device);
}

Result<base::Bytes> LvmLibrary::mapped(const std::string& name) const {
    const auto status = TRY(mapper_.status(device(name)));
    if (status.size() != 1 || status.front().type != "thin") return fail(Errc::Corrupt, full(name) + " is no thin volume");
    const auto parsed = TRY(kernel::parse_thin_status(status.front().text));
    const auto* usage = std::get_if<kernel::ThinUsage>(&parsed);
    if (usage == nullptr) return fail(Errc::Degraded, "the thin pool of " + full(name) + " has failed");
    return usage->mapped.bytes();
}

Result<bool> LvmLibrary::in_use(const std::string& name) const {
    const auto found = TRY(mapper_.find(device(name)));
    return found && found->open_count > 0;
}

// /sys/dev/block/<device>/stat: Documentation/block/stat.rst. Fields 5 and 12: writes and discards that were completed.
Result<std::uint64_t> LvmLibrary::writes(const std::string& name) const {
    const auto found = TRY(info(name));
    const auto path = "/sys/dev/block/" + found.device.str() + "/stat";
    std::ifstream file(path);
    constexpr std::size_t fields = 12;
    std::array<std::uint64_t, fields> values{};
    for (auto& value : values)
        if (!(file >> value)) return fail(Errc::Io, "cannot read " + path);
    return values[4] + values[11];
}

Result<kernel::ThinId> LvmLibrary::thin_id(const std::string& lv) const {
    const auto table = TRY(mapper_.table(device(lv)));
    const auto& targets = table.targets();
    const auto* thin = targets.size() == 1 ? std::get_if<kernel::ThinTarget>(&targets.front().kind) : nullptr;
    if (thin == nullptr) return fail(Errc::Corrupt, full(lv) + " is no thin volume");
    return thin->id;
}

Result<bool> LvmLibrary::differ(const std::string& a, const std::string& b) {
    const auto first = TRY(thin_id(a));
    return metadata_.differ(first, TRY(thin_id(b)));
}

Result<base::Bytes> LvmLibrary::exclusive(const std::string& name) { return metadata_.exclusive(TRY(thin_id(name))); }

Result<ThinPoolHealth> LvmLibrary::health() const {
    // A pool that never had a volume has no layer of its own yet (lv_is_new_thin_pool in lib/metadata/thin_manip.c).
    const auto layer = TRY(mapper_.find(pool_device()));
    const auto pool = layer ? pool_device() : device(place_.thin_pool);
    if (!layer && !TRY(mapper_.find(pool)))
        return fail(Errc::NotFound, "the thin pool " + full(place_.thin_pool) +
                                        " is not active; look with vgs whether its volume group is there under this name and not exported, "
                                        "and activate it: vgchange --activate y " +
                                        place_.volume_group);
    const auto table = TRY(mapper_.table(pool));
    const auto status = TRY(mapper_.status(pool));
    const auto* target = table.targets().size() == 1 ? std::get_if<kernel::ThinPoolTarget>(&table.targets().front().kind) : nullptr;
    if (target == nullptr || status.size() != 1) return fail(Errc::Corrupt, full(place_.thin_pool) + " is no thin pool");
    ThinPoolHealth health;
    health.chunk = target->block.bytes();
    health.zeroes_new = !target->skip_block_zeroing;
    health.discards = !target->ignore_discard;
    const auto parsed = TRY(kernel::parse_thin_pool_status(status.front().text));
    const auto* usage = std::get_if<kernel::ThinPoolUsage>(&parsed);
    if (usage == nullptr) {
        health.trouble = "it has failed; look at the kernel's log, and at lvconvert --repair";
        return health;
    }
    health.data = {usage->data.total * health.chunk.count};
    health.data_used = {usage->data.used * health.chunk.count};
    health.metadata_percent = usage->metadata.percent().value;
    if (usage->mode == kernel::ThinPoolMode::OutOfDataSpace) health.trouble = "its data space is used up; extend it with lvextend";
    if (usage->mode == kernel::ThinPoolMode::ReadOnly) health.trouble = "the kernel has made it read-only; look at its log";
    if (usage->needs_check) health.trouble = "its metadata must be checked first: lvconvert --repair " + full(place_.thin_pool);
    return health;
}

// dm-thin gives back whole blocks only, and forgets the rest of a range without a word: callers ask for whole ones.
Result<> LvmLibrary::discard(int fd, base::Bytes offset, base::Bytes length) {
    std::array<std::uint64_t, 2> range{offset.count, length.count};
    if (::ioctl(fd, BLKDISCARD, range.data()) == 0) return {};
    if (errno != EOPNOTSUPP) return base::fail_errno(errno, "cannot discard a part of an LV");
    std::array<std::uint64_t, 2> zeroes{offset.count, length.count};
    if (::ioctl(fd, BLKZEROOUT, zeroes.data()) != 0) return base::fail_errno(errno, "cannot zero a part of an LV");
    return {};
}

}  // namespace varve::lvm_thin
