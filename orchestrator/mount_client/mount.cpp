// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/mount.h"

#include "fs/protocol/command_words.h"
#include "fs/protocol/names.h"
#include "orchestrator/mount_client/error_log.h"
#include "orchestrator/mount_client/files.h"
#include "orchestrator/mount_client/reference.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <ctime>
#include <filesystem>

namespace varve::mount_client {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Failure;
using base::Result;
using base::UniqueFd;

// An operation is noted before its errno is returned, so its line is at most as old as the longest single operation.
constexpr std::int64_t longest_operation_seconds = 3600;

std::string within(const Mount& mount, const std::string& relative) { return "'" + mount.path() + "/" + relative + "'"; }

std::string without_newline(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

// The whole of a short text in one write(2): a ctl file takes each write for a command of its own.
Result<> write_once(int fd, std::string_view text) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0) return fail_errno(errno, "");
    if (static_cast<std::size_t>(count) != text.size()) return fail(Errc::Io, "only a part of the text was taken");
    return {};
}

Failure dead_mount(const std::string& path) {
    return fail(Errc::NotFound, "varvefs no longer answers at '" + path + "': unmount it with 'umount -l' and start varvefs again");
}

Reply plain_success(std::span<const std::string> words, std::string_view subject) {
    Reply reply;
    reply.ok = true;
    reply.command = words.empty() ? "" : words.front();
    reply.subject = subject;
    return reply;
}

}  // namespace

Result<Mount> Mount::open(const std::string& directory) {
    std::error_code error;
    auto path = std::filesystem::canonical(directory, error);
    if (error == std::errc::not_connected) return dead_mount(directory);
    if (error) return Failure(base::error_from_errno(error.value(), "cannot reach the mount '" + directory + "'"));
    UniqueFd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid() && errno == ENOTCONN) return dead_mount(path.string());
    if (!root.valid()) return fail_errno(errno, "cannot open the mount '" + path.string() + "'");
    Mount mount(std::move(root), path.string());
    const auto version = mount.value(root_control(protocol::root_file::version));
    if (!version && version.error().cause == std::errc::not_connected) return dead_mount(path.string());
    if (!version || !version->starts_with("varve "))
        return fail(Errc::NotFound, "'" + path.string() + "' is not the root of a mounted Varve file system");
    return mount;
}

Result<std::string> Mount::value(const std::string& file, std::size_t limit) const {
    return without_newline(TRY(read_text(root_.get(), file, limit)));
}

