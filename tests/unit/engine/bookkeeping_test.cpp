// SPDX-License-Identifier: LGPL-2.1-or-later
// Sources, failures, the catalogue, and who owns a pool.
#include "drivers/api/forwarding_pool.h"
#include "fs/engine/failures.h"
#include "fs/engine/sources.h"
#include "tests/unit/engine/world.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace varve::engine_test {
namespace {

base::VolumePath path(std::string_view vm, std::string_view volume) { return {vm_name(vm), volume_name(volume)}; }

TEST(Sources, ListsTheChildrenOfAVolumeAndOfAVm) {
    engine::Sources sources;
    const auto root = path("fedora", "root");
    sources.set(path("a", "root"), api::Source{root, {}});
    sources.set(path("b", "root"), api::Source{root, revision("2020-01-01T00:00:00Z")});
    sources.set(path("c", "root"), api::Source{path("fedora", "data"), {}});
    EXPECT_EQ(sources.children_of(root).size(), 2U);
    EXPECT_EQ(sources.children_of(vm_name("fedora")).size(), 3U);
    EXPECT_EQ(sources.child_of_committed(root), path("a", "root"));
    EXPECT_EQ(sources.child_of_revision(root, revision("2020-01-01T00:00:00Z")), path("b", "root"));
    EXPECT_EQ(sources.child_of_revision(root, revision("other")), std::nullopt);
    EXPECT_EQ(sources.fixed_revisions(root), std::set{revision("2020-01-01T00:00:00Z")});
}

TEST(Sources, AChildHasOneSource) {
    engine::Sources sources;
    const auto child = path("a", "root");
    sources.set(child, api::Source{path("fedora", "root"), {}});
    sources.set(child, api::Source{path("debian", "root"), {}});
    EXPECT_TRUE(sources.children_of(path("fedora", "root")).empty());
    EXPECT_EQ(sources.children_of(path("debian", "root")).size(), 1U);
    sources.set(child, std::nullopt);
    EXPECT_TRUE(sources.children_of(path("debian", "root")).empty());
}

TEST(Failures, KeepsTheNewestThousand) {
    engine::Failures failures;
    for (int i = 0; i < 1010; ++i) failures.add({{}, i, 0, "open", "p", base::Error{Errc::Busy, {}, "busy"}});
    const auto kept = failures.all();
    ASSERT_EQ(kept.size(), engine::Failures::capacity);
    EXPECT_EQ(kept.front().process, 10);
    EXPECT_EQ(kept.back().process, 1009);
}

class CatalogueTest : public World {};

TEST_F(CatalogueTest, KeepsOnePoolOfEachName) {
    engine::Catalogue catalogue;
    ASSERT_TRUE(succeeded(catalogue.add(pool_)));
    EXPECT_TRUE(failed(catalogue.add(pool_), Errc::Exists));
    EXPECT_EQ(catalogue.find(pool_->name()), pool_);
    EXPECT_EQ(catalogue.pools().size(), 1U);
    EXPECT_TRUE(failed(catalogue.remove(base::PoolName::parse("other").value()), Errc::NotFound));
}

TEST_F(CatalogueTest, KeepsAPoolThatIsInUse) {
    engine::Catalogue catalogue;
    ASSERT_TRUE(succeeded(catalogue.add(pool_)));
    const auto root = origin("vm", "root");
    ASSERT_TRUE(succeeded(volumes_.start(root)));
    EXPECT_TRUE(failed(catalogue.remove(pool_->name()), Errc::Busy));
    ASSERT_TRUE(succeeded(volumes_.stop(root, api::Stop::Outcome::Discard)));
    const auto transaction = open(root);
    EXPECT_TRUE(failed(catalogue.remove(pool_->name()), Errc::Busy));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_TRUE(succeeded(catalogue.remove(pool_->name())));
    EXPECT_EQ(catalogue.find(pool_->name()), nullptr);
}

// A pool in memory that could be opened by another process.
class LockedPool final : public api::ForwardingPool {
public:
    LockedPool(std::unique_ptr<api::Pool> pool, std::filesystem::path directory)
        : ForwardingPool(std::move(pool)), directory_(std::move(directory)) {}
    std::optional<std::filesystem::path> lock_directory() const override { return directory_; }

private:
    std::filesystem::path directory_;
};

class PoolLock : public World {
protected:
    PoolLock() {
        std::string pattern = std::filesystem::temp_directory_path() / "varve-engine-XXXXXX";
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    ~PoolLock() override { std::filesystem::remove_all(directory_); }

    Result<std::shared_ptr<engine::OpenPool>> open_locked() {
        return engine::OpenPool::open(
            {locked_, "sim", api::RevisionsToKeep::standard(), {}},
            std::make_unique<LockedPool>(sim::open({}, disk_, ids_, clock_, kernel::BootId{"11111111-1111-1111-1111-111111111111"}),
                                         directory_));
    }
    // The lock is a process's, so only another one can tell.
    bool another_process_can_own_it() const {
        const auto child = ::fork();
        if (child == 0) ::_exit(engine::PoolOwner::acquire(locked_, directory_).has_value() ? 0 : 1);
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status));
        return WEXITSTATUS(status) == 0;
    }

    const base::PoolName locked_ = base::PoolName::parse("locked").value();
    std::filesystem::path directory_;
};

TEST_F(PoolLock, ARemovedPoolHasNoOwnerAndCanBeAddedAgain) {
    engine::Catalogue catalogue;
    auto opened = open_locked();
    ASSERT_TRUE(succeeded(opened));
    ASSERT_TRUE(succeeded(catalogue.add(*opened)));
    const auto held_on_to = *std::move(opened);
    EXPECT_FALSE(another_process_can_own_it());
    ASSERT_TRUE(succeeded(catalogue.remove(locked_)));
    EXPECT_TRUE(another_process_can_own_it());
    EXPECT_TRUE(held_on_to->vms().empty());
    auto again = open_locked();
    ASSERT_TRUE(succeeded(again));
    EXPECT_TRUE(succeeded(catalogue.add(*std::move(again))));
    EXPECT_FALSE(another_process_can_own_it());
}

}  // namespace
}  // namespace varve::engine_test
