// SPDX-License-Identifier: LGPL-2.1-or-later
// What others may have put into a pool directory, and sizes at the edges.
#include "tests/mount/crash/load.h"

#include <unistd.h>

#include <fstream>
#include <limits>
#include <set>

namespace varve::test_support {
namespace {

using Names = std::vector<std::string>;

class BadInputTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        ASSERT_EQ(make_state(at("data.img"), state_content(1), 1'500'000'000), ok);
        secret_ = stage().directory() / (vm() + "-secret");
        ASSERT_EQ(write_file(secret_, state_content(77)), ok);
    }

    // Does this while no daemon looks.
    template <class Plant>
    void plant(const Plant& plant_it) {
        ASSERT_EQ(daemon().terminate(), 0);
        plant_it();
        ASSERT_TRUE(daemon().start());
    }

    void expect_reported(const std::string& name) const {
        const auto reply = vm_command("verify");
        EXPECT_EQ(reply.error, ok) << reply.text;
        EXPECT_NE(reply.text.find(name), std::string::npos) << name << " is not reported: " << reply.text;
    }

    Path secret_;
};

TEST_F(BadInputTest, ASymlinkAsAVolumeIsNotFollowed) {
    plant([&] { ASSERT_EQ(symlink_to(secret_, backing(vm()) / "evil.img"), ok); });
    if (present(at("evil.img"))) {
        OpenFile file(at("evil.img"), O_RDONLY);
        EXPECT_FALSE(file.opened() == ok && file.read_at(0, state_size) == state_content(77));
    }
    (void)write_file(at("evil.img"), state_content(5));  // refused or not, it must not reach the link's target
    (void)command("evil", "start");
    EXPECT_EQ(read_file(secret_), state_content(77));
    expect_reported("evil.img");
    EXPECT_EQ(read_file(at("data.img")), state_content(1));
    EXPECT_TRUE(present(backing(vm()) / "evil.img")) << "foreign entries are left alone";
}

TEST_F(BadInputTest, SymlinksInTheDriversOwnNamesAreNotFollowed) {
    for (const std::string name :
         {"data-dirty.img", "data-precache.img", "data-import.img", "data.img.5@2018-01-02T03:04:05Z", ".varve.json~"}) {
        SCOPED_TRACE(name);
        plant([&] { ASSERT_EQ(symlink_to(secret_, backing(vm()) / name), ok); });
        if (command("data", "start").error == ok) {
            guest_write("data", 0, state_content(2));
            EXPECT_EQ(command("data", "discard").error, ok);
        }
        (void)write_file(at("data.img"), state_content(3));  // either outcome; the link's target decides
        EXPECT_EQ(read_file(secret_), state_content(77));
        for (const auto& shown : names()) EXPECT_NE(read_file(at(shown)), state_content(77)) << shown;
        plant([&] { (void)::unlink((backing(vm()) / name).c_str()); });  // the driver may have removed what has a name of its own
        const auto now = whole_state(read_file(at("data.img")));
        EXPECT_TRUE(now == 1U || now == 3U);
    }
}

TEST_F(BadInputTest, ASymlinkAsAVmDirectoryIsNotFollowed) {
    const auto target = stage().directory() / (vm() + "-elsewhere");
    ASSERT_TRUE(std::filesystem::create_directory(target));
    ASSERT_EQ(write_file(target / "data.img", state_content(77)), ok);
    plant([&] { ASSERT_EQ(symlink_to(target, backing("evil" + vm())), ok); });
    EXPECT_FALSE(present(pool() / ("evil" + vm()) / "data.img"));
    EXPECT_NE(write_file(pool() / ("evil" + vm()) / "x.img", state_content(1)), ok);
    EXPECT_EQ(list_directory(target), Names{"data.img"});
    plant([&] { ASSERT_EQ(remove_file(backing("evil" + vm())), ok); });
}

TEST_F(BadInputTest, OtherKindsOfFilesHangNothing) {
    plant([&] {
        ASSERT_EQ(::mkfifo((backing(vm()) / "pipe.img").c_str(), 0644), 0);
        ASSERT_TRUE(std::filesystem::create_directory(backing(vm()) / "directory.img"));
        ASSERT_EQ(::mkfifo((backing(vm()) / "data-dirty.img").c_str(), 0644), 0);
    });
    EXPECT_NE(open_and_close(at("pipe.img"), O_RDONLY), ok);
    EXPECT_NE(open_and_close(at("directory.img"), O_WRONLY), ok);
    EXPECT_EQ(read_file(at("data.img")), state_content(1));
    expect_reported("pipe.img");
    expect_reported("directory.img");
}

TEST_F(BadInputTest, ForeignFilesAreLeftAloneAndReported) {
    const Names foreign{"notes.txt", ".hidden",           "data.img.bak", "Data.img",
                        "x-y.img",   "data.img@bad name", "data.qcow2",   "data.img.x@2018-01-02T03:04:05Z",
                        "lost+found"};
    plant([&] {
        for (const auto& name : foreign) std::ofstream(backing(vm()) / name) << "mine";
    });
    EXPECT_EQ(names(), Names{"data.img"});
    EXPECT_EQ(write_file(at("data.img"), state_content(2)), ok);
    must("data", "start");
    must("data", "stop");
    ASSERT_TRUE(daemon().restart());
    for (const auto& name : foreign) {
        EXPECT_EQ(read_file(backing(vm()) / name), "mine") << name;
        expect_reported(name);
    }
}

TEST_F(BadInputTest, RevisionNamesThatClashStayApart) {
    plant([&] {
        for (const auto& [name, number] :
             {std::pair{"data.img.5@2018-01-02T03:04:05Z", 5U}, std::pair{"data.img.6@2018-01-02T03:04:05Z", 6U},
              std::pair{"data.img@2018-01-02T03:04:05Z", 7U}})
            ASSERT_EQ(write_file(backing(vm()) / name, state_content(number)), ok);
    });
    std::set<std::size_t> numbers;
    const auto all = names();
    EXPECT_EQ(all.size(), 4U);
    for (const auto& name : all) numbers.insert(whole_state(read_file(at(name))).value_or(0));
    EXPECT_EQ(numbers, (std::set<std::size_t>{1, 5, 6, 7}));
    for (const auto& name : all) {
        if (name == "data.img") continue;
        EXPECT_EQ(remove_file(at(name)), ok) << name;
    }
    EXPECT_EQ(names(), Names{"data.img"});
}

TEST_F(BadInputTest, ABrokenRecordLosesNoData) {
    const auto record = backing(vm()) / ".varve.json";
    const auto good = present(record) ? read_file(record) : std::string("{}");
    const auto other = another_vm();
    ASSERT_EQ(write_file(pool() / other / "data.img", state_content(2)), ok);
    for (const auto& text :
         {std::string(), std::string("not json"), std::string("[]"), std::string(R"({"volumes":{"data":{"kind":"strange"}}})"),
          std::string(R"({"volumes":{"../x":{"kind":"origin"}}})"), std::string(1 << 20, '[')}) {
        SCOPED_TRACE(text.substr(0, 60));
        plant([&] { std::ofstream(record, std::ios::trunc) << text; });
        EXPECT_EQ(read_file(backing(vm()) / "data.img"), state_content(1));
        EXPECT_TRUE(present(pool() / other / "data.img")) << "one VM's record does not take the whole pool away";
        plant([&] { std::ofstream(record, std::ios::trunc) << good; });
        EXPECT_EQ(read_file(at("data.img")), state_content(1));
        EXPECT_EQ(read_file(pool() / other / "data.img"), state_content(2));
    }
}

TEST_F(BadInputTest, AnImageOfAnOddSizeIsShownAndReported) {
    plant([&] { ASSERT_EQ(write_file(backing(vm()) / "odd.img", "odd"), ok); });
    expect_reported("odd");
    EXPECT_NE(command("odd", "start").error, ok);
    EXPECT_EQ(read_file(backing(vm()) / "odd.img"), "odd");
}

TEST_F(BadInputTest, SizesAtTheEdges) {
    struct Case {
        off_t size;
        bool legal;
    };
    for (const auto& [size, legal] : {Case{0, true}, Case{1, false}, Case{511, false}, Case{512, true}, Case{513, false},
                                      Case{std::numeric_limits<off_t>::max(), false}}) {
        SCOPED_TRACE(size);
        OpenFile file(at("edge.img"), O_CREAT | O_WRONLY);
        ASSERT_EQ(file.opened(), ok);
        const auto sized = file.truncate(size);
        const auto closed = file.close();
        EXPECT_EQ(sized == ok ? closed : sized, legal ? ok : Errno{EINVAL});
        EXPECT_EQ(present(at("edge.img")), legal);
        EXPECT_EQ(legal ? remove_file(at("edge.img")) : ok, ok);
    }
    OpenFile file(at("edge.img"), O_CREAT | O_WRONLY);
    EXPECT_EQ(file.truncate(-1), Errno{EINVAL});
    EXPECT_EQ(file.truncate(std::numeric_limits<off_t>::max() - 511), ok) << "the largest volume";
    ASSERT_EQ(file.close(), ok);
    EXPECT_EQ(stat_of(at("edge.img")).st_size, std::numeric_limits<off_t>::max() - 511);
    EXPECT_EQ(stat_of(at("edge.img")).st_blocks, 0);
    must("edge", "start");
    must("edge", "discard");
    EXPECT_EQ(remove_file(at("edge.img")), ok);
}

TEST_F(BadInputTest, CreationBySizeAtTheEdges) {
    for (const std::string size : {"1", "511", "9223372036854775807"})
        EXPECT_REFUSED(EINVAL, vm_command("create edge origin " + size).error);
    for (const std::string size : {"9223372036854775808", "18446744073709551616"}) {
        const auto error = vm_command("create edge origin " + size).error;
        EXPECT_TRUE(error == Errno{EINVAL} || error == Errno{EFBIG}) << error;
    }
    EXPECT_EQ(names(), Names{"data.img"});
    EXPECT_EQ(vm_command("create edge origin 0").error, ok);
    EXPECT_EQ(stat_of(at("edge.img")).st_size, 0);
}

}  // namespace
}  // namespace varve::test_support
