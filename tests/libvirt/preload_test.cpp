// SPDX-License-Identifier: LGPL-2.1-or-later
// Real guests that are kept ready: paused, handed out, replaced after a commit, and found again by the next orchestrator.
#include "orchestrator/mount_client/create.h"
#include "orchestrator/preloading/asio_loop.h"
#include "orchestrator/preloading/preloading.h"
#include "orchestrator/preloading/volume_watch.h"
#include "orchestrator/service/disposables.h"
#include "tests/libvirt/host.h"

#include <algorithm>
#include <fstream>
#include <future>
#include <iostream>
#include <thread>

namespace varve::libvirt_test {
namespace {

using base::VmName;
using preloading::Preloading;
using Clock = std::chrono::steady_clock;

class PreloadedGuests : public LibvirtTest {
protected:
    void SetUp() override {
        LibvirtTest::SetUp();
        std::string pattern = (host().directory() / "preload-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        own_ = pattern;
        define("tpl", "deaf", [](definitions::VmDefinition& vm) { vm.vm_class = definitions::TemplateVm{}; });
        define("dvm", "agent", [](definitions::VmDefinition& vm) {
            vm.vm_class = definitions::AppVm{named<VmName>("tpl"), definitions::DisposableSettings{1, std::chrono::milliseconds(0)}};
            vm.volumes.push_back({named<base::VolumeName>("root"), named<base::PoolName>("fast"), {}, true});
        });
        const auto mount = mount_client::Mount::open(host().mountpoint()).value();
        const auto from_template = mount_client::source_link({volume("tpl", "data"), {}});
        const auto root = mount_client::create_volume(mount, {volume("dvm", "root"), "snapshot", from_template, {}, true, false});
        ASSERT_TRUE(root) << root.error().message();
        start_preloading();
    }
    void TearDown() override {
        end_preloading();
        for (const auto* vm : {"dvm", "tpl"}) {  // the next test has its own
            const auto removed = storage->remove_vm(named<base::PoolName>("fast"), named<VmName>(vm));
            EXPECT_TRUE(removed) << removed.error().message();
        }
        LibvirtTest::TearDown();
    }

    static base::VolumeId volume(const std::string& vm, const std::string& name) {
        return {named<base::PoolName>("fast"), named<VmName>(vm), named<base::VolumeName>(name)};
    }
    void start_preloading() {
        places_ = service::make_mount_places(host().mountpoint());
        disposables_ = std::make_unique<service::Disposables>(
            *definitions, *machines, *places_, disposables::Ids::open(own_ / "ids", clock_, &disposables::random_below).value(),
            std::nullopt, [](const VmName& vm, const base::Error& error) { ADD_FAILURE() << vm.str() << ": " << error.message(); });
        io_ = std::make_unique<boost::asio::io_context>();
        loop_ = std::make_unique<preloading::AsioLoop>(*io_);
        preloading_ = std::make_unique<Preloading>(
            *loop_, *definitions, *machines, *disposables_, preloading::Records::open(own_ / "preloads").value(),
            preloading::SystemSettings{},
            [](const std::string& about, const base::Error& error) { std::cout << about << ": " << error.message() << "\n"; });
        preloading_->recover();
        volumes_ = preloading::VolumeWatch::start(host().mountpoint(), [this](const std::optional<base::VolumeId>& volume) {
                       preloading_->volume_changed(volume);
                   }).value();
        thread_ = std::thread([this] {
            const auto hold = boost::asio::make_work_guard(*io_);
            io_->run();
        });
    }
    void end_preloading() {
        if (!preloading_) return;
        preloading_->stop();
        io_->stop();
        thread_.join();
        volumes_.reset();
        preloading_.reset();
        loop_.reset();
        disposables_.reset();
    }

    // The one that is ready and not `other`, in the end.
    std::optional<VmName> ready_one(const std::optional<VmName>& other = {}) const {
        const auto end = Clock::now() + std::chrono::seconds(120);
        while (Clock::now() < end) {
            const auto status = preloading_->status();
            for (const auto& each : status.templates)
                for (const auto& one : each.preloads)
                    if (one.phase == preload::Phase::Paused && !one.outdated && one.disposable != other) return one.disposable;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));  // guests are other programs
        }
        return {};
    }
    std::optional<VmName> request() const {
        const auto promise = std::make_shared<std::promise<base::Result<std::optional<VmName>>>>();
        preloading_->request(named<VmName>("dvm"), [promise](auto answer) { promise->set_value(std::move(answer)); });
        return promise->get_future().get().value();
    }
    hypervisor::DomainState guest(const VmName& vm) const { return host().hypervisor()->find_name(vm.str()).value().state; }
    bool answers(const definitions::Uuid& domain) const {
        const auto end = Clock::now() + std::chrono::seconds(60);
        while (Clock::now() < end) {
            if (host().hypervisor()->ping_agent(domain, std::chrono::seconds(10))) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(100));  // its agent may not have begun
        }
        return false;
    }
    bool goes(const VmName& vm) const {
        const auto end = Clock::now() + std::chrono::seconds(60);
        while (definitions->find(vm) && Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return !definitions->find(vm);
    }

    std::filesystem::path own_;
    base::SystemClock clock_;
    std::unique_ptr<service::Places> places_;
    std::unique_ptr<service::Disposables> disposables_;
    std::unique_ptr<boost::asio::io_context> io_;
    std::unique_ptr<preloading::AsioLoop> loop_;
    std::unique_ptr<Preloading> preloading_;
    std::unique_ptr<preloading::VolumeWatch> volumes_;
    std::thread thread_;
};

TEST_F(PreloadedGuests, AreReadyFoundAgainHandedOutAndReplaced) {
    const auto cold = Clock::now();
    preloading_->begin();
    const auto first = ready_one();
    ASSERT_TRUE(first);
    const auto made = Clock::now() - cold;
    EXPECT_EQ(guest(*first), hypervisor::DomainState::Paused);

    // As after a kill -9: the guest stays, and is found ready.
    end_preloading();
    start_orchestrator();
    (void)machines->recover();
    start_preloading();
    EXPECT_EQ(ready_one(), first);
    EXPECT_EQ(guest(*first), hypervisor::DomainState::Paused);

    const auto asked = Clock::now();
    const auto got = request();
    const auto handed = Clock::now() - asked;
    ASSERT_EQ(got, first);
    EXPECT_EQ(guest(*got), hypervisor::DomainState::Running);
    const auto domain = machines->info(*got).value().domain.value();
    EXPECT_TRUE(answers(domain)) << "the guest goes on where it stood";
    std::cout << "  made in " << std::chrono::duration<double>(made).count() << " s, handed over in "
              << std::chrono::duration<double, std::milli>(handed).count() << " ms\n";

    // Another takes its place; after a commit, one of the new content takes that one's.
    const auto second = ready_one();
    ASSERT_TRUE(second);
    EXPECT_NE(second, first);
    {
        std::fstream image(host().pool() / "dvm" / "data.img", std::ios::in | std::ios::out | std::ios::binary);
        image.seekp(512);
        image << "newer";
    }
    const auto third = ready_one(second);
    ASSERT_TRUE(third);
    EXPECT_TRUE(goes(*second));
    EXPECT_TRUE(says(third->str(), "disk holds: newer"));

    // What was handed out goes when it has ended, and nothing else with it.
    ASSERT_TRUE(machines->kill(*got, {}));
    EXPECT_TRUE(goes(*got));
    EXPECT_EQ(guest(*third), hypervisor::DomainState::Paused);
    std::promise<void> gone;
    preloading_->suspend([&] { gone.set_value(); });
    gone.get_future().wait();
    EXPECT_FALSE(definitions->find(*third));
}

// Its guest outlives the orchestrator, and it goes with its guest all the same.
TEST_F(PreloadedGuests, AreNotNeededForOneThatOutlivesTheOrchestrator) {
    const auto started = disposables_->start(named<VmName>("dvm"), {});
    ASSERT_TRUE(started) << started.error().message();
    const auto& name = started->vm;
    EXPECT_EQ(control(name.str(), "state"), "started");
    end_preloading();
    start_orchestrator();
    (void)machines->recover();
    start_preloading();
    disposables_->sweep();
    EXPECT_EQ(guest(name), hypervisor::DomainState::Running);
    EXPECT_EQ(machines->info(name).value().state, vm::VmState::Running);
    // Its guest ends as by a crash, with nobody's order.
    ASSERT_TRUE(host().hypervisor()->destroy(machines->info(name).value().domain.value()));
    EXPECT_TRUE(goes(name));
    EXPECT_FALSE(std::filesystem::exists(host().pool() / name.str()));
    EXPECT_EQ(control("dvm", "state"), "halted");
    EXPECT_TRUE(revisions("dvm").empty());
}

}  // namespace
}  // namespace varve::libvirt_test
