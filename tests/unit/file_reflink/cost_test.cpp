// SPDX-License-Identifier: LGPL-2.1-or-later
// What commands cost: syncs, and calls of the file system at all.
#include "tests/unit/file_reflink/memory_pool.h"

#include <functional>

namespace varve::file_reflink {
namespace {

struct Cost {
    std::size_t calls = 0;
    std::size_t file_syncs = 0;
    std::size_t directory_syncs = 0;
    friend bool operator==(const Cost&, const Cost&) = default;
};

void PrintTo(const Cost& cost, std::ostream* out) {
    *out << cost.calls << " calls, " << cost.file_syncs << " file syncs, " << cost.directory_syncs << " directory syncs";
}

class CostTest : public MemoryPoolTest {
protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(open());
        ASSERT_TRUE(pool_->create_vm(path(volume).vm, {}));
        run(volume, api::Create{config(api::Origin{})});
    }

    static api::VolumeConfig config(api::Kind kind) {
        return {.kind = std::move(kind), .size = size, .revisions_to_keep = {}, .rw = true, .ephemeral = false, .created = {}};
    }

    Cost cost(const std::function<void()>& act) {
        Cost found;
        bool after = false;
        files_.watch([&](fakes::Effect effect) {
            after = !after;
            if (!after) return;  // each call is told twice
            ++found.calls;
            if (effect == fakes::Effect::SyncsFile) ++found.file_syncs;
            if (effect == fakes::Effect::SyncsDirectory) ++found.directory_syncs;
        });
        act();
        files_.watch({});
        return found;
    }

    void start() { run(volume, api::Start{}); }
    void guest_writes() { write("appvms/work/private-dirty.img", "written"); }
    void commit() { stop(volume, 5000); }

    // Revisions with the numbers `first` to `last`.
    void restore(std::size_t first, std::size_t last) {
        for (std::size_t i = first; i <= last; ++i) {
            auto restored = image(volume, "restored");
            run(volume, api::Publish{&restored, api::Publish::AsRevision{base::TimedName{static_cast<std::int64_t>(1'000'000 + i), i}}});
        }
    }

    static constexpr auto volume = "work/private";
};

TEST_F(CostTest, ACommitSyncsItsImageAndItsDirectoryOnce) {
    start();
    guest_writes();
    const auto found = cost([&] { commit(); });
    EXPECT_EQ(view(volume)->revisions.size(), 1U);
    EXPECT_EQ(found.file_syncs, 1U);
    EXPECT_EQ(found.directory_syncs, 1U);
}

TEST_F(CostTest, PublishingSyncsItsImageAndItsDirectoryOnce) {
    auto written = image(volume, "written");
    const auto found = cost([&] { run(volume, api::Publish{&written, api::Publish::AsCommitted{}}); });
    EXPECT_EQ(found.file_syncs, 1U);
    EXPECT_EQ(found.directory_syncs, 1U);
}

TEST_F(CostTest, AnImageOfAnotherVmSyncsBothDirectories) {
    ASSERT_TRUE(pool_->create_vm(path("other/private").vm, {}));
    auto written = image("other/private", "written");
    const auto found = cost([&] { run(volume, api::Publish{&written, api::Publish::AsCommitted{}}); });
    EXPECT_EQ(found.file_syncs, 1U);
    EXPECT_EQ(found.directory_syncs, 2U);
}

TEST_F(CostTest, AStartSyncsItsImageAndItsDirectoryOnce) {
    const auto found = cost([&] { start(); });
    EXPECT_EQ(found.file_syncs, 1U);
    EXPECT_EQ(found.directory_syncs, 1U);
}

TEST_F(CostTest, AnUnwrittenStopAndTheNextStartSyncOnlyTheDirectory) {
    start();
    EXPECT_EQ(cost([&] { commit(); }).file_syncs, 0U);
    const auto found = cost([&] { start(); });
    EXPECT_EQ(found.file_syncs, 0U);
    EXPECT_EQ(found.directory_syncs, 1U);
}

TEST_F(CostTest, ARevertSyncsOnlyItsDirectory) {
    start();
    guest_writes();
    commit();
    const auto revision = view(volume)->revisions.front().id;
    const auto found = cost([&] { run(volume, api::Revert{revision}); });
    EXPECT_EQ(found.file_syncs, 0U);
    EXPECT_EQ(found.directory_syncs, 1U);
}

TEST_F(CostTest, StartsAndCommitsCostTheSameWithAThousandRevisions) {
    restore(1, 1);
    const auto session = [&] {
        start();
        guest_writes();
        commit();
    };
    const auto one = cost(session);
    restore(10, 1010);
    ASSERT_GT(view(volume)->revisions.size(), 1000U);
    EXPECT_EQ(cost(session), one);
}

// ---- a resize that fails

TEST_F(CostTest, AResizeThatFailsLeavesARunningVolatileVolumeAsItWas) {
    const std::string swap = "work/volatile";
    run(swap, api::Create{config(api::Volatile{})});
    run(swap, api::Start{});
    const base::Bytes larger{16384};
    files_.faults().count();
    const auto calls = cost([&] { EXPECT_TRUE(pool_->execute(path(swap), view(swap), api::Resize{{12288}})); }).calls;
    ASSERT_GT(calls, 0U);
    run(swap, api::Resize{{12288}});
    std::size_t refused = 0;
    for (std::size_t call = 1; call <= calls; ++call) {
        const auto before = pool_->load_volume(path(swap), view(swap)).value().value();
        files_.faults().fail_at(call, EIO);
        const auto done = pool_->execute(path(swap), &before, api::Resize{{before.config.size.count + larger.count}});
        files_.faults().count();
        const auto after = pool_->load_volume(path(swap), &before).value().value();
        EXPECT_EQ(after.config.size, after.session->size) << "call " << call;
        if (!done && done.error().code != base::Errc::Degraded) {
            EXPECT_EQ(after.config.size, before.config.size) << "call " << call;
            ++refused;
        }
    }
    EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace varve::file_reflink
