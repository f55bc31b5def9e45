// SPDX-License-Identifier: LGPL-2.1-or-later
// Disposables on a real mount: what `varve disp run` makes there, and that all of it goes, however they and the orchestrator end.
#include "tests/orchestrator/mounted.h"

#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace varve::tests {
namespace {

using nlohmann::json;

class Disposables : public MountedOrchestrator {
protected:
    void SetUp() override {
        MountedOrchestrator::SetUp();
        (void)must({"create", "-p", at("fedora/root"), "1M"});
        (void)must({"create", "-p", at("dvm/root"), "--source", at("fedora/root")});
        (void)must({"create", at("dvm/private"), "2M"});
        (void)must({"create", at("dvm/volatile"), "3M", "--kind", "volatile"});
        (void)must({"vm", "create", "fedora", "class=template", "memory=1M", "--volume", "root=" + pool_});
        (void)must({"vm", "create", "dvm", "class=app", "template=fedora", "template_for_dispvms=true", "memory=1M", "tags=web", "--volume",
                    "root=" + pool_, "--volume", "private=" + pool_, "--volume", "volatile=" + pool_});
    }
    [[nodiscard]] bool one_is_defined() const {
        const auto entries = std::filesystem::directory_iterator(directory_ / "state" / "vms");
        return std::any_of(begin(entries), end(entries),
                           [](const auto& entry) { return entry.path().filename().string().starts_with("disp"); });
    }
    // Also below the mount: no image, no record and no lock file.
    [[nodiscard]] std::set<std::string> files() const {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(disk / pool_))
            if (entry.path().string().find("disp") != std::string::npos) names.insert(entry.path().string());
        return names;
    }
    [[nodiscard]] bool gone(const std::string& vm) const {
        return eventually([&] { return !listed().contains(vm) && !directories().contains(vm); }) && files().empty();
    }
};

TEST_F(Disposables, AnUnnamedOneHasVolumesThatKeepNothingAndGoWithIt) {
    const auto name = run();
    EXPECT_EQ(name.substr(0, 4), "disp");
    EXPECT_EQ(control(name, "root", "kind"), "snapshot");
    EXPECT_EQ(control(name, "root", "source"), "../fedora/root.img") << "what its template starts from";
    EXPECT_EQ(control(name, "private", "kind"), "snapshot");
    EXPECT_EQ(control(name, "private", "source"), "../dvm/private.img") << "what its template keeps";
    EXPECT_EQ(control(name, "volatile", "kind"), "volatile");
    EXPECT_EQ(control(name, "volatile", "size"), std::to_string(3 << 20));
    for (const auto* volume : {"root", "private", "volatile"}) EXPECT_EQ(control(name, volume, "state"), "started") << volume;
    EXPECT_EQ(must({"vm", "kill", name}), name + "  killed\n");
    EXPECT_TRUE(gone(name));
    EXPECT_EQ(directories(), (std::set<std::string>{"dvm", "fedora"}));
}

TEST_F(Disposables, WhatItWroteReachesNeitherItsTemplateNorTheNext) {
    const auto first = run();
    {
        // As its guest would.
        const auto device = std::filesystem::read_symlink(pool() / first / ".varve" / "private" / "device");
        std::fstream disk_of_guest(device, std::ios::in | std::ios::out | std::ios::binary);
        ASSERT_TRUE(disk_of_guest << "secret") << device;
    }
    const auto second = run();
    EXPECT_NE(second, first);
    const auto begins_with = [&](const std::filesystem::path& image) {
        std::string text(6, ' ');
        std::ifstream(image, std::ios::binary).read(text.data(), static_cast<std::streamsize>(text.size()));
        return text;
    };
    EXPECT_EQ(begins_with(std::filesystem::read_symlink(pool() / first / ".varve" / "private" / "device")), "secret");
    EXPECT_EQ(begins_with(std::filesystem::read_symlink(pool() / second / ".varve" / "private" / "device")), std::string(6, '\0'));
    (void)must({"vm", "kill", first});
    EXPECT_TRUE(gone(first) || directories().contains(second));
    EXPECT_EQ(begins_with(pool() / "dvm" / "private.img"), std::string(6, '\0'));
    (void)must({"vm", "kill", second});
    EXPECT_TRUE(gone(second));
}

TEST_F(Disposables, ByATag) {
    const auto name = run({"--tag", "web"});
    EXPECT_EQ(json::parse(must({"--json", "vm", "info", name}))["template"], "dvm");
    (void)must({"vm", "kill", name});
    EXPECT_TRUE(gone(name));
    int status = 0;
    EXPECT_NE(varve({"disp", "run", "--tag", "mail"}, &status), "");
    EXPECT_EQ(status, 4);
}

TEST_F(Disposables, ANamedOneStays) {
    (void)must({"create", "-p", at("mail/private"), "--source", at("dvm/private")});
    (void)must({"vm", "create", "mail", "class=disposable", "template=dvm", "memory=1M", "--volume", "private=" + pool_});
    for (int round = 0; round < 2; ++round) {
        (void)must({"vm", "start", "mail"});
        EXPECT_EQ(control("mail", "private", "state"), "started");
        (void)must({"vm", "kill", "mail"});
        EXPECT_EQ(control("mail", "private", "state"), "halted");
        EXPECT_TRUE(listed().contains("mail"));
    }
    kill_orchestrator();
    start_orchestrator();
    EXPECT_TRUE(listed().contains("mail"));
    EXPECT_EQ(must({"vm", "rm", "mail"}), "mail  removed\n");
    EXPECT_FALSE(directories().contains("mail"));
}

