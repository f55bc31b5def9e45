// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/names.h"

#include "drivers/base/revision_name.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace varve::base {
namespace {

template <class NameType>
void expect_legal(const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
        const auto name = NameType::parse(text);
        ASSERT_TRUE(name) << text << ": " << name.error().message();
        EXPECT_EQ(name->str(), text);
    }
}

template <class NameType>
void expect_illegal(const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
        const auto name = NameType::parse(text);
        ASSERT_FALSE(name) << text;
        EXPECT_EQ(name.error().code, Errc::InvalidName) << text;
        EXPECT_FALSE(name.error().context.empty());
    }
}

const std::vector<std::string> never_names{"",    ".",   "..",       "a/b", "/a",   "a/", "a b", "a\n", std::string("a\0b", 3),
                                           "a@b", "@",   "\xc3\xa4", "a*",  "a\\b", "-",  "-a",  ".a",  "_a",
                                           "a~",  "a%2f"};

TEST(VmName, LegalOnes) {
    expect_legal<VmName>({"a", "Z", "work", "my-vm", "a.b_c-d", "fedora-40", "none2", "Default", "domain-0", "Domain-00", "x-dm2", "dm",
                          "a-dma", std::string(31, 'a')});
}

TEST(VmName, IllegalOnes) {
    expect_illegal<VmName>(never_names);
    expect_illegal<VmName>(
        {"1a", "0", "none", "default", "Domain-0", "work-dm", "a-dm", "a:b", "a+b", std::string(32, 'a'), std::string(5000, 'a')});
}

TEST(VolumeName, LegalOnes) {
    expect_legal<VolumeName>({"a", "ctl1", "ct", "xctl", "root", "private", "volatile", "x1", "a0b1", std::string(32, 'z')});
}

TEST(VolumeName, IllegalOnes) {
    expect_illegal<VolumeName>(never_names);
    expect_illegal<VolumeName>({"ctl", "Root", "1root", "root-cow", "root_1", "root.img", "rooT", std::string(33, 'z')});
}

TEST(PoolName, LegalOnes) { expect_legal<PoolName>({"a", "0", "Fast", "pool-1", "a.b_c", "9.9", std::string(64, 'P')}); }

TEST(PoolName, IllegalOnes) {
    expect_illegal<PoolName>(never_names);
    expect_illegal<PoolName>({"a:b", "a+b", std::string(65, 'P')});
}

TEST(KernelVersion, LegalOnes) {
    expect_legal<KernelVersion>({"6", "6.6.42-1.fc37.qubes.fc37", "6.1.0-18-amd64", "6.9+deb", "current", "v6_1", std::string(64, '6')});
}

TEST(KernelVersion, IllegalOnes) {
    expect_illegal<KernelVersion>(never_names);
    expect_illegal<KernelVersion>({std::string(65, '6'), "6:1", "+6", "6 ", "6~rc1", "default", "6-dm"});
}

// A kernel stands where others have a VM, but nobody can make a VM of that name.
TEST(Names, APlaceIsAVmOrAKernel) {
    for (const auto* text : {"work", "6.6.42-1.fc37", "6.9+deb"}) {
        const auto place = parse_place(text);
        ASSERT_TRUE(place) << text;
        EXPECT_EQ(place->str(), text);
    }
    EXPECT_FALSE(VmName::parse("6.9+deb"));
    for (const auto& text : never_names) EXPECT_FALSE(parse_place(text)) << text;
}

TEST(Label, LegalOnes) {
    expect_legal<Label>({"a", "1", "before-upgrade", "v1.2_3", "2018-01-02", "12:30", "2018-01-02T03:04:05", "2018-13-02T03:04:05Z",
                         "Current", "currents", "x2018-01-02T03:04:05Z", std::string(64, '9')});
}

