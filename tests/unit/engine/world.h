// SPDX-License-Identifier: LGPL-2.1-or-later
// An engine over one pool in memory, as main() would compose it.
#pragma once

#include "drivers/sim/sim.h"
#include "fs/engine/catalogue.h"
#include "fs/engine/volumes.h"
#include "fs/engine/writes.h"
#include "tests/support/manual_clock.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace varve::engine_test {

using base::Errc;
using base::Result;
using engine::VmPtr;
using engine::VolumeRef;

// `text` must be legal.
[[nodiscard]] base::VmName vm_name(std::string_view text);
[[nodiscard]] base::VolumeName volume_name(std::string_view text);
[[nodiscard]] base::RevisionId revision(std::string_view text);
[[nodiscard]] base::Label label(std::string_view text);
[[nodiscard]] constexpr base::Bytes mebibytes(std::uint64_t count) { return {count << 20}; }

template <class T>
[[nodiscard]] testing::AssertionResult succeeded(const Result<T>& result) {
    if (result) return testing::AssertionSuccess();
    return testing::AssertionFailure() << base::name_of(result.error().code) << ": " << result.error().message();
}

template <class T>
[[nodiscard]] testing::AssertionResult failed(const Result<T>& result, Errc code) {
    if (result) return testing::AssertionFailure() << "succeeded, where " << base::name_of(code) << " was due";
    if (result.error().code != code)
        return testing::AssertionFailure() << base::name_of(result.error().code) << " (" << result.error().message() << "), where "
                                           << base::name_of(code) << " was due";
    if (result.error().context.empty()) return testing::AssertionFailure() << "no reason is given";
    return testing::AssertionSuccess();
}

// Processes whose fate the test decides; every thread is its own process.
class FakeProcesses final : public engine::Processes {
public:
    [[nodiscard]] pid_t process_of(pid_t thread) const override { return thread; }
    [[nodiscard]] bool killed(pid_t thread) const override { return killed_.contains(thread); }
    void kill(pid_t thread) { killed_.insert(thread); }

private:
    std::set<pid_t> killed_;
};

class CountingListener final : public engine::ChangeListener {
public:
    // Who is told as well; nullptr: nobody. Not while something changes.
    void pass_on_to(engine::ChangeListener* next) { next_ = next; }
    void volume_changed(const engine::Vm& vm, const base::VolumeName& volume, const api::VolumeView* before,
                        const api::VolumeView* after) override {
        {
            const std::lock_guard lock(mutex_);
            ++changes_[volume.str()];
        }
        if (next_ != nullptr) next_->volume_changed(vm, volume, before, after);
    }
    [[nodiscard]] int changes(const std::string& volume) const {
        const std::lock_guard lock(mutex_);
        const auto found = changes_.find(volume);
        return found == changes_.end() ? 0 : found->second;
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, int> changes_;
    engine::ChangeListener* next_ = nullptr;
};

// "start work/root", "revert work/root: busy": what ended.
class HeardOperations final : public engine::OperationListener {
public:
    // Who is told as well. Not while something runs.
    void pass_on_to(engine::OperationListener& other) { others_.push_back(&other); }
    void began(const engine::Operation& operation) override {
        ++running_;
        for (auto* other : others_) other->began(operation);
    }
    void ended(const engine::Operation& operation, const engine::Outcome& outcome) override {
        for (auto* other : others_) other->ended(operation, outcome);
        const std::lock_guard lock(mutex_);
        --running_;
        auto line = std::string(operation.verb) + " " + operation.vm.str();
        if (operation.volume) line += "/" + operation.volume->str();
        if (operation.to) line += " -> " + *operation.to;
        if (outcome.error != nullptr) line += ": " + std::string(base::name_of(outcome.error->code));
        ended_.push_back(std::move(line));
    }
    [[nodiscard]] std::vector<std::string> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(ended_, {});
    }
    [[nodiscard]] int running() const { return running_; }

private:
    std::mutex mutex_;
    std::vector<std::string> ended_;
    std::atomic<int> running_ = 0;
    std::vector<engine::OperationListener*> others_;
};

class World : public testing::Test {
protected:
    explicit World(engine::Settings settings = quick(), std::optional<base::Bytes> pool_size = {});

    // Refusals come at once, and nothing is refused for want of space.
    static engine::Settings quick() { return {base::Bytes{0}, std::chrono::hours(24), std::chrono::milliseconds(0)}; }

    void TearDown() override;

    // Opens the pool once more on the same storage, in another boot: what ran is dirty. From here on with what `stand_before_` puts before the driver.
    void reboot();

    VmPtr vm(std::string_view name);  // made when it does not exist
    VolumeRef origin(std::string_view vm_name, std::string_view volume, base::Bytes size = mebibytes(1));
    VolumeRef snapshot(std::string_view vm_name, std::string_view volume, const VolumeRef& source,
                       std::optional<base::RevisionId> fixed = {});
    VolumeRef volatile_volume(std::string_view vm_name, std::string_view volume, base::Bytes size = mebibytes(1));

    // ---- writing as a process does
    static engine::Writer process(pid_t id) { return {id, id}; }
    // open(2), with its handle.
    std::shared_ptr<engine::Transaction> open(const VolumeRef& volume, pid_t id = 1, bool truncate = false);
    static Result<> write(engine::Transaction& transaction, std::string_view text, pid_t id = 1, std::uint64_t offset = 0);
    // A whole transaction, whose state has this time.
    void commit(const VolumeRef& volume, std::string_view text, std::int64_t seconds);

    // ---- what is there
    [[nodiscard]] std::string read(const VolumeRef& volume, const api::StateRef& state = api::CommittedState{}) const;
    [[nodiscard]] static std::vector<std::string> revisions(const VolumeRef& volume);
    [[nodiscard]] static bool started(const VolumeRef& volume);
    void write_device(const VolumeRef& volume, std::string_view text);

    test_support::ManualClock clock_{{1'600'000'000, 0}};
    api::StateIds ids_;
    sim::Settings sim_settings_;
    std::function<std::unique_ptr<api::Pool>(std::unique_ptr<api::Pool>)> stand_before_;
    std::shared_ptr<sim::Disk> disk_ = sim::make_disk();
    CountingListener listener_;
    FakeProcesses processes_;
    std::shared_ptr<engine::OpenPool> pool_;
    engine::StartPreparer preparer_{*spdlog::default_logger()};
    HeardOperations heard_;
    engine::Operations operations_{clock_, {&heard_}};
    engine::Volumes volumes_;
    engine::Writes writes_;

private:
    void open_pool(const std::string& boot);
};

}  // namespace varve::engine_test
