// SPDX-License-Identifier: LGPL-2.1-or-later
// Volumes without a mount, and session records without files.
#pragma once

#include "orchestrator/vm/session_records.h"
#include "orchestrator/vm/storage.h"
#include "tests/fakes/afterwards.h"
#include "tests/fakes/faults.h"

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace varve::fakes {

// What the pools and the kernel know: outlives the orchestrator's processes. Thread-safe.
struct FakeVolumes {
    struct Volume {
        vm::VolumeState state = vm::VolumeState::Halted;
        base::Bytes size{std::uint64_t{1} << 20};
        bool rw = true;
        bool kept = true;              // by a stop
        std::string content = {};      // the committed state
        std::string uncommitted = {};  // of the session
        int commits = 0;
    };
    std::mutex mutex;                       // over everything below
    std::map<std::string, Volume> volumes;  // "fast/work/root"
    std::map<std::string, vm::SessionRecord> records;
    std::vector<std::string> findings;
};

// Faults as in FakeDeviceMapper; `fail_next` fails the next call of this name and volume ("start fast/work/root") with an error of one's choice.
class FakeStorage final : public vm::Storage {
public:
    FakeStorage(FakeVolumes& pools, Faults& faults) : pools_(pools), faults_(faults) {}

    void fail_next(const std::string& call, base::Error error);
    // Runs once, when the next call of this name has its answer and before its caller gets it.
    void after_next(const std::string& call, std::function<void()> then) { afterwards_.plan(call, std::move(then)); }
    [[nodiscard]] std::vector<std::string> calls() const;

    [[nodiscard]] base::Result<vm::VolumeFacts> look(const base::VolumeId& volume) override;
    [[nodiscard]] base::Result<std::vector<std::string>> verify(const base::PoolName& pool, const base::VmName& vm) override;
    [[nodiscard]] base::Result<vm::Attachable> start(const base::VolumeId& volume) override;
    [[nodiscard]] base::Result<vm::StopOutcome> stop(const base::VolumeId& volume) override;
    [[nodiscard]] base::Result<std::optional<vm::StopOutcome>> commit(const base::VolumeId& volume) override;
    [[nodiscard]] base::Result<> discard(const base::VolumeId& volume) override;
    [[nodiscard]] base::Result<> resize(const base::VolumeId& volume, base::Bytes size) override;
    [[nodiscard]] base::Result<vm::Attachable> attachable(const std::filesystem::path& path) override;
    [[nodiscard]] base::Result<bool> is_state(const std::filesystem::path& path) override;
    [[nodiscard]] base::Result<bool> has_vm(const base::PoolName& pool, const base::VmName& vm) override;
    [[nodiscard]] base::Result<> remove_vm(const base::PoolName& pool, const base::VmName& vm) override;
    [[nodiscard]] base::Result<> rename_vm(const base::PoolName& pool, const base::VmName& vm, const base::VmName& to) override;
    [[nodiscard]] base::Result<> clone_vm(const base::PoolName& pool, const base::VmName& vm, const base::VmName& to) override;

    // Where a started volume's device is: "/devices/fast/work/root".
    [[nodiscard]] static std::filesystem::path device_of(const base::VolumeId& volume) { return "/devices/" + volume.str(); }

private:
    template <class Body>
    auto call(const std::string& name, Effect effect, Body body);
    [[nodiscard]] base::Result<FakeVolumes::Volume*> at(const base::VolumeId& volume);

    FakeVolumes& pools_;
    Faults& faults_;
    Afterwards afterwards_;
    // Under the pools' lock.
    std::multimap<std::string, base::Error> failures_;
    std::vector<std::string> calls_;
};

class FakeSessionRecords final : public vm::SessionRecords {
public:
    FakeSessionRecords(FakeVolumes& pools, Faults& faults) : pools_(pools), faults_(faults) {}

    [[nodiscard]] base::Result<std::vector<vm::SessionRecord>> all() override;
    [[nodiscard]] base::Result<std::optional<vm::SessionRecord>> find(const base::VmName& vm) override;
    [[nodiscard]] base::Result<> put(const vm::SessionRecord& record) override;
    [[nodiscard]] base::Result<> remove(const base::VmName& vm) override;

private:
    FakeVolumes& pools_;
    Faults& faults_;
};

}  // namespace varve::fakes