TEST(Label, IllegalOnes) {
    expect_illegal<Label>(never_names);
    expect_illegal<Label>({"current", "2018-01-02T03:04:05Z", "2018-01-02T03:04:05Z.0", "2018-01-02T03:04:05Z.x", "2018-01-02T03:04:05Z.7",
                           "0000-01-01T00:00:00Z", "a+b", std::string(65, 'l')});
}

TEST(Names, AReasonShowsNothingAWritableTerminalWouldObey) {
    const auto name = VmName::parse("\x1b[31m\n");
    ASSERT_FALSE(name);
    EXPECT_EQ(name.error().context.find('\x1b'), std::string::npos);
    EXPECT_EQ(name.error().context.find('\n'), std::string::npos);
    EXPECT_LT(VmName::parse(std::string(100'000, 'x')).error().context.size(), 300U);
}

TEST(Names, PathsPrintTheirParts) {
    const VolumeId id{*PoolName::parse("fast"), *VmName::parse("work"), *VolumeName::parse("root")};
    EXPECT_EQ(id.str(), "fast/work/root");
    EXPECT_EQ(id.path().str(), "work/root");
}

TEST(Names, NoTextMakesANameThatLeavesItsDirectory) {
    EXPECT_TRUE(rc::check("names are single components", [](const std::string& text) {
        if (VmName::parse(text) || VolumeName::parse(text) || PoolName::parse(text) || Label::parse(text) || parse_place(text)) {
            RC_ASSERT(text.find('/') == std::string::npos && text.find('\0') == std::string::npos && text.find('@') == std::string::npos);
            RC_ASSERT(!text.empty() && text.front() != '.');
        }
    }));
}

TEST(RevisionId, TellsTimesFromLabels) {
    const auto time = RevisionId::parse("2018-01-02T03:04:05Z");
    ASSERT_TRUE(time && time->timed());
    EXPECT_EQ(time->label(), nullptr);
    EXPECT_EQ(time->timed()->seconds, 1514862245);
    EXPECT_FALSE(time->timed()->number);
    const auto numbered = RevisionId::parse("2018-01-02T03:04:05Z.7");
    ASSERT_TRUE(numbered && numbered->timed());
    EXPECT_EQ(numbered->timed()->number, 7U);
    const auto label = RevisionId::parse("before-upgrade");
    ASSERT_TRUE(label && label->label());
    EXPECT_EQ(label->timed(), nullptr);
    EXPECT_NE(*time, *numbered);
}

TEST(TimedName, LegalOnes) {
    for (const std::string text : {"0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2020-02-29T00:00:00Z", "1970-01-01T00:00:00Z.1",
                                   "2018-01-02T03:04:05Z.18446744073709551615"}) {
        const auto name = TimedName::parse(text);
        ASSERT_TRUE(name) << text;
        EXPECT_EQ(name->str(), text);
    }
}

TEST(TimedName, IllegalOnes) {
    for (const std::string text :
         {"", "2018-01-02T03:04:05", "2018-01-02T03:04:05z", "2018-01-02T03:04:05Z.", "2018-01-02T03:04:05Z.0", "2018-01-02T03:04:05Z.07",
          "2018-01-02T03:04:05Z.+7", "2018-01-02T03:04:05Z.-7", "2018-01-02T03:04:05Z. 7", "2018-01-02T03:04:05Z.7 ",
          "2018-01-02T03:04:05Z.7.8", "2018-01-02T03:04:05Z7", "2018-01-02T03:04:05Z.18446744073709551616", "label"})
        EXPECT_FALSE(TimedName::parse(text)) << text;
}

TEST(TimedName, EveryOneReadsBack) {
    EXPECT_TRUE(rc::check("parse(str()) is the name", [] {
        TimedName name{*rc::gen::inRange<std::int64_t>(-62167219200, 253402300800), {}};
        if (*rc::gen::arbitrary<bool>()) name.number = *rc::gen::nonZero<std::uint64_t>();
        const auto back = RevisionId::parse(name.str());
        RC_ASSERT(back.has_value());
        RC_ASSERT(*back == RevisionId(name));
    }));
}

}  // namespace
}  // namespace varve::base
