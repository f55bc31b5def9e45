// SPDX-License-Identifier: LGPL-2.1-or-later
// coreutils, sed, the shell: one file at a time.
#include "tests/mount/tools/tools_test.h"

namespace varve::test_support {
namespace {

class CopyingTest : public ToolsTest {
protected:
    void SetUp() override {
        ToolsTest::SetUp();
        ASSERT_EQ(make_state(data(), old_content_, first_time), ok);
        plain_ = make_plain_file("new", new_content_, second_time);
    }

    Path plain_;
};

TEST_F(CopyingTest, CpOverAVolume) {
    run({"cp", plain_, data()});
    expect_one_commit(new_content_);
}

TEST_F(CopyingTest, CpToANewVolume) {
    run({"cp", plain_, at("copy.img")});
    expect_settled(vm_path());
    EXPECT_EQ(read_file(at("copy.img")), new_content_);
    EXPECT_EQ(names(), (Names{"copy.img", "data.img"}));
}

TEST_F(CopyingTest, CpWithoutTruncation) {
    run({"cp", "--remove-destination", plain_, data()});
    EXPECT_EQ(read_file(data()), new_content_);
    expect_settled(vm_path());
    EXPECT_EQ(names(), Names{"data.img"}) << "it removes that state first, as it was told to";
}

TEST_F(CopyingTest, CpBetweenVolumesAndOutOfARevision) {
    run({"cp", "data.img", "second.img"});
    run({"cp", plain_, "data.img"});
    run({"cp", "./" + data_old().filename().string(), "third.img"});
    run({"cp", "--reflink=auto", "third.img", "fourth.img"});
    run({"cp", "--sparse=always", "third.img", "fifth.img"});
    for (const std::string name : {"second.img", "third.img", "fourth.img", "fifth.img"})
        EXPECT_EQ(read_file(at(name)), old_content_) << name;
    EXPECT_EQ(read_file(data()), new_content_);
    expect_settled(vm_path());
}

TEST_F(CopyingTest, CpArchiveKeepsTheTime) {
    run({"cp", "-a", plain_, data()});
    expect_one_commit(new_content_);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, second_time);
    run({"cp", "-a", data(), out("back")});
    EXPECT_EQ(read_file(out("back")), new_content_);
    EXPECT_EQ(stat_of(out("back")).st_mtim.tv_sec, second_time);
}

TEST_F(CopyingTest, CpPreserveToANewVolume) {
    run({"cp", "-p", plain_, at("copy.img")});
    EXPECT_EQ(stat_of(at("copy.img")).st_mtim.tv_sec, second_time);
    expect_settled(vm_path());
}

TEST_F(CopyingTest, MvRenamesRevertsAndPins) {
    run({"cp", plain_, data()});
    run({"mv", data_old().filename(), "data.img"});
    EXPECT_EQ(read_file(data()), old_content_);
    run({"mv", "data.img", "moved.img"});
    EXPECT_EQ(read_file(at("moved.img")), old_content_);
    EXPECT_EQ(names().size(), 2U);
    const auto kept = names().back();
    run({"mv", kept, "moved.img@golden"});
    EXPECT_EQ(names(), (Names{"moved.img", "moved.img@golden"}));
    EXPECT_EQ(read_file(at("moved.img@golden")), new_content_);
    EXPECT_NE(run_unchecked({"mv", "moved.img@golden", "other.img"}).exit_status, 0);
    EXPECT_EQ(names(), (Names{"moved.img", "moved.img@golden"}));
}

TEST_F(CopyingTest, MvAcrossPoolsCopies) {
    const auto other = another_vm("other");
    run({"mv", "data.img", pool("other") / other / "data.img"});
    EXPECT_EQ(read_file(pool("other") / other / "data.img"), old_content_);
    EXPECT_EQ(stat_of(pool("other") / other / "data.img").st_mtim.tv_sec, first_time);
    EXPECT_EQ(names(), Names{});
    expect_settled(pool("other") / other);
}

TEST_F(CopyingTest, MvFromOutsideIn) {
    run({"mv", plain_, data()});
    EXPECT_EQ(read_file(data()), new_content_);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, second_time);
    EXPECT_FALSE(present(plain_));
    expect_settled(vm_path());
}