Result<> Mount::set_value(const std::string& file, std::string_view value) const {
    const UniqueFd fd(::openat(root_.get(), file.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return Failure(explain("open", errno, "cannot open " + within(*this, file)));
    const auto written = write_once(fd.get(), std::string(value) + "\n");
    if (!written) return Failure(explain("write", written.error().cause.value(), "cannot write " + within(*this, file)));
    return {};
}

Result<std::vector<std::string>> Mount::list(const std::string& directory) const { return list_names(root_.get(), directory); }

Result<std::string> Mount::link_target(const std::string& link) const {
    std::array<char, PATH_MAX> target{};
    const auto length = ::readlinkat(root_.get(), link.c_str(), target.data(), target.size());
    if (length < 0) return fail_errno(errno, "cannot read the link " + within(*this, link));
    return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<bool> Mount::exists(const std::string& file) const {
    struct stat status {};
    if (::fstatat(root_.get(), file.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (errno == ENOENT) return false;
    return fail_errno(errno, "cannot look at " + within(*this, file));
}

Result<Reply> Mount::command(const std::string& ctl, std::string_view subject, std::span<const std::string> words) const {
    const auto text = TRY(protocol::join_command(words));
    const UniqueFd fd(::openat(root_.get(), ctl.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) {
        if (errno == ENOENT) return fail(Errc::NotFound, std::string(subject) + " does not exist");
        return Failure(explain("open", errno, "cannot open " + within(*this, ctl)));
    }
    const auto written = write_once(fd.get(), text);
    const auto answer = read_to_end(fd.get());
    auto reply = answer ? parse_reply(*answer) : Result<Reply>(fail(Errc::Corrupt, "the reply cannot be read"));
    // The write's own outcome is the truth; the reply says more about it.
    if (written) return reply ? std::move(*reply) : plain_success(words, subject);
    if (reply && !reply->ok) return std::move(*reply);
    return Failure(explain("write", written.error().cause.value(), "'" + words.front() + "' failed for " + std::string(subject)));
}

Result<UniqueFd> Mount::open_for_reading(const std::string& file) const {
    UniqueFd fd(::openat(root_.get(), file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return Failure(explain("open", errno, "cannot open " + within(*this, file)));
    return fd;
}

Result<UniqueFd> Mount::create_new(const std::string& file) const {
    UniqueFd fd(::openat(root_.get(), file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return Failure(explain("create", errno, "cannot create " + within(*this, file)));
    return fd;
}

Result<> Mount::link(const std::string& from, const std::string& to) const {
    if (::linkat(root_.get(), from.c_str(), root_.get(), to.c_str(), 0) == 0) return {};
    return Failure(explain("link", errno, "cannot make " + within(*this, to)));
}

Result<> Mount::unlink(const std::string& file) const {
    if (::unlinkat(root_.get(), file.c_str(), 0) == 0) return {};
    return Failure(explain("unlink", errno, "cannot remove " + within(*this, file)));
}

Result<> Mount::make_directory(const std::string& directory) const {
    if (::mkdirat(root_.get(), directory.c_str(), 0777) == 0) return {};
    return Failure(explain("mkdir", errno, "cannot create " + within(*this, directory)));
}

Result<> Mount::remove_directory(const std::string& directory) const {
    if (::unlinkat(root_.get(), directory.c_str(), AT_REMOVEDIR) == 0) return {};
    return Failure(explain("rmdir", errno, "cannot remove " + within(*this, directory)));
}

Result<> Mount::rename(const std::string& from, const std::string& to, Replace replace) const {
    const unsigned flags = replace == Replace::Yes ? 0 : RENAME_NOREPLACE;
    if (::renameat2(root_.get(), from.c_str(), root_.get(), to.c_str(), flags) == 0) return {};
    return Failure(explain("rename", errno, "cannot rename " + within(*this, from) + " to " + within(*this, to)));
}

Result<> Mount::copy_owner_and_mode(const std::string& from, const std::string& to) const {
    struct stat wanted {};
    struct stat present {};
    if (::fstatat(root_.get(), from.c_str(), &wanted, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_errno(errno, "cannot look at " + within(*this, from));
    if (::fstatat(root_.get(), to.c_str(), &present, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_errno(errno, "cannot look at " + within(*this, to));
    if ((wanted.st_uid != present.st_uid || wanted.st_gid != present.st_gid) &&
        ::fchownat(root_.get(), to.c_str(), wanted.st_uid, wanted.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
        return Failure(explain("chown", errno, "cannot give away " + within(*this, to)));
    constexpr mode_t permissions = 07777;
    if (((wanted.st_mode ^ present.st_mode) & permissions) != 0 &&
        ::fchmodat(root_.get(), to.c_str(), wanted.st_mode & permissions, 0) != 0)
        return Failure(explain("chmod", errno, "cannot set the mode of " + within(*this, to)));
    return {};
}

base::Error Mount::explain(std::string_view operation, int number, std::string what) const {
    const auto log = read_text(root_.get(), root_control(protocol::root_file::errors));
    const auto since = static_cast<std::int64_t>(::time(nullptr)) - longest_operation_seconds;
    if (log)
        if (auto reason = logged_reason(*log, {::getpid(), operation, number, since})) return std::move(*reason);
    // Permissions are the kernel's to check: nobody else says what to do.
    if (number == EACCES || number == EPERM) return {Errc::Denied, {}, what + ": permission denied; only root and the owner may do it"};
    return base::error_from_errno(number, std::move(what));
}

}  // namespace varve::mount_client
