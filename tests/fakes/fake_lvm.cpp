// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_lvm.h"

#include "drivers/kernel/sparse_copy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace varve::fakes {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using lvm_thin::Lv;
using lvm_thin::LvUuid;

namespace {

constexpr std::int64_t untouched = 1;  // a time that no clock gives

void mark_untouched(int fd) {
    const std::array<timespec, 2> times{timespec{untouched, 1}, timespec{untouched, 1}};
    (void)::futimens(fd, times.data());
}

struct stat status_of(int fd) {
    struct stat status {};
    (void)::fstat(fd, &status);
    return status;
}

Bytes mapped_by(int fd) {
    constexpr std::uint64_t stat_block = 512;
    return Bytes{static_cast<std::uint64_t>(status_of(fd).st_blocks) * stat_block};
}

bool is_touched(int fd) { return status_of(fd).st_mtim.tv_sec != untouched; }

// The content in pieces of a pool's chunk; an empty string for one that is all hole.
std::string chunk_at(int fd, off_t offset) {
    const auto data = ::lseek(fd, offset, SEEK_DATA);
    constexpr off_t chunk = 65536;
    if (data < 0 || data >= offset + chunk) return {};
    std::string text(chunk, '\0');
    const auto count = ::pread(fd, text.data(), text.size(), offset);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (text.find_first_not_of('\0') == std::string::npos) text.clear();
    return text;
}

template <class Use>
void each_chunk(int fd, const Use& use) {
    constexpr off_t chunk = 65536;
    for (off_t offset = 0; offset < status_of(fd).st_size; offset += chunk) use(offset);
}

}  // namespace

FakeThinDisk::FakeThinDisk() {
    constexpr std::uint64_t size = std::uint64_t{1} << 34;
    health_ = {.data = {size}, .data_used = {size / 10}, .chunk = {65536}, .metadata_percent = 5};
}

void FakeThinDisk::reboot() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, volume] : volumes_) deactivate(volume);
    held_.clear();
}

void FakeThinDisk::deactivate(Volume& volume) {
    volume.lv.active = false;
    volume.writes = 0;
    mark_untouched(volume.file.get());
}

void FakeThinDisk::activate_all() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, volume] : volumes_) volume.lv.active = true;
}

std::set<std::string> FakeThinDisk::active() const {
    const std::lock_guard lock(mutex_);
    std::set<std::string> found;
    for (const auto& [name, volume] : volumes_)
        if (volume.lv.active) found.insert(name);
    return found;
}

std::set<std::string> FakeThinDisk::names() const {
    const std::lock_guard lock(mutex_);
    std::set<std::string> all;
    for (const auto& [name, volume] : volumes_) all.insert(name);
    return all;
}

std::vector<std::string> FakeThinDisk::pool_tags() const {
    const std::lock_guard lock(mutex_);
    return tags_;
}

void FakeThinDisk::set_pool_tags(std::vector<std::string> tags) {
    const std::lock_guard lock(mutex_);
    tags_ = std::move(tags);
}

void FakeThinDisk::set_metadata_busy(bool busy) {
    const std::lock_guard lock(mutex_);
    metadata_busy_ = busy;
}

Result<> FakeThinDisk::read_metadata() const {
    if (metadata_busy_) return fail(Errc::Busy, "another program reads the metadata of the thin pool");
    return {};
}

void FakeThinDisk::set_health(lvm_thin::ThinPoolHealth health) {
    const std::lock_guard lock(mutex_);
    health_ = std::move(health);
}

void FakeThinDisk::lose_volume_group() {
    const std::lock_guard lock(mutex_);
    lost_ = true;
}

void FakeThinDisk::add_foreign(const std::string& name, std::string_view text, std::string pool) {
    const std::lock_guard lock(mutex_);
    auto* volume = *add(name, FakeLvm::extent, {});
    volume->lv.pool = std::move(pool);
    (void)!::pwrite(volume->file.get(), text.data(), text.size(), 0);
}

void FakeThinDisk::remove_foreign(const std::string& name) {
    const std::lock_guard lock(mutex_);
    volumes_.erase(name);
}

void FakeThinDisk::hold_open(const std::string& name) {
    const std::lock_guard lock(mutex_);
    held_.insert(name);
}

void FakeThinDisk::let_go(const std::string& name) {
    const std::lock_guard lock(mutex_);
    held_.erase(name);
}

std::string FakeThinDisk::text_in(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = volumes_.find(name);
    if (found == volumes_.end()) return "(no LV)";
    std::array<char, 64> text{};
    (void)!::pread(found->second.file.get(), text.data(), text.size() - 1, 0);
    return text.data();
}

Result<FakeThinDisk::Volume*> FakeThinDisk::find(const std::string& name) {
    if (lost_) return fail(Errc::NotFound, "the volume group is gone");
    const auto found = volumes_.find(name);
    if (found == volumes_.end()) return fail(Errc::NotFound, "there is no LV " + name);
    return &found->second;
}

