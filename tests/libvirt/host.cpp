// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/host.h"

#include "orchestrator/mount_client/create.h"
#include "orchestrator/vm/mount_storage.h"
#include "orchestrator/vm/session_files.h"
#include "orchestrator/xenstore/libxenstore.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace varve::libvirt_test {
namespace {

constexpr std::uint64_t volume_size = std::uint64_t{16} << 20;
constexpr std::uint64_t guest_memory = std::uint64_t{192} << 20;

std::string read_file(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return std::move(text).str();
}

// libvirt's settings below the root of its embedded driver: nothing of the machine's own is used or changed.
void write_settings(const std::filesystem::path& root) {
    std::filesystem::create_directories(root / "etc");
    std::ofstream(root / "etc" / "qemu.conf") << "remember_owner = 0\nsecurity_driver = \"none\"\ncgroup_controllers = [ ]\n"
                                                 "namespaces = [ ]\nstdio_handler = \"file\"\n";
}

}  // namespace

Host::Host(std::filesystem::path directory, std::string uri, test_support::LoopFileSystem filesystem)
    : directory_(std::move(directory)), uri_(std::move(uri)), filesystem_(std::move(filesystem)) {
    daemon_ = std::make_unique<test_support::VarveDaemon>(
        test_support::DaemonSettings{directory_ / "varvefs", {{"fast", filesystem_.path() / "fast", 5}}, "24h", true});
    (void)daemon_->start();  // fails the test by itself
    write_settings(directory_ / "libvirt");
    loop_ = hypervisor::EventLoop::start().value();
    hypervisor_ = hypervisor::make_libvirt_hypervisor(uri_, *loop_);
}

Host::~Host() {
    hypervisor_.reset();
    loop_.reset();
    daemon_.reset();
}

void LibvirtTest::SetUp() {
    auto pattern = (host().directory() / "orchestrator-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    std::filesystem::create_directory(directory_ / "console");
    start_orchestrator();
}

void LibvirtTest::TearDown() {
    if (HasFailure())
        for (const auto& entry : std::filesystem::directory_iterator(directory_ / "console"))
            std::cerr << entry.path().filename() << ":\n" << read_file(entry.path()) << "\n";
    if (machines)
        for (const auto& vm : machines->list())
            if (vm.domain) (void)machines->kill(vm.name, {});  // a failed test's
    end_orchestrator();
}

void LibvirtTest::start_orchestrator() {
    end_orchestrator();
    definitions = definitions::DefinitionStore::open(directory_).value();
    storage = vm::make_mount_storage(host().mountpoint());
    records = vm::open_session_files(directory_ / "sessions").value();
    vm::LifeCycleSettings settings;
    settings.default_hypervisor = host().uri();
    settings.console_directory = directory_ / "console";
    machines = vm::make_life_cycle(
        *definitions, *storage, *records, [](const std::string&) { return host().hypervisor(); }, &xenstore::open_libxenstore, settings);
    subscription_ = machines->subscribe([this](const vm::VmEvent& event) {
        const std::scoped_lock lock(mutex_);
        events_.push_back(event);
        changed_.notify_all();
    });
}

void LibvirtTest::end_orchestrator() {
    subscription_.reset();
    machines.reset();
    records.reset();
    storage.reset();
    definitions.reset();
}

void LibvirtTest::define(const std::string& name, const std::string& job, const std::function<void(definitions::VmDefinition&)>& change) {
    definitions::VmDefinition vm{.name = named<base::VmName>(name), .vm_class = definitions::StandaloneVm{}};
    vm.memory = {{guest_memory}, {guest_memory}};
    vm.boot = definitions::KernelBoot{VM_DIRECTORY "/vmlinuz", VM_DIRECTORY "/initramfs",
                                      named<definitions::TextLine>("console=ttyS0 panic=-1 no_timer_check quiet job=" + job)};
    vm.volumes.push_back({named<base::VolumeName>("data"), named<base::PoolName>("fast"), {}, true});
    // The machine that tests run on may have a KVM that does not work.
    vm.features.emplace(named<definitions::Feature>("accelerator"), named<definitions::TextLine>("tcg"));
    vm.readiness = {definitions::SerialLineReady{named<definitions::TextLine>("guest ready")}, std::chrono::seconds(90)};
    if (change) change(vm);
    const auto created = definitions->create(vm);
    ASSERT_TRUE(created) << created.error().message();
    const auto mount = mount_client::Mount::open(host().mountpoint()).value();
    const auto pool = named<base::PoolName>("fast");
    ASSERT_TRUE(mount_client::create_vm(mount, {pool, vm.name}, false));
    const auto volume = mount_client::create_volume(
        mount, {{pool, vm.name, named<base::VolumeName>("data")}, "origin", std::to_string(volume_size), {}, true, false});
    ASSERT_TRUE(volume) << volume.error().message();
}

bool LibvirtTest::comes_to(const std::string& vm, vm::VmState state, std::chrono::seconds deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, deadline, [&] {
        return std::ranges::any_of(events_, [&](const vm::VmEvent& event) { return event.vm.str() == vm && event.state == state; });
    });
}

std::string LibvirtTest::console_text(const std::string& vm) const { return read_file(directory_ / "console" / (vm + ".log")); }

bool LibvirtTest::says(const std::string& vm, const std::string& text, std::chrono::seconds deadline) const {
    return eventually([&] { return console_text(vm).find(text) != std::string::npos; }, deadline);
}

std::string LibvirtTest::committed_text(const std::string& vm) const {
    auto text = read_file(host().pool() / vm / "data.img");
    if (text.size() < 1024) return "(cannot be read)";
    text = text.substr(512, 512);
    text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
    return text;
}

std::string LibvirtTest::control(const std::string& vm, const std::string& file) const {
    auto text = read_file(host().pool() / vm / ".varve" / "data" / file);
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

std::vector<std::string> LibvirtTest::revisions(const std::string& vm) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(host().pool() / vm))
        if (const auto name = entry.path().filename().string(); name.starts_with("data.img@")) names.push_back(name);
    return names;
}

}  // namespace varve::libvirt_test
