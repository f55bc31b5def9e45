// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/posix.h"

#include <gtest/gtest.h>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <ostream>

namespace varve::test_support {
namespace {

Errno from(long result) { return Errno{result < 0 ? errno : 0}; }

}  // namespace

std::ostream& operator<<(std::ostream& out, Errno error) {
    if (error.number == 0) return out << "success";
    const char* name = ::strerrorname_np(error.number);
    return out << (name != nullptr ? name : std::to_string(error.number)) << " (" << ::strerrordesc_np(error.number) << ")";
}

Errno touch_new(const Path& path) { return open_and_close(path, O_CREAT | O_EXCL | O_WRONLY); }

Errno open_and_close(const Path& path, int flags) {
    OpenFile file(path, flags);
    return file.opened() == ok ? file.close() : file.opened();
}

Errno make_directory(const Path& path, mode_t mode) { return from(::mkdir(path.c_str(), mode)); }
Errno remove_directory(const Path& path) { return from(::rmdir(path.c_str())); }
Errno remove_file(const Path& path) { return from(::unlink(path.c_str())); }
Errno rename_path(const Path& from_path, const Path& to, unsigned flags) {
    return from(::renameat2(AT_FDCWD, from_path.c_str(), AT_FDCWD, to.c_str(), flags));
}
Errno link_file(const Path& from_path, const Path& to) { return from(::link(from_path.c_str(), to.c_str())); }
Errno symlink_to(const std::string& target, const Path& link) { return from(::symlink(target.c_str(), link.c_str())); }
Errno truncate_path(const Path& path, off_t size) { return from(::truncate(path.c_str(), size)); }
Errno change_mode(const Path& path, mode_t mode) { return from(::chmod(path.c_str(), mode)); }
Errno change_owner(const Path& path, uid_t uid, gid_t gid) { return from(::lchown(path.c_str(), uid, gid)); }

Errno set_times(const Path& path, timespec modified) {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, modified};
    return from(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
}

Errno stat_error(const Path& path) {
    struct stat status {};
    return from(::lstat(path.c_str(), &status));
}

struct stat stat_of(const Path& path) {
    struct stat status {};
    EXPECT_EQ(from(::lstat(path.c_str(), &status)), ok) << path;
    return status;
}

bool present(const Path& path) { return stat_error(path) == ok; }

std::string link_target_of(const Path& path) {
    std::array<char, 4096> target{};
    const auto length = ::readlink(path.c_str(), target.data(), target.size());
    EXPECT_EQ(from(length), ok) << path;
    return {target.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

std::vector<std::string> list_directory(const Path& path) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    EXPECT_NE(directory, nullptr) << path << ": " << Errno{errno};
    if (!directory) return names;
    errno = 0;
    while (const auto* entry = ::readdir(directory.get())) {
        const std::string name(entry->d_name);
        if (name != "." && name != "..") names.push_back(name);
    }
    EXPECT_EQ(Errno{errno}, ok) << path;
    std::ranges::sort(names);
    return names;
}

std::string read_file(const Path& path) {
    OpenFile file(path, O_RDONLY);
    EXPECT_EQ(file.opened(), ok) << path;
    if (file.opened() != ok) return {};
    std::string content;
    constexpr std::size_t step = 1 << 20;
    for (;;) {
        const auto part = file.read_at(static_cast<off_t>(content.size()), step);
        if (part.empty()) return content;
        content += part;
    }
}

Errno write_file(const Path& path, std::string_view content) {
    OpenFile file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.opened() != ok) return file.opened();
    const auto written = file.write_at(0, content);
    const auto closed = file.close();
    return written == ok ? closed : written;
}

std::string pattern(char mark, std::size_t count) {
    std::string text;
    text.reserve(count + 16);
    while (text.size() < count) {
        std::array<char, 32> cell{};
        (void)std::snprintf(cell.data(), cell.size(), "%c%014zu\n", mark,
                            text.size());  // 16 characters, as volumes are far below 10^14 bytes
        text += cell.data();
    }
    text.resize(count);
    return text;
}

OpenFile::OpenFile(const Path& path, int flags, mode_t mode)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)), error_(from(fd_.get())) {}

Errno OpenFile::write_at(off_t offset, std::string_view data) {
    while (!data.empty()) {
        const auto count = ::pwrite(fd(), data.data(), data.size(), offset);
        if (count < 0) return Errno{errno};
        data.remove_prefix(static_cast<std::size_t>(count));
        offset += count;
    }
    return ok;
}

Errno OpenFile::truncate(off_t size) { return from(::ftruncate(fd(), size)); }
Errno OpenFile::sync() { return from(::fsync(fd())); }

Errno OpenFile::set_times(timespec modified) {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, modified};
    return from(::futimens(fd(), times.data()));
}

std::string OpenFile::read_at(off_t offset, std::size_t count) const {
    std::string data(count, '\0');
    std::size_t done = 0;
    while (done < count) {
        const auto got = ::pread(fd(), data.data() + done, count - done, offset + static_cast<off_t>(done));
        EXPECT_EQ(from(got), ok) << "at " << offset;
        if (got <= 0) break;
        done += static_cast<std::size_t>(got);
    }
    data.resize(done);
    return data;
}

