// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/preloaded.h"

#include "orchestrator/mount_client/create.h"

#include <chrono>
#include <future>
#include <iostream>

namespace varve::libvirt_test {

using base::VmName;
using preloading::Preloading;

namespace {
constexpr std::chrono::seconds answer_patience{120};
}

void PreloadedGuests::SetUp() {
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

void PreloadedGuests::TearDown() {
    if (!preloading_) return LibvirtTest::TearDown();  // SetUp has failed
    const auto gone = std::make_shared<std::promise<void>>();
    preloading_->suspend([gone] { gone->set_value(); });
    EXPECT_EQ(gone->get_future().wait_for(answer_patience), std::future_status::ready) << "the preloads do not go";
    for (const auto& vm : machines->list())
        if (vm.domain) (void)machines->kill(vm.name, {});  // those that were handed out
    EXPECT_TRUE(eventually([&] { return definitions->all().size() == 2; })) << "the disposables are gone";
    end_preloading();
    for (const auto* vm : {"dvm", "tpl"}) {  // the next test has its own
        const auto removed = storage->remove_vm(named<base::PoolName>("fast"), named<VmName>(vm));
        EXPECT_TRUE(removed) << removed.error().message();
    }
    LibvirtTest::TearDown();
}

void PreloadedGuests::start_preloading() {
    places_ = service::make_mount_places(host().mountpoint());
    requesters_ = service::Requesters::open(own_ / "requesters", *definitions).value();
    disposables_ = std::make_unique<service::Disposables>(
        *definitions, *machines, *places_, disposables::Ids::open(own_ / "ids", clock_, &disposables::random_below).value(), std::nullopt,
        *requesters_, [](const VmName& vm, const base::Error& error) { ADD_FAILURE() << vm.str() << ": " << error.message(); });
    io_ = std::make_unique<boost::asio::io_context>();
    loop_ = std::make_unique<preloading::AsioLoop>(*io_);
    preloading_ = std::make_unique<Preloading>(
        *loop_, *definitions, *machines, *disposables_, preloading::Records::open(own_ / "preloads").value(), preloading::SystemSettings{},
        [](const std::string& about, const base::Error& error) { std::cout << about << ": " << error.message() << "\n"; });
    preloading_->recover();
    preloading::VolumeWatch::Listener listener;
    listener.mount_came = [] {};
    listener.changed = [this](const std::optional<base::VolumeId>& volume) { preloading_->volume_changed(volume); };
    listener.resized = [](const base::VolumeId&) {};
    volumes_ = preloading::VolumeWatch::start(host().mountpoint(), std::move(listener)).value();
    thread_ = std::thread([this] {
        const auto hold = boost::asio::make_work_guard(*io_);
        io_->run();
    });
}

void PreloadedGuests::end_preloading() {
    if (!preloading_) return;
    preloading_->stop();
    io_->stop();
    thread_.join();
    volumes_.reset();
    preloading_.reset();
    loop_.reset();
    disposables_.reset();
}

std::optional<VmName> PreloadedGuests::ready_one(const std::optional<VmName>& other) const {
    std::optional<VmName> found;
    const auto is_there = [&] {
        const auto status = preloading_->status();
        for (const auto& each : status.templates)
            for (const auto& one : each.preloads)
                if (one.phase == preload::Phase::Paused && !one.outdated && one.disposable != other) found = one.disposable;
        return found.has_value();
    };
    (void)eventually(is_there, std::chrono::seconds(120));
    return found;
}

std::optional<VmName> PreloadedGuests::request() const {
    const auto promise = std::make_shared<std::promise<base::Result<std::optional<VmName>>>>();
    preloading_->request(named<VmName>("dvm"), [promise](auto answer) { promise->set_value(std::move(answer)); });
    auto answer = promise->get_future();
    if (answer.wait_for(answer_patience) != std::future_status::ready) {
        ADD_FAILURE() << "nobody answers the request";
        return std::nullopt;
    }
    return answer.get().value();
}

bool PreloadedGuests::answers(const definitions::Uuid& domain) {
    return eventually([&] { return host().hypervisor()->ping_agent(domain, std::chrono::seconds(10)).has_value(); });
}

bool PreloadedGuests::goes(const VmName& vm) const {
    return eventually([&] { return !definitions->find(vm); });
}

}  // namespace varve::libvirt_test
