// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/records.h"
#include "tests/unit/lvm_thin/fake_pool.h"

#include <algorithm>

namespace varve::lvm_thin {
namespace {

using base::Errc;

LvUuid uuid(char c) { return {std::string(32, c)}; }

Records example() {
    Records records;
    const RecordId vm{"0123"};
    const RecordId root{"4567"};
    const RecordId app{"89ab"};
    records.vms.emplace(vm, VmRecord{base::VmName::parse("fedora-39.x_y").value(), {7, 8, 0711}, {-5, 123}});
    auto config = FakePool::origin(0);
    config.revisions_to_keep = api::RevisionsToKeep::from(-1).value();
    config.schedule = api::Schedule::parse("24h 7d 5y").value();
    config.rw = false;
    config.created = {1, 2};
    records.volumes.emplace(root, VolumeRecord{vm, base::VolumeName::parse("root").value(), config});
    auto snapshot = FakePool::origin(0);
    snapshot.kind = api::Snapshot{{FakePool::path("fedora-39.x_y", "root"), FakePool::revision("2018-01-02T03:04:05Z.7")}};
    records.volumes.emplace(app, VolumeRecord{vm, base::VolumeName::parse("app").value(), snapshot, root});
    records.states.emplace(uuid('a'), StateRecord{.volume = root, .modified = {1, 0}, .changed = {2, 0}, .size = {512}});
    records.states.emplace(uuid('b'), StateRecord{.volume = root,
                                                  .modified = {3, 4},
                                                  .changed = {5, 6},
                                                  .size = {1024},
                                                  .revision = FakePool::revision("before-upgrade:1")});
    records.states.emplace(uuid('c'), StateRecord{.volume = root,
                                                  .modified = {3, 4},
                                                  .changed = {5, 6},
                                                  .size = {1024},
                                                  .revision = FakePool::revision("1970-01-01T00:00:03Z"),
                                                  .number = 12,
                                                  .replaced = base::Timestamp{9, 1},
                                                  .layerless = LayerlessSession{"boot", {4096}, 3}});
    records.garbage.insert(uuid('d'));
    return records;
}

std::vector<std::string> tags_of(const Records& records) {
    std::vector<std::string> tags;
    for (const auto& group : changes({}, records, 48)) tags.insert(tags.end(), group.add.begin(), group.add.end());
    return tags;
}

TEST(RecordTags, AreReadBackAsTheyWereWritten) {
    const auto tags = tags_of(example());
    for (const auto& tag : tags) EXPECT_TRUE(is_tag(tag)) << tag;
    const auto parsed = parse_records(tags);
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(*parsed, example());
}

TEST(RecordTags, OtherPeoplesTagsAreSkipped) {
    auto tags = tags_of(example());
    tags.insert(tags.end(), {"varve:1", "hot", "backup=yes"});
    EXPECT_EQ(parse_records(tags).value(), example());
}

TEST(RecordTags, ADamagedTagIsNamed) {
    for (const auto* tag : {"varve/vm/1", "varve/vm/1/none/0/0/493/1.0", "varve/state/short/1/512/1.0/1.0", "varve/new-thing/1",
                            "varve/volume/1/2/root/origin/x/1.0", "varve/vm/1/work/0/0/493/1.9999999999"}) {
        const auto parsed = parse_records({tag});
        ASSERT_FALSE(parsed) << tag;
        EXPECT_EQ(parsed.error().code, Errc::Corrupt);
        EXPECT_NE(parsed.error().message().find(tag), std::string::npos) << parsed.error().message();
    }
}

TEST(RecordTags, AChangeTouchesOnlyWhatChanged) {
    auto after = example();
    after.states.at(uuid('a')).revision = FakePool::revision("1970-01-01T00:00:01Z");
    after.states.emplace(uuid('e'), StateRecord{.volume = {"4567"}, .modified = {}, .changed = {}, .size = {}});
    const auto groups = changes(example(), after, 48);
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(groups.front().remove.size(), 1U);
    EXPECT_EQ(groups.front().add.size(), 2U);
    EXPECT_TRUE(changes(example(), example(), 48).empty());
}

TEST(RecordTags, EveryPrefixOfALargeChangeParses) {
    for (const bool removal : {false, true}) {
        const auto before = removal ? example() : Records{};
        const auto after = removal ? Records{} : example();
        auto tags = tags_of(before);
        for (const auto& group : changes(before, after, 2)) {
            EXPECT_LE(group.add.size() + group.remove.size(), 2U);
            std::erase_if(tags, [&](const auto& tag) { return std::ranges::find(group.remove, tag) != group.remove.end(); });
            tags.insert(tags.end(), group.add.begin(), group.add.end());
            const auto parsed = parse_records(tags);
            EXPECT_TRUE(parsed) << parsed.error().message();
        }
        EXPECT_EQ(parse_records(tags).value(), after);
    }
}

TEST(SessionTag, IsReadBackAsItWasWritten) {
    const SessionRecord plain{{"12"}, "11111111-1111-1111-1111-111111111111", {4096}, {5, 6}};
    EXPECT_EQ(parse_session({"varve", session_tag(plain)}).value(), plain);
    auto based = plain;
    based.base = SessionRecord::Base{uuid('b'), {1, 2}, {512}};
    EXPECT_EQ(parse_session({session_tag(based)}).value(), based);
    EXPECT_TRUE(is_tag(session_tag(based)));
    EXPECT_EQ(parse_session({"varve", "other"}).value(), std::nullopt);
    EXPECT_EQ(parse_session({"varve/session/1"}).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace varve::lvm_thin