Result<FakeThinDisk::Volume*> FakeThinDisk::add(const std::string& name, Bytes size, const std::vector<std::string>& tags) {
    if (lost_) return fail(Errc::NotFound, "the volume group is gone");
    if (volumes_.contains(name)) return fail(Errc::Exists, "there is an LV " + name + " already");
    base::UniqueFd file(::memfd_create(name.c_str(), MFD_CLOEXEC));
    if (!file.valid() || ::ftruncate(file.get(), static_cast<off_t>(size.count)) != 0)
        return base::fail_errno(errno, "cannot make " + name);
    mark_untouched(file.get());
    auto text = std::to_string(next_uuid_++);
    text.insert(0, 32 - text.size(), 'u');
    Volume volume{Lv{LvUuid{text}, name, FakeLvm::pool, size, tags, true}, std::move(file)};
    return &volumes_.emplace(name, std::move(volume)).first->second;
}

bool FakeThinDisk::is_open(const std::string& name, const Volume& volume) const {
    if (held_.contains(name)) return true;
    const auto inode = status_of(volume.file.get()).st_ino;
    std::size_t open = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        struct stat status {};
        if (::stat(entry.path().c_str(), &status) == 0 && status.st_ino == inode) ++open;
    }
    return open > 1;  // one is the disk's own
}

// ---- the port

template <class Change>
auto FakeLvm::change(const Change& change) -> decltype(change()) {
    if (const auto entered = disk_->faults_->enter(Effect::Changes); !entered) return base::Failure(entered.error());
    auto result = [&] {
        const std::lock_guard lock(disk_->mutex_);
        return change();
    }();
    if (const auto left = disk_->faults_->leave(); !left) return base::Failure(left.error());
    return result;
}

Result<lvm_thin::VolumeGroup> FakeLvm::look() {
    const std::lock_guard lock(disk_->mutex_);
    if (disk_->faults_->dead()) return fail(Errc::Io, "the power has failed");
    if (disk_->lost_) return fail(Errc::NotFound, "the volume group is gone");
    lvm_thin::VolumeGroup group{extent, {}};
    group.lvs.push_back({LvUuid{std::string(32, 'p')}, pool, {}, {}, disk_->tags_, true});
    for (const auto& [name, volume] : disk_->volumes_) group.lvs.push_back(volume.lv);
    return group;
}

Result<LvUuid> FakeLvm::create(const std::string& name, Bytes size, const std::vector<std::string>& tags, Activation activation) {
    return change([&]() -> Result<LvUuid> {
        auto& made = TRY(disk_->add(name, size, tags))->lv;
        made.active = activation == Activation::Active;
        return made.uuid;
    });
}

Result<LvUuid> FakeLvm::snapshot(const std::string& origin, const std::string& name, const std::vector<std::string>& tags,
                                 Activation activation) {
    return change([&]() -> Result<LvUuid> {
        auto* from = TRY(disk_->find(origin));
        auto* made = TRY(disk_->add(name, {}, tags));
        made->lv.size = from->lv.size;
        made->lv.active = activation == Activation::Active;
        TRY(kernel::copy_sparse(from->file.get(), made->file.get()));
        mark_untouched(made->file.get());
        return made->lv.uuid;
    });
}

Result<> FakeLvm::rename(const std::string& from, const std::string& to) {
    return change([&]() -> Result<> {
        TRY(disk_->find(from));
        if (disk_->volumes_.contains(to)) return fail(Errc::Exists, "there is an LV " + to + " already");
        auto volume = disk_->volumes_.extract(from);
        volume.key() = to;
        volume.mapped().lv.name = to;
        disk_->volumes_.insert(std::move(volume));
        return {};
    });
}

Result<> FakeLvm::remove(const std::string& name) {
    return change([&]() -> Result<> {
        if (disk_->is_open(name, *TRY(disk_->find(name)))) return fail(Errc::Busy, "the LV " + name + " is open");
        disk_->volumes_.erase(name);
        return {};
    });
}

Result<> FakeLvm::set_size(const std::string& name, Bytes size) {
    return change([&]() -> Result<> {
        auto* volume = TRY(disk_->find(name));
        const auto fd = volume->file.get();
        const bool touched = is_touched(fd);
        if (::ftruncate(fd, static_cast<off_t>(size.count)) != 0) return base::fail_errno(errno, "cannot resize " + name);
        if (!touched) mark_untouched(fd);
        volume->lv.size = size;
        return {};
    });
}

Result<> FakeLvm::activate(const std::string& name) {
    return change([&]() -> Result<> {
        TRY(disk_->find(name))->lv.active = true;
        return {};
    });
}

Result<> FakeLvm::deactivate(const std::string& name) {
    return change([&]() -> Result<> {
        auto* volume = TRY(disk_->find(name));
        if (disk_->is_open(name, *volume)) return fail(Errc::Busy, "the LV " + name + " is open");
        FakeThinDisk::deactivate(*volume);
        return {};
    });
}

