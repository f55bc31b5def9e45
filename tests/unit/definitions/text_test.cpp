// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/definitions/samples.h"

namespace varve::definitions::tests {
namespace {

constexpr std::string_view everything = R"(class = "app"
template = "fedora"
template_for_dispvms = true
preload-dispvm-max = 4
preload-dispvm-delay = -1
uuid = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
hypervisor = "qemu:///session"
memory = "512M"
maxmem = "2G"
vcpus = 2
needs = ["net", "firewall"]
tags = ["work"]
default_dispvm = "dvm"
domain_xml = "/etc/varve/work.xml"

[boot]
kernel = "/varve/pools/kernels/6.1/vmlinuz"
initramfs = "/varve/pools/kernels/6.1/initramfs"
cmdline = "root=/dev/vda quiet"

[readiness]
signal = "serial"
line = "ready"
deadline = "500ms"

[features]
"a.b" = "x"

[[volume]]
name = "root"
pool = "fast"
rw = false

[[volume]]
name = "private"
pool = "slow"
target = "vdb"

[[device]]
path = "/dev/sdb"
rw = true

[[device]]
pci = "0000:00:1f.2"

[[device]]
usb = "1d6b:0002"

[[interface]]
network = "default"
mac = "52:54:00:12:34:56"
ip = "10.0.0.7"

[[interface]]
bridge = "br0"
)";

TEST(DefinitionText, TakesEveryKey) {
    const auto vm = accepted("work", everything);
    const auto& app = std::get<AppVm>(vm.vm_class);
    EXPECT_EQ(app.template_vm, vm_name("fedora"));
    ASSERT_TRUE(app.disposables);
    EXPECT_EQ(app.disposables->preload_max, 4U);
    EXPECT_EQ(app.disposables->preload_delay, RefillDelay(RefillWhenEmpty{}));
    EXPECT_EQ(vm.hypervisor->str(), "qemu:///session");
    EXPECT_EQ(vm.memory, (Memory{{512ULL << 20}, {2ULL << 30}}));
    EXPECT_EQ(vm.vcpus, 2U);
    EXPECT_EQ(vm.needs, (std::vector{vm_name("net"), vm_name("firewall")}));
    EXPECT_EQ(std::get<base::VmName>(vm.default_dispvm), vm_name("dvm"));
    EXPECT_EQ(std::get<KernelBoot>(vm.boot).command_line.str(), "root=/dev/vda quiet");
    EXPECT_EQ(std::get<SerialLineReady>(vm.readiness.signal).line.str(), "ready");
    EXPECT_EQ(vm.readiness.deadline, std::chrono::milliseconds(500));
    ASSERT_EQ(vm.volumes.size(), 2U);
    EXPECT_FALSE(vm.volumes[0].rw);
    EXPECT_FALSE(vm.volumes[0].target);
    EXPECT_EQ(vm.volumes[1].target->str(), "vdb");
    ASSERT_EQ(vm.devices.size(), 3U);
    EXPECT_TRUE(std::get<BlockAttachment>(vm.devices[0]).rw);
    EXPECT_EQ(std::get<PciAddress>(vm.devices[1]), (PciAddress{0, 0, 0x1f, 2}));
    EXPECT_EQ(std::get<UsbId>(vm.devices[2]), (UsbId{0x1d6b, 2}));
    ASSERT_EQ(vm.interfaces.size(), 2U);
    EXPECT_EQ(vm.interfaces[0].ip->str(), "10.0.0.7");
    EXPECT_EQ(std::get<BridgeName>(vm.interfaces[1].source).str(), "br0");
    EXPECT_EQ(vm.features.begin()->second.str(), "x");
}

TEST(DefinitionText, WritesWhatItRead) {
    const auto vm = accepted("work", everything);
    EXPECT_EQ(accepted("work", to_toml(vm)), vm) << to_toml(vm);
}

TEST(DefinitionText, HasDefaults) {
    const auto vm = accepted("fedora", "class = \"template\"\n");
    EXPECT_EQ(vm, a_template("fedora"));
    EXPECT_EQ(vm.memory.maximum, vm.memory.initial);
    EXPECT_EQ(vm.readiness.deadline, std::chrono::minutes(1));
}

TEST(DefinitionText, MaxmemFollowsMemory) {
    EXPECT_EQ(accepted("a", "class = \"standalone\"\nmemory = \"3G\"\n").memory.maximum.count, 3ULL << 30);
}

TEST(DefinitionText, OneKeyIsChanged) {
    const auto vm = accepted("work", everything);
    EXPECT_EQ(with_key(vm, "vcpus", "3")->vcpus, 3U);
    EXPECT_EQ(with_key(vm, "memory", "1G")->memory.initial.count, 1ULL << 30);
    EXPECT_TRUE(with_key(vm, "needs", "")->needs.empty());
    EXPECT_EQ(with_key(vm, "needs", "a,b")->needs, (std::vector{vm_name("a"), vm_name("b")}));
    EXPECT_EQ(with_key(vm, "features.c", "d")->features.size(), 2U);
    EXPECT_TRUE(with_key(vm, "features.a.b", "")->features.empty());
    EXPECT_TRUE(std::holds_alternative<NoDisposables>(with_key(vm, "default_dispvm", "none")->default_dispvm));
    EXPECT_EQ(std::get<AppVm>(with_key(vm, "preload-dispvm-delay", "2s")->vm_class).disposables->preload_delay,
              RefillDelay(std::chrono::milliseconds(2000)));
    EXPECT_EQ(with_key(vm, "boot.cmdline", "single")->volumes, vm.volumes);
}

TEST(DefinitionText, ChangesHoldTogether) {
    const auto vm = accepted("work", "class = \"standalone\"\n");
    const auto changed = with_changes(vm, {{"boot.initramfs", "/i"}, {"boot.firmware", ""}, {"boot.kernel", "/k"}});
    ASSERT_TRUE(changed) << changed.error().message();
    EXPECT_EQ(std::get<KernelBoot>(changed->boot).initramfs, "/i");
}

TEST(DefinitionText, AChangeThatIsWrongSaysWhy) {
    const auto vm = accepted("work", everything);
    const auto message = [&](const std::string& key, const std::string& value) {
        const auto changed = with_key(vm, key, value);
        return changed ? "accepted" : changed.error().message();
    };
    EXPECT_EQ(message("vcpus", "0"), "vcpus: expected a number from 1 to 512, not '0'");
    EXPECT_EQ(message("memry", "1G"), "unknown key 'memry': did you mean 'memory'?");
    EXPECT_EQ(message("template", ""), "template is missing");
    EXPECT_EQ(message("template_for_dispvms", "false"),
              "preload-dispvm-max: only a VM with 'template_for_dispvms = true' has preloaded disposables; "
              "preload-dispvm-delay: only a VM with 'template_for_dispvms = true' has preloaded disposables");
    EXPECT_EQ(message("volume.rw", "true"), "'volume' is a list of tables and not set this way: edit the definition");
    EXPECT_EQ(message("boot.firmware", "bios"), "boot.firmware: a VM with a 'kernel' boots without firmware's help");
}

}  // namespace
}  // namespace varve::definitions::tests
