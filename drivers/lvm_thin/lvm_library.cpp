// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/lvm_library.h"

#include "drivers/kernel/dm_status.h"
#include "drivers/kernel/program.h"
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
#include <chrono>
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

const std::vector<std::string> report_format{"--reportformat", "json", "--units", "b", "--nosuffix"};

std::vector<std::string> lvs_of(const std::string& where) {
    std::vector<std::string> words{"lvs", "-a", "-o", "lv_name,lv_uuid,lv_tags,lv_size,pool_lv,lv_active,thin_id"};
    words.insert(words.end(), report_format.begin(), report_format.end());
    words.push_back(where);
    return words;
}

std::vector<std::string> new_lv(const std::string& name, Lvm::Activation activation) {
    return {"lvcreate",
            "--yes",
            "--quiet",
            "--autobackup",
            "n",
            "--activate",
            activation == Lvm::Activation::Active ? "y" : "n",
            "--setactivationskip",
            "n",
            "--name",
            name};
}

// LVM's names have been checked, and dashes are doubled: device-mapper takes them.
kernel::DmName dm_name(const std::string& text) { return kernel::DmName::parse(text).value(); }

}  // namespace

LvmLibrary::LvmLibrary(LvmPlace place, kernel::DeviceMapper& mapper)
    : place_(std::move(place)),
      mapper_(mapper),
      worker_(place_.worker),
      metadata_(mapper, {pool_device(), device(place_.thin_pool + "_tmeta")}, place_.marks) {}

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

// Through the pool's device to the disks below it as they are now. By default each of a volume group's disks holds LVM's metadata.
Result<> LvmLibrary::flush_disks() const {
    const auto path = kernel::DeviceMapper::node_path(TRY(active_pool()));
    const base::UniqueFd pool(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!pool.valid() || ::fsync(pool.get()) != 0) return base::fail_errno(errno, "cannot flush the disks below " + path.string());
    return {};
}

