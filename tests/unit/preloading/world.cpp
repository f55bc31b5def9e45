// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/preloading/world.h"

#include "orchestrator/disposables/make.h"
#include "tests/unit/definitions/samples.h"

#include <cstdlib>

namespace varve::preloading::tests {

using definitions::tests::accepted;

// ---- the loop

bool FakeLoop::one_work() {
    const auto found = std::ranges::find_if(works_, [&](const auto& each) { return !held_.contains(each.first); });
    if (found == works_.end()) return false;
    const auto task = std::move(found->second);
    works_.erase(found);
    task();
    return true;
}

void FakeLoop::run() {
    for (int steps = 0; steps < 10000; ++steps) {
        if (!tasks_.empty()) {
            const auto task = std::move(tasks_.front());
            tasks_.pop_front();
            task();
        } else if (!one_work()) {
            return;
        }
    }
    ADD_FAILURE() << "it goes on and on";
}

void FakeLoop::pass(milliseconds time) {
    const auto end = now_ + time;
    run();
    for (int wakeups = 0; alarm_ && *alarm_ <= end; ++wakeups) {
        if (wakeups > 1000) {
            ADD_FAILURE() << "it wakes up again and again";
            break;
        }
        now_ = std::max(now_, *alarm_);
        alarm_.reset();
        const auto wake = std::move(wake_);
        wake();
        run();
    }
    now_ = end;
}

// ---- disposables

base::Result<Origin> FakeMakers::look(const base::VmName& template_vm) {
    ++looks;
    if (look_fails) return base::fail(base::Errc::Io, "the mount is gone");
    const base::VolumeId root{base::PoolName::parse("p").value(), template_vm, base::VolumeName::parse("root").value()};
    Origin origin{content, {root}};
    if (after_look) std::exchange(after_look, {})();
    return origin;
}

base::Result<base::VmName> FakeMakers::reserve_name() { return base::VmName::parse("disp" + std::to_string(++names)); }

base::Result<> FakeMakers::make(const base::VmName& disposable, const base::VmName& template_vm) {
    if (make_fails) return base::fail(base::Errc::NoSpace, "the pool is full");
    return store_.create(TRY(disposables::disposable_of(TRY(store_.find(template_vm)), disposable, true)));
}

base::Result<> FakeMakers::end(const base::VmName& disposable) {
    ++ends;
    if (end_fails) return base::fail(*end_fails, "it does not go");
    batches.back().push_back(disposable.str());
    const auto info = machines_.info(disposable);
    if (!info) return {};
    if (info->state != vm::VmState::Halted) (void)TRY(machines_.kill(disposable, {}));
    return machines_.remove(disposable);
}

// ---- the world

World::World() {
    std::string pattern = testing::TempDir() + "varve-preloading-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    store = definitions::DefinitionStore::open(directory).value();
    machines = std::make_unique<service::tests::FakeMachines>(*store);
    makers = std::make_unique<FakeMakers>(*store, *machines);
    makers->batches.emplace_back();
    EXPECT_TRUE(store->create(accepted("fedora", "class = \"template\"\n")));
    for (const auto* name : {"dvm", "other"})
        EXPECT_TRUE(
            store->create(accepted(name, "class = \"app\"\ntemplate = \"fedora\"\ntemplate_for_dispvms = true\nmemory = \"1G\"\n")));
    restart();
}

World::~World() {
    preloading.reset();
    std::filesystem::remove_all(directory);
}

void World::restart() {
    preloading.reset();
    loop = std::make_unique<FakeLoop>();
    preloading = std::make_unique<Preloading>(
        *loop, *store, *machines, *makers, Records::open(directory / "preloads").value(), system,
        [this](const std::string& about, const base::Error& error) { reports.push_back(about + ": " + error.message()); });
    preloading->recover();
    loop->run();
}

void World::fill(const std::string& max) {
    set("dvm", "preload-dispvm-max", max);
    preloading->begin();
    loop->run();
}

void World::set(const std::string& vm_name, const std::string& key, const std::string& value) {
    const auto changed = store->set(vm(vm_name), {{key, value}});
    EXPECT_TRUE(changed) << (changed ? "" : changed.error().message());
    loop->run();
}

TemplateStatus World::status(const std::string& template_vm) const {
    for (const auto& each : preloading->status().templates)
        if (each.template_vm.str() == template_vm) return each;
    return {vm(template_vm), 0, {}, {}};
}

std::string World::listed(const std::string& template_vm) const {
    std::string text;
    for (const auto& each : status(template_vm).preloads) {
        text += (text.empty() ? "" : " ") + each.disposable.str();
        if (each.phase == preload::Phase::Creating) text += "+";
        if (each.phase == preload::Phase::Booted) text += "^";
        if (each.outdated) text += "!";
    }
    return text;
}

std::shared_ptr<std::string> World::request_while_one_is_made() {
    set("dvm", "preload-dispvm-max", "1");
    loop->hold(Work::Long);
    preloading->begin();
    loop->run();
    auto answer = request();
    loop->run();
    return answer;
}

std::shared_ptr<std::string> World::request(const std::string& template_vm) {
    auto text = std::make_shared<std::string>("open");
    requests.push_back(preloading->request(vm(template_vm), [text](const base::Result<std::optional<base::VmName>>& got) {
        *text = !got ? got.error().message() : *got ? (*got)->str() : "cold";
    }));
    return text;
}

}  // namespace varve::preloading::tests
