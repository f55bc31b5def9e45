// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/vm/world.h"

#include <algorithm>
#include <cstdlib>

namespace varve::vm {
namespace {

std::string_view name_of(StageEvent::What what) {
    switch (what) {
        case StageEvent::What::Began: return "began";
        case StageEvent::What::Done: return "done";
        case StageEvent::What::Failed: return "failed";
        case StageEvent::What::Undone: return "undone";
    }
    return "";
}

}  // namespace

StageListener StageLog::listener() {
    return [this](const StageEvent& event) {
        const std::scoped_lock lock(mutex_);
        lines_.push_back(event.vm.str() + " " + std::string(name_of(event.stage)) + " " + std::string(name_of(event.what)));
    };
}

std::vector<std::string> StageLog::lines() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
}

bool StageLog::has(const std::string& line) const { return std::ranges::count(lines(), line) > 0; }

void VmLog::note(const VmEvent& event) {
    const std::scoped_lock lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
}

bool VmLog::wait_for(std::string_view vm, VmState state, std::chrono::seconds deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, deadline, [&] {
        return std::ranges::any_of(events_, [&](const VmEvent& event) { return event.vm.str() == vm && event.state == state; });
    });
}

World::World() {
    std::string pattern = (std::filesystem::temp_directory_path() / "varve-vm-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    definitions = definitions::DefinitionStore::open(directory).value();
    settings.default_hypervisor = "test:///fake";
    settings.console_directory = directory;
    settings.patience = test_support::patience;
    start_orchestrator();
}

World::~World() {
    end_orchestrator();
    std::filesystem::remove_all(directory);
}

void World::start_orchestrator() {
    end_orchestrator();
    faults = std::make_unique<fakes::Faults>();
    hypervisor = std::make_shared<fakes::FakeHypervisor>(guests, *faults);
    elsewhere = std::make_shared<fakes::FakeHypervisor>(guests_elsewhere, *faults, "test:///elsewhere");
    storage = std::make_unique<fakes::FakeStorage>(volumes, *faults);
    records = std::make_unique<fakes::FakeSessionRecords>(volumes, *faults);
    machines = make_life_cycle(
        *definitions, *storage, *records, [this](const std::string& uri) { return uri == elsewhere->uri() ? elsewhere : hypervisor; },
        [this] { return open_xenstore(); }, settings);
    subscription = machines->subscribe([this](const VmEvent& event) { events.note(event); });
}

base::Result<std::shared_ptr<xenstore::XenStore>> World::open_xenstore() {
    ++xenstore_opened;
    if (!has_xenstore) return base::fail(base::Errc::Unsupported, "no xenstored answers");
    return std::shared_ptr<xenstore::XenStore>(std::shared_ptr<void>(), &xenstore);  // the host's, not this process's
}

void World::end_orchestrator() {
    subscription.reset();
    machines.reset();
    hypervisor.reset();
    elsewhere.reset();
    storage.reset();
    records.reset();
}

definitions::VmDefinition World::define(std::string_view name, const std::function<void(definitions::VmDefinition&)>& change) {
    definitions::VmDefinition vm{.name = named<base::VmName>(name), .vm_class = definitions::StandaloneVm{}};
    vm.volumes.push_back({named<base::VolumeName>("root"), named<base::PoolName>("fast"), {}, true});
    vm.volumes.push_back({named<base::VolumeName>("data"), named<base::PoolName>("fast"), {}, true});
    if (change) change(vm);
    const std::scoped_lock lock(volumes.mutex);
    for (const auto& use : vm.volumes) volumes.volumes[use.pool.str() + "/" + vm.name.str() + "/" + use.volume.str()] = {.content = "old"};
    const auto created = definitions->create(vm);
    EXPECT_TRUE(created) << (created ? "" : created.error().message());
    return vm;
}

void World::guest_writes(const std::string& volume, const std::string& content) {
    const std::scoped_lock lock(volumes.mutex);
    volumes.volumes.at(volume).uncommitted = content;
}

fakes::FakeVolumes::Volume World::volume(const std::string& name) {
    const std::scoped_lock lock(volumes.mutex);
    return volumes.volumes.at(name);
}

std::vector<std::string> World::domains() {
    const std::scoped_lock lock(guests.mutex);
    std::vector<std::string> names;
    for (const auto& [uuid, guest] : guests.guests) names.push_back(guest.domain.name);
    std::ranges::sort(names);
    return names;
}

bool World::has_record(const std::string& vm) {
    const std::scoped_lock lock(volumes.mutex);
    return volumes.records.contains(vm);
}

}  // namespace varve::vm
