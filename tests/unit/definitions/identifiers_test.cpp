// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/identifiers.h"

#include <gtest/gtest.h>

#include <string>

namespace varve::definitions {
namespace {

template <class Name>
void expect_all(bool good, std::initializer_list<std::string_view> texts) {
    for (const auto text : texts) EXPECT_EQ(Name::parse(text).has_value(), good) << text;
}

TEST(Identifiers, Uuid) {
    expect_all<Uuid>(true, {"6ba7b810-9dad-41d1-80b4-00c04fd430c8"});
    expect_all<Uuid>(false, {"", "6BA7B810-9dad-41d1-80b4-00c04fd430c8", "00000000-0000-0000-0000-000000000000",
                             "6ba7b8109dad41d180b400c04fd430c8", "6ba7b810-9dad-41d1-80b4-00c04fd430c8 "});
}

TEST(Identifiers, RandomUuidsAreVersion4AndDiffer) {
    const auto one = random_uuid().value();
    const auto other = random_uuid().value();
    EXPECT_NE(one, other);
    EXPECT_EQ(one.str()[14], '4');
    EXPECT_NE(std::string("89ab").find(one.str()[19]), std::string::npos);
}

TEST(Identifiers, MacAddress) {
    expect_all<MacAddress>(true, {"52:54:00:12:34:56", "00:16:3e:5e:6c:00"});
    expect_all<MacAddress>(false,
                           {"", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "52:54:00:12:34", "52:54:00:12:34:5G", "52-54-00-12-34-56"});
}

TEST(Identifiers, HypervisorUri) {
    expect_all<HypervisorUri>(
        true, {"qemu:///system", "qemu:///embed?root=/tmp/x", "xen:///system", "test:///default", "qemu+ssh://host/system"});
    expect_all<HypervisorUri>(false, {"", "qemu", "vbox:///session", "qemu:///sys tem", "qemu:///a\nb", "file:///etc/passwd"});
}

TEST(Identifiers, TargetName) {
    expect_all<TargetName>(true, {"vda", "xvdz", "sdaa", "hda"});
    expect_all<TargetName>(false, {"", "vd", "vdA", "vda1", "nvme0n1", "vda\n", "../vda", "vdaaaa"});
}

TEST(Identifiers, Bridges) {
    expect_all<BridgeName>(true, {"br0", "virbr0", "a23456789012345"});
    expect_all<BridgeName>(false, {"", ".", "..", "a/b", "a b", "a234567890123456"});
}

TEST(Identifiers, IpAddress) {
    expect_all<IpAddress>(true, {"10.0.0.7", "fd00::7", "::"});
    expect_all<IpAddress>(false, {"", "10.0.0", "10.0.0.7/24", "10.0.0.256", "host", std::string_view("10.0.0.7\0x", 10)});
}

TEST(Identifiers, Words) {
    expect_all<Tag>(true, {"work", "a.b-c_1", "7"});
    expect_all<Tag>(false, {"", "-a", "a b", "a/b", "a,b", "\xc3\xa9"});
    expect_all<TextLine>(true, {"", "root=/dev/vda1 quiet", "\xc3\xa9"});
    expect_all<TextLine>(false, {"a\nb", "a\tb", std::string_view("a\0", 2), "\x7f"});
    EXPECT_FALSE(TextLine::parse(std::string(2049, 'x')));
}

}  // namespace
}  // namespace varve::definitions