TEST_F(CopyingTest, MvDoesNotReplaceAVolume) {
    ASSERT_EQ(make_state(at("second.img"), new_content_, second_time), ok);
    const auto finished = run_unchecked({"mv", "data.img", "second.img"});
    EXPECT_EQ(finished.exit_status, 1) << finished.describe();
    EXPECT_NE(finished.errors.find("File exists"), std::string::npos) << finished.describe();
    EXPECT_EQ(read_file(at("second.img")), new_content_);
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(CopyingTest, LnTakesALabel) {
    run({"ln", "data.img", "data.img@golden"});
    EXPECT_EQ(read_file(at("data.img@golden")), old_content_);
    EXPECT_EQ(run_unchecked({"ln", "data.img", "data.img@golden"}).exit_status, 1);
    run({"cp", plain_, data()});
    EXPECT_EQ(run_unchecked({"ln", "-f", "data.img", "data.img@golden"}).exit_status, 1) << "a label is not replaced";
    run({"ln", "-f", "data.img", "data.img@silver"});
    EXPECT_EQ(names(), (Names{"data.img", data_old().filename(), "data.img@golden", "data.img@silver"}));
    EXPECT_EQ(read_file(at("data.img@golden")), old_content_);
}

TEST_F(CopyingTest, LnMakesSnapshotVolumes) {
    const auto app = another_vm();
    run({"ln", "-s", "../" + vm() + "/data.img", pool() / app / "root.img"});
    EXPECT_EQ(read_file(pool() / app / "root.img"), old_content_);
    ASSERT_EQ(make_state(at("second.img"), new_content_, second_time), ok);
    run({"ln", "-sf", "../" + vm() + "/second.img", pool() / app / "root.img"});
    EXPECT_EQ(read_file(pool() / app / "root.img"), new_content_);
    EXPECT_EQ(list_directory(pool() / app), Names{"root.img"});
}

TEST_F(CopyingTest, RmRemovesEverythingInAnyOrder) {
    run({"cp", plain_, data()});
    run({"ln", "data.img", "data.img@golden"});
    shell("rm data.img*");
    EXPECT_EQ(names(), Names{});
}

TEST_F(CopyingTest, RmRecursive) {
    const auto second = another_vm();
    ASSERT_EQ(make_state(pool() / second / "data.img", old_content_, first_time), ok);
    ASSERT_EQ(make_state(pool() / second / "data.img", new_content_, second_time), ok);
    ASSERT_EQ(link_file(pool() / second / "data.img", pool() / second / "data.img@golden"), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", pool() / second / "root.img"), ok);
    ASSERT_EQ(send_command(pool() / second / ".varve" / "ctl", "create volatile volatile 1M").error, ok);
    run({"rm", "-r", pool() / second});
    EXPECT_EQ(stat_error(pool() / second), Errno{ENOENT});
    EXPECT_FALSE(present(backing(second)));
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(CopyingTest, DdOverAndInto) {
    run({"dd", "if=" + plain_.string(), "of=data.img", "bs=64K"});
    expect_one_commit(new_content_);
    run({"dd", "if=" + plain_.string(), "of=fresh.img", "bs=4K", "conv=fsync"});
    EXPECT_EQ(read_file(at("fresh.img")), new_content_);
    run({"dd", "if=data.img", "of=" + out("back").string(), "bs=64K", "iflag=direct"});
    EXPECT_EQ(read_file(out("back")), new_content_);
}

TEST_F(CopyingTest, DdInPlace) {
    run({"dd", "if=" + plain_.string(), "of=data.img", "bs=4096", "count=1", "seek=3", "conv=notrunc"});
    auto expected = old_content_;
    expected.replace(3 * 4096, 4096, new_content_.substr(0, 4096));
    expect_one_commit(expected);
}

TEST_F(CopyingTest, DdDirect) {
    run({"dd", "if=" + plain_.string(), "of=data.img", "bs=64K", "oflag=direct", "conv=notrunc"});
    expect_one_commit(new_content_);
}

TEST_F(CopyingTest, ShellRedirection) {
    shell("cat '" + plain_.string() + "' > data.img");
    expect_one_commit(new_content_);
    shell("{ head -c 65536 '" + plain_.string() + "'; tail -c +65537 '" + plain_.string() + "'; } > second.img");
    EXPECT_EQ(read_file(at("second.img")), new_content_) << "several writers, one descriptor";
    shell("head -c 512 '" + plain_.string() + "' >> second.img");
    EXPECT_EQ(read_file(at("second.img")), new_content_ + new_content_.substr(0, 512));
    shell(": > empty.img");
    EXPECT_EQ(stat_of(at("empty.img")).st_size, 0);
    expect_settled(vm_path());
}

TEST_F(CopyingTest, AnOddRedirectionFailsAndLosesNothing) {
    const auto finished = run_unchecked({"bash", "-c", "/bin/echo odd > data.img"});
    EXPECT_NE(finished.exit_status, 0) << finished.describe();
    expect_settled(vm_path());
    const auto content = read_file(data());
    // The shell's own close of its duplicate may have committed the truncation; then the old state is the revision.
    if (content != old_content_) {
        EXPECT_EQ(content, "");
        EXPECT_EQ(read_file(data_old()), old_content_);
    }
}

TEST_F(CopyingTest, AProducerThatDiesLosesNothing) {
    // The consumer cannot know: it closes, and what it got is committed; the good state stays beside it.
    (void)run_unchecked({"bash", "-c", "{ head -c 65536 '" + plain_.string() + "'; kill -9 $BASHPID; } | cat > data.img"});
    expect_settled(vm_path());
    EXPECT_EQ(read_file(data()), new_content_.substr(0, 65536));
    EXPECT_EQ(read_file(data_old()), old_content_);
}

TEST_F(CopyingTest, AConsumerThatEndsEarlyIsComplete) {
    shell("yes | head -c 1048576 > data.img");
    std::string expected;
    while (expected.size() < volume_size) expected += "y\n";
    expect_one_commit(expected);
}

TEST_F(CopyingTest, AWriterKilledInThePipeIsDropped) {
    // dd gets one block and then waits for ever: the shell holds the other end of its input open.
    const auto fifo = out("fifo").string();
    const auto finished = run_unchecked(
        {"bash", "-c",
         "mkfifo '" + fifo + "'; exec 9<>'" + fifo + "'; head -c 65536 /dev/zero >&9; dd if='" + fifo +
             "' of=data.img bs=64K conv=notrunc 9>&- & until grep -q writing .varve/data/state; do :; done; kill -9 $!; wait $!"});
    EXPECT_EQ(finished.exit_status, 128 + 9) << finished.describe();
    expect_settled(vm_path());
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(CopyingTest, AReaderThatDiesOfABrokenPipeChangesNothing) {
    // cat dies of SIGPIPE on its output, and had the volume only for reading.
    shell("cat data.img | head -c 10 > /dev/null");
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(names(), Names{"data.img"});
}

TEST_F(CopyingTest, TruncateMakesGrowsAndRefuses) {
    run({"truncate", "-s", "10G", "large.img"});
    EXPECT_EQ(stat_of(at("large.img")).st_size, 10LL << 30);
    run({"truncate", "-s", "2M", "data.img"});
    EXPECT_EQ(stat_of(data()).st_size, 2 << 20);
    EXPECT_EQ(read_file(data()), old_content_ + std::string(volume_size, '\0'));
    EXPECT_NE(run_unchecked({"truncate", "-s", "513", "odd.img"}).exit_status, 0);
    EXPECT_FALSE(present(at("odd.img")));
    expect_settled(vm_path());
}

TEST_F(CopyingTest, TruncateShrinksInATransaction) {
    // truncate(1) opens and uses ftruncate: the old state is kept.
    run({"truncate", "-s", "64K", "data.img"});
    expect_one_commit(old_content_.substr(0, 65536));
}

TEST_F(CopyingTest, FallocateMakesAndPunches) {
    run({"fallocate", "-l", "8M", "reserved.img"});
    EXPECT_EQ(stat_of(at("reserved.img")).st_size, 8 << 20);
    EXPECT_GE(stat_of(at("reserved.img")).st_blocks * 512, 8 << 20);
    run({"fallocate", "-p", "-o", "0", "-l", "65536", "data.img"});
    expect_settled(vm_path());
    EXPECT_EQ(read_file(data()), std::string(65536, '\0') + old_content_.substr(65536));
    EXPECT_EQ(read_file(data_old()), old_content_);
}

TEST_F(CopyingTest, InstallCopiesAndSetsAMode) {
    run({"install", "-m", "0640", plain_, "installed.img"});
    EXPECT_EQ(read_file(at("installed.img")), new_content_);
    run({"install", "-m", "0600", "-p", plain_, "installed.img"});
    EXPECT_EQ(stat_of(at("installed.img")).st_mtim.tv_sec, second_time);
    expect_settled(vm_path());
}

TEST_F(CopyingTest, SedInPlace) {
    run({"sed", "-i", "s/a00000000000000/X00000000000000/", "data.img"});
    auto expected = old_content_;
    expected[0] = 'X';
    expect_one_commit(expected);
}

TEST_F(CopyingTest, TouchSetsTimes) {
    run({"touch", "-d", "2011-01-02T03:04:05Z", "data.img"});
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, 1'293'937'445);
    run({"touch", "new.img"});
    EXPECT_EQ(stat_of(at("new.img")).st_size, 0);
    EXPECT_EQ(names(), (Names{"data.img", "new.img"}));
    expect_settled(vm_path());
}

TEST_F(CopyingTest, FindAndDuWalkPastTheControlTree) {
    EXPECT_EQ(run({"find", vm_path()}), vm_path().string() + "\n" + data().string() + "\n");
    EXPECT_EQ(run({"find", mount(), "-name", ".varve*"}), "");
    run({"du", "-s", mount()});
    EXPECT_EQ(run({"grep", "-rlaF", "a00000000000000", vm_path()}), data().string() + "\n");
}

}  // namespace
}  // namespace varve::test_support