Result<> LvmLibrary::change(const std::string& what, const std::vector<std::string>& words) {
    TRY(run(what, words));
    // LVM writes its metadata past the page cache, and leaves them in the disks' volatile caches (no flush in lib/device/bcache.c, LVM 2.03.16).
    const auto flushed = flush_disks();
    if (!flushed) return fail(Errc::Io, "LVM has done it, but a power cut may undo it: " + flushed.error().message());
    return {};
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

// By the program, not the library: that prints through its log, which cuts each line after 4096 bytes (_vprint_log in lib/log/log.c, LVM 2.03.16),
// and the pool's tags, a field of one line, are longer as soon as there are some twenty states.
Result<std::vector<Lv>> LvmLibrary::list() {
    kernel::Program lvs;
    lvs.arguments = lvs_of(place_.volume_group);
    lvs.deadline = std::chrono::minutes(2);  // somebody else may be at work in the volume group
    lvs.environment = {{"LVM_SUPPRESS_FD_WARNINGS", "1"}};
    const auto done = TRY(kernel::run_program(lvs));
    if (done.succeeded()) return parse_lvs(done.output);
    return fail(done.timed_out ? Errc::TimedOut : meaning_of(done.errors),
                "LVM cannot list the volume group " + place_.volume_group + ": " + done.describe());
}

Result<Lv> LvmLibrary::idle(const std::string& name) {
    auto found = TRY(parse_lvs(TRY(run("list " + full(name), lvs_of(full(name))))));
    if (found.size() != 1) return fail(Errc::NotFound, "there is no LV " + full(name));
    return std::move(found.front());
}

Result<VolumeGroup> LvmLibrary::look() {
    std::vector<std::string> words{"vgs", "-o", "vg_extent_size"};
    words.insert(words.end(), report_format.begin(), report_format.end());
    words.push_back(place_.volume_group);
    VolumeGroup seen;
    seen.extent = TRY(parse_extent(TRY(run("show the volume group " + place_.volume_group, words))));
    resume_devices();  // LVM's lock was free: a worker that outlived varvefs has finished
    seen.lvs = TRY(list());
    finish_renames(seen);
    return seen;
}

Result<LvUuid> LvmLibrary::create(const std::string& name, base::Bytes size, const std::vector<std::string>& tags, Activation activation) {
    std::vector<std::string> words = new_lv(name, activation);
    words.insert(words.end(), {"--virtualsize", std::to_string(size.count) + "b", "--thinpool", place_.thin_pool});
    words = with_tags(std::move(words), tags);
    words.push_back(place_.volume_group);
    TRY(change("make " + full(name), words));
    return uuid_of(name, activation);
}

Result<LvUuid> LvmLibrary::snapshot(const std::string& origin, const std::string& name, const std::vector<std::string>& tags,
                                    Activation activation) {
    std::vector<std::string> words = new_lv(name, activation);
    words.emplace_back("--snapshot");
    words = with_tags(std::move(words), tags);
    words.push_back(full(origin));
    TRY(change("take a snapshot of " + full(origin), words));
    return uuid_of(name, activation);
}

Result<> LvmLibrary::rename(const std::string& from, const std::string& to) {
    return change("rename " + full(from) + " to " + to, {"lvrename", "--autobackup", "n", place_.volume_group, from, to});
}

Result<> LvmLibrary::remove(const std::string& name) {
    return change("remove " + full(name), {"lvremove", "--yes", "--autobackup", "n", full(name)});
}

Result<> LvmLibrary::set_size(const std::string& name, base::Bytes size) {
    return change("resize " + full(name),
                  {"lvresize", "--yes", "--force", "--autobackup", "n", "--size", std::to_string(size.count) + "b", full(name)});
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
    TRY(create(next, least, {lv_tag}, Activation::Active));
    TRY(remove(next));
    return activate_it();
}

Result<> LvmLibrary::deactivate(const std::string& name) {
    TRY(run("deactivate " + full(name), {"lvchange", "--yes", "--activate", "n", full(name)}));
    return {};
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
    return change("change the tags of " + full(name), words);
}

// ---- state

std::filesystem::path LvmLibrary::path_of(const std::string& name) const { return kernel::DeviceMapper::node_path(device(name)); }

Result<kernel::DmInfo> LvmLibrary::info(const std::string& lv) const {
    auto found = TRY(mapper_.find(device(lv)));
    if (!found) return fail(Errc::NotFound, "the LV " + full(lv) + " is not active");
    return *std::move(found);
}

Result<LvUuid> LvmLibrary::uuid_of(const std::string& lv, Activation activation) {
    if (activation == Activation::Active) return lv_uuid(TRY(info(lv)));
    return TRY(idle(lv)).uuid;
}

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

Result<kernel::ThinId> LvmLibrary::thin_id(const std::string& lv) {
    const auto no_thin_volume = [&] { return fail(Errc::Corrupt, full(lv) + " is no thin volume"); };
    if (!TRY(mapper_.find(device(lv)))) {
        const auto found = TRY(idle(lv));
        return found.thin_id ? Result<kernel::ThinId>(*found.thin_id) : no_thin_volume();
    }
    const auto table = TRY(mapper_.table(device(lv)));
    const auto& targets = table.targets();
    const auto* thin = targets.size() == 1 ? std::get_if<kernel::ThinTarget>(&targets.front().kind) : nullptr;
    if (thin == nullptr) return no_thin_volume();
    return thin->id;
}

Result<std::map<LvUuid, base::Bytes>> LvmLibrary::mapped() {
    const auto lvs = TRY(list());
    const auto all = TRY(metadata_.mapped());
    std::map<LvUuid, base::Bytes> found;
    for (const auto& lv : lvs) {
        if (lv.pool != place_.thin_pool || !lv.thin_id) continue;
        if (const auto known = all.find(*lv.thin_id); known != all.end()) found.emplace(lv.uuid, known->second);
    }
    return found;
}

Result<base::Extents> LvmLibrary::differing(const std::string& a, const std::string& b) {
    const auto first = TRY(thin_id(a));
    return metadata_.differing(first, TRY(thin_id(b)));
}

Result<base::Bytes> LvmLibrary::exclusive(const std::string& name) { return metadata_.exclusive(TRY(thin_id(name))); }

Result<kernel::DmName> LvmLibrary::active_pool() const {
    if (TRY(mapper_.find(pool_device()))) return pool_device();
    // A pool that never had a volume has no layer of its own yet (lv_is_new_thin_pool in lib/metadata/thin_manip.c).
    auto without_layer = device(place_.thin_pool);
    if (TRY(mapper_.find(without_layer))) return without_layer;
    return fail(Errc::NotFound, "the thin pool " + full(place_.thin_pool) +
                                    " is not active; look with vgs whether its volume group is there under this name and not exported, "
                                    "and activate it: vgchange --activate y " +
                                    place_.volume_group);
}

Result<ThinPoolHealth> LvmLibrary::health() const {
    const auto pool = TRY(active_pool());
    const auto table = TRY(mapper_.table(pool));
    const auto status = TRY(mapper_.status(pool));
    const auto* target = table.targets().size() == 1 ? std::get_if<kernel::ThinPoolTarget>(&table.targets().front().kind) : nullptr;
    if (target == nullptr || status.size() != 1) return fail(Errc::Corrupt, full(place_.thin_pool) + " is no thin pool");
    ThinPoolHealth health;
    health.chunk = target->block.bytes();
    health.zeroes_new = !target->skip_block_zeroing;
    const auto parsed = TRY(kernel::parse_thin_pool_status(status.front().text));
    const auto* usage = std::get_if<kernel::ThinPoolUsage>(&parsed);
    if (usage == nullptr) {
        health.trouble = "it has failed; look at the kernel's log, and at lvconvert --repair";
        return health;
    }
    health.discards = usage->discards == kernel::Discards::PassedDown;
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
