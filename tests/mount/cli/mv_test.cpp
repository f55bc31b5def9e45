// SPDX-License-Identifier: LGPL-2.1-or-later
// mv: what goes along, what is refused, and what a crash leaves.
#include "orchestrator/mount_client/move_names.h"
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>
#include <utility>

namespace varve::test_support {
namespace {

class CliMvTest : public CliTest {
protected:
    [[nodiscard]] Path there(const std::string& name = {}) const { return pool("other") / vm() / name; }
    [[nodiscard]] std::string there_name() const { return "other/" + vm(); }
    [[nodiscard]] std::string setting(const Path& directory, const char* volume, const char* file) const {
        return control_value(directory / ".varve" / volume / file);
    }

    // Three states of data, the middle one under a label, with a volume of each other kind.
    void make_rich_vm() const {
        ASSERT_EQ(make_state(data(), middle_, second_time), ok);
        ASSERT_EQ(link_file(data(), at("data.img@middle")), ok);
        ASSERT_EQ(make_state(data(), new_content_, second_time + 100), ok);
        ASSERT_EQ(set_value(control("data", "revisions_to_keep"), "9\n"), ok);
        ASSERT_EQ(set_value(control("data", "schedule"), "24h 7d\n"), ok);
        ASSERT_EQ(symlink_to("../" + vm() + "/data.img@middle", at("root.img")), ok);
        ASSERT_EQ(vm_command("create swap volatile 1M").error, ok);
    }

    // Name -> what tells content and time of the state; links of what has none.
    [[nodiscard]] static std::map<std::string, std::string> states_in(const Path& directory) {
        std::map<std::string, std::string> states;
        for (const auto& name : list_directory(directory)) {
            const auto path = directory / name;
            const auto status = stat_of(path);
            if (S_ISLNK(status.st_mode)) {
                states[name] = "-> " + link_target_of(path);
                continue;
            }
            const auto content = read_file(path);
            states[name] = std::to_string(content.size()) + " bytes, hash " + std::to_string(std::hash<std::string>{}(content));
            if (!content.empty())
                states[name] += ", of " + std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
        }
        return states;
    }
    // Nothing of a move is left in either pool.
    void expect_no_leftovers() const {
        for (const auto* name : {"fast", "other"})
            for (const auto& vm_there : list_directory(pool(name)))
                EXPECT_FALSE(vm_there.starts_with("varve-move"))
                    << name << "/" << vm_there << " " << ::testing::PrintToString(list_directory(pool(name) / vm_there));
    }

