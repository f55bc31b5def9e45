// SPDX-License-Identifier: LGPL-2.1-or-later
// READDIR and READDIRPLUS, read in pieces of every size and from every offset.
#include "tests/fuse/fuse_world.h"

#include <set>

namespace varve::fuse_test {
namespace {

class Directories : public FuseWorld, public testing::WithParamInterface<bool> {
protected:
    Directories() {
        const auto volume = work();
        names_ = {".", "..", "root.img"};
        for (const auto* label : {"a", "be", "see", "a-label-that-is-rather-long-for-a-label-but-a-legal-one"}) {
            EXPECT_TRUE(succeeded(volumes_.take_snapshot(volume, engine_test::label(label))));
            names_.push_back("root.img@" + std::string(label));
        }
        (void)volatile_volume("work", "volatile");
        names_.push_back("volatile.img");
        (void)snapshot("work", "snap", volume);
        names_.push_back("snap.img");
        begin();
        directory_ = work_directory();
        handle_ = wire().opendir(directory_).out.fh;
    }
    void TearDown() override {
        EXPECT_EQ(wire().releasedir(directory_, handle_), 0);
        FuseWorld::TearDown();
    }

    [[nodiscard]] static bool plus() { return GetParam(); }
    Answer read(std::uint64_t offset, std::uint32_t size) { return wire().readdir(directory_, handle_, offset, size, plus()); }
    std::vector<DirectoryEntry> all() { return parse_entries(read(0, 1U << 15).body, plus()); }
    std::size_t known_nodes() {
        return nodes_.select([](const fuse::Node&) { return true; }).size();
    }

    std::vector<std::string> names_;
    NodeId directory_ = 0;
    std::uint64_t handle_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Plain, Directories, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Plus, Directories, testing::Values(true));

TEST_P(Directories, EveryEntryOnceInPiecesOfAnySize) {
    const auto longest = 2 * all().back().name.size() + sizeof(fuse_entry_out) + 128;
    for (std::uint32_t size = static_cast<std::uint32_t>(longest); size < 4096; size += 37) {
        std::vector<std::string> seen;
        std::uint64_t offset = 0;
        for (auto piece = read(offset, size); !piece.body.empty(); piece = read(offset, size)) {
            ASSERT_EQ(piece.error, 0);
            ASSERT_LE(piece.body.size(), size);
            for (const auto& entry : parse_entries(piece.body, plus())) {
                seen.push_back(entry.name);
                offset = entry.offset;
            }
        }
        ASSERT_EQ(std::multiset<std::string>(seen.begin(), seen.end()), std::multiset<std::string>(names_.begin(), names_.end())) << size;
    }
}

TEST_P(Directories, EveryOffsetIsAPlaceToReadOn) {
    const auto entries = all();
    ASSERT_EQ(entries.size(), names_.size());
    for (std::size_t first = 0; first < entries.size(); ++first) {
        const auto rest = parse_entries(read(entries[first].offset, 1U << 15).body, plus());
        ASSERT_EQ(rest.size(), entries.size() - first - 1);
        for (std::size_t i = 0; i < rest.size(); ++i) {
            EXPECT_EQ(rest[i].name, entries[first + 1 + i].name);
            EXPECT_EQ(rest[i].inode, entries[first + 1 + i].inode);
        }
    }
    for (const auto beyond : {entries.back().offset + 1, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        const auto answer = read(beyond, 4096);
        EXPECT_EQ(answer.error, 0);
        EXPECT_TRUE(answer.body.empty());
    }
}

TEST_P(Directories, BuffersWithoutRoomForAnEntry) {
    for (const std::uint32_t size : {0U, 1U, 8U, 23U, 24U, 31U}) {
        const auto answer = read(0, size);
        EXPECT_EQ(answer.error, 0);
        EXPECT_TRUE(answer.body.empty()) << size;
    }
}

// A size that no kernel asks for must not cost that much memory.
TEST_P(Directories, AHugeBuffer) { EXPECT_EQ(parse_entries(read(0, ~std::uint32_t{0}).body, plus()).size(), names_.size()); }

TEST_P(Directories, OnlyReaddirplusCountsLookUps) {
    const auto before = known_nodes();
    const auto entries = all();
    if (!plus()) {
        EXPECT_EQ(known_nodes(), before);
        return;
    }
    EXPECT_EQ(known_nodes(), before + names_.size() - 2);
    std::vector<fuse_forget_one> once;
    for (const auto& entry : entries) {
        EXPECT_EQ(entry.node == 0, entry.name == "." || entry.name == "..") << entry.name;
        if (entry.node == 0) continue;
        const auto found = wire().lookup(directory_, entry.name);
        EXPECT_EQ(found.out.nodeid, entry.node);
        EXPECT_EQ(found.out.attr.ino, entry.inode);
        once.push_back({entry.node, 2});
    }
    wire().batch_forget(once);
    EXPECT_TRUE(eventually([&] { return known_nodes() == before; }));
}

// An entry that did not fit was not looked up.
TEST_P(Directories, OnlyDeliveredEntriesAreCounted) {
    if (!plus()) return;  // nothing is counted: see above
    const auto before = known_nodes();
    std::size_t delivered = 0;
    std::vector<fuse_forget_one> once;
    for (std::uint32_t size = 0; size < 2048; size += 61)
        for (const auto& entry : parse_entries(read(0, size).body, true))
            if (entry.node != 0) {
                once.push_back({entry.node, 1});
                ++delivered;
            }
    EXPECT_GT(delivered, 10U);
    wire().batch_forget(once);
    EXPECT_TRUE(eventually([&] { return known_nodes() == before; }));
}

TEST_P(Directories, AnEntryThatHasGoneSinceTheOpen) {
    ASSERT_EQ(wire().unlink(directory_, "root.img@be"), 0);
    const auto entries = all();
    EXPECT_EQ(entries.size(), plus() ? names_.size() - 1 : names_.size());
    const auto fresh = wire().opendir(directory_);
    EXPECT_EQ(parse_entries(wire().readdir(directory_, fresh.out.fh, 0, 1U << 15, plus()).body, plus()).size(), names_.size() - 1);
    EXPECT_EQ(wire().releasedir(directory_, fresh.out.fh), 0);
}

}  // namespace
}  // namespace varve::fuse_test
