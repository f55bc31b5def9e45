// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver linux-kernel: what the interface demands of one that only reads. The suites of the other drivers begin with a volume that is made.
#include "drivers/linux_kernel/linux_kernel.h"
#include "drivers/kernel/posix_filesystem.h"
#include "tests/contract/contract_test.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace varve::contract {
namespace {

using base::Errc;

base::VmName kernel_name(std::string_view text) { return base::parse_place(text).value(); }

class LinuxKernel : public testing::Test {
protected:
    void SetUp() override {
        auto directory = (std::filesystem::temp_directory_path() / "varve-kernels-XXXXXX").string();
        ASSERT_NE(::mkdtemp(directory.data()), nullptr);
        top_ = directory;
        add_kernel("6.6.42-1.fc37");
        add_kernel("6.1.0-18-amd64");
        open();
    }
    void TearDown() override {
        std::filesystem::permissions(top_, std::filesystem::perms::owner_all);
        std::filesystem::remove_all(top_);
    }

    void add_kernel(const std::string& version) const {
        std::filesystem::create_directory(top_ / version);
        put(version, "vmlinuz", "kernel " + version);
        put(version, "initramfs", "initial files");
        put(version, "modules.img", std::string(1024, 'm'));
    }
    void put(const std::string& version, const std::string& file, const std::string& content) const {
        std::ofstream(top_ / version / file) << content;
    }
    void open() {
        pool_ = linux_kernel::open({base::PoolName::parse("kernels").value(), top_}, files_, ids_, log_).value();
        ASSERT_TRUE(succeeded(pool_->recover()));
    }
    [[nodiscard]] api::VmView load(std::string_view version = "6.6.42-1.fc37") const {
        auto loaded = pool_->load_vm(kernel_name(version));
        EXPECT_TRUE(succeeded(loaded));
        return loaded.value_or(api::VmView{});
    }
    [[nodiscard]] api::VolumeView view(std::string_view volume) const {
        return *load().volumes.at(base::VolumeName::parse(volume).value());
    }
    static base::VolumePath path(std::string_view volume) {
        return {kernel_name("6.6.42-1.fc37"), base::VolumeName::parse(volume).value()};
    }
    [[nodiscard]] std::vector<std::string> versions() const {
        std::vector<std::string> names;
        const auto kernels = pool_->list_vms().value();
        names.reserve(kernels.size());
        for (const auto& name : kernels) names.push_back(name.str());
        return names;
    }
    [[nodiscard]] std::string degraded(std::string_view volume) const { return view(volume).degraded; }

