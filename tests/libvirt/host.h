// SPDX-License-Identifier: LGPL-2.1-or-later
// A host with a real varvefs on an XFS of its own, libvirt's QEMU driver inside this process, and guests that boot a Debian kernel.
#pragma once

#include "orchestrator/hypervisor/libvirt_hypervisor.h"
#include "orchestrator/vm/life_cycle.h"
#include "tests/support/loop_filesystem.h"
#include "tests/support/varve_daemon.h"
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

namespace varve::libvirt_test {

using test_support::eventually;

template <class Name>
Name named(std::string_view text) {
    return Name::parse(text).value();
}

// Made once for the process.
class Host {
public:
    Host(std::filesystem::path directory, std::string uri, test_support::LoopFileSystem filesystem);
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    [[nodiscard]] std::filesystem::path directory() const { return directory_; }
    [[nodiscard]] std::filesystem::path pool() const { return daemon_->mountpoint() / "pools" / "fast"; }
    [[nodiscard]] std::filesystem::path mountpoint() const { return daemon_->mountpoint(); }
    [[nodiscard]] const std::string& uri() const { return uri_; }
    [[nodiscard]] std::shared_ptr<hypervisor::Hypervisor> hypervisor() const { return hypervisor_; }

private:
    std::filesystem::path directory_;
    std::string uri_;
    test_support::LoopFileSystem filesystem_;
    std::unique_ptr<test_support::VarveDaemon> daemon_;
    std::unique_ptr<hypervisor::EventLoop> loop_;
    std::shared_ptr<hypervisor::Hypervisor> hypervisor_;
};

// One orchestrator, and VMs of its own for each test.
class LibvirtTest : public ::testing::Test {
public:
    static void use(Host* host) { host_ = host; }

protected:
    void SetUp() override;
    void TearDown() override;  // destroys what still runs

    [[nodiscard]] static Host& host() { return *host_; }
    // As after a kill -9 of the last one.
    void start_orchestrator();
    void end_orchestrator();

    // A VM whose only volume, `data`, is 16 MiB large; `job` is what its guest does (vm-init).
    void define(const std::string& name, const std::string& job, const std::function<void(definitions::VmDefinition&)>& change = {});
    [[nodiscard]] bool comes_to(const std::string& vm, vm::VmState state, std::chrono::seconds deadline = std::chrono::seconds(90));
    [[nodiscard]] std::string console_text(const std::string& vm) const;
    // Whether the guest says so before the deadline.
    [[nodiscard]] bool says(const std::string& vm, const std::string& text, std::chrono::seconds deadline = test_support::patience) const;
    // The committed state's second sector, without its zeros.
    [[nodiscard]] std::string committed_text(const std::string& vm) const;
    [[nodiscard]] std::string control(const std::string& vm, const std::string& file) const;
    [[nodiscard]] std::vector<std::string> revisions(const std::string& vm) const;

    std::unique_ptr<definitions::DefinitionStore> definitions;
    std::unique_ptr<vm::Storage> storage;
    std::unique_ptr<vm::SessionRecords> records;
    std::unique_ptr<vm::LifeCycle> machines;

private:
    static inline Host* host_ = nullptr;
    std::filesystem::path directory_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<vm::VmEvent> events_;
    std::unique_ptr<vm::VmSubscription> subscription_;
};

}  // namespace varve::libvirt_test
