// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/domain_xml/samples.h"

namespace varve::domain_xml {

using definitions::VmDefinition;

VmDefinition plain_vm(std::string_view name) {
    return VmDefinition{.name = named<base::VmName>(name), .vm_class = definitions::StandaloneVm{}};
}

VmDefinition full_vm(std::string_view name) {
    auto vm = plain_vm(name);
    vm.uuid = named<definitions::Uuid>("5f0c6d9e-2f0b-4c5e-9d57-3f3f4a1b2c3d");
    vm.memory = {{std::uint64_t{256} << 20}, {std::uint64_t{1} << 30}};
    vm.vcpus = 3;
    vm.boot = definitions::KernelBoot{"/srv/kernels/vmlinuz", "/srv/kernels/initramfs",
                                      named<definitions::TextLine>("console=ttyS0 note=\"<&>'\"")};
    vm.interfaces.push_back({named<definitions::NetworkName>("default"), named<definitions::MacAddress>("52:54:00:12:34:56"),
                             named<definitions::IpAddress>("192.0.2.7")});
    vm.interfaces.push_back({named<definitions::BridgeName>("br0"), {}, {}});
    vm.devices.emplace_back(definitions::PciAddress{0, 0x3a, 0x1f, 7});
    vm.devices.emplace_back(definitions::UsbId{0x046d, 0xc52b});
    return vm;
}

std::vector<WantedDisk> three_disks() {
    return {{{}, "/srv/vms/work/root-dirty.img", SourceKind::File, false},
            {{}, "/dev/mapper/vm-work-private", SourceKind::BlockDevice, false},
            {{}, "/srv/vms/work/modules.img", SourceKind::File, true}};
}

}  // namespace varve::domain_xml
