// SPDX-License-Identifier: LGPL-2.1-or-later
// vm adopt, where libvirt or the orchestrator says no, or nothing.
#include "orchestrator/cli/run.h"
#include "tests/unit/mount_client/fake_tree.h"
#include "tests/unit/rpc/served.h"

#include <gtest/gtest.h>

#include <mutex>
#include <sstream>

namespace varve::cli {
namespace {

using base::Errc;
using nlohmann::json;

struct AdoptRan {
    ExitCode code;
    std::string out;
    std::string err;
};

class VmAdopt : public ::testing::Test {
protected:
    using Answer = std::function<base::Result<json>(const json& params)>;

    void SetUp() override {
        tree_.add_pool("p");
        tree_.put("disk.raw", std::string(1 << 20, 'd'));
        domain_ = {{"name", "deb"},
                   {"uuid", "0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b7a11"},
                   {"hypervisor", "qemu:///system"},
                   {"vm", nullptr},
                   {"state", "defined"},
                   {"saved", false},
                   {"snapshots", 0},
                   {"xml", xml("")}};
        answers_["domain.info"] = [this](const json&) -> base::Result<json> { return domain_; };
        answers_["vm.info"] = [](const json&) -> base::Result<json> { return base::fail(Errc::NotFound, "there is no such VM"); };
        answers_["vm.create"] = [](const json&) -> base::Result<json> { return json::object(); };
        answers_["domain.undefine"] = [](const json&) -> base::Result<json> { return json::object(); };
    }

    [[nodiscard]] std::string xml(const std::string& more) const {
        return "<domain type='kvm'><name>deb</name><uuid>0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b7a11</uuid><memory>1048576</memory>"
               "<os><type>hvm</type></os><devices><disk type='file'><driver type='raw'/><source file='" +
               tree_.at("disk.raw") + "'/><target dev='vda' bus='virtio'/></disk>" + more + "</devices></domain>";
    }
    AdoptRan adopt(std::vector<std::string> arguments = {"--undefine"}) {
        rpc::MethodTable methods;
        for (const auto& one : answers_)
            methods.add(one.first, rpc::Length::Long, [this, &one](const json& params, const rpc::Call&) {
                const std::scoped_lock lock(mutex_);
                asked_.push_back(one.first);
                return one.second(params);
            });
        const rpc::tests::Served served(methods);
        std::ostringstream out;
        std::ostringstream err;
        const World world{out, err, false, tree_.root(), "/", "", {}, [this] { return interrupted_; }, 0, 1, served.path().string()};
        arguments.insert(arguments.begin(), {"vm", "adopt", "deb"});
        const auto code = cli::run(std::move(arguments), world);
        return {code, out.str(), err.str()};
    }
    void expect_refused(ExitCode code, std::initializer_list<std::string> reasons, std::vector<std::string> arguments = {"--undefine"}) {
        const auto ran = adopt(std::move(arguments));
        EXPECT_EQ(ran.code, code) << ran.err;
        for (const auto& reason : reasons) EXPECT_NE(ran.err.find(reason), std::string::npos) << reason << " is not in: " << ran.err;
        EXPECT_FALSE(tree_.has("pools/p/deb")) << ran.err;
        EXPECT_EQ(std::ranges::count(asked_, "domain.undefine"), 0);
    }