    std::string label_ = "data.img@middle";
    const std::string middle_ = pattern('m', volume_size / 2) + pattern('a', volume_size / 2);
};

TEST_F(CliMvTest, WithinAPoolItIsARename) {
    ASSERT_NO_FATAL_FAILURE(make_rich_vm());
    EXPECT_EQ(must_varve({"mv", data_name(), vm_name() + "/home"}), vm_name() + "/home\n");
    EXPECT_EQ(read_file(at("home.img@middle")), middle_);
    EXPECT_EQ(link_target_of(at("root.img")), "../" + vm() + "/home.img@middle") << "sources follow";
    const auto to = stage().fresh_name();
    const auto moved = json_of({"mv", vm_name(), "fast/" + to});
    EXPECT_EQ(moved.at("/destination"), "fast/" + to) << moved.text;
    EXPECT_EQ(moved.at("/volumes/0"), "fast/" + to + "/home");
    EXPECT_EQ(read_file(pool() / to / "home.img"), new_content_);
    EXPECT_FALSE(present(vm_path()));
}

TEST_F(CliMvTest, AVmWithAllItHas) {
    ASSERT_NO_FATAL_FAILURE(make_rich_vm());
    const auto before = states_in(vm_path());
    EXPECT_EQ(must_varve({"mv", vm_name(), "other"}), there_name() + "\n");
    EXPECT_EQ(states_in(there()), before);
    EXPECT_FALSE(present(vm_path()));
    EXPECT_EQ(setting(there(), "data", "revisions_to_keep"), "9");
    EXPECT_EQ(setting(there(), "data", "schedule"), "24h 7d");
    EXPECT_EQ(setting(there(), "swap", "kind"), "volatile");
    EXPECT_EQ(setting(there(), "swap", "size"), "1048576");
    expect_no_leftovers();
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(states_in(there()), before);
    must_varve({"start", there_name()});
    must_varve({"stop", there_name()});
    EXPECT_EQ(states_in(there()), before);
    must_varve({"mv", there_name(), vm_name()});
    EXPECT_EQ(states_in(vm_path()), before) << "and back";
}

// Where the pool has reflinks, states that share most of their blocks do so in the new pool, too.
TEST_F(CliMvTest, StatesThatShareStillDo) {
    constexpr std::size_t size = std::size_t{8} << 20;
    ASSERT_EQ(make_state(at("big.img"), pattern('a', size), first_time), ok);
    for (int change = 0; change < 4; ++change) {
        OpenFile file(at("big.img"), O_RDWR);
        ASSERT_EQ(file.write_at(change * 4096, "changed"), ok);
        ASSERT_EQ(file.close(), ok);
    }
    {
        OpenFile file(at("big.img"), O_RDWR);
        ASSERT_EQ(::fallocate(file.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, size / 2, size / 4), 0);
        ASSERT_EQ(file.close(), ok);
    }
    const auto before = states_in(vm_path());
    const auto holes = stat_of(at("big.img")).st_blocks;
    must_varve({"mv", vm_name(), "other"});
    EXPECT_EQ(states_in(there()), before);
    EXPECT_LE(stat_of(there("big.img")).st_blocks, holes) << "holes stay holes";
    EXPECT_LT(std::stoull(setting(there(), "big", "exclusive")), 2 * size) << "six states of 8 MiB";
}

// What it has written can only be looked at, and becomes its state by a revert.
TEST_F(CliMvTest, AnOriginSnapshotKeepsWhatItWrote) {
    must_varve({"create", vm_name() + "/both", "--source", data_name(), "--kind", "origin_snapshot"});
    for (const char mark : {'1', '2'}) {
        must_varve({"start", vm_name() + "/both"});
        ASSERT_EQ(OpenFile(link_target_of(control("both", "device")), O_WRONLY).write_at(0, pattern(mark, 4096)), ok);
        must_varve({"stop", vm_name() + "/both"});
    }
    const auto before = states_in(vm_path());
    EXPECT_EQ(before.size(), 3U) << "data, and two states of both";
    must_varve({"mv", vm_name(), "other"});
    EXPECT_EQ(states_in(there()), before);
    EXPECT_EQ(setting(there(), "both", "kind"), "origin_snapshot");
    must_varve({"mv", there_name(), vm_name()});
    EXPECT_EQ(states_in(vm_path()), before);
    EXPECT_EQ(value("both", "source"), "../" + vm() + "/data.img");
}

TEST_F(CliMvTest, OneVolumeIntoAVmThatIsThere) {
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    expect_refused_with(Exit::not_found, {"mv", data_name(), "other"}, {there_name() + " does not exist", "varve create"});
    must_varve({"create", there_name()});
    EXPECT_EQ(must_varve({"mv", data_name(), "other"}), there_name() + "/data\n");
    EXPECT_EQ(names(), Names{});
    EXPECT_EQ(list_directory(there()), (Names{"data.img", std::string("data.img@") + first_name}));
    EXPECT_EQ(must_varve({"mv", there("data.img").string(), vm_path().string()}), data_name() + "\n");
    EXPECT_EQ(read_file(data_old()), old_content_);
    expect_no_leftovers();
}

TEST_F(CliMvTest, AVmJoinsItsVolumesInTheOtherPool) {
    must_varve({"create", "-p", there_name() + "/home", "1M"});
    must_varve({"mv", vm_name(), "other"});
    EXPECT_EQ(list_directory(there()), (Names{"data.img", "home.img"}));
    EXPECT_FALSE(present(vm_path()));
    expect_no_leftovers();
}

TEST_F(CliMvTest, AVmWithoutVolumes) {
    const auto empty = another_vm();
    must_varve({"mv", "fast/" + empty, "other/" + empty});
    EXPECT_TRUE(present(pool("other") / empty));
    EXPECT_FALSE(present(pool() / empty));
    expect_no_leftovers();
}

TEST_F(CliMvTest, WhatStaysWhereItIs) {
    const auto template_vm = another_vm();
    must_varve({"clone", data_name(), "fast/" + template_vm + "/root"});
    ASSERT_EQ(symlink_to("../" + template_vm + "/root.img", at("root.img")), ok);
    expect_refused_with(Exit::failed, {"mv", vm_name(), "other"}, {"starts from " + template_vm + "/root.img", "clone it there first"});
    expect_refused_with(Exit::busy, {"mv", "fast/" + template_vm, "other"}, {"is the source of " + vm_name() + "/root", "varve clone"});
    expect_refused_with(Exit::busy, {"mv", "fast/" + template_vm + "/root", "other/" + another_vm("other")}, {"is the source of"});
    must_varve({"create", "other/" + template_vm});
    must_varve({"clone", "fast/" + template_vm + "/root", "other/" + template_vm});
    must_varve({"mv", vm_name(), "other"});
    EXPECT_EQ(link_target_of(there("root.img")), "../" + template_vm + "/root.img@current");
    expect_no_leftovers();
}

TEST_F(CliMvTest, MovesThatCannotBe) {
    expect_refused_with(Exit::not_found, {"mv", "fast/absent", "other"}, {"fast/absent does not exist"});
    expect_refused_with(Exit::not_found, {"mv", vm_name() + "/none", "other/" + another_vm("other")}, {"none does not exist"});
    expect_refused_with(Exit::not_found, {"mv", vm_name(), "absent"}, {"absent"});
    expect_refused_with(Exit::usage, {"mv", vm_name(), "fast"}, {"is there already"});
    expect_refused_with(Exit::usage, {"mv", "fast", "other"}, {"a pool is not moved"});
    expect_refused_with(Exit::usage, {"mv", data_name() + "@" + first_name, "other"}, {"varve pin", "varve revert"});
    expect_refused_with(Exit::usage, {"mv", vm_name(), "other/x/y"}, {"a VM moves to a pool or VM"});
    expect_refused_with(Exit::usage, {"mv", data_name(), "other/x/y@label"}, {"a VM moves to a pool or VM"});
    must_varve({"create", "-p", there_name() + "/data", "1M"});
    expect_refused_with(Exit::failed, {"mv", vm_name(), "other"}, {there_name() + "/data exists already"});
    expect_refused_with(Exit::failed, {"mv", data_name(), "other"}, {there_name() + "/data exists already"});
    must_varve({"rm", "-r", there_name()});
    must_varve({"start", data_name()});
    expect_refused_with(Exit::busy, {"mv", vm_name(), "other"}, {data_name() + " is started", "stop its VM"});
    must_varve({"stop", data_name()});
    {
        OpenFile writer(data(), O_RDWR);
        ASSERT_EQ(writer.write_at(0, "x"), ok);
        const auto refused = varve({"mv", vm_name(), "other"});
        EXPECT_EQ(refused.exit_status, Exit::busy) << refused.describe();
        EXPECT_TRUE(has(refused.errors, "is being written")) << refused.errors;
        ASSERT_EQ(writer.close(), ok);
    }
    expect_no_leftovers();
}

// A copy by other means, with all names, contents and times, is one that a crash may have left: every byte is compared.
TEST_F(CliMvTest, WhatACrashHasCopiedIsComparedAndThenRemoved) {
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    const auto before = states_in(vm_path());
    const auto copied = run_program(Words{"cp", "-a", vm_path().string(), pool("other").string()});
    ASSERT_TRUE(copied && copied->succeeded());
    auto nearly = new_content_;
    nearly.back() ^= 1;
    ASSERT_EQ(make_state(there("data.img"), nearly, second_time), ok);
    expect_refused_with(Exit::failed, {"mv", vm_name(), "other"}, {there_name() + "/data exists already, and is not the same"});
    EXPECT_EQ(states_in(vm_path()), before);
    ASSERT_EQ(make_state(there("data.img"), new_content_, second_time), ok);
    must_varve({"mv", vm_name(), "other"});
    EXPECT_FALSE(present(vm_path()));
    EXPECT_EQ(read_file(there("data.img")), new_content_);
}

// It has room for two states of three.
TEST_F(CliMvTest, APoolThatGetsFullChangesNothing) {
    ASSERT_NO_FATAL_FAILURE(make_rich_vm());
    const auto before = states_in(vm_path());
    const auto small = "small-" + vm();
    must_varve({"pool", "add", small, "sim", "size=" + std::to_string(2 * volume_size)});
    expect_refused_with(Exit::failed, {"mv", vm_name(), small},
                        {"cannot copy " + data_name() + " to " + small + "/" + vm() + "/data: the pool has "});
    EXPECT_EQ(states_in(vm_path()), before);
    EXPECT_EQ(list_directory(pool(small)), Names{});
    must_varve({"pool", "rm", small});

    must_varve({"pool", "add", small, "sim", "size=" + std::to_string(16 * volume_size)});
    must_varve({"mv", vm_name(), small});
    EXPECT_FALSE(present(vm_path()));
    EXPECT_EQ(read_file(pool(small) / vm() / "data.img@middle"), middle_);
    must_varve({"rm", "-r", small + "/" + vm()});
    must_varve({"pool", "rm", small});
}

TEST_F(CliMvTest, AnInterruptedMoveLeavesNothing) {
    OpenFile file(at("slow.img"), O_CREAT | O_WRONLY);
    ASSERT_EQ(file.opened(), ok);
    constexpr off_t size = off_t{1} << 30;
    ASSERT_EQ(file.truncate(size), ok);
    for (off_t place = 0; place < size; place += 128 << 10) ASSERT_EQ(file.write_at(place, "x"), ok);
    ASSERT_EQ(file.close(), ok);
    const auto before = list_directory(pool("other"));
    const auto copying = [&] {
        return std::ranges::any_of(list_directory(pool("other")), [](const std::string& name) { return name.starts_with("varve-move-"); });
    };
    EXPECT_EQ(interrupt({"mv", vm_name(), "other"}, SIGINT, copying), Exit::interrupted);
    EXPECT_EQ(list_directory(pool("other")), before);
    EXPECT_EQ(read_file(data()), old_content_);
}

// ---- killed at each of its changes

// Runs `varve` under ptrace, which stops before each change that it makes.
class TracedVarve {
public:
    explicit TracedVarve(Words words) : words_(std::move(words)) {
        for (auto& word : words_) pointers_.push_back(word.data());
        pointers_.push_back(nullptr);
    }