struct stat OpenFile::status() const {
    struct stat status {};
    EXPECT_EQ(from(::fstat(fd(), &status)), ok);
    return status;
}

Errno OpenFile::close() { return from(::close(fd_.release())); }

OpenFile OpenFile::duplicate() const {
    OpenFile copy;
    copy.fd_ = base::UniqueFd(::fcntl(fd(), F_DUPFD_CLOEXEC, 0));
    copy.error_ = from(copy.fd());
    return copy;
}

Child::Child(const std::function<int()>& body) : pid_(::fork()) {
    if (pid_ != 0) {
        EXPECT_EQ(from(pid_), ok);
        return;
    }
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // an orphan would keep the mount busy; cannot fail with a legal signal
    ::_exit(body());
}

Child::~Child() {
    if (pid_ <= 0) return;
    kill(SIGKILL);
    (void)wait();
}

void Child::kill(int signal) const { (void)::kill(pid_, signal); }  // it may have ended already

int Child::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

namespace {

// Messages are a length and so many bytes.
bool send_text(int socket, const std::string& text) {
    const auto length = static_cast<std::uint64_t>(text.size());
    std::string message(reinterpret_cast<const char*>(&length), sizeof length);
    message += text;
    for (std::size_t done = 0; done < message.size();) {
        const auto count = ::send(socket, message.data() + done, message.size() - done, MSG_NOSIGNAL);
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return true;
}

std::optional<std::string> receive_text(int socket) {
    std::uint64_t length = 0;
    if (::recv(socket, &length, sizeof length, MSG_WAITALL) != sizeof length) return std::nullopt;
    std::string text(length, '\0');
    if (length > 0 && ::recv(socket, text.data(), length, MSG_WAITALL) != static_cast<ssize_t>(length)) return std::nullopt;
    return text;
}

std::pair<base::UniqueFd, base::UniqueFd> make_sockets() {
    std::array<int, 2> ends{};
    EXPECT_EQ(from(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data())), ok);
    return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

Errno read_into(const std::string& path, std::string& content) {
    OpenFile file(path, O_RDONLY);
    if (file.opened() != ok) return file.opened();
    content = read_file(path);
    return file.close();
}

}  // namespace

Bystander::Bystander() : Bystander(make_sockets()) {}

Bystander::Bystander(std::pair<base::UniqueFd, base::UniqueFd> sockets)
    : ours_(std::move(sockets.first)), theirs_(std::move(sockets.second)), child_([this] {
          ours_.reset();
          return serve(theirs_.get());
      }) {
    theirs_.reset();
}

// A request is 'r' and a path, 'o' and flags, or 'w' and a content, with blanks between: "o 577 /path", "w /path\ncontent".
int Bystander::serve(int socket) {
    while (const auto request = receive_text(socket)) {
        const auto rest = request->substr(2);
        Errno error;
        std::string content;
        if (request->front() == 'r') error = read_into(rest, content);
        if (request->front() == 'o') error = test_support::open_and_close(rest.substr(rest.find(' ') + 1), std::stoi(rest));
        if (request->front() == 'w') error = test_support::write_file(rest.substr(0, rest.find('\n')), rest.substr(rest.find('\n') + 1));
        if (!send_text(socket, std::to_string(error.number) + " " + content)) return 1;
    }
    return 0;
}

Bystander::Answer Bystander::ask(const std::string& request) const {
    EXPECT_TRUE(send_text(ours_.get(), request));
    const auto answer = receive_text(ours_.get());
    EXPECT_TRUE(answer.has_value()) << "the other program is gone";
    if (!answer) return {Errno{ECHILD}, {}};
    return {Errno{std::stoi(*answer)}, answer->substr(answer->find(' ') + 1)};
}

std::string Bystander::read(const Path& path) const {
    const auto answer = ask("r " + path.string());
    EXPECT_EQ(answer.error, ok) << "in another program: " << path;
    return answer.content;
}

Errno Bystander::open_and_close(const Path& path, int flags) const { return ask("o " + std::to_string(flags) + " " + path.string()).error; }
Errno Bystander::write_file(const Path& path, const std::string& content) const { return ask("w " + path.string() + "\n" + content).error; }

Gate::Gate() {
    std::array<int, 2> ends{};
    EXPECT_EQ(from(::pipe2(ends.data(), O_CLOEXEC)), ok);
    read_ = base::UniqueFd(ends[0]);
    write_ = base::UniqueFd(ends[1]);
}

void Gate::open() const { EXPECT_EQ(::write(write_.get(), "x", 1), 1); }

bool Gate::wait() const {
    pollfd watched{read_.get(), POLLIN, 0};
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
    if (::poll(&watched, 1, static_cast<int>(milliseconds)) != 1) return false;
    char byte = 0;
    return ::read(read_.get(), &byte, 1) == 1;
}

int as_user(uid_t uid, gid_t gid, const std::function<int()>& body) {
    Child child([&] {
        if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) return 125;
        return body();
    });
    return child.wait();
}

}  // namespace varve::test_support
