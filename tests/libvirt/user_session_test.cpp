// SPDX-License-Identifier: LGPL-2.1-or-later
// An orchestrator without privileges, with libvirt's daemon of its user's session: the volumes of his VMs are his to run.
#include "tests/libvirt/daemon_host.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace varve::libvirt_test {
namespace {

constexpr uid_t nobody = 65534;

class UserSession : public DaemonTest {
protected:
    [[nodiscard]] std::string hypervisor() const override { return "qemu:///session"; }

    [[nodiscard]] std::vector<std::string> under() const override {
        const auto id = std::to_string(nobody);
        std::vector<std::string> words{"/usr/bin/setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "/usr/bin/env"};
        for (const auto* variable : {"HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"})
            words.push_back(variable + ("=" + directory_.string()));
        return words;
    }
    void make_directory() override {
        DaemonTest::make_directory();
        ASSERT_EQ(::chown(directory_.c_str(), nobody, nobody), 0);
    }
    // The session's daemons, too, which would stay for another two minutes.
    void TearDown() override {
        process_.reset();
        for (const auto* name : {"libvirtd.pid", "virtlogd.pid"}) {
            pid_t pid = -1;
            std::ifstream(directory_ / "libvirt" / name) >> pid;
            if (pid < 2 || ::kill(pid, SIGTERM) != 0) continue;  // it has ended by itself
            EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; })) << name;
        }
        DaemonTest::TearDown();
    }

    void give_to_user(const std::string& vm) const { ASSERT_EQ(::chown((mountpoint() / "pools" / pool_ / vm).c_str(), nobody, nobody), 0); }
    [[nodiscard]] static uid_t owner_of(const std::filesystem::path& image) {
        struct stat status {};
        EXPECT_EQ(::stat(image.c_str(), &status), 0) << image;
        return status.st_uid;
    }
};

TEST_F(UserSession, RunsHisVms) {
    define("his", "write-hello");
    give_to_user("his");
    (void)must("vm.start", {{"vm", "his"}});
    ASSERT_TRUE(comes_to("his", "halted"));
    EXPECT_EQ(committed("his"), "hello");
    EXPECT_EQ(owner_of(host.disk / pool_ / "appvms" / "his" / "data.img"), 0U) << "what is committed nobody may write";

    define("running", "keep-mine");
    give_to_user("running");
    (void)must("vm.start", {{"vm", "running"}});
    EXPECT_TRUE(eventually([&] { return written("running") == "mine"; }, guest_patience));
    EXPECT_EQ(owner_of(mountpoint() / "pools" / pool_ / "running" / ".varve" / "data" / "device"), nobody);
    EXPECT_FALSE(domain("running")) << "the system's libvirt has no part in it";
    (void)must("vm.kill", {{"vm", "running"}});
    EXPECT_EQ(control("running", "state"), "halted");
}

TEST_F(UserSession, RunsNobodyElses) {
    define("theirs", "write-hello");
    auto client = connected();
    const auto refused = client.call("vm.start", {{"vm", "theirs"}});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("only root and the owner"), std::string::npos) << refused.error().message();
    EXPECT_EQ(control("theirs", "state"), "halted");
    EXPECT_EQ(state("theirs"), "halted");
}

}  // namespace
}  // namespace varve::libvirt_test