    // Kills it before its change number `last`. Whether it was: else it ended by itself. Nothing when it could not be traced.
    std::optional<bool> killed_before(int last) {
        return run(last, [](pid_t child) {
            (void)::kill(child, SIGKILL);
            int status = 0;
            return ::waitpid(child, &status, 0) == child ? std::optional(true) : std::nullopt;
        });
    }
    // Lets it go on once something else has happened before that change. Whether there was such a change.
    std::optional<bool> meanwhile(int last, const std::function<void()>& something) {
        bool done = false;
        const auto ended = run(last, [&](pid_t) {
            if (!std::exchange(done, true)) something();
            return std::optional(false);
        });
        return ended ? std::optional(done) : std::nullopt;
    }

private:
    // What to do from the change number `last` on: nothing ends it as untraceable, true has ended it.
    using Then = std::function<std::optional<bool>(pid_t)>;

    std::optional<bool> run(int last, const Then& then) {
        const pid_t child = ::fork();
        if (child == 0) {
            const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
            (void)::dup2(nowhere, STDOUT_FILENO);
            (void)::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            ::execv(pointers_[0], pointers_.data());
            ::_exit(127);
        }
        int status = 0;
        if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return std::nullopt;
        (void)::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
        return follow(child, last, then);
    }

    static std::optional<bool> follow(pid_t child, int last, const Then& then) {
        for (int changes = 0;;) {
            int status = 0;
            if (::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) != 0 || ::waitpid(child, &status, 0) != child) return std::nullopt;
            if (WIFEXITED(status)) return false;
            if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
            __ptrace_syscall_info info{};
            if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0) return std::nullopt;
            if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !is_change(info.entry.nr) || ++changes < last) continue;
            if (const auto end = then(child); !end || *end) return end;
        }
    }

    static bool is_change(std::uint64_t call) {
        static const std::set<std::uint64_t> changes{SYS_mkdirat,         SYS_renameat2, SYS_unlinkat,  SYS_pwrite64,
                                                     SYS_write,           SYS_ftruncate, SYS_utimensat, SYS_fsync,
                                                     SYS_copy_file_range, SYS_fchmodat,  SYS_fchownat};
        return changes.contains(call);
    }

    Words words_;
    std::vector<char*> pointers_;
};