    std::filesystem::path top_;
    kernel::PosixFileSystem files_;
    api::StateIds ids_;
    std::ostringstream text_;
    spdlog::logger log_{"kernels", std::make_shared<spdlog::sinks::ostream_sink_st>(text_)};
    std::unique_ptr<api::Pool> pool_;
};

TEST_F(LinuxKernel, AVersionIsAPlaceWithThreeVolumes) {
    EXPECT_EQ(versions(), (std::vector<std::string>{"6.1.0-18-amd64", "6.6.42-1.fc37"}));
    const auto loaded = load();
    ASSERT_EQ(loaded.volumes.size(), 3U);
    EXPECT_EQ(loaded.ownership.mode & 0222, 0U);
    for (const auto& [name, volume] : loaded.volumes) {
        SCOPED_TRACE(name.str());
        ASSERT_TRUE(volume->committed);
        EXPECT_TRUE(std::holds_alternative<api::Origin>(volume->config.kind));
        EXPECT_FALSE(volume->config.rw);
        EXPECT_EQ(volume->plain_file, name.str() != "modules");
        EXPECT_EQ(volume->degraded, "");
        const auto file = pool_->open_state({kernel_name("6.6.42-1.fc37"), name}, *volume, api::CommittedState{});
        ASSERT_TRUE(succeeded(file));
        EXPECT_EQ(::fcntl(file->get(), F_GETFL) & O_ACCMODE, O_RDONLY);
        EXPECT_NE(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_EQ(view("vmlinuz").committed->size.count, std::string("kernel 6.6.42-1.fc37").size());
    EXPECT_EQ(view("modules").committed->size.count, 1024U);
}

TEST_F(LinuxKernel, ModulesHaveTheirDeviceWithoutAStart) {
    EXPECT_EQ(pool_->device(path("modules"), view("modules")).value(), top_ / "6.6.42-1.fc37" / "modules.img");
    EXPECT_TRUE(failed(pool_->device(path("vmlinuz"), view("vmlinuz")), Errc::NotFound));
}

TEST_F(LinuxKernel, EveryChangeIsRefused) {
    const auto modules = view("modules");
    const std::vector<api::Command> commands{api::Create{},
                                             api::RemoveCommitted{},
                                             api::RemoveRevision{label("x")},
                                             api::Start{},
                                             api::Stop{},
                                             api::Revert{.revision = label("x")},
                                             api::Resize{{4096}},
                                             api::TakeSnapshot{label("x")},
                                             api::RenameRevision{label("x"), label("y")},
                                             api::Publish{},
                                             api::SetTime{{}, at(1)},
                                             api::Configure{modules.config}};
    for (const auto& command : commands) {
        SCOPED_TRACE(api::command_name(command));
        EXPECT_TRUE(failed(pool_->execute(path("modules"), &modules, command), Errc::Unsupported));
        EXPECT_TRUE(failed(pool_->execute(path("other"), nullptr, command), Errc::Unsupported));
    }
    EXPECT_TRUE(succeeded(pool_->execute(path("modules"), &modules, api::Prune{}))) << "there is nothing to prune";
    const auto kernel = path("modules").vm;
    EXPECT_TRUE(failed(pool_->create_vm(vm_name("work"), {}), Errc::Unsupported));
    EXPECT_TRUE(failed(pool_->remove_vm(kernel), Errc::Unsupported));
    EXPECT_TRUE(failed(pool_->set_ownership(kernel, {}), Errc::Unsupported));
    EXPECT_TRUE(failed(pool_->rename_vm(kernel, vm_name("work"), {}), Errc::Unsupported));
    EXPECT_TRUE(failed(pool_->rename_volume(path("modules"), path("other"), modules, {}), Errc::Unsupported));
    EXPECT_TRUE(failed(pool_->create_image(kernel, {}), Errc::Unsupported));
}

TEST_F(LinuxKernel, NothingIsWritten) {
    std::filesystem::permissions(top_, std::filesystem::perms(0555));
    open();
    (void)load();
    EXPECT_FALSE(pool_->lock_directory());
    std::size_t entries = 0;
    for (const auto& entry : std::filesystem::directory_iterator(top_)) entries += entry.exists() ? 1 : 0;
    EXPECT_EQ(entries, 2U);
}

TEST_F(LinuxKernel, AnOpenStateStaysWhatItWas) {
    const auto file = pool_->open_state(path("vmlinuz"), view("vmlinuz"), api::CommittedState{});
    ASSERT_TRUE(succeeded(file));
    std::filesystem::remove_all(top_ / "6.6.42-1.fc37");
    EXPECT_EQ(text_of(file->get()), "kernel 6.6.42-1.fc37");
    EXPECT_TRUE(failed(pool_->load_vm(path("vmlinuz").vm), Errc::NotFound));
}

TEST_F(LinuxKernel, AFileThatWasReplacedIsAnotherState) {
    const auto before = view("vmlinuz");
    const auto same = pool_->load_volume(path("vmlinuz"), &before);
    EXPECT_EQ((*same)->committed->id, before.committed->id);
    std::filesystem::remove(top_ / "6.6.42-1.fc37" / "vmlinuz");
    EXPECT_TRUE(failed(pool_->open_state(path("vmlinuz"), before, api::CommittedState{}), Errc::NotFound));
    put("6.6.42-1.fc37", "vmlinuz", "another kernel");
    EXPECT_TRUE(failed(pool_->open_state(path("vmlinuz"), before, api::CommittedState{}), Errc::NotFound));
    const auto after = pool_->load_volume(path("vmlinuz"), &before);
    ASSERT_TRUE(succeeded(after));
    EXPECT_NE((*after)->committed->id, before.committed->id);
    EXPECT_TRUE(succeeded(pool_->open_state(path("vmlinuz"), **after, api::CommittedState{})));
}

TEST_F(LinuxKernel, WhatIsMissingOrWrongIsDegradedWithItsCause) {
    const auto kernel = top_ / "6.6.42-1.fc37";
    std::filesystem::remove(kernel / "vmlinuz");
    EXPECT_EQ(degraded("vmlinuz"), "there is no vmlinuz");
    EXPECT_FALSE(view("vmlinuz").committed);
    EXPECT_TRUE(failed(pool_->open_state(path("vmlinuz"), view("vmlinuz"), api::CommittedState{}), Errc::Degraded));
    std::filesystem::create_symlink("/etc/passwd", kernel / "vmlinuz");
    EXPECT_EQ(degraded("vmlinuz"), "vmlinuz is a symbolic link");
    std::filesystem::remove(kernel / "initramfs");
    std::filesystem::create_directory(kernel / "initramfs");
    EXPECT_EQ(degraded("initramfs"), "initramfs is no regular file");
    put("6.6.42-1.fc37", "modules.img", std::string(1000, 'm'));
    EXPECT_EQ(degraded("modules"), "modules.img cannot be a disk: it has 1000 bytes, which is not a multiple of 512");
    EXPECT_TRUE(failed(pool_->device(path("modules"), view("modules")), Errc::NotFound));
    EXPECT_TRUE(succeeded(pool_->open_state(path("modules"), view("modules"), api::CommittedState{}))) << "it can be read all the same";
    put("6.6.42-1.fc37", "modules.img", "");
    EXPECT_EQ(degraded("modules"), "modules.img is empty");
    put("6.6.42-1.fc37", "notes.txt", "mine");
    const auto findings = pool_->verify(kernel_name("6.6.42-1.fc37"));
    ASSERT_TRUE(succeeded(findings));
    ASSERT_EQ(findings->size(), 4U);
    EXPECT_EQ(findings->front().object, (kernel / "initramfs").string());
    EXPECT_EQ(findings->back().object, (kernel / "notes.txt").string());
    log_.flush();
    EXPECT_NE(text_.str().find("[warning] kernels/6.6.42-1.fc37: there is no vmlinuz"), std::string::npos) << text_.str();
}

// As somebody does who may write to the directory, and wants to be shown what he may not read.
TEST_F(LinuxKernel, PlantedEntriesAreLeftOut) {
    std::filesystem::create_directory_symlink("/etc", top_ / "6.9");
    std::filesystem::create_directory(top_ / "-rf");
    std::filesystem::create_directory(top_ / "with space");
    std::filesystem::create_directory(top_ / std::string(65, 'x'));
    std::filesystem::create_directory(top_ / ".hidden");
    std::ofstream(top_ / "README") << "no kernel";
    EXPECT_EQ(versions(), (std::vector<std::string>{"6.1.0-18-amd64", "6.6.42-1.fc37"}));
    EXPECT_FALSE(pool_->load_vm(kernel_name("6.9")));
    // A version that becomes a link later.
    const auto modules = view("modules");
    std::filesystem::rename(top_ / "6.6.42-1.fc37", top_ / "elsewhere");
    std::filesystem::create_directory_symlink("elsewhere", top_ / "6.6.42-1.fc37");
    EXPECT_FALSE(pool_->open_state(path("modules"), modules, api::CommittedState{}));
    EXPECT_FALSE(pool_->device(path("modules"), modules));
}

TEST_F(LinuxKernel, ItsDirectoryMustBeThere) {
    const auto open = [&](const std::string& directory) {
        return linux_kernel::open({base::PoolName::parse("kernels").value(), directory}, files_, ids_, log_);
    };
    EXPECT_TRUE(failed(open("kernels"), Errc::InvalidArgument));
    EXPECT_TRUE(failed(open("/nowhere/kernels"), Errc::NotFound));
}

}  // namespace
}  // namespace varve::contract
