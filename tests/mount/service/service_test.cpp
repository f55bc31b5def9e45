// SPDX-License-Identifier: LGPL-2.1-or-later
// varvefs under a service manager, with this test in systemd's place: what it is told, when the watchdog is fed, and the rights that the unit leaves.
#include "tests/support/loop_filesystem.h"
#include "tests/support/posix.h"
#include "tests/support/run_program.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <future>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace varve::test_support {
namespace {

using namespace std::chrono_literals;

// More than varvefs answers at a time.
constexpr int many = 80;

// The socket that a service manager listens on.
class Manager {
public:
    explicit Manager(const Path& directory)
        : path_((directory / "notify").string()), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path_, std::begin(address.sun_path));
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << Errno{errno};
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    // The next message, "" when none comes.
    [[nodiscard]] std::string next(std::chrono::milliseconds deadline = 60s) const {
        pollfd waiting{socket_.get(), POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(deadline.count())) <= 0) return "";
        std::array<char, 4096> text{};
        const auto length = ::recv(socket_.get(), text.data(), text.size(), 0);
        return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : "";
    }
    void forget() const {
        while (!next(0ms).empty()) {}
    }

private:
    std::string path_;
    base::UniqueFd socket_;
};

// A file system that nobody can write to for the moment: who tries waits in the kernel, as for a slow disk. A process of its own thaws it, also when the
// test is killed.
class Frozen {
public:
    explicit Frozen(const Path& directory) {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0) << Errno{errno};
        const base::UniqueFd watched(ends[0]);
        alive_ = base::UniqueFd(ends[1]);
        const base::UniqueFd place(::open(directory.c_str(), O_RDONLY | O_CLOEXEC));
        thawer_ = ::fork();
        if (thawer_ == 0) {
            alive_.reset();
            char word = 0;
            (void)!::read(watched.get(), &word, 1);  // the end of the test's end
            ::_exit(::ioctl(place.get(), FITHAW, 0) == 0 ? 0 : 1);
        }
        EXPECT_EQ(::ioctl(place.get(), FIFREEZE, 0), 0) << Errno{errno};
    }
    ~Frozen() {
        alive_.reset();
        int status = 0;
        EXPECT_EQ(::waitpid(thawer_, &status, 0), thawer_);
        EXPECT_EQ(status, 0) << "it could not be thawed";
    }
    Frozen(const Frozen&) = delete;
    Frozen& operator=(const Frozen&) = delete;

private:
    base::UniqueFd alive_;
    pid_t thawer_ = -1;
};

class ServiceTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto name = (std::filesystem::temp_directory_path() / "varve-service-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
        std::filesystem::permissions(directory_, std::filesystem::perms(0755));  // another user works in the mount
        for (const char* folder : {"varve", "pool"}) std::filesystem::create_directory(directory_ / folder);
        manager_.emplace(directory_);
    }
    void TearDown() override {
        if (pid_ > 0) {
            EXPECT_EQ(end(), 0) << log();
        }
        (void)::umount2(mount().c_str(), MNT_DETACH);  // EINVAL: not mounted any more, as it should be
        std::filesystem::remove_all(directory_);
    }

    // Until it is ready. `before`: what it is run by.
    void start(const std::string& pools, std::vector<std::string> before = {}, const std::string& watchdog_time = "") {
        std::ofstream(directory_ / "varve.toml")
            << "mountpoint = \"" << mount().string() << "\"\nstate_dir = \"" << (directory_ / "state").string() << "\"\nruntime_dir = \""
            << (directory_ / "run").string() << "\"\nmin_free = 0\n"
            << pools;
        before.insert(before.end(), {VARVEFS_BINARY, "--foreground", "--config", (directory_ / "varve.toml").string()});
        const auto log = directory_ / "log";
        pid_ = ::fork();
        if (pid_ == 0) {
            (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no daemon outlives its test; cannot fail with a legal signal
            ::setenv("NOTIFY_SOCKET", manager_->path().c_str(), 1);
            if (!watchdog_time.empty()) ::setenv("WATCHDOG_USEC", watchdog_time.c_str(), 1);
            const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
            if (output < 0 || ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0) ::_exit(126);
            std::vector<char*> words;
            words.reserve(before.size() + 1);
            for (auto& word : before) words.push_back(word.data());
            words.push_back(nullptr);
            ::execvp(words.front(), words.data());
            ::_exit(127);
        }
        ready_ = manager_->next();
        ASSERT_TRUE(ready_.starts_with("READY=1\n")) << ready_ << this->log();
    }
    void kill() {
        ASSERT_EQ(::kill(pid_, SIGKILL), 0) << Errno{errno};
        ASSERT_EQ(::waitpid(pid_, nullptr, 0), pid_);
        pid_ = -1;
    }
    int end() {
        (void)::kill(pid_, SIGTERM);  // still our child
        int status = 0;
        EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    [[nodiscard]] Path mount() const { return directory_ / "varve"; }
    [[nodiscard]] Path vm(int number) const { return mount() / "pools" / "p" / ("vm" + std::to_string(number)); }
    [[nodiscard]] std::string log() const {
        std::stringstream text;
        text << std::ifstream(directory_ / "log").rdbuf();
        return text.str();
    }
    [[nodiscard]] static std::string pool(const std::string& driver, const std::string& more = "") {
        return "[[pool]]\nname = \"p\"\ndriver = \"" + driver + "\"\n" + more;
    }

    // A new volume in each of many VMs: VM directories do not wait for each other.
    std::vector<std::future<Errno>> make_many_volumes() {
        std::vector<std::future<Errno>> all;
        all.reserve(many);
        for (int number = 0; number < many; ++number)
            all.push_back(std::async(std::launch::async, [path = vm(number) / "root.img"] { return touch_new(path); }));
        return all;
    }
    // Until the mount answers nobody any more; what asks then is returned, and answered later.
    [[nodiscard]] std::future<bool> wait_for_silence() const {
        const auto deadline = std::chrono::steady_clock::now() + test_support::patience;
        while (true) {
            auto asked = std::async(std::launch::async, [file = mount() / ".varve" / "version"] {
                struct statx found {};
                return ::statx(AT_FDCWD, file.c_str(), AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &found) == 0;
            });
            if (asked.wait_for(1s) == std::future_status::timeout) return asked;
            EXPECT_LT(std::chrono::steady_clock::now(), deadline) << "it still answers";
            if (std::chrono::steady_clock::now() >= deadline) return asked;
        }
    }

    Path directory_;
    std::optional<Manager> manager_;
    std::string ready_;
    pid_t pid_ = -1;
};

TEST_F(ServiceTest, TellsThatItIsReadyAndThatItEnds) {
    start(pool("sim") + "\n[[pool]]\nname = \"gone\"\ndriver = \"file-reflink\"\ndir_path = \"/nowhere\"\n");
    EXPECT_EQ(ready_, "READY=1\nSTATUS=1 of 2 pools could not be opened; see .varve/errors");
    EXPECT_EQ(make_directory(vm(0)), ok) << "it is mounted by then";
    EXPECT_EQ(end(), 0);
    EXPECT_EQ(manager_->next(), "STOPPING=1");
}

// The kernel still answers from memory what it has asked a moment before.
TEST_F(ServiceTest, LeavesNothingOfAKilledOneBelowItsMount) {
    start(pool("sim"));
    struct stat found {};
    ASSERT_EQ(::stat(mount().c_str(), &found), 0) << Errno{errno};
    kill();
    start(pool("sim"));
    EXPECT_EQ(end(), 0);
    EXPECT_EQ(::umount2(mount().c_str(), MNT_DETACH) == 0 ? 0 : errno, EINVAL) << "a dead mount was below";
}

TEST_F(ServiceTest, FeedsTheWatchdogAsLongAsItAnswers) {
    start(pool("sim"), {}, "100000");
    EXPECT_EQ(ready_, "READY=1\nSTATUS=all pools are open");
    for (int times = 0; times < 3; ++times) EXPECT_EQ(manager_->next(), "WATCHDOG=1");
}

TEST_F(ServiceTest, ASlowDiskIsNoHang) {
    auto disk = LoopFileSystem::make(FileSystemType::Xfs, base::Bytes{512 << 20});
    ASSERT_TRUE(disk) << disk.error().message();
    start(pool("file-reflink", "dir_path = \"" + disk->path().string() + "\"\n"), {}, "400000");
    for (int number = 0; number < many; ++number) ASSERT_EQ(make_directory(vm(number)), ok);
    std::optional<Frozen> frozen(disk->path());
    auto volumes = make_many_volumes();
    const auto asked = wait_for_silence();
    manager_->forget();
    std::vector<std::string> told;
    for (int times = 0; times < 5; ++times) told.push_back(manager_->next());
    frozen.reset();
    EXPECT_EQ(told, std::vector<std::string>(5, "WATCHDOG=1"));
    for (auto& volume : volumes) EXPECT_EQ(volume.get(), ok);
    EXPECT_EQ(end(), 0);
}

TEST_F(ServiceTest, ADaemonThatAnswersNobodyIsNotFed) {
    const auto hook = directory_ / "hook";
    std::ofstream(hook) << "#!/bin/sh\nwhile [ \"$1\" = before ] && [ -e \"$0.hold\" ]; do sleep 0.1; done\n";
    std::ofstream(directory_ / "hook.hold") << "";
    std::filesystem::permissions(hook, std::filesystem::perms(0755));
    start(pool("callback", "callback_driver = \"sim\"\ncallback_steps = \"import\"\ncallback_program = \"" + hook.string() + "\"\n"), {},
          "400000");
    for (int number = 0; number < many; ++number) ASSERT_EQ(make_directory(vm(number)), ok);
    auto volumes = make_many_volumes();
    const auto asked = wait_for_silence();
    manager_->forget();
    const auto told = manager_->next(1s);  // ten looks
    std::filesystem::remove(directory_ / "hook.hold");
    EXPECT_EQ(told, "");
    EXPECT_EQ(manager_->next(), "WATCHDOG=1") << "it goes on when it has recovered in time";
    for (auto& volume : volumes) EXPECT_EQ(volume.get(), ok);
}

// ---- with the rights that contrib/systemd/varvefs@.service leaves

std::vector<std::string> with_rights_of_the_unit() {
    std::ifstream unit(VARVEFS_UNIT);
    std::string bounding = "-all";
    for (std::string line; std::getline(unit, line);) {
        constexpr std::string_view key = "CapabilityBoundingSet=";
        if (!line.starts_with(key)) continue;
        std::istringstream words(line.substr(key.size()));
        for (std::string word; words >> word;) {
            std::ranges::transform(word, word.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
            bounding += ",+" + word.substr(word.find('_') + 1);
        }
    }
    EXPECT_NE(bounding, "-all") << "no CapabilityBoundingSet in " << VARVEFS_UNIT;
    return {"setpriv", "--no-new-privs", "--bounding-set", bounding, "--"};
}

class RightsTest : public ServiceTest {
protected:
    void SetUp() override {
        ServiceTest::SetUp();
        auto disk = LoopFileSystem::make(FileSystemType::Xfs, base::Bytes{512 << 20});
        ASSERT_TRUE(disk) << disk.error().message();
        disk_.emplace(*std::move(disk));
        start(pool("file-reflink", "dir_path = \"" + disk_->path().string() + "\"\n"), with_rights_of_the_unit());
    }
    void TearDown() override {
        if (pid_ > 0) {
            EXPECT_EQ(end(), 0) << log();
        }
        disk_.reset();
        ServiceTest::TearDown();
    }
    std::optional<LoopFileSystem> disk_;
};

TEST_F(RightsTest, EnoughForASession) {
    ASSERT_EQ(make_directory(vm(0)), ok);
    ASSERT_EQ(::chown(vm(0).c_str(), 1234, 1234), 0) << Errno{errno};
    const auto volume = vm(0) / "root.img";
    ASSERT_EQ(write_file(volume, std::string(4096, 'a')), ok);
    const auto ctl = vm(0) / ".varve" / "root" / "ctl";
    ASSERT_EQ(write_file(ctl, "start"), ok) << log();
    const auto device = std::filesystem::read_symlink(vm(0) / ".varve" / "root" / "device");
    std::fstream(device, std::ios::in | std::ios::out).write("b", 1);
    ASSERT_EQ(write_file(ctl, "stop"), ok) << log();
    EXPECT_EQ(read_file(volume).substr(0, 2), "ba");
}

// Without CAP_SYS_PTRACE the kernel says nothing of a dying process of another user.
TEST_F(RightsTest, AKilledWriterOfAnotherUserCommitsNothing) {
    ASSERT_EQ(make_directory(vm(0)), ok);
    const auto volume = vm(0) / "root.img";
    ASSERT_EQ(write_file(volume, std::string(4096, 'a')), ok);
    ASSERT_EQ(::chown(vm(0).c_str(), 1234, 1234), 0) << Errno{errno};
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const base::UniqueFd told(ends[0]);
    base::UniqueFd tells(ends[1]);
    const auto writer = ::fork();
    if (writer == 0) {
        const bool other = ::setgid(1234) == 0 && ::setuid(1234) == 0;
        const int file = other ? ::open(volume.c_str(), O_WRONLY) : -1;
        const char word = file >= 0 && ::write(file, "half", 4) == 4 ? 'y' : 'n';
        (void)!::write(tells.get(), &word, 1);  // the test sees that nothing came
        ::pause();
        ::_exit(0);
    }
    tells.reset();
    char word = 0;
    ASSERT_EQ(::read(told.get(), &word, 1), 1);
    EXPECT_EQ(word, 'y');
    EXPECT_EQ(::kill(writer, SIGKILL), 0);
    EXPECT_EQ(::waitpid(writer, nullptr, 0), writer);
    EXPECT_TRUE(eventually([&] { return read_file(vm(0) / ".varve" / "root" / "state") == "halted\n"; }));
    EXPECT_EQ(read_file(volume).substr(0, 4), "aaaa");
}

}  // namespace
}  // namespace varve::test_support
