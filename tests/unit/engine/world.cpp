// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/engine/world.h"

#include "drivers/api/file_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace varve::engine_test {

base::VmName vm_name(std::string_view text) { return base::VmName::parse(text).value(); }
base::VolumeName volume_name(std::string_view text) { return base::VolumeName::parse(text).value(); }
base::RevisionId revision(std::string_view text) { return base::RevisionId::parse(text).value(); }
base::Label label(std::string_view text) { return base::Label::parse(text).value(); }

World::World(engine::Settings settings, std::optional<base::Bytes> pool_size)
    : sim_settings_{api::RevisionsToKeep::standard(), pool_size},
      volumes_(settings, clock_, listener_, preparer_, operations_),
      writes_(volumes_, processes_, clock_) {
    open_pool("11111111-1111-1111-1111-111111111111");
}

void World::open_pool(const std::string& boot) {
    auto driver = sim::open(sim_settings_, disk_, ids_, clock_, kernel::BootId{boot});
    if (stand_before_) driver = stand_before_(std::move(driver));
    auto opened =
        engine::OpenPool::open({base::PoolName::parse("p").value(), "sim", sim_settings_.revisions_to_keep, {}}, std::move(driver));
    ASSERT_TRUE(succeeded(opened));
    pool_ = *std::move(opened);
}

void World::TearDown() {
    EXPECT_TRUE(preparer_.idle(std::chrono::seconds(10)));
    pool_->close();
}

void World::reboot() {
    EXPECT_TRUE(preparer_.idle(std::chrono::seconds(10)));
    pool_->close();
    open_pool("22222222-2222-2222-2222-222222222222");
}

VmPtr World::vm(std::string_view name) {
    if (auto there = pool_->find(vm_name(name))) return there;
    return volumes_.make_vm(*pool_, vm_name(name), 0777).value();
}

VolumeRef World::origin(std::string_view vm_name, std::string_view volume, base::Bytes size) {
    VolumeRef made{vm(vm_name), volume_name(volume)};
    api::VolumeConfig config;
    config.size = size;
    EXPECT_TRUE(succeeded(volumes_.create(made, config)));
    return made;
}

VolumeRef World::snapshot(std::string_view vm_name, std::string_view volume, const VolumeRef& source,
                          std::optional<base::RevisionId> fixed) {
    VolumeRef made{vm(vm_name), volume_name(volume)};
    api::VolumeConfig config;
    config.kind = api::Snapshot{{source.path(), std::move(fixed)}};
    EXPECT_TRUE(succeeded(volumes_.create(made, config)));
    return made;
}

VolumeRef World::volatile_volume(std::string_view vm_name, std::string_view volume, base::Bytes size) {
    VolumeRef made{vm(vm_name), volume_name(volume)};
    api::VolumeConfig config;
    config.kind = api::Volatile{};
    config.size = size;
    EXPECT_TRUE(succeeded(volumes_.create(made, config)));
    return made;
}

std::shared_ptr<engine::Transaction> World::open(const VolumeRef& volume, pid_t id, bool truncate) {
    auto opened = writes_.open(volume, process(id), truncate);
    EXPECT_TRUE(succeeded(opened));
    if (!opened) return nullptr;
    EXPECT_TRUE(writes_.open_announced(*opened, id));
    return *opened;
}

Result<> World::write(engine::Transaction& transaction, std::string_view text, pid_t id, std::uint64_t offset) {
    return transaction.write({text.data(), text.size()}, base::Bytes{offset}, process(id));
}

void World::commit(const VolumeRef& volume, std::string_view text, std::int64_t seconds) {
    const auto transaction = open(volume);
    ASSERT_NE(transaction, nullptr);
    EXPECT_TRUE(succeeded(write(*transaction, text)));
    EXPECT_TRUE(succeeded(transaction->set_time({seconds, 0})));
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_TRUE(succeeded(transaction->released()));
}

std::string World::read(const VolumeRef& volume, const api::StateRef& state) const {
    const auto view = volume.view();
    if (!view) return "(no volume)";
    const auto file = pool_->driver().open_state(volume.path(), *view, state);
    if (!file) return "(" + std::string(base::name_of(file.error().code)) + ")";
    std::array<char, 64> text{};
    const auto count = api::read_at(file->get(), text, {});
    if (!count) return "(unreadable)";
    const std::string_view all(text.data(), *count);
    return std::string(all.substr(0, all.find('\0')));
}

std::vector<std::string> World::revisions(const VolumeRef& volume) {
    std::vector<std::string> names;
    if (const auto view = volume.view())
        for (const auto& each : view->revisions) names.push_back(each.id.str());
    return names;
}

bool World::started(const VolumeRef& volume) {
    const auto view = volume.view();
    return view && view->session && view->session->phase == api::Session::Phase::Started;
}

void World::write_device(const VolumeRef& volume, std::string_view text) {
    const auto device = pool_->driver().device(volume.path(), *volume.view());
    ASSERT_TRUE(succeeded(device));
    const base::UniqueFd file(::open(device->c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(file.valid());
    ASSERT_TRUE(succeeded(api::write_at(file.get(), {text.data(), text.size()}, {})));
}

}  // namespace varve::engine_test
