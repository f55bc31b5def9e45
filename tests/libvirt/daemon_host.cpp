// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/daemon_host.h"

#include <sys/stat.h>

namespace varve::libvirt_test {
namespace {

std::string second_sector(const std::filesystem::path& image) {
    std::ifstream file(image, std::ios::binary);
    std::string text(512, '\0');
    file.seekg(512).read(text.data(), static_cast<std::streamsize>(text.size()));
    text.erase(text.find('\0'));
    return text;
}

}  // namespace

void DaemonTest::SetUp() {
    Orchestrator::SetUp();
    pool_ = directory_.filename().string();
    std::filesystem::create_directory(host.disk / pool_);
    int status = 0;
    const auto said = varve({"pool", "add", pool_, "file-reflink", "dir_path=" + (host.disk / pool_).string()}, &status);
    ASSERT_EQ(status, 0) << said;
    start_orchestrator();
}

void DaemonTest::TearDown() {
    process_.reset();
    const auto domains = host.hypervisor->domains();
    ASSERT_TRUE(domains) << domains.error().message();
    for (const auto& each : *domains) EXPECT_TRUE(host.hypervisor->destroy(each.uuid)) << each.name;
    Orchestrator::TearDown();
}

void DaemonTest::define(const std::string& name, const std::string& job, const std::string& more) {
    int status = 0;
    const auto said = varve({"create", "-p", pool_ + "/" + name + "/data", "16M"}, &status);
    ASSERT_EQ(status, 0) << said;
    // The machine that tests run on may have a KVM that does not work.
    (void)must("vm.create",
               {{"vm", name},
                {"toml", more +
                             "memory = \"192M\"\n[boot]\nkernel = \"" VM_DIRECTORY "/vmlinuz\"\ninitramfs = \"" VM_DIRECTORY
                             "/initramfs\"\ncmdline = \"console=ttyS0 panic=-1 no_timer_check quiet job=" +
                             job + "\"\n[features]\naccelerator = \"tcg\"\n[[volume]]\nname = \"data\"\npool = \"" + pool_ + "\"\n"}});
}

nlohmann::json DaemonTest::must(const std::string& method, const nlohmann::json& params) {
    auto client = connected();
    auto result = client.call(method, params);
    EXPECT_TRUE(result) << method << ": " << result.error().message();
    return result.value_or(nlohmann::json::object());
}

bool DaemonTest::comes_to(const std::string& vm, const std::string& wanted) {
    return eventually([&] { return state(vm) == wanted; }, guest_patience);
}

std::optional<hypervisor::Domain> DaemonTest::domain(const std::string& vm) {
    auto found = host.hypervisor->find_name(vm);
    if (found) return *std::move(found);
    EXPECT_EQ(found.error().code, base::Errc::NotFound) << found.error().message();
    return {};
}

std::string DaemonTest::committed(const std::string& vm) const { return second_sector(mountpoint() / "pools" / pool_ / vm / "data.img"); }

std::string DaemonTest::written(const std::string& vm) const {
    return second_sector(mountpoint() / "pools" / pool_ / vm / ".varve" / "data" / "device");
}

std::string DaemonTest::control(const std::string& vm, const std::string& file) const {
    std::string text;
    std::ifstream stream(mountpoint() / "pools" / pool_ / vm / ".varve" / "data" / file);
    std::getline(stream, text);
    return text;
}

}  // namespace varve::libvirt_test
