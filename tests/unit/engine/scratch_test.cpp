// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/engine/world.h"

#include <future>

namespace varve::engine_test {
namespace {

class ScratchTest : public World {
protected:
    std::shared_ptr<engine::ScratchFile> scratch(const std::string& name, std::string_view text, base::Bytes size = mebibytes(1)) {
        auto made = writes_.create_scratch(root_.vm, name);
        EXPECT_TRUE(succeeded(made));
        EXPECT_TRUE(succeeded((*made)->image()->storage().set_size(size)));
        EXPECT_TRUE(succeeded((*made)->image()->storage().write({text.data(), text.size()}, {})));
        return *made;
    }
    Result<> publish(const std::string& name, const VolumeRef& volume, const std::optional<base::RevisionId>& id = {}) {
        return writes_.publish_scratch(*root_.vm, name, volume, id);
    }

    const VolumeRef root_ = origin("vm", "root");
};

TEST_F(ScratchTest, BecomesTheCommittedState) {
    (void)scratch(".root.img.Xy", "new");
    ASSERT_TRUE(succeeded(publish(".root.img.Xy", root_)));
    EXPECT_EQ(read(root_), "new");
    EXPECT_EQ(revisions(root_).size(), 1U);
    EXPECT_EQ(root_.vm->writes().scratch(".root.img.Xy"), nullptr);
}

TEST_F(ScratchTest, RestoresARevision) {
    (void)scratch(".tmp", "saved");
    ASSERT_TRUE(succeeded(publish(".tmp", root_, revision("good"))));
    EXPECT_EQ(read(root_, revision("good")), "saved");
}

TEST_F(ScratchTest, IsNotPublishedWhileItIsWrittenOrSpoiled) {
    const auto file = scratch(".tmp", "new");
    ASSERT_TRUE(file->opened(true));
    EXPECT_TRUE(failed(publish(".tmp", root_), Errc::Busy));
    file->released(true, clock_.now().seconds);
    file->spoil();
    EXPECT_TRUE(failed(publish(".tmp", root_), Errc::Io));
    EXPECT_EQ(read(root_), "");
    EXPECT_NE(root_.vm->writes().scratch(".tmp"), nullptr);
}

class ClosingScratchTest : public World {
protected:
    static engine::Settings patient() {
        auto settings = quick();
        settings.wait_busy = std::chrono::minutes(1);
        return settings;
    }
    ClosingScratchTest() : World(patient()) {}
};

// The kernel answers close(2) before it sends the release, which another thread may handle after the rename.
TEST_F(ClosingScratchTest, IsPublishedAsSoonAsItIsClosed) {
    const auto root = origin("vm", "root");
    const auto file = writes_.create_scratch(root.vm, ".tmp");
    ASSERT_TRUE(succeeded(file));
    ASSERT_TRUE((*file)->opened(true));
    ASSERT_TRUE(succeeded((*file)->image()->storage().set_size(mebibytes(1))));
    auto published = std::async(std::launch::async, [&] { return writes_.publish_scratch(*root.vm, ".tmp", root, {}); });
    EXPECT_EQ(published.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
    writes_.scratch_released(*root.vm, **file, true);
    EXPECT_TRUE(succeeded(published.get()));
    EXPECT_EQ(revisions(root).size(), 1U);
}

TEST_F(ScratchTest, AnUnalignedOneStaysWhatItIs) {
    (void)scratch(".tmp", "new", base::Bytes{1000});
    EXPECT_TRUE(failed(publish(".tmp", root_), Errc::InvalidArgument));
    EXPECT_NE(root_.vm->writes().scratch(".tmp"), nullptr);
    EXPECT_TRUE(revisions(root_).empty());
}

TEST_F(ScratchTest, IsNotPublishedOntoWhatIsOpenOrRuns) {
    (void)scratch(".tmp", "new");
    const auto transaction = open(root_);
    EXPECT_TRUE(failed(publish(".tmp", root_), Errc::Busy));
    EXPECT_TRUE(succeeded(transaction->released()));
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    EXPECT_TRUE(failed(publish(".tmp", root_), Errc::Busy));
}

TEST_F(ScratchTest, ALinkBecomesASnapshotVolume) {
    const VolumeRef app{root_.vm, volume_name("app")};
    ASSERT_TRUE(succeeded(writes_.create_scratch_link(root_.vm, "CuAbc123", "../vm/root.img")));
    ASSERT_TRUE(succeeded(publish("CuAbc123", app)));
    ASSERT_NE(app.view(), nullptr);
    EXPECT_EQ(std::get<api::Snapshot>(app.view()->config.kind).source.volume, root_.path());
    EXPECT_TRUE(failed(writes_.create_scratch_link(root_.vm, ".l", "/etc/passwd"), Errc::CrossPool));
    EXPECT_TRUE(failed(writes_.link_source(app, "app.img"), Errc::InvalidArgument));
    EXPECT_TRUE(failed(writes_.link_source(root_, "../vm/app.img"), Errc::Exists));
}

TEST_F(ScratchTest, ASnapshotOfAVolumeHasItsContent) {
    commit(root_, "data", 1000);
    ASSERT_TRUE(succeeded(writes_.create_scratch_snapshot(root_, root_.vm, "CuAbc123")));
    const VolumeRef copy{root_.vm, volume_name("copy")};
    ASSERT_TRUE(succeeded(publish("CuAbc123", copy)));
    EXPECT_EQ(read(copy), "data");
}

TEST_F(ScratchTest, IsRenamedWithinItsDirectory) {
    (void)scratch(".a", "a");
    (void)scratch(".b", "b");
    ASSERT_TRUE(succeeded(writes_.rename_scratch(*root_.vm, ".a", *root_.vm, ".b")));
    EXPECT_EQ(root_.vm->writes().all_scratch().size(), 1U);
    EXPECT_TRUE(failed(writes_.rename_scratch(*root_.vm, ".a", *root_.vm, ".c"), Errc::NotFound));
    EXPECT_TRUE(failed(writes_.rename_scratch(*root_.vm, ".b", *vm("other"), ".b"), Errc::CrossPool));
    ASSERT_TRUE(succeeded(writes_.remove_scratch(*root_.vm, ".b")));
    EXPECT_TRUE(failed(writes_.remove_scratch(*root_.vm, ".b"), Errc::NotFound));
}

TEST_F(ScratchTest, IsSweptWhenNobodyHasTouchedItForADay) {
    constexpr std::int64_t day = 86400;
    const auto open_one = scratch(".open", "x");
    (void)scratch(".stale", "x");
    ASSERT_TRUE(open_one->opened(false));
    clock_.advance(day);
    writes_.sweep_scratch(*root_.vm);
    EXPECT_EQ(root_.vm->writes().all_scratch().size(), 2U);
    clock_.advance(1);
    writes_.sweep_scratch(*root_.vm);
    EXPECT_EQ(root_.vm->writes().scratch(".stale"), nullptr);
    EXPECT_NE(root_.vm->writes().scratch(".open"), nullptr);
    open_one->released(false, clock_.now().seconds);
    writes_.sweep_scratch(*root_.vm);
    EXPECT_NE(root_.vm->writes().scratch(".open"), nullptr);
}

}  // namespace
}  // namespace varve::engine_test
