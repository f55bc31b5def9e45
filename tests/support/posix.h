// SPDX-License-Identifier: LGPL-2.1-or-later
// System calls as test expressions: each gives its errno, which failures print by name.
#pragma once

#include "drivers/base/unique_fd.h"
#include "tests/support/waiting.h"

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::test_support {

using Path = std::filesystem::path;

// 0 is success.
struct Errno {
    int number = 0;
    friend bool operator==(Errno, Errno) = default;
};
inline constexpr Errno ok{0};
std::ostream& operator<<(std::ostream& out, Errno error);  // "EBUSY (Device or resource busy)"

// One call each, nothing more.
[[nodiscard]] Errno touch_new(const Path& path);  // open(O_CREAT|O_EXCL|O_WRONLY), close
[[nodiscard]] Errno open_and_close(const Path& path, int flags);
[[nodiscard]] Errno make_directory(const Path& path, mode_t mode = 0755);
[[nodiscard]] Errno remove_directory(const Path& path);
[[nodiscard]] Errno remove_file(const Path& path);
[[nodiscard]] Errno rename_path(const Path& from, const Path& to, unsigned flags = 0);
[[nodiscard]] Errno link_file(const Path& from, const Path& to);
[[nodiscard]] Errno symlink_to(const std::string& target, const Path& link);
[[nodiscard]] Errno truncate_path(const Path& path, off_t size);
[[nodiscard]] Errno change_mode(const Path& path, mode_t mode);
[[nodiscard]] Errno change_owner(const Path& path, uid_t uid, gid_t gid);
[[nodiscard]] Errno set_times(const Path& path, timespec modified);
[[nodiscard]] Errno stat_error(const Path& path);  // lstat

// lstat; fails the test when there is nothing.
[[nodiscard]] struct stat stat_of(const Path& path);
[[nodiscard]] bool present(const Path& path);
[[nodiscard]] std::string link_target_of(const Path& path);
// Names without "." and "..", sorted.
[[nodiscard]] std::vector<std::string> list_directory(const Path& path);

// The whole content; fails the test when it cannot be read.
[[nodiscard]] std::string read_file(const Path& path);
// open(O_WRONLY|O_CREAT|O_TRUNC), write, close: the first errno of them.
[[nodiscard]] Errno write_file(const Path& path, std::string_view content);
// `count` bytes that tell where they stand and what they belong to: mixtures of two patterns are seen.
[[nodiscard]] std::string pattern(char mark, std::size_t count);

// An open file; each call gives its errno. Closed by the destructor when the test has not.
class OpenFile {
public:
    OpenFile(const Path& path, int flags, mode_t mode = 0644);
    [[nodiscard]] Errno opened() const { return error_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] Errno write_at(off_t offset, std::string_view data);
    [[nodiscard]] Errno truncate(off_t size);
    [[nodiscard]] Errno sync();
    [[nodiscard]] Errno set_times(timespec modified);
    // What is there; shorter at the end of the file. Fails the test on an error.
    [[nodiscard]] std::string read_at(off_t offset, std::size_t count) const;
    [[nodiscard]] struct stat status() const;
    [[nodiscard]] Errno close();
    [[nodiscard]] OpenFile duplicate() const;

private:
    OpenFile() = default;
    base::UniqueFd fd_;
    Errno error_;
};

// A forked process that runs `body` and exits with what it returns; killed by the destructor when it still runs.
class Child {
public:
    explicit Child(const std::function<int()>& body);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    [[nodiscard]] pid_t pid() const { return pid_; }
    void kill(int signal) const;
    // The exit status, or -signal.
    int wait();

private:
    pid_t pid_ = -1;
};

// Another program, started before this one opened anything: a later fork would inherit open descriptors, and their closing at its end (or
// at its exec) is a FLUSH, which commits.
class Bystander {
public:
    Bystander();
    // What a program that has nothing to do with this one reads there; fails the test when it cannot.
    [[nodiscard]] std::string read(const Path& path) const;
    // Opens it there and closes it again.
    [[nodiscard]] Errno open_and_close(const Path& path, int flags) const;
    [[nodiscard]] Errno write_file(const Path& path, const std::string& content) const;
    [[nodiscard]] pid_t pid() const { return child_.pid(); }

private:
    struct Answer {
        Errno error;
        std::string content;
    };
    explicit Bystander(std::pair<base::UniqueFd, base::UniqueFd> sockets);
    [[nodiscard]] Answer ask(const std::string& request) const;
    static int serve(int socket);

    base::UniqueFd ours_;
    base::UniqueFd theirs_;
    Child child_;
};

// Lets one process wait for another: whoever waits() returns when open() is called.
class Gate {
public:
    Gate();
    void open() const;
    // false when it was not opened within ten seconds.
    [[nodiscard]] bool wait() const;

private:
    base::UniqueFd read_;
    base::UniqueFd write_;
};

// Runs `body` in a child with this user and group and no others; its exit status.
[[nodiscard]] int as_user(uid_t uid, gid_t gid, const std::function<int()>& body);

}  // namespace varve::test_support