TEST_F(CliMvTest, KilledAtEachChangeNothingIsLostAndTheNextGoesOn) {
    ASSERT_NO_FATAL_FAILURE(make_rich_vm());
    const auto whole = states_in(vm_path());
    const auto names =
        mount_client::names_of_move(mount_client::VmReference{base::PoolName::parse("fast").value(), base::VmName::parse(vm()).value()},
                                    mount_client::VmReference{base::PoolName::parse("other").value(), base::VmName::parse(vm()).value()});
    const auto leaving = pool() / names.leaving.vm.str();
    int kills = 0;
    for (;; ++kills) {
        const auto killed = TracedVarve({VARVE_BINARY, "--mount", mount().string(), "mv", vm_name(), "other"}).killed_before(kills + 1);
        ASSERT_TRUE(killed) << "it cannot be traced";
        const auto complete = [&](const Path& directory) { return present(directory) && states_in(directory) == whole; };
        EXPECT_TRUE(complete(vm_path()) || complete(there())) << "killed before change " << kills + 1;
        EXPECT_TRUE(!present(there()) || complete(there())) << "what has its name is complete";
        EXPECT_TRUE(!present(leaving) || complete(there()));
        if (!*killed) break;
        if (present(vm_path()) || present(leaving)) must_varve({"mv", vm_name(), "other"});
        ASSERT_EQ(states_in(there()), whole) << "killed before change " << kills + 1;
        EXPECT_FALSE(present(vm_path()));
        expect_no_leftovers();
        must_varve({"mv", there_name(), vm_name()});
        ASSERT_EQ(states_in(vm_path()), whole);
    }
    EXPECT_GT(kills, 20);
    EXPECT_EQ(states_in(there()), whole);
}

