// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mount-helpers/mount_request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace varve::mount_helpers {
namespace {

base::Result<MountRequest> parse(const std::vector<std::string>& arguments) { return parse_mount_request(arguments); }

TEST(MountRequest, AsMountCallsIt) {
    const auto request = parse({"/etc/varve/varve.toml", "/varve", "-o", "rw,nofail,x-systemd.requires=zfs.target", "-t", "varve"});
    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(request->config, "/etc/varve/varve.toml");
    EXPECT_EQ(request->directory, "/varve");
    EXPECT_FALSE(request->fake);
    EXPECT_FALSE(request->verbose);
}

TEST(MountRequest, ANameInsteadOfAFileMeansTheDefault) {
    EXPECT_EQ(parse({"varve", "/varve"})->config, "");
    EXPECT_EQ(parse({"none", "/varve"})->config, "");
}

TEST(MountRequest, LettersTogetherAndApart) {
    for (const auto& words :
         {std::vector<std::string>{"-fnv", "a.toml", "/m"}, std::vector<std::string>{"a.toml", "/m", "-f", "-n", "-v"}}) {
        const auto request = parse(words);
        ASSERT_TRUE(request);
        EXPECT_TRUE(request->fake);
        EXPECT_TRUE(request->verbose);
    }
}

TEST(MountRequest, UnknownOptionsAreRefusedUnlessSloppy) {
    EXPECT_EQ(parse({"a.toml", "/m", "-o", "nonsense"}).error().code, base::Errc::InvalidArgument);
    EXPECT_EQ(parse({"a.toml", "/m", "-o", "rw,allow_root=1"}).error().code, base::Errc::InvalidArgument);
    EXPECT_TRUE(parse({"a.toml", "/m", "-s", "-o", "nonsense"}));
    EXPECT_TRUE(parse({"a.toml", "/m", "-o", ",,defaults,"})) << "empty ones are none";
}

TEST(MountRequest, WhatCannotBeIsRefusedEvenWhenSloppy) {
    for (const auto* option : {"ro", "remount", "rw,remount,ro", "bind"})
        EXPECT_FALSE(parse({"a.toml", "/m", "-s", "-o", option})) << option;
    EXPECT_EQ(parse({"a.toml", "/m", "-N", "/proc/1/ns/mnt"}).error().code, base::Errc::Unsupported);
}

TEST(MountRequest, WrongUsage) {
    for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                   {"a.toml"},
                                                                   {"a.toml", "/m", "more"},
                                                                   {"a.toml", "/m", "-x"},
                                                                   {"a.toml", "/m", "-o"},
                                                                   {"a.toml", "/m", "-t"}})
        EXPECT_FALSE(parse(words));
}

}  // namespace
}  // namespace varve::mount_helpers
