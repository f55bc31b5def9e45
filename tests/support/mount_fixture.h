// SPDX-License-Identifier: LGPL-2.1-or-later
// A mounted Varve with two pools, shared by the tests of one process; each test works in VM directories of its own.
#pragma once

#include "tests/support/loop_filesystem.h"
#include "tests/support/posix.h"
#include "tests/support/varve_daemon.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::test_support {

// A line of `.varve/errors`.
struct Complaint {
    pid_t pid = 0;
    uid_t uid = 0;
    std::string operation;
    std::string path;
    Errno error;
    std::string name;
    std::string message;
};

// What a command answered: write(2)'s errno, and the JSON that a read on the same descriptor gave.
struct Reply {
    Errno error;
    std::string text;
    // The value at a JSON pointer ("/result/device"): strings as they are, other values as JSON, "" when absent.
    [[nodiscard]] std::string at(const std::string& pointer) const;
};

// The file system, the daemon and the directories of one test process. Made by run_mount_tests.
class Stage {
public:
    Stage(FileSystemType type, const std::string& driver, Path directory, bool passthrough);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // Starts the shared daemon again when a test has left it dead.
    void ensure_running();
    [[nodiscard]] VarveDaemon& daemon() { return *daemon_; }
    [[nodiscard]] const Path& backing() const { return filesystem_.path(); }
    [[nodiscard]] Path directory() const { return directory_; }
    // Whether kernel passthrough is wanted in this run.
    [[nodiscard]] bool passthrough() const { return passthrough_; }
    [[nodiscard]] std::string fresh_name() { return "vm" + std::to_string(++names_); }

private:
    Path directory_;
    bool passthrough_;
    LoopFileSystem filesystem_;
    std::unique_ptr<VarveDaemon> daemon_;
    int names_ = 0;
};

// main() of the mount's test programs: takes --filesystem=xfs|btrfs|ext4, --driver=file-reflink|file and --passthrough=on|off.
[[nodiscard]] int run_mount_tests(int argc, char** argv);

class MountTest : public ::testing::Test {
public:
    static void use(Stage* stage) { stage_ = stage; }

protected:
    void SetUp() override;
    void TearDown() override;

    [[nodiscard]] static Stage& stage() { return *stage_; }
    [[nodiscard]] VarveDaemon& daemon() const { return stage_->daemon(); }
    // A program that was started before the test opened anything.
    [[nodiscard]] Bystander& bystander() const { return *bystander_; }

    // ---- places
    [[nodiscard]] Path mount() const { return daemon().mountpoint(); }
    [[nodiscard]] Path pool(const std::string& name = "fast") const { return mount() / "pools" / name; }
    [[nodiscard]] const std::string& vm() const { return vms_.front(); }
    [[nodiscard]] Path vm_path() const { return pool() / vm(); }
    [[nodiscard]] Path at(const std::string& name) const { return vm_path() / name; }
    // "data", 1500000000 -> .../data.img@2017-07-14T02:40:00Z
    [[nodiscard]] Path revision(const std::string& volume, std::int64_t seconds) const;
    [[nodiscard]] Path control(const std::string& volume, const std::string& file) const { return vm_path() / ".varve" / volume / file; }
    // Where the pool's driver keeps a VM.
    [[nodiscard]] Path backing(const std::string& vm) const { return stage_->backing() / "fast" / "appvms" / vm; }
    // Makes another VM directory, and counts it among those that refused operations must not change.
    std::string another_vm(const std::string& pool = "fast");

    // ---- volumes
    // One transaction that gives the volume this content and its state this time.
    [[nodiscard]] Errno make_state(const Path& path, std::string_view content, std::int64_t seconds) const;
    [[nodiscard]] std::string value(const std::string& volume, const std::string& file) const;
    [[nodiscard]] Reply command(const std::string& volume, const std::string& command) const;
    [[nodiscard]] Reply vm_command(const std::string& command) const;
    // `command`, which must succeed.
    void must(const std::string& volume, const std::string& command) const;
    // Writes to a started volume as its VM would.
    void guest_write(const std::string& volume, off_t offset, std::string_view data) const;
    [[nodiscard]] std::vector<std::string> names() const { return list_directory(vm_path()); }

    // ---- refusals
    [[nodiscard]] std::vector<Complaint> complaints() const;
    enum class Told { Yes, ByTheKernel };  // ByTheKernel: refused before varvefs hears of it, so that it cannot say why
    void expect_refused(int number, const char* expression, const std::function<Errno()>& operation, Told told) const;

private:
    [[nodiscard]] std::string picture() const;

    static inline Stage* stage_ = nullptr;
    std::unique_ptr<Bystander> bystander_;
    std::vector<std::string> vms_;
    std::vector<Path> watched_;
};

// Writes one command to a ctl file and reads its reply.
[[nodiscard]] Reply send_command(const Path& ctl, const std::string& command);
// A control file's value, without its newline.
[[nodiscard]] std::string control_value(const Path& file);
// Writes a control value in one write(2).
[[nodiscard]] Errno set_value(const Path& file, const std::string& value);

}  // namespace varve::test_support

// The operation fails with exactly this errno, changes nothing that the tree shows, and `.varve/errors` says why.
#define EXPECT_REFUSED(number, operation)                                \
    do {                                                                 \
        SCOPED_TRACE("refused here");                                    \
        expect_refused(                                                  \
            number, #operation, [&] { return (operation); }, Told::Yes); \
    } while (false)

// The same for what the kernel refuses before varvefs hears of it.
#define EXPECT_REFUSED_BY_KERNEL(number, operation)                              \
    do {                                                                         \
        SCOPED_TRACE("refused here");                                            \
        expect_refused(                                                          \
            number, #operation, [&] { return (operation); }, Told::ByTheKernel); \
    } while (false)
