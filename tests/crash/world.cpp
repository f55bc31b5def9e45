// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/crash/world.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

namespace varve::crash_tests {

using base::Result;

namespace {

constexpr auto pool_directory = "/pool";
constexpr base::Timestamp first_moment{1'700'000'000, 0};

base::VmName vm_name(const std::string& text) { return base::VmName::parse(text).value(); }

// The engine's proof that a volume has not changed since: here nobody else changes any.
class StillCurrent final : public api::Pool::StillCurrent {};

}  // namespace

base::VolumePath volume_path(const std::string& text) {
    const auto slash = text.find('/');
    return {vm_name(text.substr(0, slash)), base::VolumeName::parse(text.substr(slash + 1)).value()};
}

World::World(Ground ground) : World(ground, Machine{{}, first_moment, "first boot"}) {}

World::World(Ground ground, const Machine& machine)
    : ground_(ground),
      clock_(machine.time),
      files_(std::make_unique<fakes::MemoryFileSystem>(pool_directory, clock_)),
      boot_{machine.boot},
      log_(std::make_shared<spdlog::logger>("crash", std::make_shared<spdlog::sinks::null_sink_mt>())) {
    log_->set_level(spdlog::level::off);
    if (!machine.disk.inodes.empty()) files_ = files_->boot(machine.disk, clock_);
    files_->set_reflinks(ground == Ground::Reflinks);
    files_->set_marks(ground == Ground::Reflinks);
}

World::~World() = default;

Machine World::machine() const {
    return {files_->disk_after({.transactions = std::numeric_limits<std::size_t>::max(), .data = true}), clock_.now(), boot_.text};
}

Result<> World::open_pool() {
    const file_reflink::Settings settings{.name = base::PoolName::parse("pool").value(),
                                          .dir_path = pool_directory,
                                          .setup_check = ground_ == Ground::Reflinks,
                                          .revisions_to_keep = api::RevisionsToKeep::standard()};
    pool_ = TRY(file_reflink::open(settings, *files_, ids_, clock_, *log_, boot_));
    return {};
}

Result<> World::start() {
    TRY(open_pool());
    TRY(pool_->recover());
    return reload_all();
}

Result<> World::reload_all() {
    vms_.clear();
    for (const auto& vm : TRY(pool_->list_vms())) vms_[vm.str()] = TRY(pool_->load_vm(vm));
    return {};
}

void World::remember(const base::VolumePath& volume, std::optional<api::VolumeView> view) {
    auto& volumes = vms_[volume.vm.str()].volumes;
    if (view)
        volumes[volume.volume] = std::make_shared<const api::VolumeView>(*std::move(view));
    else
        volumes.erase(volume.volume);
}

const api::VolumeView* World::view(const std::string& volume) const {
    const auto path = volume_path(volume);
    const auto vm = vms_.find(path.vm.str());
    if (vm == vms_.end()) return nullptr;
    const auto found = vm->second.volumes.find(path.volume);
    return found == vm->second.volumes.end() ? nullptr : found->second.get();
}

Result<> World::create_vm(const std::string& vm) {
    TRY(pool_->create_vm(vm_name(vm), api::Ownership{}));
    vms_[vm] = TRY(pool_->load_vm(vm_name(vm)));
    return {};
}

Result<> World::execute(const std::string& volume, const api::Command& command) {
    const auto path = volume_path(volume);
    remember(path, TRY(pool_->execute(path, view(volume), command)));
    return {};
}

Result<> World::start_volume(const std::string& volume) {
    const auto* present = view(volume);
    if (present == nullptr) return base::fail(base::Errc::NotFound, "there is no volume " + volume);
    const auto* source = api::source_of(present->config.kind);
    api::Start command;
    if (source != nullptr)
        if (const auto* there = view(source->volume.str())) command.source = api::StartSource{*source, there};
    return execute(volume, command);
}

Result<> World::stop_volume(const std::string& volume, api::Stop::Outcome outcome) {
    const auto* present = view(volume);
    if (present == nullptr) return base::fail(base::Errc::NotFound, "there is no volume " + volume);
    const auto keep = present->keep(api::RevisionsToKeep::standard());
    return execute(volume, api::Stop{outcome, api::Retention{.keep = keep, .now = clock_.now(), .grace_seconds = 0, .sources = {}}});
}

Result<> World::publish(const std::string& volume, std::string_view text, decltype(api::Publish::target) target, std::size_t size) {
    auto image = TRY(pool_->create_image(volume_path(volume).vm, std::nullopt));
    std::string content(text);
    content.resize(size, '.');
    if (::pwrite(image.fd(), content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
        return base::fail_errno(errno, "pwrite");
    const timespec times[2] = {{0, UTIME_OMIT}, clock_.now().to_timespec()};  // not the real clock's: runs must be alike
    if (::futimens(image.fd(), times) != 0) return base::fail_errno(errno, "futimens");
    return execute(volume, api::Publish{&image, std::move(target)});
}

Result<> World::rename_volume(const std::string& from, const std::string& to, const std::vector<std::string>& children) {
    std::vector<base::VolumePath> paths;
    for (const auto& child : children) paths.push_back(volume_path(child));
    return pool_->rename_volume(volume_path(from), volume_path(to), *view(from), paths);
}

Result<> World::rename_vm(const std::string& from, const std::string& to, const std::vector<std::string>& children) {
    std::vector<base::VolumePath> paths;
    for (const auto& child : children) paths.push_back(volume_path(child));
    return pool_->rename_vm(vm_name(from), vm_name(to), paths);
}

Result<> World::prepare_start(const std::string& volume) {
    return pool_->prepare_start(volume_path(volume), *view(volume), [] { return std::make_unique<StillCurrent>(); });
}

Result<> World::reload(const std::string& volume) {
    const auto path = volume_path(volume);
    remember(path, TRY(pool_->load_volume(path, view(volume))));
    return {};
}

Result<base::UniqueFd> World::open_session(const std::string& volume) const {
    const auto path = volume_path(volume);
    return files_->open_beside("appvms/" + path.vm.str() + "/" + path.volume.str() + "-dirty.img");
}

Result<> World::guest_writes(const std::string& volume, std::string_view text) {
    const auto image = TRY(open_session(volume));
    if (::pwrite(image.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return base::fail_errno(errno, "pwrite");
    const timespec times[2] = {{0, UTIME_OMIT}, clock_.now().to_timespec()};
    if (::futimens(image.get(), times) != 0) return base::fail_errno(errno, "futimens");
    return {};
}

}  // namespace varve::crash_tests