    mount_client::testing::FakeTree tree_;
    std::map<std::string, Answer> answers_;
    json domain_;
    bool interrupted_ = false;
    std::mutex mutex_;                // of what follows
    std::vector<std::string> asked_;  // methods
};

TEST_F(VmAdopt, AsksInThisOrder) {
    const auto ran = adopt();
    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_EQ(asked_, (std::vector<std::string>{"domain.info", "vm.info", "domain.info", "domain.info", "vm.create", "domain.undefine"}));
    EXPECT_EQ(tree_.get("pools/p/deb/vda.img"), tree_.get("disk.raw"));
    EXPECT_NE(ran.out.find("deb  adopted"), std::string::npos) << ran.out;
}

TEST_F(VmAdopt, ADomainWhoseDisksAreNotAllOfItIsRefused) {
    domain_["saved"] = true;
    expect_refused(ExitCode::Busy, {"at the stage 'domain'", "virsh managedsave-remove deb"});
    domain_["saved"] = false;
    domain_["state"] = "paused";
    expect_refused(ExitCode::Busy, {"is paused", "virsh shutdown deb"});
    domain_["state"] = "defined";
    domain_["vm"] = "work";
    expect_refused(ExitCode::Failed, {"is the VM work's"});
}

TEST_F(VmAdopt, SnapshotsAreLostToNobody) {
    domain_["snapshots"] = 2;
    expect_refused(ExitCode::Busy, {"has snapshots", "virsh snapshot-delete"});
    answers_["domain.info"] = [this](const json& params) -> base::Result<json> {
        if (params["domain"] == "work") return base::fail(Errc::NotFound, "no such domain");
        return domain_;
    };
    const auto ran = adopt({"--name", "work"});
    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_NE(ran.out.find("Its 2 snapshots are left out"), std::string::npos) << ran.out;
}

TEST_F(VmAdopt, WhoStartsOrChangesTheDomainMeanwhileEndsIt) {
    int asked = 0;
    answers_["domain.info"] = [&](const json&) -> base::Result<json> {
        if (++asked > 2) domain_["state"] = "running";
        return domain_;
    };
    expect_refused(ExitCode::Busy, {"at the stage 'copy'", "is running"});
    domain_["state"] = "defined";
    asked = 0;
    answers_["domain.info"] = [&](const json&) -> base::Result<json> {
        if (++asked > 2) domain_["xml"] = xml("<watchdog/>");
        return domain_;
    };
    expect_refused(ExitCode::Busy, {"at the stage 'copy'", "has been changed"});
}

TEST_F(VmAdopt, AnInterruptBeforeTheDefinitionUndoesAll) {
    answers_["domain.info"] = [&, asked = 0](const json&) mutable -> base::Result<json> {
        if (++asked > 2) interrupted_ = true;
        return domain_;
    };
    expect_refused(ExitCode::Interrupted, {"interrupted"});
}

TEST_F(VmAdopt, AnOrchestratorThatCannotDefineItUndoesAll) {
    answers_["vm.create"] = [](const json&) -> base::Result<json> { return base::fail(Errc::Io, "the disk is gone"); };
    // The volumes of this tree cannot be removed: that is seen on a real mount.
    const auto ran = adopt();
    EXPECT_EQ(ran.code, ExitCode::Failed);
    EXPECT_NE(ran.err.find("at the stage 'define': the disk is gone"), std::string::npos) << ran.err;
    EXPECT_EQ(asked_.back(), "vm.info") << "it was asked whether the VM is there all the same";
}

TEST_F(VmAdopt, AnAnswerThatDidNotComeMayHaveBeenAYes) {
    int asked = 0;
    answers_["vm.create"] = [](const json&) -> base::Result<json> { return base::fail(Errc::TimedOut, "no answer"); };
    answers_["vm.info"] = [&](const json&) -> base::Result<json> {
        if (++asked > 1) return json::object();
        return base::fail(Errc::NotFound, "there is no such VM");
    };
    auto ran = adopt();
    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_EQ(asked_.back(), "domain.undefine");
    std::filesystem::remove_all(tree_.at("pools/p/deb"));
    asked = 0;
    answers_["vm.info"] = [&](const json&) -> base::Result<json> {
        return ++asked > 1 ? base::fail(Errc::Io, "nothing") : base::fail(Errc::NotFound, "there is no such VM");
    };
    ran = adopt();
    EXPECT_EQ(ran.code, ExitCode::Failed);
    EXPECT_NE(ran.err.find("it is not known whether the VM was defined"), std::string::npos) << ran.err;
    EXPECT_TRUE(tree_.has("pools/p/deb/vda.img"));
}

TEST_F(VmAdopt, WhenTheDomainCannotBeUndefinedTheVmStaysAndSaysSo) {
    answers_["domain.undefine"] = [](const json&) -> base::Result<json> { return base::fail(Errc::Busy, "it runs"); };
    const auto ran = adopt();
    EXPECT_EQ(ran.code, ExitCode::Busy);
    EXPECT_NE(ran.err.find("at the stage 'undefine': the VM deb is there, but cannot start before its domain has gone"), std::string::npos)
        << ran.err;
    EXPECT_TRUE(tree_.has("pools/p/deb/vda.img"));
}

TEST_F(VmAdopt, ThePoolIsTheOnlyOneOrIsGiven) {
    tree_.add_pool("q");
    expect_refused(ExitCode::Failed, {"--pool has to say which pool", "p, q"});
    expect_refused(ExitCode::NotFound, {"nowhere"}, {"--undefine", "--pool", "nowhere"});
    EXPECT_TRUE(asked_.empty());
}

// What others wrote does not reach the terminal as it is.
TEST_F(VmAdopt, ShowsNothingThatATerminalObeys) {
    domain_["xml"] =
        "<domain "
        "type='kvm'><name>deb</name><uuid>0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b7a11</uuid><memory>1048576</memory><os><type>hvm</type><kernel>/"
        "k\u202e</kernel></os>"
        "<devices><x\u202e a='\x1b[2J'/></devices></domain>";
    domain_["name"] = "d\x1b[2Jeb";
    const auto ran = adopt({"--dry-run", "--undefine"});
    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_EQ((ran.out + ran.err).find('\x1b'), std::string::npos);
    EXPECT_EQ((ran.out + ran.err).find("\u202e"), std::string::npos) << ran.out;
    domain_["state"] = "running\x1b";
    EXPECT_EQ(adopt().err.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace varve::cli