// What an attempt has left is of use only as far as it is what is wanted now.
TEST_F(CliMvTest, ChangedBetweenAKillAndTheNextRun) {
    ASSERT_NO_FATAL_FAILURE(make_rich_vm());
    const Words mv{VARVE_BINARY, "--mount", mount().string(), "mv", vm_name(), "other"};
    int kills = 0;
    for (int change = 4; change < 40; change += 5) {
        ASSERT_TRUE(TracedVarve(mv).killed_before(change));
        if (present(there())) {
            must_varve({"mv", vm_name(), "other"});
            break;
        }
        ++kills;
        const auto label = "data.img@" + std::to_string(change) + "th";
        ASSERT_EQ(remove_file(at("root.img")), ok);
        ASSERT_EQ(rename_path(at(label_), at(label)), ok);
        label_ = label;
        ASSERT_EQ(symlink_to("../" + vm() + "/" + (change % 2 == 0 ? std::string("data.img") : label_), at("root.img")), ok);
        ASSERT_EQ(command("swap", "resize " + std::to_string(change) + "M").error, ok);
        const auto wanted = states_in(vm_path());
        must_varve({"mv", vm_name(), "other"});
        ASSERT_EQ(states_in(there()), wanted) << "killed before change " << change;
        EXPECT_EQ(setting(there(), "swap", "size"), std::to_string(change << 20));
        expect_no_leftovers();
        must_varve({"mv", there_name(), vm_name()});
        ASSERT_EQ(states_in(vm_path()), wanted);
    }
    EXPECT_GT(kills, 3);
}

// Somebody takes a label at each moment of a move: it is never lost, and what is not complete does not make the old one go.
TEST_F(CliMvTest, WhatComesMeanwhileIsNotLost) {
    ASSERT_NO_FATAL_FAILURE(make_rich_vm());
    const Words mv{VARVE_BINARY, "--mount", mount().string(), "mv", vm_name(), "other"};
    int refused = 0;
    for (int change = 1;; change += 3) {
        const auto label = "data.img@" + std::to_string(change) + "th";
        Errno taken{ENOENT};
        const auto happened = TracedVarve(mv).meanwhile(change, [&] { taken = link_file(data(), at(label)); });
        ASSERT_TRUE(happened) << "it cannot be traced";
        if (present(vm_path())) {  // refused: both are there
            ++refused;
            ASSERT_EQ(taken, ok);
            EXPECT_EQ(read_file(at(label)), new_content_) << change;
            if (present(there())) must_varve({"rm", "-r", there_name()});
        } else {
            EXPECT_TRUE(taken != ok || present(there(label))) << change;
            must_varve({"mv", there_name(), vm_name()});
        }
        if (present(at(label))) {
            ASSERT_EQ(remove_file(at(label)), ok);
        }
        expect_no_leftovers();
        if (!*happened) break;
    }
    EXPECT_GT(refused, 3);
}

}  // namespace
}  // namespace varve::test_support
