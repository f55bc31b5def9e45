// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/domain_adoption/samples.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace varve::domain_adoption::testing {

Wish wish() { return {.pool = base::PoolName::parse("fast").value()}; }

std::string debian() {
    return R"(<domain type='kvm'>
  <name>debian12</name>
  <uuid>0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b7a11</uuid>
  <metadata><libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"><libosinfo:os id="http://debian.org/debian/12"/></libosinfo:libosinfo></metadata>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>2097152</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/><vmport state='off'/></features>
  <cpu mode='host-passthrough' check='none' migratable='on'/>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/></clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <pm><suspend-to-mem enabled='no'/></pm>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/var/lib/libvirt/images/debian12.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <controller type='usb' index='0' model='qemu-xhci' ports='15'/>
    <controller type='pci' index='0' model='pcie-root'/>
    <interface type='network'>
      <mac address='52:54:00:0e:f1:34'/>
      <source network='default'/>
      <model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/><address type='virtio-serial' controller='0' bus='0' port='1'/></channel>
    <input type='mouse' bus='ps2'/>
    <graphics type='spice' autoport='yes'><listen type='address'/></graphics>
    <video><model type='virtio' heads='1' primary='yes'/></video>
    <memballoon model='virtio'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>)";
}

std::string old_pc() {
    return R"(<domain type='qemu'>
  <name>old pc</name>
  <uuid>0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b7a12</uuid>
  <memory unit='MiB'>512</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc-i440fx-2.9'>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os>
  <devices>
    <disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/><source dev='/dev/vg/old'/><target dev='hda' bus='ide'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/srv/install.iso'/><target dev='hdc' bus='ide'/><readonly/></disk>
    <disk type='file' device='floppy'><source file='/srv/floppy.img'/><target dev='fda' bus='fdc'/></disk>
    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><model type='e1000'/></interface>
    <interface type='user'><mac address='52:54:00:00:00:02'/></interface>
    <hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x06' slot='0x02' function='0x1'/></source></hostdev>
    <hostdev mode='subsystem' type='usb'><source><vendor id='0x1d6b'/><product id='0x0002'/></source></hostdev>
  </devices>
</domain>)";
}

std::string with_devices(std::string_view devices, std::string_view os) {
    return "<domain type='kvm'><name>vm</name><uuid>0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b7a13</uuid><memory>1048576</memory><vcpu>1</vcpu>" +
           std::string(os) + "<devices>" + std::string(devices) + "</devices></domain>";
}

std::string with_disks(std::string_view disks) { return with_devices(disks); }

std::string disk(std::string_view target, std::string_view bus, std::string_view format, std::string_view more) {
    const auto quoted = [](std::string_view text) { return "'" + std::string(text) + "'"; };
    return "<disk type='file' device='disk'>" + (format.empty() ? "" : "<driver name='qemu' type=" + quoted(format) + "/>") +
           "<source file='/srv/" + std::string(target) + ".img'/><target dev=" + quoted(target) +
           (bus.empty() ? "" : " bus=" + quoted(bus)) + "/>" + std::string(more) + "</disk>";
}

Plan planned(std::string_view xml, const Wish& wish) {
    auto plan = make_plan(xml, wish);
    if (plan) return *std::move(plan);
    for (const auto& problem : plan.error()) ADD_FAILURE() << problem;
    return {"", {.name = base::VmName::parse("none-at-all").value(), .vm_class = definitions::StandaloneVm{}}, {}, {}};
}

std::string refused(std::string_view xml, const Wish& wish) {
    const auto plan = make_plan(xml, wish);
    if (plan) return "nothing is in its way";
    EXPECT_FALSE(plan.error().empty());
    std::string text;
    for (const auto& problem : plan.error()) text += (text.empty() ? "" : "; ") + problem;
    return text;
}

std::string left_paths(const Plan& plan) {
    std::string text;
    for (const auto& left : plan.left_out) text += left.path + "\n";
    return text;
}

std::string why(const Plan& plan, std::string_view path) {
    const auto found = std::ranges::find(plan.left_out, path, &LeftOut::path);
    return found == plan.left_out.end() ? "taken" : found->why;
}

}  // namespace varve::domain_adoption::testing
