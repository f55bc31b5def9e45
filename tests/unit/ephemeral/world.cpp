// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/ephemeral/world.h"

#include "drivers/api/forwarding_pool.h"
#include "drivers/file_reflink/file_reflink.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <functional>

namespace varve::ephemeral_tests {
namespace {

using base::Result;

constexpr auto top = "/pool";

// A driver whose volumes are block devices.
class BlockDriver final : public api::ForwardingPool {
public:
    BlockDriver(std::unique_ptr<api::Pool> pool, std::filesystem::path device)
        : ForwardingPool(std::move(pool)), device_(std::move(device)) {}
    Result<std::filesystem::path> device(const base::VolumePath& volume, const api::VolumeView& view) const override {
        TRY(ForwardingPool::device(volume, view));
        return device_;
    }

private:
    Result<std::optional<api::VolumeView>> run(const base::VolumePath& volume, const api::VolumeView* present,
                                               const api::Command& command) override {
        return run_checked(inner(), volume, present, command);
    }
    std::filesystem::path device_;
};

}  // namespace

base::VolumePath path(const std::string& text) {
    const auto slash = text.find('/');
    return {base::VmName::parse(text.substr(0, slash)).value(), base::VolumeName::parse(text.substr(slash + 1)).value()};
}

api::VolumeConfig ephemeral_config(base::Bytes size) {
    api::VolumeConfig config;
    config.kind = api::Volatile{};
    config.size = size;
    config.ephemeral = true;
    return config;
}

World::World() : files_(std::make_unique<fakes::MemoryFileSystem>(top, clock_)) {
    log_ = std::make_unique<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_));
    log_->set_level(spdlog::level::trace);
    make_ports();
    EXPECT_TRUE(succeeded(open()));
    EXPECT_TRUE(succeeded(load()));
}

World::~World() = default;

void World::make_ports() {
    mapper_ = std::make_unique<fakes::FakeDeviceMapper>(devices_, files_->faults());
    loops_ = std::make_unique<fakes::FakeLoops>(devices_, *files_, files_->faults());
    keyring_ = std::make_unique<fakes::FakeKeyring>(keys_, files_->faults());
    const auto open_file = [this](const std::filesystem::path& file) { return files_->open_beside(file.lexically_relative(top).string()); };
    blocks_ = std::make_unique<fakes::FakeBlockAccess>(devices_, open_file, files_->faults());
}

Result<> World::open() {
    const auto name = base::PoolName::parse("fast").value();
    file_reflink::Settings settings{.name = name, .dir_path = top};
    auto inner = TRY(file_reflink::open(settings, *files_, ids_, clock_, *log_, {"boot " + std::to_string(boot_)}));
    if (block_device_) inner = std::make_unique<BlockDriver>(std::move(inner), *block_device_);
    pool_ = ephemeral::with_ephemeral_volumes(std::move(inner), {name, identity}, {*mapper_, *loops_, *keyring_, *blocks_}, clock_, *log_);
    return {};
}

Result<> World::load() {
    vms_.clear();
    TRY(pool_->recover());
    for (const auto& vm : TRY(pool_->list_vms())) vms_[vm.str()] = TRY(pool_->load_vm(vm));
    return {};
}

void World::restart() {
    pool_.reset();
    files_ = files_->copy(clock_);
    make_ports();
    EXPECT_TRUE(succeeded(open()));
    EXPECT_TRUE(succeeded(load()));
}

void World::restart_dying_everywhere(fakes::Faults::Moment moment) {
    constexpr std::size_t more_than_any_recovery = 400;
    for (std::size_t call = 1; call < more_than_any_recovery; ++call) {
        pool_.reset();
        files_ = files_->copy(clock_);
        make_ports();
        faults().die_at(call, moment, fakes::Faults::Calls::Changing);
        const auto opened = open();
        const auto loaded = opened ? load() : opened;
        if (faults().dead()) continue;
        EXPECT_TRUE(succeeded(loaded));
        faults().count();
        return;
    }
    ADD_FAILURE() << "the recovery has no end";
}

void World::reboot() {
    ++boot_;
    devices_.reboot();
    keys_.keys.clear();
    keys_.held.clear();
    restart();
}

Result<> World::execute(const std::string& volume, const api::Command& command) {
    const auto place = path(volume);
    auto after = TRY(pool_->execute(place, view(volume), command));
    auto& volumes = vms_[place.vm.str()].volumes;
    if (after)
        volumes[place.volume] = std::make_shared<const api::VolumeView>(*std::move(after));
    else
        volumes.erase(place.volume);
    return {};
}

void World::reload(const std::string& volume) {
    const auto place = path(volume);
    const auto loaded = pool_->load_volume(place, view(volume));
    ASSERT_TRUE(succeeded(loaded));
    auto& volumes = vms_[place.vm.str()].volumes;
    if (*loaded)
        volumes[place.volume] = std::make_shared<const api::VolumeView>(**loaded);
    else
        volumes.erase(place.volume);
}

void World::make(const std::string& volume, base::Bytes size) {
    (void)pool_->create_vm(path(volume).vm, {});  // there may be one already
    ASSERT_TRUE(succeeded(execute(volume, api::Create{ephemeral_config(size)})));
}

const api::VolumeView* World::view(const std::string& volume) const {
    const auto place = path(volume);
    const auto vm = vms_.find(place.vm.str());
    if (vm == vms_.end()) return nullptr;
    const auto found = vm->second.volumes.find(place.volume);
    return found == vm->second.volumes.end() ? nullptr : found->second.get();
}

bool World::started(const std::string& volume) const {
    return view(volume) != nullptr && view(volume)->session && view(volume)->session->phase == api::Session::Phase::Started;
}

Result<std::filesystem::path> World::device(const std::string& volume) const { return pool_->device(path(volume), *view(volume)); }

const fakes::FakeDmDevice* World::mapped(const std::string& name) const {
    auto& all = const_cast<fakes::FakeBlockDevices&>(devices_).mapped();  // NOLINT: its lock is for the fakes' calls
    const auto found = all.find(name);
    return found == all.end() ? nullptr : &found->second;
}

kernel::CryptTarget World::crypt(const std::string& name) const {
    return std::get<kernel::CryptTarget>(mapped(name)->live->targets().front().kind);
}

std::string World::kernel_objects() const {
    auto& devices = const_cast<fakes::FakeBlockDevices&>(devices_);  // NOLINT: as above
    std::string text;
    for (const auto& [name, device] : devices.mapped()) text += name + "\n";
    for (const auto& [number, loop] : devices.loops()) text += loop.loop.path().string() + "\n";
    for (const auto& [name, key] : keys_.keys) text += name + "\n";
    return text;
}

}  // namespace varve::ephemeral_tests