// libvirt's test driver lives in the process: its guests go with it, as with a hypervisor that died.
TEST_F(Disposables, AfterAKillOfTheOrchestratorNothingIsLeftOfThem) {
    const auto first = run();
    const auto second = run();
    kill_orchestrator();
    EXPECT_EQ(control(first, "private", "state"), "started");
    start_orchestrator();
    EXPECT_TRUE(eventually([&] { return listed() == std::set<std::string>{"dvm", "fedora"}; }));
    EXPECT_TRUE(eventually([&] { return directories() == std::set<std::string>{"dvm", "fedora"}; })) << first << " " << second;
    EXPECT_EQ(files(), std::set<std::string>());
    const auto third = run();
    EXPECT_NE(third, first) << "a name is not used again for a week";
    EXPECT_NE(third, second);
    (void)must({"vm", "kill", third});
    EXPECT_TRUE(gone(third));
}

// Another boot: its number, which programs read from now on; and nothing that runs, or is kept below /run.
class Reboot {
public:
    enum class Mount { IsThere, IsGone };
    explicit Reboot(const std::filesystem::path& directory, Mount mount = Mount::IsThere) {
        const auto file = directory / "boot_id";
        std::ofstream(file) << "01234567-89ab-cdef-0123-456789abcdef\n";
        // In the mounts of this test alone.
        EXPECT_EQ(::mount(file.c_str(), boot_id, nullptr, MS_BIND, nullptr), 0) << errno;
        if (mount == Mount::IsThere) MountedOrchestrator::daemon->kill();
        EXPECT_TRUE(MountedOrchestrator::daemon->start());
    }
    ~Reboot() {
        EXPECT_EQ(::umount2(boot_id, MNT_DETACH), 0) << errno;
        MountedOrchestrator::daemon->kill();
        EXPECT_TRUE(MountedOrchestrator::daemon->start());
    }
    Reboot(const Reboot&) = delete;
    Reboot& operator=(const Reboot&) = delete;

private:
    static constexpr const char* boot_id = "/proc/sys/kernel/random/boot_id";
};

TEST_F(Disposables, AfterARebootNothingIsLeftOfTheUnnamedAndTheNamedStartAnew) {
    (void)must({"create", "-p", at("mail/private"), "--source", at("dvm/private")});
    (void)must({"vm", "create", "mail", "class=disposable", "template=dvm", "memory=1M", "--volume", "private=" + pool_});
    (void)must({"vm", "start", "mail"});
    const auto device = [&] { return std::filesystem::read_symlink(pool() / "mail" / ".varve" / "private" / "device"); };
    ASSERT_TRUE(std::fstream(device(), std::ios::in | std::ios::out | std::ios::binary) << "secret");
    const auto name = run();
    kill_orchestrator();
    std::filesystem::remove_all(directory_ / "run");
    {
        const Reboot reboot(directory_);
        EXPECT_EQ(control(name, "private", "state"), "dirty");
        start_orchestrator();
        EXPECT_TRUE(gone(name)) << control(name, "private", "state");
        EXPECT_EQ(control("mail", "private", "state"), "dirty") << "until somebody needs it";
        (void)must({"vm", "start", "mail"});
        std::string content(6, ' ');
        std::ifstream(device(), std::ios::binary).read(content.data(), static_cast<std::streamsize>(content.size()));
        EXPECT_EQ(content, std::string(6, '\0'));
        (void)must({"vm", "kill", "mail"});
        process_.reset();
    }
    start_orchestrator();
}

// The mount may come after the orchestrator.
TEST_F(Disposables, AfterARebootTheyGoAsSoonAsTheMountIsThere) {
    const auto name = run();
    kill_orchestrator();
    std::filesystem::remove_all(directory_ / "run");
    daemon->kill();
    start_orchestrator();
    EXPECT_TRUE(eventually([&] { return log().find(name + ": cannot be removed: ") != std::string::npos; }));
    const Reboot reboot(directory_, Reboot::Mount::IsGone);
    EXPECT_TRUE(gone(name));
    process_.reset();
}

// At any moment of a start: whatever was made by then goes.
TEST_F(Disposables, AfterAKillInTheMiddleOfAStart) {
    for (int tenths = 0; tenths < 8; ++tenths) {
        Process running({VARVE, "--socket", socket().string(), "disp", "run", "--template", "dvm"}, directory_ / "running");
        // Each time a little later, from the moment that it is known of.
        ASSERT_TRUE(eventually([&] { return one_is_defined(); }));
        const auto moment = std::chrono::steady_clock::now() + std::chrono::milliseconds(tenths);
        while (std::chrono::steady_clock::now() < moment) {}
        kill_orchestrator();
        (void)running.wait();
        start_orchestrator();
        EXPECT_TRUE(eventually([&] { return listed() == std::set<std::string>{"dvm", "fedora"}; })) << varve({"vm", "ls"});
        EXPECT_TRUE(eventually([&] { return directories() == std::set<std::string>{"dvm", "fedora"}; }));
        EXPECT_EQ(files(), std::set<std::string>());
    }
}

TEST_F(Disposables, OneThatCannotBeMadeLeavesNothing) {
    (void)must({"vm", "create", "broken", "class=app", "template=fedora", "template_for_dispvms=true", "memory=1M", "--volume",
                "root=" + pool_, "--volume", "missing=" + pool_});
    (void)must({"create", "-p", at("broken/root"), "--source", at("fedora/root")});
    int status = 0;
    const auto said = varve({"disp", "run", "--template", "broken"}, &status);
    EXPECT_EQ(status, 4) << said;
    EXPECT_NE(said.find("missing"), std::string::npos) << said;
    EXPECT_TRUE(eventually([&] { return listed() == std::set<std::string>{"broken", "dvm", "fedora"}; }));
    EXPECT_TRUE(eventually([&] { return directories() == std::set<std::string>{"broken", "dvm", "fedora"}; }));
}

}  // namespace
}  // namespace varve::tests
