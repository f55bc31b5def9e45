// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/mount_fixture.h"

#include "drivers/base/timestamp.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace varve::test_support {
namespace {

using nlohmann::json;

constexpr base::Bytes filesystem_size{2ULL << 30};

LoopFileSystem make_filesystem(FileSystemType type) {
    auto made = LoopFileSystem::make(type, filesystem_size);
    if (!made) throw std::runtime_error(made.error().message());
    return *std::move(made);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::string describe_file(const Path& path) {
    std::ostringstream text;
    const auto status = stat_of(path);
    text << path.filename() << " mode " << std::oct << status.st_mode << std::dec << " owner " << status.st_uid << ':' << status.st_gid
         << " size " << status.st_size << " ino " << status.st_ino << " mtime " << status.st_mtim.tv_sec << '.' << status.st_mtim.tv_nsec
         << " ctime " << status.st_ctim.tv_sec << '.' << status.st_ctim.tv_nsec;
    if (S_ISLNK(status.st_mode)) text << " -> " << link_target_of(path);
    if (S_ISREG(status.st_mode) && status.st_size <= (8 << 20)) {
        const auto readable = open_and_close(path, O_RDONLY);  // a volume that runs without a snapshot layer is not
        text << " content " << readable << ' ' << (readable == ok ? std::hash<std::string>{}(read_file(path)) : 0);
    }
    return text.str() + "\n";
}

}  // namespace

std::string Reply::at(const std::string& pointer) const {
    const auto parsed = json::parse(text, nullptr, false);
    const json::json_pointer where(pointer);
    if (parsed.is_discarded() || !parsed.contains(where)) return "";
    const auto& value = parsed.at(where);
    return value.is_string() ? value.get<std::string>() : value.dump();
}

Reply send_command(const Path& ctl, const std::string& command) {
    OpenFile file(ctl, O_RDWR);
    if (file.opened() != ok) return {file.opened(), {}};
    const auto written = ::write(file.fd(), command.data(), command.size());
    Reply reply{Errno{written < 0 ? errno : 0}, {}};
    std::array<char, 65536> buffer{};
    for (ssize_t count = 0; (count = ::read(file.fd(), buffer.data(), buffer.size())) > 0;)
        reply.text.append(buffer.data(), static_cast<std::size_t>(count));
    return reply;
}

std::string control_value(const Path& file) {
    auto text = read_file(file);
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

Errno set_value(const Path& file, const std::string& value) {
    OpenFile open_file(file, O_WRONLY);
    if (open_file.opened() != ok) return open_file.opened();
    const auto written = ::write(open_file.fd(), value.data(), value.size());
    return Errno{written < 0 ? errno : 0};
}

Stage::Stage(FileSystemType type, const std::string& driver, Path directory, bool passthrough)
    : directory_(std::move(directory)), passthrough_(passthrough), filesystem_(make_filesystem(type)) {
    const auto& top = filesystem_.path();
    daemon_ = std::make_unique<VarveDaemon>(DaemonSettings{directory_ / "shared",
                                                           {{"fast", top / "fast", 1, driver}, {"other", top / "other", 1, driver}},
                                                           "24h",
                                                           passthrough});
}

Stage::~Stage() {
    daemon_.reset();
    std::error_code ignored;  // leftovers in a temporary directory hurt nobody
    std::filesystem::remove_all(directory_, ignored);
}

void Stage::ensure_running() {
    if (!daemon_->running()) (void)daemon_->start();  // fails the test by itself
}

int run_mount_tests(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    const std::set<std::string_view> options(argv + 1, argv + argc);
    auto type = FileSystemType::Xfs;
    if (options.contains("--filesystem=btrfs")) type = FileSystemType::Btrfs;
    if (options.contains("--filesystem=ext4")) type = FileSystemType::Ext4;
    const std::string driver = options.contains("--driver=file") ? "file" : "file-reflink";
    const bool passthrough = !options.contains("--passthrough=off");
    if (const auto entered = enter_private_mounts(); !entered) {
        std::cerr << "the mount's tests need root: " << entered.error().message() << "\n";
        return 1;
    }
    auto directory = (std::filesystem::temp_directory_path() / "varve-mount-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr || ::chmod(directory.c_str(), 0755) != 0) return 1;
    Stage stage(type, driver, directory, passthrough);
    MountTest::use(&stage);
    return RUN_ALL_TESTS();
}

void MountTest::SetUp() {
    bystander_ = std::make_unique<Bystander>();
    stage_->ensure_running();
    ASSERT_FALSE(HasFatalFailure());
    another_vm();
}

void MountTest::TearDown() {
    if (HasFailure() && !daemon().running()) std::cerr << "varvefs is dead; its log ends:\n" << daemon().log_tail() << "\n";
}

std::string MountTest::another_vm(const std::string& pool_name) {
    auto name = stage_->fresh_name();
    EXPECT_EQ(make_directory(pool(pool_name) / name), ok);
    watched_.push_back(pool(pool_name) / name);
    vms_.push_back(name);
    return name;
}

Path MountTest::revision(const std::string& volume, std::int64_t seconds) const { return at(volume + ".img@" + base::iso_utc(seconds)); }

Errno MountTest::make_state(const Path& path, std::string_view content, std::int64_t seconds) const {
    OpenFile file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.opened() != ok) return file.opened();
    if (const auto written = file.write_at(0, content); written != ok) return written;
    if (const auto timed = file.set_times({seconds, 0}); timed != ok) return timed;
    return file.close();
}

std::string MountTest::value(const std::string& volume, const std::string& file) const { return control_value(control(volume, file)); }
Reply MountTest::command(const std::string& volume, const std::string& command) const {
    return send_command(control(volume, "ctl"), command);
}
Reply MountTest::vm_command(const std::string& command) const { return send_command(vm_path() / ".varve" / "ctl", command); }

void MountTest::must(const std::string& volume, const std::string& text) const {
    const auto reply = command(volume, text);
    EXPECT_EQ(reply.error, ok) << text << ": " << reply.text;
    EXPECT_EQ(reply.at("/ok"), "true") << reply.text;
}

void MountTest::guest_write(const std::string& volume, off_t offset, std::string_view data) const {
    OpenFile device(control(volume, "device"), O_RDWR);
    ASSERT_EQ(device.opened(), ok);
    EXPECT_EQ(device.write_at(offset, data), ok);
    EXPECT_EQ(device.sync(), ok);
}

std::vector<Complaint> MountTest::complaints() const {
    std::vector<Complaint> all;
    for (const auto& line : lines_of(read_file(mount() / ".varve" / "errors"))) {
        const auto entry = json::parse(line, nullptr, false);
        EXPECT_FALSE(entry.is_discarded()) << "not JSON: " << line;
        if (entry.is_discarded()) continue;
        all.push_back({entry.value("pid", 0), entry.value("uid", 0U), entry.value("operation", ""), entry.value("path", ""),
                       Errno{entry.value("errno", 0)}, entry.value("name", ""), entry.value("message", "")});
        EXPECT_TRUE(base::parse_iso_utc(entry.value("time", ""))) << line;
        EXPECT_FALSE(entry.value("code", "").empty()) << line;
    }
    return all;
}

std::string MountTest::picture() const {
    std::string text;
    for (const auto& directory : watched_) {
        if (!present(directory)) continue;
        for (const auto& name : list_directory(directory)) text += describe_file(directory / name);
    }
    return text;
}

void MountTest::expect_refused(int number, const char* expression, const std::function<Errno()>& operation, Told told) const {
    SCOPED_TRACE(expression);
    const auto before = picture();
    const auto heard = complaints().size();
    EXPECT_EQ(operation(), Errno{number});
    EXPECT_EQ(picture(), before) << "a refused operation has changed something";
    if (told == Told::ByTheKernel) return;
    const auto said = complaints();
    // The window holds 1,000; a process's tests stay far below it.
    const bool reason =
        std::any_of(said.begin() + static_cast<std::ptrdiff_t>(std::min(heard, said.size())), said.end(), [&](const Complaint& complaint) {
            const bool ours = complaint.pid == ::getpid() || complaint.pid == bystander_->pid();
            return ours && complaint.error == Errno{number} && complaint.message.find(' ') != std::string::npos &&
                   !complaint.operation.empty() && !complaint.path.empty() && complaint.name == ::strerrorname_np(number);
        });
    EXPECT_TRUE(reason) << ".varve/errors has no sentence for it (" << said.size() - heard << " new lines)";
}

}  // namespace varve::test_support
