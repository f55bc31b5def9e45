// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/file/pool_world.h"

#include "drivers/file/convert.h"
#include "drivers/file_reflink/file_reflink.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <unistd.h>

#include <limits>

namespace varve::file {

using base::Result;

namespace {

Settings settings() { return {base::PoolName::parse("pool").value(), "/pool", "0123456789abcdef"}; }

constexpr base::Timestamp first_moment{1'700'000'000, 0};

std::string text_in(std::string content) {
    content.resize(std::min(content.find('\0'), content.size()));
    return content.substr(0, 40);
}

std::string text_of(int fd) {
    std::string content(64, '\0');
    (void)!::pread(fd, content.data(), content.size(), 0);
    return text_in(std::move(content));
}

}  // namespace

base::VolumePath path_of(const std::string& volume) {
    const auto slash = volume.find('/');
    return {base::VmName::parse(volume.substr(0, slash)).value(), base::VolumeName::parse(volume.substr(slash + 1)).value()};
}

std::string explain(const Result<>& result) { return result ? std::string() : result.error().message(); }

PoolWorld::PoolWorld(Marks with_marks)
    : marks(with_marks),
      clock(first_moment),
      files(std::make_unique<fakes::MemoryFileSystem>("/pool", clock)),
      log_(std::make_shared<spdlog::logger>("file", std::make_shared<spdlog::sinks::null_sink_mt>())) {
    make_ports();
}

PoolWorld::PoolWorld(Marks with_marks, const fakes::Disk& disk, base::Timestamp time) : PoolWorld(with_marks) {
    clock.advance(time.seconds - first_moment.seconds + 3600);
    files = files->boot(disk, clock);
    make_ports();
}

PoolWorld::~PoolWorld() = default;

void PoolWorld::make_ports() {
    files->set_reflinks(false);
    files->set_marks(marks == Marks::Yes);
    mapper = std::make_unique<fakes::FakeDeviceMapper>(devices, files->faults());
    loops = std::make_unique<fakes::FakeLoops>(devices, *files, files->faults());
}

Kernel PoolWorld::kernel() { return {*files, *mapper, *loops, std::make_shared<fakes::SnapshotNodes>(devices, *files)}; }

Result<> PoolWorld::start() {
    pool.reset();
    return take(TRY(file::open(settings(), kernel(), ids_, clock, *log_, kernel::BootId{"boot"})));
}

Result<> PoolWorld::convert() {
    pool.reset();
    return convert_to_images(settings(), kernel(), ids_, clock, *log_, kernel::BootId{"boot"});
}

Result<> PoolWorld::start_reflink() {
    pool.reset();
    files->set_reflinks(true);
    TRY(check_images_alone(*files, "/pool"));
    const file_reflink::Settings own{.name = settings().name, .dir_path = "/pool"};
    return take(TRY(file_reflink::open(own, *files, ids_, clock, *log_, kernel::BootId{"boot"})));
}

Result<> PoolWorld::take(std::unique_ptr<api::Pool> opened) {
    vms_.clear();
    pool = std::move(opened);
    TRY(pool->recover());
    for (const auto& vm : TRY(pool->list_vms())) {
        const auto loaded = TRY(pool->load_vm(vm));
        for (const auto& [volume, there] : loaded.volumes) vms_[vm.str()].insert_or_assign(volume.str(), *there);
    }
    return {};
}

Result<> PoolWorld::create_vm(const std::string& vm) { return pool->create_vm(base::VmName::parse(vm).value(), {}); }

Result<> PoolWorld::execute(const std::string& volume, const api::Command& command) {
    const auto path = path_of(volume);
    auto after = TRY(pool->execute(path, view(volume), command));
    auto& volumes = vms_[path.vm.str()];
    volumes.erase(path.volume.str());
    if (after) volumes.emplace(path.volume.str(), *std::move(after));
    return {};
}

Result<> PoolWorld::create(const std::string& volume, const api::Kind& kind, std::uint64_t bytes) {
    api::VolumeConfig config;
    config.kind = kind;
    if (api::source_of(kind) == nullptr) config.size = {bytes};
    return execute(volume, api::Create{config});
}

Result<> PoolWorld::start_volume(const std::string& volume) {
    const auto* const present = view(volume);
    if (present == nullptr) return base::fail(base::Errc::NotFound, "there is no " + volume);
    api::Start command;
    if (const auto* source = api::source_of(present->config.kind))
        if (const auto* there = view(source->volume.str())) command.source = api::StartSource{*source, there};
    return execute(volume, command);
}

Result<> PoolWorld::stop(const std::string& volume, api::Stop::Outcome outcome, long long keep) {
    const auto limit = TRY(api::RevisionsToKeep::from(keep));
    return execute(volume, api::Stop{outcome, api::Retention{.keep = limit, .now = clock.now(), .grace_seconds = 0, .sources = {}}});
}

Result<> PoolWorld::publish(const std::string& volume, std::string_view text) {
    auto image = TRY(pool->create_image(path_of(volume).vm, std::nullopt));
    std::string content(text);
    content.resize(8192);
    TRY(image.storage().write(content, {}));
    TRY(image.storage().set_modified(clock.now()));
    return execute(volume, api::Publish{&image, api::Publish::AsCommitted{}});
}

Result<> PoolWorld::reload(const std::string& volume) {
    const auto path = path_of(volume);
    auto there = TRY(pool->load_volume(path, view(volume)));
    auto& volumes = vms_[path.vm.str()];
    volumes.erase(path.volume.str());
    if (there) volumes.emplace(path.volume.str(), *std::move(there));
    return {};
}

std::string PoolWorld::device_of(const std::string& volume) const {
    const auto path = pool->device(path_of(volume), *view(volume));
    EXPECT_TRUE(path) << path.error().message();
    return path ? path->filename().string() : "";
}

void PoolWorld::guest_writes(const std::string& volume, std::string_view text) {
    fakes::SnapshotData(devices, *files).write(device_of(volume), 0, std::string(text) + '\0');
}

std::string PoolWorld::read_guest(const std::string& volume) const {
    return text_in(fakes::SnapshotData(const_cast<fakes::FakeBlockDevices&>(devices), *files).read(device_of(volume)));
}

const api::VolumeView* PoolWorld::view(const std::string& volume) const {
    const auto path = path_of(volume);
    const auto vm = vms_.find(path.vm.str());
    if (vm == vms_.end()) return nullptr;
    const auto found = vm->second.find(path.volume.str());
    return found == vm->second.end() ? nullptr : &found->second;
}

std::string PoolWorld::read(const std::string& volume, const api::StateRef& state) const {
    if (view(volume) == nullptr) return "(no volume)";
    const auto file = pool->open_state(path_of(volume), *view(volume), state);
    return file ? text_of(file->get()) : "(" + file.error().message() + ")";
}

std::vector<std::string> PoolWorld::all_texts(const std::string& volume) const {
    std::vector<std::string> texts;
    const auto* const there = view(volume);
    if (there == nullptr) return texts;
    if (there->committed) texts.push_back(read(volume));
    for (const auto& revision : there->revisions) texts.push_back(read(volume, revision.id));
    if (there->session && api::saves_on_stop(there->config.kind)) {
        const auto path = path_of(volume);
        const auto image = files->open_beside("appvms/" + path.vm.str() + "/" + path.volume.str() + ".img");
        if (image) texts.push_back(text_of(image->get()));
    }
    return texts;
}

std::vector<std::string> PoolWorld::names(const std::string& vm) const {
    std::vector<std::string> all;
    const auto top = files->open_top("/pool").value();
    const auto folder = files->open_directory(top.get(), "appvms").value();
    const auto directory = files->open_directory(folder.get(), vm).value();
    const auto entries = files->list(directory.get());
    for (const auto& entry : *entries) all.push_back(entry.name);
    return all;
}

fakes::Disk PoolWorld::disk() const { return files->disk_after({.transactions = std::numeric_limits<std::size_t>::max(), .data = true}); }

}  // namespace varve::file
