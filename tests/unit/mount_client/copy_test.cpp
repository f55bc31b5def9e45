// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/clone.h"
#include "orchestrator/mount_client/files.h"
#include "tests/unit/mount_client/fake_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varve::mount_client {
namespace {

using base::Errc;

StateReference state(const std::string& text) { return std::get<StateReference>(parse_reference(text).value()); }

class CloneTest : public ::testing::Test {
protected:
    void SetUp() override {
        for (const auto* pool : {"p", "q"}) tree_.add_pool(pool);
        tree_.add_volume("pools/p/v", "root", std::string(3000000, 'r'));
        std::filesystem::create_directory(tree_.at("pools/p/w"));
        std::filesystem::create_directory(tree_.at("pools/q/w"));
    }
    [[nodiscard]] base::Result<> clone(const std::string& from, const std::string& to, Mount::Replace replace = Mount::Replace::No,
                                       const CopyObserver& observer = {}) const {
        const auto mount = tree_.mount();
        return clone_state(mount, state(from), state(to), replace, observer);
    }
    [[nodiscard]] std::vector<std::string> entries(const std::string& directory) const { return tree_.mount().list(directory).value(); }

    testing::FakeTree tree_;
};

TEST_F(CloneTest, WithinAPoolAndAcrossPools) {
    ASSERT_TRUE(clone("p/v/root", "p/w/root"));
    ASSERT_TRUE(clone("p/v/root", "q/w/copy"));
    EXPECT_EQ(tree_.get("pools/p/w/root.img"), tree_.get("pools/p/v/root.img"));
    EXPECT_EQ(tree_.get("pools/q/w/copy.img"), tree_.get("pools/p/v/root.img"));
    EXPECT_EQ(entries("pools/q/w"), (std::vector<std::string>{"copy.img"}));
}

TEST_F(CloneTest, RefusesToOverwriteUnlessForced) {
    tree_.put("pools/p/w/root.img", "old");
    EXPECT_EQ(clone("p/v/root", "p/w/root").error().code, Errc::Exists);
    EXPECT_EQ(tree_.get("pools/p/w/root.img"), "old");
    EXPECT_TRUE(clone("p/v/root", "p/w/root", Mount::Replace::Yes));
    EXPECT_EQ(tree_.get("pools/p/w/root.img").size(), 3000000U);
}

TEST_F(CloneTest, SaysWhatIsMissing) {
    EXPECT_EQ(clone("p/v/none", "p/w/root").error().context, "p/v/none does not exist");
    EXPECT_NE(clone("p/v/root", "p/nowhere/root").error().context.find("mkdir"), std::string::npos);
}

TEST_F(CloneTest, InterruptedLeavesNothing) {
    for (const auto* to : {"p/w/root", "q/w/root"})
        EXPECT_EQ(clone("p/v/root", to, Mount::Replace::No, {{}, [] { return true; }}).error().code, Errc::Interrupted);
    EXPECT_TRUE(entries("pools/p/w").empty());
    EXPECT_TRUE(entries("pools/q/w").empty());
}

TEST_F(CloneTest, TellsItsProgressToTheEnd) {
    std::uint64_t last = 0;
    const CopyObserver observer{[&](base::Bytes done, std::optional<base::Bytes> whole) {
                                    EXPECT_GE(done.count, last);
                                    EXPECT_EQ(whole, base::Bytes{3000000});
                                    last = done.count;
                                },
                                {}};
    ASSERT_TRUE(clone("p/v/root", "q/w/root", Mount::Replace::No, observer));
    EXPECT_EQ(last, 3000000U);
}

TEST_F(CloneTest, HolesStayHoles) {
    constexpr off_t size = off_t{64} << 20;
    const auto file = tree_.at("pools/p/v/root.img");
    ASSERT_EQ(::truncate(file.c_str(), 0), 0);
    ASSERT_EQ(::truncate(file.c_str(), size), 0);
    std::fstream(file, std::ios::in | std::ios::out).seekp(size / 2) << "data";
    ASSERT_TRUE(clone("p/v/root", "q/w/root"));
    struct stat status {};
    ASSERT_EQ(::stat(tree_.at("pools/q/w/root.img").c_str(), &status), 0);
    EXPECT_EQ(status.st_size, size);
    EXPECT_LT(status.st_blocks * 512, size / 8);
    EXPECT_EQ(tree_.get("pools/q/w/root.img"), tree_.get("pools/p/v/root.img"));
}

TEST_F(CloneTest, AVmWithSourcesStaysInItsPool) {
    tree_.add_volume("pools/p/v", "sys", "");
    tree_.put("pools/p/v/.varve/sys/kind", "snapshot\n");
    tree_.put("pools/p/v/.varve/sys/source", "../t/root.img\n");
    const auto from = state("p/v/root").vm();
    EXPECT_EQ(clone_vm(tree_.mount(), from, state("q/new/root").vm(), {}).error().code, Errc::CrossPool);
    EXPECT_EQ(clone_vm(tree_.mount(), from, state("p/w/root").vm(), {}).error().code, Errc::Exists);
    EXPECT_EQ(entries("pools/q"), (std::vector<std::string>{".varve", "w"}));
}

TEST_F(CloneTest, AVmThatCannotBeFinishedLeavesNothing) {
    // The plain files of this tree make no control files for the new volume, so its settings cannot be read.
    EXPECT_FALSE(clone_vm(tree_.mount(), state("p/v/root").vm(), state("p/new/root").vm(), {}));
    EXPECT_EQ(entries("pools/p"), (std::vector<std::string>{".varve", "v", "w"}));
}

}  // namespace
}  // namespace varve::mount_client