Result<> FakeLvm::change_tags(const std::string& name, const std::vector<std::string>& remove, const std::vector<std::string>& add) {
    return change([&]() -> Result<> {
        for (const auto& tag : add)
            if (!lvm_thin::is_tag(tag)) return fail(Errc::InvalidArgument, "LVM takes no such tag: " + tag);
        if (remove.size() + add.size() > most_tags) return fail(Errc::InvalidArgument, "too many tags for one command");
        if (disk_->lost_) return fail(Errc::NotFound, "the volume group is gone");
        auto& tags = name == pool ? disk_->tags_ : TRY(disk_->find(name))->lv.tags;
        std::erase_if(tags, [&](const std::string& tag) { return std::ranges::find(remove, tag) != remove.end(); });
        tags.insert(tags.end(), add.begin(), add.end());
        return {};
    });
}

std::filesystem::path FakeLvm::path_of(const std::string& name) const {
    const std::lock_guard lock(disk_->mutex_);
    const auto found = disk_->volumes_.find(name);
    return found == disk_->volumes_.end() ? "/nonexistent" : "/proc/self/fd/" + std::to_string(found->second.file.get());
}

Result<base::UniqueFd> FakeLvm::open(const std::string& name, Access access) const {
    const std::lock_guard lock(disk_->mutex_);
    if (disk_->faults_->dead()) return fail(Errc::Io, "the power has failed");
    const auto* volume = TRY(disk_->find(name));
    if (!volume->lv.active) return fail(Errc::NotFound, "the LV " + name + " is not active");
    const auto path = "/proc/self/fd/" + std::to_string(volume->file.get());
    base::UniqueFd fd(::open(path.c_str(), (access == Access::Read ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    if (!fd.valid()) return base::fail_errno(errno, "cannot open " + name);
    return fd;
}

Result<LvUuid> FakeLvm::shown_by(int fd) const {
    const std::lock_guard lock(disk_->mutex_);
    const auto inode = status_of(fd).st_ino;
    for (const auto& [name, volume] : disk_->volumes_)
        if (status_of(volume.file.get()).st_ino == inode) return volume.lv.uuid;
    return fail(Errc::InvalidArgument, "the descriptor shows no LV");
}

Result<Bytes> FakeLvm::mapped(const std::string& name) const {
    const std::lock_guard lock(disk_->mutex_);
    const auto* volume = TRY(disk_->find(name));
    if (!volume->lv.active) return fail(Errc::NotFound, "the LV " + name + " is not active");
    return mapped_by(volume->file.get());
}

Result<std::map<LvUuid, Bytes>> FakeLvm::mapped() {
    const std::lock_guard lock(disk_->mutex_);
    if (disk_->lost_) return fail(Errc::NotFound, "the volume group is gone");
    TRY(disk_->read_metadata());
    std::map<LvUuid, Bytes> all;
    for (const auto& [name, volume] : disk_->volumes_) all.emplace(volume.lv.uuid, mapped_by(volume.file.get()));
    return all;
}

Result<bool> FakeLvm::in_use(const std::string& name) const {
    const std::lock_guard lock(disk_->mutex_);
    return disk_->is_open(name, *TRY(disk_->find(name)));
}

Result<std::uint64_t> FakeLvm::writes(const std::string& name) const {
    const std::lock_guard lock(disk_->mutex_);
    auto* volume = TRY(disk_->find(name));
    if (!volume->lv.active) return fail(Errc::NotFound, "the LV " + name + " is not active");
    if (is_touched(volume->file.get())) ++volume->writes;
    mark_untouched(volume->file.get());
    return volume->writes;
}

Result<base::Extents> FakeLvm::differing(const std::string& a, const std::string& b) {
    const std::lock_guard lock(disk_->mutex_);
    TRY(disk_->read_metadata());
    const auto first = TRY(disk_->find(a))->file.get();
    const auto second = TRY(disk_->find(b))->file.get();
    base::Extents found;
    each_chunk(status_of(first).st_size > status_of(second).st_size ? first : second, [&](off_t offset) {
        const auto at = static_cast<std::uint64_t>(offset);
        if (chunk_at(first, offset) != chunk_at(second, offset)) base::append(found, {{at}, {disk_->health_.chunk}});
    });
    return found;
}

Result<Bytes> FakeLvm::exclusive(const std::string& name) {
    const std::lock_guard lock(disk_->mutex_);
    TRY(disk_->read_metadata());
    const auto* volume = TRY(disk_->find(name));
    Bytes own;
    each_chunk(volume->file.get(), [&](off_t offset) {
        const auto chunk = chunk_at(volume->file.get(), offset);
        const auto shared = std::ranges::any_of(
            disk_->volumes_, [&](const auto& other) { return other.first != name && chunk_at(other.second.file.get(), offset) == chunk; });
        if (!chunk.empty() && !shared) own = own + Bytes{chunk.size()};
    });
    return own;
}

Result<lvm_thin::ThinPoolHealth> FakeLvm::health() const {
    const std::lock_guard lock(disk_->mutex_);
    if (disk_->lost_) return fail(Errc::NotFound, "the volume group is gone");
    return disk_->health_;
}

Result<> FakeLvm::discard(int fd, Bytes offset, Bytes length) {
    if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset.count), static_cast<off_t>(length.count)) !=
        0)
        return base::fail_errno(errno, "cannot discard");
    return {};
}

}  // namespace varve::fakes
