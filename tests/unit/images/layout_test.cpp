// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/layout.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace varve::images {
namespace {

base::VolumeName volume(const char* name) { return base::VolumeName::parse(name).value(); }
base::Label label(const char* name) { return base::Label::parse(name).value(); }

constexpr std::int64_t second = 1514862245;  // 2018-01-02T03:04:05Z

const std::vector<std::pair<std::string, Entry>>& known() {
    static const std::vector<std::pair<std::string, Entry>> entries{
        {"root-cow.img", CowFile{volume("root")}},
        {"root-cow.img.old", OldCowFile{volume("root")}},
        {"root-base-cow.img", BaseCowFile{volume("root")}},
        {"root-grown.img", GrownFile{volume("root")}},
        {"root-session.img", SessionFile{volume("root")}},
        {"root.img", CommittedFile{volume("root")}},
        {"root-dirty.img", DirtyFile{volume("root")}},
        {"root-base.img", BaseFile{volume("root")}},
        {"root-precache.img", PrecacheFile{volume("root")}},
        {"root-import.img", ImportFile{volume("root")}},
        {"root.img.1@2018-01-02T03:04:05Z", TimedFile{volume("root"), second, 1}},
        {"root.img.18446744073709551615@2018-01-02T03:04:05Z", TimedFile{volume("root"), second, 18446744073709551615U}},
        {"root.img@2018-01-02T03:04:05Z", TimedFile{volume("root"), second, 0}},
        {"root.img@before-upgrade.pin", PinFile{volume("root"), label("before-upgrade")}},
        {"root.img@a.pin.pin", PinFile{volume("root"), label("a.pin")}},
    };
    return entries;
}

TEST(Layout, ReadsEveryNameItWrites) {
    for (const auto& [name, entry] : known()) {
        EXPECT_TRUE(classify(name) == entry) << name;
        EXPECT_EQ(file_name(entry), name);
        ASSERT_NE(volume_of(entry), nullptr);
        EXPECT_EQ(volume_of(entry)->str(), "root");
    }
}

TEST(Layout, GivesTheSameEntryOfAnotherVolume) {
    for (const auto& [name, entry] : known()) {
        const auto moved = file_name(with_volume(entry, volume("data")));
        EXPECT_EQ(moved, "data" + name.substr(4));
    }
}

TEST(Layout, TemporariesBelongToNoVolume) {
    for (const auto* name :
         {"root.img~1f", "scratch.img~0", "root.img.1@2018-01-02T03:04:05Z~x", "root.img@2018-01-02T03:04:05Z~tmp", ".varve.json~1f"}) {
        EXPECT_TRUE(std::holds_alternative<TemporaryFile>(classify(name))) << name;
        EXPECT_EQ(volume_of(classify(name)), nullptr);
        EXPECT_EQ(file_name(classify(name)), "");
    }
    EXPECT_TRUE(std::holds_alternative<RecordFile>(classify(".varve.json")));
}

TEST(Layout, EverythingElseIsForeign) {
    for (const auto* name : {"",
                             ".",
                             "..",
                             "~",
                             "root",
                             "Root.img",
                             "ro-ot.img",
                             ".img",
                             "-dirty.img",
                             "root.img.bak",
                             "root.IMG",
                             "root.img.0@2018-01-02T03:04:05Z",
                             "root.img.01@2018-01-02T03:04:05Z",
                             "root.img.18446744073709551616@2018-01-02T03:04:05Z",
                             "root.img.-1@2018-01-02T03:04:05Z",
                             "root.img.1@2018-01-02T03:04:05",
                             "root.img.1@2018-02-30T03:04:05Z",
                             "root.img.@2018-01-02T03:04:05Z",
                             "root.img@",
                             "root.img@label",
                             "root.img@.pin",
                             "root.img@current.pin",
                             "root.img@2018-01-02T03:04:05Z.pin",
                             "root.img@a@b.pin",
                             "root.img.1@label.pin",
                             "root-dirty.img@label.pin",
                             "firewall.xml",
                             ".varve.json.bak",
                             "icon~",
                             "root.img ",
                             "root.img\n"})
        EXPECT_TRUE(std::holds_alternative<ForeignFile>(classify(name))) << name;
}

// What classify() understands is exactly what file_name() writes: no two names mean the same file.
TEST(Layout, HasOneNameForEachMeaning) {
    const std::string parts[] = {"root", "a",    "",   ".img", "-dirty", "-base", ".1", ".07", "@", "2018-01-02T03:04:05Z",
                                 "pin",  ".pin", "lab"};
    for (const auto& a : parts)
        for (const auto& b : parts)
            for (const auto& c : parts)
                for (const auto& d : parts)
                    for (const auto& e : parts) {
                        const auto name = a + b + c + d + e;
                        const auto entry = classify(name);
                        if (volume_of(entry) != nullptr) {
                            ASSERT_EQ(file_name(entry), name);
                        }
                    }
}

}  // namespace
}  // namespace varve::images
