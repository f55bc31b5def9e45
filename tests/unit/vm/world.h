// SPDX-License-Identifier: LGPL-2.1-or-later
// A host with definitions in files, and everything else fake: one orchestrator process at a time runs on it.
#pragma once

#include "orchestrator/vm/life_cycle.h"
#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_storage.h"
#include "tests/fakes/fake_xenstore.h"
#include "tests/support/waiting.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace varve::vm {

template <class Name>
Name named(std::string_view text) {
    return Name::parse(text).value();
}

inline const auto work = named<base::VmName>("work");
inline const auto other = named<base::VmName>("other");

// Notes the stages as "work volumes done".
class StageLog {
public:
    [[nodiscard]] StageListener listener();
    [[nodiscard]] std::vector<std::string> lines() const;
    [[nodiscard]] bool has(const std::string& line) const;

private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

// Waits for events of VMs.
class VmLog {
public:
    void note(const VmEvent& event);
    [[nodiscard]] bool wait_for(std::string_view vm, VmState state, std::chrono::seconds deadline = test_support::patience);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<VmEvent> events_;
};

class World {
public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // A new process over what the last one left. `faults` are its.
    void start_orchestrator();
    void end_orchestrator();

    // With volumes root and data in the pool `fast`, unless told otherwise.
    definitions::VmDefinition define(std::string_view name, const std::function<void(definitions::VmDefinition&)>& change = {});
    // What the guest of a started volume writes.
    void guest_writes(const std::string& volume, const std::string& content);
    [[nodiscard]] fakes::FakeVolumes::Volume volume(const std::string& name);
    [[nodiscard]] std::vector<std::string> domains();
    [[nodiscard]] bool has_record(const std::string& vm);
    [[nodiscard]] VmState state(std::string_view vm) const { return machines->info(named<base::VmName>(vm)).value().state; }

    [[nodiscard]] base::Result<std::shared_ptr<xenstore::XenStore>> open_xenstore();

    // The host, which stays.
    std::filesystem::path directory;
    fakes::FakeGuests guests;
    fakes::FakeGuests guests_elsewhere;  // of the hypervisor test:///elsewhere
    fakes::FakeVolumes volumes;
    std::unique_ptr<definitions::DefinitionStore> definitions;
    LifeCycleSettings settings;
    fakes::FakeXenStore xenstore;
    bool has_xenstore = true;
    int xenstore_opened = 0;  // how often

    // The process.
    std::unique_ptr<fakes::Faults> faults;
    std::shared_ptr<fakes::FakeHypervisor> hypervisor;  // of every other URI
    std::shared_ptr<fakes::FakeHypervisor> elsewhere;
    std::unique_ptr<fakes::FakeStorage> storage;
    std::unique_ptr<fakes::FakeSessionRecords> records;
    VmLog events;
    std::unique_ptr<LifeCycle> machines;
    std::unique_ptr<VmSubscription> subscription;
};

}  // namespace varve::vm
