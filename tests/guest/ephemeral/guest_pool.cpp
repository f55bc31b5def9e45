// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/ephemeral/guest_pool.h"

#include "drivers/file_reflink/file_reflink.h"
#include "drivers/kernel/boot_id.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's, not C's
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace varve::ephemeral_guest_test {
namespace {

using base::Result;

// Mounted when first used, once in a process.
const std::filesystem::path& filesystem() {
    static const auto xfs = test_support::LoopFileSystem::make(test_support::FileSystemType::Xfs, {512 * mib});
    static const std::filesystem::path nowhere = "/nowhere";
    EXPECT_TRUE(succeeded(xfs));
    return xfs ? xfs->path() : nowhere;
}

struct Free {
    void operator()(void* memory) const { std::free(memory); }  // NOLINT: what aligned_alloc gives
};

std::unique_ptr<char, Free> aligned(std::uint64_t length) {
    constexpr std::size_t block = 4096;
    return std::unique_ptr<char, Free>(static_cast<char*>(std::aligned_alloc(block, length)));
}

base::UniqueFd open_direct(const std::filesystem::path& path, int access) {
    base::UniqueFd fd(::open(path.c_str(), access | O_DIRECT | O_CLOEXEC));
    EXPECT_TRUE(fd.valid()) << path << ": " << std::strerror(errno);
    return fd;
}

}  // namespace

base::VolumePath Process::volume() { return {base::VmName::parse("work").value(), base::VolumeName::parse("volatile").value()}; }

Process::Process(const std::filesystem::path& directory, Ports& ports)
    : log_(std::make_shared<spdlog::logger>("guest", std::make_shared<spdlog::sinks::null_sink_mt>())) {
    const auto name = base::PoolName::parse("pool").value();
    const auto boot = kernel::read_boot_id();
    auto inner = file_reflink::open({.name = name, .dir_path = directory}, files_, ids_, clock_, *log_, boot.value());
    EXPECT_TRUE(succeeded(inner));
    const ephemeral::Settings settings{name, ephemeral::pool_identity("file-reflink", directory.string())};
    const ephemeral::Kernel kernel{ports.mapper, ports.loops, *ports.keyring, *ports.blocks};
    pool_ = ephemeral::with_ephemeral_volumes(*std::move(inner), settings, kernel, clock_, *log_);
    EXPECT_TRUE(succeeded(pool_->recover()));
    const auto loaded = pool_->load_vm(volume().vm);
    if (!loaded) return;
    if (const auto found = loaded->volumes.find(volume().volume); found != loaded->volumes.end()) view_ = *found->second;
}

Process::~Process() = default;

void Process::need_volume(base::Bytes size) {
    if (view_) return;
    EXPECT_TRUE(pool_->capabilities().ephemeral) << pool_->capabilities().why_not_ephemeral;
    (void)pool_->create_vm(volume().vm, {});  // there may be one already
    api::VolumeConfig config;
    config.kind = api::Volatile{};
    config.size = size;
    config.ephemeral = true;
    EXPECT_TRUE(succeeded(execute(api::Create{config})));
}

Result<> Process::execute(const api::Command& command) {
    auto after = pool_->execute(volume(), view_ ? &*view_ : nullptr, command);
    if (!after) {
        view_ = pool_->load_volume(volume(), view_ ? &*view_ : nullptr).value();
        return base::Failure(after.error());
    }
    view_ = *std::move(after);
    return {};
}

bool Process::started() const { return view_ && view_->session && view_->session->phase == api::Session::Phase::Started; }

void Ephemeral::SetUp() {
    auto text = (filesystem() / "pool-XXXXXX").string();
    ASSERT_NE(::mkdtemp(text.data()), nullptr) << std::strerror(errno);
    directory_ = text;
    loops_before_ = ports_.loops.list().value();
    identity_ = ephemeral::pool_identity("file-reflink", text);
    ready_ = "varve-" + identity_ + "-crypt-work-volatile";
}

void Ephemeral::TearDown() {
    // A test may end with its VM running.
    for (const auto& name : devices()) EXPECT_TRUE(succeeded(ports_.mapper.remove(kernel::DmName::parse(name).value(), nullptr)));
    for (const auto& loop : new_loops()) EXPECT_TRUE(succeeded(ports_.loops.detach(loop)));
    EXPECT_TRUE(succeeded(ports_.own_keyring.remove(key_name())));
}

int Ephemeral::killed_after(const std::function<void(Process&)>& work) {
    const auto child = ::fork();
    if (child == 0) {
        Ports own;
        own.keyring = ports_.keyring == &ports_.own_keyring ? &own.own_keyring : ports_.keyring;
        own.blocks = ports_.blocks == &ports_.own_blocks ? &own.own_blocks : ports_.blocks;
        Process process(directory_, own);
        work(process);
        (void)::kill(::getpid(), SIGKILL);
        ::_exit(1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<std::string> Ephemeral::devices() const {
    std::vector<std::string> names;
    const auto found = ports_.mapper.list(kernel::pool_uuid_prefix(identity_));
    EXPECT_TRUE(succeeded(found));
    if (found)
        for (const auto& device : *found) names.push_back(device.name);
    return names;
}

std::vector<kernel::LoopDevice> Ephemeral::new_loops() const {
    const auto loops = ports_.loops.list();
    EXPECT_TRUE(succeeded(loops));
    auto found = loops.value_or(std::vector<kernel::LoopDevice>{});
    std::erase_if(found, [&](const auto& loop) { return std::ranges::find(loops_before_, loop) != loops_before_.end(); });
    return found;
}

bool Ephemeral::key_there() {
    const auto held = kernel::HeldKey::hold(ports_.own_keyring, key_name());
    if (!held) {
        EXPECT_EQ(held.error().code, base::Errc::NotFound) << held.error().message();
    }
    return held.has_value();
}

void Ephemeral::expect_nothing_left() {
    EXPECT_EQ(devices(), std::vector<std::string>{});
    EXPECT_TRUE(new_loops().empty()) << new_loops().front().path();
    EXPECT_FALSE(key_there());
}

void write_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length, char letter) {
    const auto fd = open_direct(device, O_RDWR);
    const auto data = aligned(length);
    std::memset(data.get(), letter, length);
    EXPECT_EQ(::pwrite(fd.get(), data.get(), length, static_cast<off_t>(offset)), static_cast<ssize_t>(length)) << std::strerror(errno);
    EXPECT_EQ(::fsync(fd.get()), 0);
}

std::string read_at(const std::filesystem::path& device, std::uint64_t offset, std::uint64_t length) {
    const auto fd = open_direct(device, O_RDONLY);
    const auto data = aligned(length);
    std::memset(data.get(), '?', length);
    EXPECT_EQ(::pread(fd.get(), data.get(), length, static_cast<off_t>(offset)), static_cast<ssize_t>(length)) << std::strerror(errno);
    return {data.get(), length};
}

std::string read_file(const std::filesystem::path& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

std::uint64_t allocated(const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << std::strerror(errno);
    return static_cast<std::uint64_t>(status.st_blocks) * base::sector_size;
}

std::uint64_t size_of(const std::filesystem::path& device) {
    const base::UniqueFd fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
    return static_cast<std::uint64_t>(::lseek(fd.get(), 0, SEEK_END));
}

}  // namespace varve::ephemeral_guest_test
