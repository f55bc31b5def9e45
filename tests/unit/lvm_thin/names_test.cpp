// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/lv.h"
#include "drivers/lvm_thin/lv_names.h"
#include "tests/unit/lvm_thin/fake_pool.h"

namespace varve::lvm_thin {
namespace {

using base::Errc;
using Role = QubesName::Role;

TEST(LvNames, AreThoseOfQubes) {
    const auto root = FakePool::path("fedora-39", "root");
    EXPECT_EQ(committed_name(root), "vm-fedora-39-root");
    EXPECT_EQ(session_name(root), "vm-fedora-39-root-snap");
    EXPECT_EQ(revision_name(root, 1600000000), "vm-fedora-39-root-1600000000-back");
    EXPECT_EQ(label_name(root, 3), "vm-fedora-39-root-3-label");
}

TEST(LvNames, AreReadBack) {
    const auto root = FakePool::path("a-b", "root");
    for (const auto& [name, role] : {std::pair{committed_name(root), Role::Committed},
                                     {session_name(root), Role::Session},
                                     {revision_name(root, 5), Role::Revision},
                                     {committed_name(root) + "-import", Role::Import}}) {
        const auto parsed = parse_name(name);
        ASSERT_TRUE(parsed) << name;
        EXPECT_EQ(parsed->volume, root) << name;
        EXPECT_EQ(parsed->role, role) << name;
    }
    EXPECT_EQ(parse_name("vm-a-b-root-5-back")->epoch, 5);
    for (const auto* other : {"root", "vm-root", "vm--root", "vm-a-Root", "vm-a-root-", "lvol0", "vm-", ""})
        EXPECT_FALSE(parse_name(other)) << other;
}

TEST(LvNames, WhatLvmKeepsForItselfIsRefused) {
    for (const auto* name : {"a_tdata", "vm-x_tmeta-root", "snapshot1", "pvmove0", "", "-a", "a b", "a/b", ".", ".."})
        EXPECT_EQ(LvNameRules::check(name).error().code, Errc::InvalidName) << name;
    EXPECT_TRUE(LvNameRules::check("vm-work-private"));
}

TEST(LvNames, TooLongForDeviceMapperIsRefused) {
    EXPECT_TRUE(check_names("qubes_dom0", FakePool::path("work", "root")));
    EXPECT_EQ(
        check_names(std::string(60, 'v'), FakePool::path("a-------------------------bcde", "abcdefghijklmnopqrstuvwxyz")).error().code,
        Errc::InvalidName);
}

TEST(LvNames, TagsAreChecked) {
    EXPECT_TRUE(is_tag("varve/state/abc!#/=:&.+-_"));
    for (const auto& tag :
         {std::string(), std::string("-a"), std::string("a b"), std::string("a@b"), std::string("a,b"), std::string(1025, 'a')})
        EXPECT_FALSE(is_tag(tag)) << tag;
}

TEST(LvNames, UuidsAreReadWithAndWithoutDashes) {
    const auto plain = parse_uuid("yD5ZxvwqnKuYG2DhDu1UzekZppmEmrdc");
    ASSERT_TRUE(plain);
    EXPECT_EQ(parse_uuid("yD5Zxv-wqnK-uYG2-DhDu-1Uze-kZpp-mEmrdc")->text, plain->text);
    EXPECT_EQ(parse_uuid("yD5Zxv").error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace varve::lvm_thin
