// SPDX-License-Identifier: LGPL-2.1-or-later
// Drivers in shared objects: what is refused, with which words; and one that works.
#include "drivers/plugin/library.h"
#include "drivers/registry.h"
#include "tests/fakes/fake_block_access.h"
#include "tests/fakes/fake_device_mapper.h"
#include "tests/fakes/fake_keyring.h"
#include "tests/fakes/fake_loops.h"
#include "tests/fakes/memory_filesystem.h"
#include "tests/fakes/stepping_clock.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace varve::registry {
namespace {

using base::Errc;

std::filesystem::path object(const std::string& name) { return std::filesystem::path(PLUGINS) / ("plugin_" + name + ".so"); }

PoolSettings pool(const std::filesystem::path& file, std::map<std::string, std::string> parameters = {}) {
    return {base::PoolName::parse("p").value(), "plugin:" + file.string(), std::move(parameters), api::RevisionsToKeep::standard()};
}

template <class T>
void expect_refused(const base::Result<T>& result, Errc code, const std::string& words) {
    ASSERT_FALSE(result) << words;
    EXPECT_EQ(result.error().code, code) << result.error().message();
    EXPECT_NE(result.error().context.find(words), std::string::npos) << result.error().context;
    EXPECT_TRUE(result.error().context.starts_with("pool p: ")) << result.error().context;
    EXPECT_EQ(result.error().context.find("pool p: ", 1), std::string::npos) << "said twice: " << result.error().context;
}

class PluginTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto name = (std::filesystem::temp_directory_path() / "varve-plugin-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    base::Result<std::unique_ptr<api::Pool>> open(const PoolSettings& settings) { return open_pool(settings, environment_); }

    std::filesystem::path directory_;

private:
    fakes::SteppingClock clock_{base::Timestamp{1'700'000'000, 0}};
    fakes::MemoryFileSystem files_{"/pool", clock_};
    fakes::FakeBlockDevices devices_;
    fakes::FakeDeviceMapper mapper_{devices_, files_.faults()};
    fakes::FakeLoops loops_{devices_, files_, files_.faults()};
    fakes::FakeKeys keys_;
    fakes::FakeKeyring keyring_{keys_, files_.faults()};
    fakes::FakeBlockAccess blocks_{devices_, [](const std::string&) { return base::UniqueFd(); }, files_.faults()};
    api::StateIds ids_;
    spdlog::logger log_{"plugin", std::make_shared<spdlog::sinks::null_sink_mt>()};
    Environment environment_{files_, mapper_, loops_, keyring_, blocks_, ids_, clock_, log_, kernel::BootId{"boot"}};
};

TEST_F(PluginTest, WhatIsNoDriverForThisVarvefsIsRefused) {
    expect_refused(check_settings(pool(object("nothing_exported"))), Errc::Unsupported, "has no symbol varve_driver");
    expect_refused(check_settings(pool(object("wrong_magic"))), Errc::Unsupported, "is no driver of Varve");
    expect_refused(check_settings(pool(object("wrong_version"))), Errc::Unsupported,
                   "is for version 99 of the driver interface, and this varvefs has 2");
    expect_refused(check_settings(pool(object("wrong_headers"))), Errc::Unsupported, "was built with other headers");
    expect_refused(check_settings(pool(object("wrong_compiler"))), Errc::Unsupported, "ABI of another one instead of");
    expect_refused(check_settings(pool(object("incomplete"))), Errc::Unsupported, "functions are missing");
}

TEST_F(PluginTest, AFileThatIsNoSharedObjectIsRefused) {
    const auto file = directory_ / "text.so";
    std::ofstream(file) << "no ELF";
    expect_refused(check_settings(pool(file)), Errc::Unsupported, file.string() + " cannot be loaded as a shared object: ");
    expect_refused(open(pool(file)), Errc::Unsupported, "cannot be loaded");
    expect_refused(check_settings(pool("/nowhere/x.so")), Errc::NotFound, "/nowhere/x.so");
    expect_refused(check_settings(pool("x.so")), Errc::InvalidArgument, "absolute path");
    expect_refused(check_settings(pool(directory_)), Errc::Denied, "no regular file");
    ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);
    expect_refused(check_settings(pool(directory_ / "pipe")), Errc::Denied, "no regular file");
}

TEST_F(PluginTest, AFileThatOthersCouldHaveWrittenIsRefused) {
    const auto file = directory_ / "limited.so";
    std::filesystem::copy(object("limited"), file);
    std::filesystem::permissions(file, std::filesystem::perms(0775));
    expect_refused(check_settings(pool(file)), Errc::Denied, "chmod go-w");
    std::filesystem::permissions(file, std::filesystem::perms(0755));
    std::filesystem::create_symlink(file, directory_ / "link.so");
    expect_refused(check_settings(pool(directory_ / "link.so")), Errc::Denied, "is a symbolic link");
    if (::geteuid() == 0) {  // only root can give it away
        ASSERT_EQ(::chown(file.c_str(), 1234, 1234), 0);
        expect_refused(check_settings(pool(file)), Errc::Denied, "must belong to root");
    }
}

TEST_F(PluginTest, WhatADriverThrowsIsAnError) {
    expect_refused(check_settings(pool(object("throwing_check"))), Errc::Io, "has thrown, which no driver may: out of patience");
    expect_refused(open(pool(object("throwing_open"))), Errc::Io,
                   "the driver faulty 0 (" + object("throwing_open").string() + ") has thrown");
    expect_refused(open(pool(object("throwing_oddly"))), Errc::Io, "what is no std::exception");
    expect_refused(open(pool(object("empty_open"))), Errc::Io, "has opened nothing");
}

TEST_F(PluginTest, WhatItsPoolThrowsFailsThatCallAlone) {
    const auto opened = open(pool(object("throwing_pool")));
    ASSERT_TRUE(opened) << opened.error().message();
    auto& pool = **opened;
    EXPECT_FALSE(pool.capabilities().revisions);
    EXPECT_EQ(pool.space().error().code, Errc::Io);
    const auto made = pool.create_vm(base::VmName::parse("work").value(), {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::Degraded);
    EXPECT_NE(made.error().context.find("has thrown in create_vm"), std::string::npos) << made.error().context;
    EXPECT_TRUE(pool.list_vms()) << "the rest works";
}

TEST_F(PluginTest, TheExampleLimitsItsVolumes) {
    expect_refused(check_settings(pool(object("limited"))), Errc::InvalidArgument, "largest and driver_below are both needed");
    expect_refused(check_settings(pool(object("limited"), {{"largest", "1M"}, {"driver_below", "sym"}})), Errc::InvalidArgument,
                   "no driver 'sym'");
    const auto settings = pool(object("limited"), {{"largest", "1M"}, {"driver_below", "sim"}});
    EXPECT_TRUE(check_settings(settings));
    const auto opened = open(settings);
    ASSERT_TRUE(opened) << opened.error().message();
    auto& pool = **opened;
    const base::VolumePath volume{base::VmName::parse("work").value(), base::VolumeName::parse("root").value()};
    ASSERT_TRUE(pool.create_vm(volume.vm, {}));
    api::VolumeConfig config;
    config.size = base::Bytes{2 << 20};
    const auto refused = pool.execute(volume, nullptr, api::Create{config});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::TooLarge);
    EXPECT_EQ(refused.error().context, "work/root would have 2.0 MiB, and no volume of this pool may have more than 1.0 MiB (largest)");
    config.size = base::Bytes{1 << 20};
    const auto made = pool.execute(volume, nullptr, api::Create{config});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_FALSE(pool.execute(volume, &**made, api::Resize{base::Bytes{2 << 20}}));
}

}  // namespace
}  // namespace varve::registry
