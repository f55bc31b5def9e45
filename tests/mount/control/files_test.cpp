// SPDX-License-Identifier: LGPL-2.1-or-later
// Every file of the control tree and its value (docs/control-tree.md).
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace varve::test_support {
namespace {

class ControlFilesTest : public OneVolumeTest {
protected:
    [[nodiscard]] long long number(const std::string& volume, const std::string& file) const {
        return std::strtoll(value(volume, file).c_str(), nullptr, 10);
    }
};

TEST_F(ControlFilesTest, EveryFileEndsWithANewlineAndHoldsOneLine) {
    for (const std::string file :
         {"kind", "source", "state", "outdated", "rw", "size", "usage", "exclusive", "revisions_to_keep", "ephemeral", "config"}) {
        SCOPED_TRACE(file);
        const auto text = read_file(control("data", file));
        EXPECT_TRUE(text.ends_with('\n')) << text;
        EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
    }
    EXPECT_EQ(read_file(control("data", "blockers")), "");
}

TEST_F(ControlFilesTest, TheDirectoriesListTheirFiles) {
    EXPECT_EQ(list_directory(vm_path() / ".varve" / "data"),
              (Names{"blockers", "config", "ctl", "ephemeral", "exclusive", "kind", "outdated", "revisions", "revisions_to_keep", "rw",
                     "schedule", "shares", "size", "source", "state", "usage"}));
    must("data", "start");
    const auto started = list_directory(vm_path() / ".varve" / "data");
    EXPECT_NE(std::ranges::find(started, "device"), started.end());
    must("data", "discard");
    EXPECT_EQ(list_directory(vm_path() / ".varve"), (Names{"ctl", "data"}));
    const auto root = list_directory(mount() / ".varve");
    for (const std::string file : {"ctl", "errors", "version"}) EXPECT_NE(std::ranges::find(root, file), root.end()) << file;
    const auto in_pool = list_directory(pool() / ".varve");
    for (const std::string file : {"config", "driver", "included_in", "prune_below", "revisions", "revisions_to_keep", "schedule", "shares",
                                   "size", "usage", "volumes"})
        EXPECT_NE(std::ranges::find(in_pool, file), in_pool.end()) << file;
}

TEST_F(ControlFilesTest, AnOriginsValues) {
    EXPECT_EQ(value("data", "kind"), "origin");
    EXPECT_EQ(value("data", "source"), "");
    EXPECT_EQ(value("data", "state"), "halted");
    EXPECT_EQ(value("data", "outdated"), "0");
    EXPECT_EQ(value("data", "rw"), "1");
    EXPECT_EQ(value("data", "size"), std::to_string(volume_size));
    EXPECT_EQ(value("data", "revisions_to_keep"), "1") << "the pool's";
    EXPECT_EQ(value("data", "ephemeral"), "0");
    EXPECT_EQ(read_file(control("data", "revisions")), "");
    EXPECT_FALSE(present(control("data", "device")));
    EXPECT_FALSE(present(control("data", "base")));
}

TEST_F(ControlFilesTest, ConfigIsOneObject) {
    const Reply config{ok, value("data", "config")};
    EXPECT_EQ(config.at("/kind"), "origin") << config.text;
    EXPECT_NE(config.at("/revisions_to_keep"), "") << config.text;
    EXPECT_NE(config.at("/rw"), "") << config.text;
    EXPECT_NE(config.at("/ephemeral"), "") << config.text;
}

TEST_F(ControlFilesTest, UsageCountsAllStatesAndExclusiveWhatOnlyTheyHold) {
    EXPECT_GE(number("data", "usage"), static_cast<long long>(volume_size));
    EXPECT_LT(number("data", "usage"), 1 << 20);
    EXPECT_GE(number("data", "exclusive"), static_cast<long long>(volume_size));
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_GE(number("data", "usage"), static_cast<long long>(2 * volume_size));
}

TEST_F(ControlFilesTest, RevisionsAreLinesOldestStateFirst) {
    ASSERT_EQ(make_state(data(), new_content_, first_time + 100), ok);
    ASSERT_EQ(write_file(data(), old_content_), ok);
    const auto text = read_file(control("data", "revisions"));
    const auto newline = text.find('\n');
    ASSERT_NE(newline, std::string::npos) << text;
    const Reply first{ok, text.substr(0, newline)};
    const Reply second{ok, text.substr(newline + 1)};
    EXPECT_EQ(first.at("/revision"), "2017-07-14T02:40:00Z");
    EXPECT_EQ(second.at("/revision"), "2017-07-14T02:41:40Z");
    for (const auto& line : {first, second}) {
        EXPECT_EQ(line.at("/size"), std::to_string(volume_size)) << line.text;
        EXPECT_GE(std::strtoll(line.at("/usage").c_str(), nullptr, 10), static_cast<long long>(volume_size)) << line.text;
        EXPECT_EQ(line.at("/pinned"), "false") << line.text;
    }
    EXPECT_EQ(first.at("/modified"), "2017-07-14T02:40:00.000000000Z");
    EXPECT_TRUE(text.ends_with('\n'));
}

TEST_F(ControlFilesTest, RevisionsToKeepIsWritable) {
    for (const std::string count : {"0", "7\n", "-1", "1"}) {
        SCOPED_TRACE(count);
        ASSERT_EQ(set_value(control("data", "revisions_to_keep"), count), ok);
        EXPECT_EQ(value("data", "revisions_to_keep"), count.substr(0, count.find('\n')));
    }
    ASSERT_EQ(set_value(control("data", "revisions_to_keep"), "9"), ok);
    for (const std::string count : {"-2", "x", "1 2", "1.5", "99999999999999999999"}) {
        SCOPED_TRACE(count);
        EXPECT_REFUSED(EINVAL, set_value(control("data", "revisions_to_keep"), count));
        EXPECT_EQ(value("data", "revisions_to_keep"), "9");
    }
    must("data", "start");
    EXPECT_REFUSED(EBUSY, set_value(control("data", "revisions_to_keep"), "-1"));
    EXPECT_EQ(set_value(control("data", "revisions_to_keep"), "3"), ok) << "other values may change while it runs";
    must("data", "discard");
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(value("data", "revisions_to_keep"), "3");
}

TEST_F(ControlFilesTest, ThePoolsDefaultIsWritable) {
    const auto file = pool("other") / ".varve" / "revisions_to_keep";
    EXPECT_EQ(control_value(file), "1");
    ASSERT_EQ(set_value(file, "4\n"), ok);
    EXPECT_EQ(control_value(file), "4");
    EXPECT_REFUSED(EINVAL, set_value(file, "-2"));
    ASSERT_EQ(set_value(file, "1"), ok);
}

TEST_F(ControlFilesTest, RwIsWritable) {
    ASSERT_EQ(set_value(control("data", "rw"), "0"), ok);
    EXPECT_EQ(value("data", "rw"), "0");
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(value("data", "rw"), "0");
    for (const std::string bad : {"2", "yes", "", "-1", "00"}) {
        SCOPED_TRACE(bad);
        if (!bad.empty()) EXPECT_REFUSED(EINVAL, set_value(control("data", "rw"), bad));
    }
    ASSERT_EQ(set_value(control("data", "rw"), "1\n"), ok);
    EXPECT_EQ(value("data", "rw"), "1");
}

TEST_F(ControlFilesTest, OnlyVolatileVolumesAreEphemeral) {
    EXPECT_REFUSED(EINVAL, set_value(control("data", "ephemeral"), "1"));
    EXPECT_EQ(value("data", "ephemeral"), "0");
}

TEST_F(ControlFilesTest, AnOriginHasNoSource) {
    EXPECT_REFUSED(EINVAL, set_value(control("data", "source"), "../" + vm() + "/data.img"));
    EXPECT_EQ(value("data", "source"), "");
}

TEST_F(ControlFilesTest, ReadOnlyValuesAreNotWritten) {
    for (const std::string file : {"kind", "state", "outdated", "size", "usage", "exclusive", "config", "revisions", "blockers"}) {
        SCOPED_TRACE(file);
        EXPECT_NE(set_value(control("data", file), "1"), ok);
    }
    for (const std::string file : {"version", "errors"}) EXPECT_NE(set_value(mount() / ".varve" / file, "1"), ok);
    for (const std::string file : {"driver", "config", "size", "usage"}) EXPECT_NE(set_value(pool() / ".varve" / file, "1"), ok);
}

TEST_F(ControlFilesTest, AShellCanReadAndWriteThem) {
    // `echo 5 > file` opens with O_TRUNC and closes a duplicate before it writes.
    OpenFile file(control("data", "revisions_to_keep"), O_WRONLY | O_TRUNC);
    ASSERT_EQ(file.opened(), ok);
    ASSERT_EQ(file.duplicate().close(), ok);
    ASSERT_EQ(::write(file.fd(), "5\n", 2), 2) << Errno{errno};
    ASSERT_EQ(file.close(), ok);
    EXPECT_EQ(value("data", "revisions_to_keep"), "5");
}

TEST_F(ControlFilesTest, ThePoolsValues) {
    EXPECT_EQ(control_value(pool() / ".varve" / "driver"), "file-reflink");
    const Reply config{ok, control_value(pool() / ".varve" / "config")};
    EXPECT_EQ(config.at("/dir_path"), (stage().backing() / "fast").string()) << config.text;
    const auto size = std::strtoll(control_value(pool() / ".varve" / "size").c_str(), nullptr, 10);
    const auto usage = std::strtoll(control_value(pool() / ".varve" / "usage").c_str(), nullptr, 10);
    EXPECT_GT(size, 1LL << 30);
    EXPECT_GT(usage, 0);
    EXPECT_LT(usage, size);
}

TEST_F(ControlFilesTest, BlockersSayWhatWouldRefuse) {
    EXPECT_EQ(value("data", "blockers"), "");
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_EQ(value("data", "blockers"), "");
    must("data", "start");
    EXPECT_NE(value("data", "blockers").find(' '), std::string::npos) << "a sentence";
    must("data", "discard");
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, "x"), ok);
    EXPECT_NE(value("data", "blockers").find(' '), std::string::npos);
    ASSERT_EQ(file.close(), ok);
    ASSERT_EQ(touch_new(at("empty.img")), ok);
    EXPECT_NE(value("empty", "blockers").find(' '), std::string::npos) << "a volume of 0 bytes does not start";
}

TEST_F(ControlFilesTest, VersionAndErrorsAreReadInParts) {
    OpenFile file(mount() / ".varve" / "version", O_RDONLY);
    const auto all = read_file(mount() / ".varve" / "version");
    std::string parts;
    for (std::size_t i = 0; i < all.size(); ++i) parts += file.read_at(static_cast<off_t>(i), 1);
    EXPECT_EQ(parts, all);
}

}  // namespace
}  // namespace varve::test_support
