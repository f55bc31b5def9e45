// SPDX-License-Identifier: LGPL-2.1-or-later
// Preloading on a loop whose clock and workers the test moves, with VMs and disposables that do what they are told.
#pragma once

#include "orchestrator/preloading/preloading.h"
#include "tests/unit/service/fake_machines.h"

#include <gtest/gtest.h>

#include <deque>

namespace varve::preloading::tests {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline base::VmName vm(const std::string& name) { return base::VmName::parse(name).value(); }

// One thread: work is done when run() comes to it.
class FakeLoop final : public Loop {
public:
    [[nodiscard]] Instant now() const override { return now_; }
    void post(Task task) override { tasks_.push_back(std::move(task)); }
    void wake_at(std::optional<Instant> time, Task task) override {
        alarm_ = time;
        wake_ = std::move(task);
    }
    void work(Work kind, Task task) override { works_.emplace_back(kind, std::move(task)); }
    void stop() override { works_.clear(); }

    // Until there is nothing to do now; held work waits.
    void run();
    // Time passes; the wake-ups come.
    void pass(milliseconds time);
    void hold(Work kind) { held_.insert(kind); }
    void release() { held_.clear(); }

private:
    [[nodiscard]] bool one_work();

    Instant now_{};
    std::deque<Task> tasks_;
    std::deque<std::pair<Work, Task>> works_;
    std::set<Work> held_;
    std::optional<Instant> alarm_;
    Task wake_;
};

// Disposables are definitions, and nothing else.
class FakeMakers final : public Makers {
public:
    FakeMakers(definitions::DefinitionStore& store, vm::Machines& machines) : store_(store), machines_(machines) {}

    base::Result<Origin> look(const base::VmName& template_vm) override;
    base::Result<base::VmName> reserve_name() override;
    base::Result<> make(const base::VmName& disposable, const base::VmName& template_vm) override;
    base::Result<> end(const base::VmName& disposable) override;

    std::string content = "one";
    bool look_fails = false;
    bool make_fails = false;
    std::optional<base::Errc> end_fails;
    int ends = 0;                      // tried
    std::function<void()> after_look;  // once
    int looks = 0;
    int names = 0;
    std::vector<std::vector<std::string>> batches;  // of ends, as they came

private:
    definitions::DefinitionStore& store_;
    vm::Machines& machines_;
};

class World : public ::testing::Test {
protected:
    World();
    ~World() override;
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // As after a kill -9 of the last one: the VMs stay.
    void restart();
    // dvm keeps so many ready, and they are.
    void fill(const std::string& max);
    void set(const std::string& vm_name, const std::string& key, const std::string& value);
    // "disp1 disp2+ disp3^ disp4!": creating, booted, outdated.
    [[nodiscard]] std::string listed(const std::string& template_vm = "dvm") const;
    [[nodiscard]] TemplateStatus status(const std::string& template_vm = "dvm") const;
    [[nodiscard]] bool exists(const std::string& name) const { return store->find(vm(name)).has_value(); }
    [[nodiscard]] vm::VmState state(const std::string& name) const { return machines->info(vm(name)).value().state; }
    [[nodiscard]] std::vector<Record> records() const { return Records::open(directory / "preloads").value().all().value(); }
    // "disp1", "cold", an error's text, or "open".
    [[nodiscard]] std::shared_ptr<std::string> request(const std::string& template_vm = "dvm");
    // The one in progress is not ready before loop->release().
    [[nodiscard]] std::shared_ptr<std::string> request_while_one_is_made();
    // A cold one has started at once.
    [[nodiscard]] std::string handed() {
        const auto answer = request();
        loop->run();
        if (*answer == "cold") preloading->cold_start_ended(requests.back());
        loop->run();
        return *answer;
    }

    std::filesystem::path directory;
    std::unique_ptr<definitions::DefinitionStore> store;
    std::unique_ptr<service::tests::FakeMachines> machines;
    std::unique_ptr<FakeMakers> makers;
    SystemSettings system;
    std::vector<std::string> reports;
    std::vector<preload::RequestId> requests;
    std::unique_ptr<FakeLoop> loop;
    std::unique_ptr<Preloading> preloading;
};

}  // namespace varve::preloading::tests
