// SPDX-License-Identifier: LGPL-2.1-or-later
// The verbs of the ctl files, and sessions that outlive the daemon.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>

namespace varve::test_support {
namespace {

struct stat status_of(const std::filesystem::path& file) {
    struct stat status {};
    EXPECT_EQ(::stat(file.c_str(), &status), 0) << file << ": " << Errno{errno};
    return status;
}

class CommandsTest : public OneVolumeTest {
protected:
    [[nodiscard]] Reply root_command(const std::string& text) const { return send_command(mount() / ".varve" / "ctl", text); }
};

TEST_F(CommandsTest, StartAndStopCommit) {
    const auto started = command("data", "start");
    ASSERT_EQ(started.error, ok) << started.text;
    EXPECT_EQ(started.at("/ok"), "true");
    EXPECT_EQ(started.at("/command"), "start");
    EXPECT_EQ(started.at("/volume"), "fast/" + vm() + "/data");
    EXPECT_EQ(started.at("/result/device"), (backing(vm()) / "data-dirty.img").string());
    EXPECT_TRUE(started.text.ends_with('\n'));
    EXPECT_EQ(value("data", "state"), "started");
    EXPECT_EQ(link_target_of(control("data", "device")), started.at("/result/device"));
    guest_write("data", 0, new_content_);
    EXPECT_EQ(read_file(data()), old_content_);
    const auto stopped = command("data", "stop");
    ASSERT_EQ(stopped.error, ok) << stopped.text;
    EXPECT_EQ(stopped.at("/result/committed"), "true");
    EXPECT_EQ(stopped.at("/result/revision"), "2017-07-14T02:40:00Z");
    EXPECT_FALSE(present(control("data", "device")));
    expect_one_commit(new_content_);
}

TEST_F(CommandsTest, ADeviceIsTheVmsOwnersUntilItsStop) {
    constexpr uid_t owner = 4711;
    ASSERT_EQ(::chown((mount() / "pools" / "fast" / vm()).c_str(), owner, owner), 0);
    must("data", "start");
    const auto image = backing(vm()) / "data-dirty.img";
    EXPECT_EQ(status_of(image).st_uid, owner);
    guest_write("data", 0, new_content_);
    {
        const base::UniqueFd kept(::open(image.c_str(), O_WRONLY | O_CLOEXEC));
        ASSERT_TRUE(kept.valid());
        EXPECT_REFUSED(EBUSY, command("data", "stop").error);
        EXPECT_EQ(status_of(image).st_uid, owner) << "the session goes on";
    }
    must("data", "stop");
    const auto committed = status_of(backing(vm()) / "data.img");
    EXPECT_EQ(committed.st_uid, 0U);
    EXPECT_EQ(committed.st_mode & 07777U, 0600U);
    expect_one_commit(new_content_);
}

TEST_F(CommandsTest, ACommitTakesWhatAVmHasWrittenAndItRunsOn) {
    must("data", "start");
    guest_write("data", 0, new_content_);
    const auto committed = command("data", "commit");
    ASSERT_EQ(committed.error, ok) << committed.text;
    EXPECT_EQ(committed.at("/command"), "commit");
    EXPECT_EQ(committed.at("/result/committed"), "true");
    EXPECT_EQ(committed.at("/result/revision"), "2017-07-14T02:40:00Z");
    EXPECT_EQ(value("data", "state"), "started");
    EXPECT_EQ(bystander().read(data()), new_content_);
    EXPECT_EQ(command("data", "commit").at("/result/committed"), "false") << "nothing was written since";
    guest_write("data", 0, old_content_);
    EXPECT_EQ(bystander().read(data()), new_content_) << "the VM writes nobody's state";
    must("data", "discard");
    EXPECT_EQ(value("data", "state"), "halted");
    expect_one_commit(new_content_);
    EXPECT_REFUSED(EINVAL, command("data", "commit").error);
}

TEST_F(CommandsTest, ACommitOfAVmTakesItsVolumesThatRunAndKeepTheirWrites) {
    EXPECT_REFUSED(EINVAL, vm_command("commit").error);
    must("data", "start");
    guest_write("data", 0, new_content_);
    const auto committed = vm_command("commit");
    ASSERT_EQ(committed.error, ok) << committed.text;
    EXPECT_EQ(bystander().read(data()), new_content_);
    must("data", "stop");
    expect_one_commit(new_content_);
}

TEST_F(CommandsTest, AStopWithoutWritesCommitsNothing) {
    must("data", "start");
    const auto stopped = command("data", "stop");
    ASSERT_EQ(stopped.error, ok) << stopped.text;
    EXPECT_EQ(stopped.at("/result/committed"), "false") << stopped.text;
    expect_nothing_committed();
}

// A volume that is open for writing keeps a start waiting for two seconds; a signal ends the wait at once, and nothing was done.
TEST_F(CommandsTest, ACommandThatWaitsCanBeInterrupted) {
    OpenFile writer(data(), O_RDWR);
    ASSERT_EQ(writer.write_at(0, new_content_), ok);
    const Gate ready;
    Child starter([&] {
        struct sigaction ignore {};
        ignore.sa_handler = [](int) {};  // without SA_RESTART
        if (::sigaction(SIGUSR1, &ignore, nullptr) != 0) return 1;
        const int ctl = ::open(control("data", "ctl").c_str(), O_RDWR | O_CLOEXEC);
        ready.open();
        return ctl >= 0 && ::write(ctl, "start\n", 6) < 0 ? errno : 0;
    });
    ASSERT_TRUE(ready.wait());
    // The first signals may come before the write.
    EXPECT_TRUE(eventually([&] {
        starter.kill(SIGUSR1);
        siginfo_t ended{};
        return ::waitid(P_PID, static_cast<id_t>(starter.pid()), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
    }));
    EXPECT_EQ(Errno{starter.wait()}, Errno{EINTR});
    EXPECT_EQ(value("data", "state"), "writing");
    ASSERT_EQ(writer.close(), ok);
    must("data", "start");
    must("data", "discard");
    expect_one_commit(new_content_);
}

TEST_F(CommandsTest, DiscardDropsTheSession) {
    must("data", "start");
    guest_write("data", 0, new_content_);
    must("data", "discard");
    expect_nothing_committed();
    EXPECT_FALSE(present(control("data", "device")));
}

TEST_F(CommandsTest, AStopPrunesWhatIsOlderThanTheKeptOnes) {
    std::string last_kept;
    for (int round = 0; round < 4; ++round) {
        must("data", "start");
        guest_write("data", 0, pattern(static_cast<char>('p' + round), volume_size));
        const auto stopped = command("data", "stop");
        ASSERT_EQ(stopped.error, ok);
        last_kept = stopped.at("/result/revision");
    }
    EXPECT_EQ(names(), (Names{"data.img", "data.img@" + last_kept})) << "revisions_to_keep is 1";
    EXPECT_EQ(read_file(at("data.img@" + last_kept)), pattern('r', volume_size));
    EXPECT_EQ(read_file(data()), pattern('s', volume_size));
}

TEST_F(CommandsTest, WhatTheMountReplacedIsSparedForADay) {
    for (const char mark : {'p', 'q', 'r'}) ASSERT_EQ(make_state(data(), pattern(mark, volume_size), first_time + mark), ok);
    const auto before = names();
    EXPECT_EQ(before.size(), 4U);
    const auto pruned = command("data", "prune");
    ASSERT_EQ(pruned.error, ok) << pruned.text;
    EXPECT_EQ(pruned.at("/result/removed"), "[]");
    EXPECT_EQ(names(), before);
    must("data", "start");
    guest_write("data", 0, new_content_);
    must("data", "stop");
    EXPECT_EQ(names().size(), 5U);
}

TEST_F(CommandsTest, WithoutGracePruneRemovesTheOldest) {
    VarveDaemon own({stage().directory() / vm(), {{"own", stage().backing() / (vm() + "-own"), 1}}, "0s"});
    ASSERT_TRUE(own.start());
    const auto place = own.mountpoint() / "pools" / "own" / "a";
    ASSERT_EQ(make_directory(place), ok);
    for (const char mark : {'p', 'q', 'r'}) ASSERT_EQ(make_state(place / "data.img", pattern(mark, volume_size), first_time + mark), ok);
    ASSERT_EQ(list_directory(place).size(), 3U) << "a close prunes nothing";
    const auto pruned = send_command(place / ".varve" / "data" / "ctl", "prune");
    ASSERT_EQ(pruned.error, ok) << pruned.text;
    EXPECT_EQ(pruned.at("/result/removed/0"), "2017-07-14T02:41:52Z") << pruned.text;
    EXPECT_EQ(pruned.at("/result/removed/1"), "");
    EXPECT_EQ(list_directory(place), (Names{"data.img", "data.img@2017-07-14T02:41:53Z"}));
    EXPECT_EQ(own.terminate(), 0);
}

TEST_F(CommandsTest, SessionsThatAreNotThere) {
    EXPECT_REFUSED(EINVAL, command("data", "stop").error);
    EXPECT_REFUSED(EINVAL, command("data", "discard").error);
    must("data", "start");
    EXPECT_REFUSED(EBUSY, command("data", "start").error);
    EXPECT_EQ(value("data", "state"), "started");
    must("data", "discard");
}

TEST_F(CommandsTest, AFailureIsToldInTheReply) {
    must("data", "start");
    const auto refused = command("data", "start");
    EXPECT_EQ(refused.error, Errno{EBUSY});
    EXPECT_EQ(refused.at("/ok"), "false") << refused.text;
    EXPECT_EQ(refused.at("/command"), "start");
    EXPECT_EQ(refused.at("/volume"), "fast/" + vm() + "/data");
    EXPECT_EQ(refused.at("/error/code"), "busy");
    EXPECT_EQ(refused.at("/error/errno"), std::to_string(EBUSY));
    EXPECT_EQ(refused.at("/error/name"), "EBUSY");
    EXPECT_NE(refused.at("/error/message").find(' '), std::string::npos);
    must("data", "discard");
}

TEST_F(CommandsTest, NonsenseIsRefused) {
    for (const std::string text : {"", "\n", "   ", "nonsense", "START", "start now", "stop x", "resize", "revert", "\"start", "prune 1",
                                   "create x origin 1M", "clear x", "verify x", "start\nstop", "\xff\xfe"}) {
        SCOPED_TRACE(text);
        if (text.empty()) continue;
        EXPECT_REFUSED(EINVAL, command("data", text).error);
        EXPECT_EQ(value("data", "state"), "halted");
    }
    EXPECT_REFUSED(EINVAL, command("data", std::string(4000, 'x')).error);
    EXPECT_REFUSED(EINVAL, vm_command("resize 1M").error);
    EXPECT_REFUSED(EINVAL, root_command("start").error);
}

TEST_F(CommandsTest, ADescriptorTakesOneCommandAfterAnother) {
    OpenFile ctl(control("data", "ctl"), O_RDWR);
    std::array<char, 4096> buffer{};
    for (const std::string text : {"start\n", "\"discard\"", "  start  ", "discard"}) {
        ASSERT_EQ(::write(ctl.fd(), text.data(), text.size()), static_cast<ssize_t>(text.size())) << text << " " << Errno{errno};
        const auto count = ::read(ctl.fd(), buffer.data(), buffer.size());
        ASSERT_GT(count, 0) << text << " " << Errno{errno};
        const Reply reply{ok, std::string(buffer.data(), static_cast<std::size_t>(count))};
        EXPECT_EQ(reply.at("/ok"), "true") << reply.text;
        EXPECT_EQ(::read(ctl.fd(), buffer.data(), buffer.size()), 0) << "a reply is read once";
    }
    EXPECT_EQ(value("data", "state"), "halted");
}

TEST_F(CommandsTest, AShellsEchoWorks) {
    OpenFile ctl(control("data", "ctl"), O_WRONLY | O_TRUNC);
    ASSERT_EQ(ctl.opened(), ok);
    ASSERT_EQ(ctl.duplicate().close(), ok);
    ASSERT_EQ(::write(ctl.fd(), "start\n", 6), 6) << Errno{errno};
    ASSERT_EQ(ctl.close(), ok);
    EXPECT_EQ(value("data", "state"), "started");
    must("data", "discard");
}

TEST_F(CommandsTest, ClearEmptiesTheVolumeAndKeepsTheOldState) {
    must("data", "clear");
    EXPECT_EQ(read_file(data()), std::string(volume_size, '\0'));
    EXPECT_EQ(read_file(data_old()), old_content_);
    must("data", "start");
    EXPECT_REFUSED(EBUSY, command("data", "clear").error);
    must("data", "discard");
}

TEST_F(CommandsTest, VerifyFindsNothingInAGoodVolumeAndNamesForeignFiles) {
    const auto good = vm_command("verify");
    ASSERT_EQ(good.error, ok) << good.text;
    EXPECT_EQ(good.text.find("\"what\""), std::string::npos) << good.text;
    const auto volume = command("data", "verify");
    ASSERT_EQ(volume.error, ok) << volume.text;
    EXPECT_EQ(volume.at("/result/findings"), "[]") << volume.text;
    std::ofstream(backing(vm()) / "notes.txt") << "mine";
    const auto foreign = vm_command("verify");
    ASSERT_EQ(foreign.error, ok) << foreign.text;
    EXPECT_NE(foreign.text.find("notes.txt"), std::string::npos) << foreign.text;
    EXPECT_EQ(read_file(backing(vm()) / "notes.txt"), "mine");
    EXPECT_EQ(names(), Names{"data.img"});
}

TEST_F(CommandsTest, CreateMakesEveryKind) {
    for (const auto& text : {std::string("create volatile volatile 12G"), std::string("create data2 origin 10G"),
                             "create root snapshot ../" + vm() + "/data.img", "create both origin_snapshot ../" + vm() + "/data.img"}) {
        const auto reply = vm_command(text);
        EXPECT_EQ(reply.error, ok) << text << ": " << reply.text;
    }
    EXPECT_EQ(value("volatile", "kind"), "volatile");
    EXPECT_EQ(value("volatile", "size"), std::to_string(12ULL << 30));
    EXPECT_EQ(value("data2", "kind"), "origin");
    EXPECT_EQ(stat_of(at("data2.img")).st_size, 10LL << 30);
    EXPECT_EQ(value("root", "kind"), "snapshot");
    EXPECT_EQ(link_target_of(at("root.img")), "../" + vm() + "/data.img@current");
    EXPECT_EQ(value("both", "kind"), "origin_snapshot");
    EXPECT_EQ(value("both", "source"), "../" + vm() + "/data.img");
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(value("both", "kind"), "origin_snapshot");
    EXPECT_EQ(value("volatile", "kind"), "volatile");
}

TEST_F(CommandsTest, CreateRefusesNonsense) {
    for (const std::string text :
         {"create", "create x", "create x origin", "create x origin 511", "create x origin -1", "create x origin 1M extra",
          "create x strange 1M", "create X origin 1M", "create x-y origin 1M", "create x snapshot", "create x snapshot nonsense",
          "create x snapshot 1M", "create x volatile ../a/b.img", "create ../x origin 1M"}) {
        SCOPED_TRACE(text);
        EXPECT_REFUSED(EINVAL, vm_command(text).error);
    }
    EXPECT_REFUSED(EEXIST, vm_command("create data origin 1M").error);
    EXPECT_EQ(names(), Names{"data.img"});
}

TEST_F(CommandsTest, AVolatileVolumeLivesForASession) {
    ASSERT_EQ(vm_command("create volatile volatile 1M").error, ok);
    must("volatile", "start");
    EXPECT_EQ(read_file(control("volatile", "device")), std::string(1 << 20, '\0'));
    guest_write("volatile", 0, new_content_);
    must("volatile", "stop");
    must("volatile", "start");
    EXPECT_EQ(read_file(control("volatile", "device")), std::string(1 << 20, '\0')) << "nothing of it stays";
    must("volatile", "stop");
    EXPECT_EQ(stat_of(at("volatile.img")).st_size, 0);
}

TEST_F(CommandsTest, AnOriginSnapshotStartsFromItsSourceAndKeepsWhatItWrote) {
    ASSERT_EQ(vm_command("create both origin_snapshot ../" + vm() + "/data.img").error, ok);
    must("both", "start");
    EXPECT_EQ(read_file(control("both", "device")), old_content_);
    guest_write("both", 0, new_content_);
    must("both", "stop");
    EXPECT_EQ(value("both", "state"), "halted");
    must("both", "start");
    EXPECT_EQ(read_file(control("both", "device")), old_content_) << "from its source each time";
    must("both", "discard");
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(CommandsTest, AWholeVmStartsAndStops) {
    ASSERT_EQ(write_file(at("root.img"), new_content_), ok);
    ASSERT_EQ(vm_command("create volatile volatile 1M").error, ok);
    const auto started = vm_command("start");
    ASSERT_EQ(started.error, ok) << started.text;
    EXPECT_EQ(started.at("/ok"), "true");
    EXPECT_EQ(started.at("/vm"), "fast/" + vm());
    for (const std::string index : {"0", "1", "2"}) EXPECT_EQ(started.at("/volumes/" + index + "/ok"), "true") << started.text;
    for (const std::string volume : {"data", "root", "volatile"}) EXPECT_EQ(value(volume, "state"), "started") << volume;
    guest_write("data", 0, new_content_);
    const auto stopped = vm_command("stop");
    ASSERT_EQ(stopped.error, ok) << stopped.text;
    for (const std::string volume : {"data", "root", "volatile"}) EXPECT_EQ(value(volume, "state"), "halted") << volume;
    EXPECT_EQ(read_file(data()), new_content_);
    const auto again = vm_command("stop");
    EXPECT_EQ(again.error, ok) << "halted volumes are left out: " << again.text;
    EXPECT_EQ(again.at("/volumes"), "[]") << again.text;
    ASSERT_EQ(vm_command("start").error, ok);
    guest_write("data", 0, old_content_);
    ASSERT_EQ(vm_command("discard").error, ok);
    EXPECT_EQ(read_file(data()), new_content_);
}

TEST_F(CommandsTest, AFailedStartOfAVmUndoesTheOthers) {
    ASSERT_EQ(symlink_to("../" + vm() + "/missing.img", at("root.img")), ok);
    ASSERT_EQ(vm_command("create volatile volatile 1M").error, ok);
    EXPECT_REFUSED(ENOENT, vm_command("start").error);
    for (const std::string volume : {"data", "root", "volatile"}) EXPECT_EQ(value(volume, "state"), "halted") << volume;
    EXPECT_FALSE(present(control("data", "device")));
    const auto reply = vm_command("start");
    EXPECT_EQ(reply.at("/ok"), "false") << reply.text;
    EXPECT_EQ(reply.at("/error/name"), "ENOENT") << reply.text;
    for (const auto& name : list_directory(backing(vm()))) EXPECT_EQ(name.find("-dirty"), std::string::npos) << name;
}

TEST_F(CommandsTest, AStartedVolumeStaysStartedOverARestartOfTheDaemon) {
    must("data", "start");
    guest_write("data", 0, new_content_.substr(0, 4096));
    for (const bool crash : {false, true}) {
        if (crash) {
            daemon().kill();
            ASSERT_TRUE(daemon().start());
        } else {
            ASSERT_TRUE(daemon().restart());
        }
        EXPECT_EQ(value("data", "state"), "started");
        EXPECT_REFUSED(EBUSY, command("data", "start").error);
        EXPECT_REFUSED(EBUSY, open_and_close(data(), O_WRONLY));
        EXPECT_EQ(read_file(data()), old_content_);
    }
    guest_write("data", 4096, new_content_.substr(4096));
    must("data", "stop");
    expect_one_commit(new_content_);
}

TEST_F(CommandsTest, ADeadDaemonStopsNoVm) {
    must("data", "start");
    OpenFile device(control("data", "device"), O_RDWR);
    daemon().kill();
    EXPECT_EQ(device.write_at(0, new_content_), ok);
    EXPECT_EQ(device.sync(), ok);
    ASSERT_EQ(device.close(), ok);
    ASSERT_TRUE(daemon().start());
    must("data", "stop");
    expect_one_commit(new_content_);
}

TEST_F(CommandsTest, ADirtyVolumeIsContinuedCommittedOrDropped) {
    for (const std::string verb : {"stop", "discard", "start"}) {
        SCOPED_TRACE(verb);
        const auto name = "dirty" + verb;
        ASSERT_EQ(make_state(at(name + ".img"), old_content_, first_time), ok);
        ASSERT_EQ(daemon().terminate(), 0);
        // What a machine that lost its power leaves of a running volume.
        ASSERT_EQ(write_file(backing(vm()) / (name + "-dirty.img"), new_content_), ok);
        ASSERT_TRUE(daemon().start());
        EXPECT_EQ(value(name, "state"), "dirty");
        EXPECT_EQ(read_file(at(name + ".img")), old_content_) << "nothing happens unasked";
        EXPECT_NE(value(name, "blockers"), "") << "it refuses a revert";
        must(name, verb);
        if (verb == "start") {
            EXPECT_EQ(value(name, "state"), "started");
            EXPECT_EQ(read_file(control(name, "device")), new_content_) << "start continues it";
            must(name, "stop");
        }
        EXPECT_EQ(read_file(at(name + ".img")), verb == "discard" ? old_content_ : new_content_);
        EXPECT_EQ(value(name, "state"), "halted");
    }
}

TEST_F(CommandsTest, WithoutASnapshotLayerTheVmWritesTheStateItself) {
    ASSERT_EQ(set_value(control("data", "revisions_to_keep"), "-1"), ok);
    must("data", "start");
    guest_write("data", 0, new_content_);
    EXPECT_REFUSED(EOPNOTSUPP, command("data", "discard").error);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", at("child.img")), ok);
    EXPECT_REFUSED(EBUSY, command("child", "start").error);
    must("data", "stop");
    EXPECT_EQ(read_file(data()), new_content_);
    EXPECT_EQ(names(), (Names{"child.img", "data.img"})) << "no revisions";
}

TEST_F(CommandsTest, PoolsAreAddedAndRemoved) {
    const auto directory = stage().backing() / ("added-" + vm());
    ASSERT_TRUE(std::filesystem::create_directory(directory));
    const auto added = root_command("pool-add added file-reflink dir_path=" + directory.string() + " revisions_to_keep=3");
    ASSERT_EQ(added.error, ok) << added.text;
    EXPECT_EQ(list_directory(mount() / "pools"), (Names{"added", "fast", "other"}));
    EXPECT_EQ(control_value(pool("added") / ".varve" / "revisions_to_keep"), "3");
    ASSERT_EQ(make_directory(pool("added") / "work"), ok);
    ASSERT_EQ(write_file(pool("added") / "work" / "data.img", new_content_), ok);
    EXPECT_REFUSED(EEXIST, root_command("pool-add added file-reflink dir_path=" + directory.string()).error);
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(read_file(pool("added") / "work" / "data.img"), new_content_) << "an added pool is remembered";
    ASSERT_EQ(send_command(pool("added") / "work" / ".varve" / "data" / "ctl", "start").error, ok);
    EXPECT_REFUSED(EBUSY, root_command("pool-rm added").error);
    ASSERT_EQ(send_command(pool("added") / "work" / ".varve" / "data" / "ctl", "stop").error, ok);
    const auto removed = root_command("pool-rm added");
    ASSERT_EQ(removed.error, ok) << removed.text;
    EXPECT_EQ(list_directory(mount() / "pools"), (Names{"fast", "other"}));
    EXPECT_EQ(read_file(directory / "appvms" / "work" / "data.img"), new_content_) << "its data stays";
    EXPECT_REFUSED(ENOENT, root_command("pool-rm added").error);
}

TEST_F(CommandsTest, ImpossiblePoolsAreRefused) {
    for (const std::string text :
         {"pool-add", "pool-add x", "pool-add x nodriver dir_path=/tmp", "pool-add x file-reflink", "pool-add x file-reflink nonsense=1",
          "pool-add x file-reflink dir_path", "pool-add -x file-reflink dir_path=/tmp", "pool-rm", "pool-rm fast other", "reload now"}) {
        SCOPED_TRACE(text);
        EXPECT_REFUSED(EINVAL, root_command(text).error);
    }
    EXPECT_REFUSED(ENOENT, root_command("pool-add x file-reflink dir_path=" + (stage().backing() / "missing").string()).error);
    EXPECT_REFUSED(EBUSY, root_command("pool-add x file-reflink dir_path=" + (stage().backing() / "fast").string()).error);
    EXPECT_EQ(list_directory(mount() / "pools"), (Names{"fast", "other"}));
}

TEST_F(CommandsTest, APoolHasOneOwner) {
    const auto directory = stage().directory() / (vm() + "-second");
    VarveDaemon second({directory, {{"same", stage().backing() / "fast", 1}}, "24h"});
    // It refuses to start, or starts without the pool.
    if (second.try_start()) {
        EXPECT_FALSE(present(second.mountpoint() / "pools" / "same" / vm()));
        EXPECT_EQ(second.terminate(), 0);
    }
    EXPECT_NE(second.log_tail().find("fast"), std::string::npos) << "the log says which directory has another owner";
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(CommandsTest, ReloadSeesWhatChangedInThePoolDirectory) {
    ASSERT_EQ(root_command("reload").error, ok);
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(names(), Names{"data.img"});
}

}  // namespace
}  // namespace varve::test_support
