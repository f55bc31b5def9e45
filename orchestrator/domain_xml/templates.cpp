// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/build.h"

namespace varve::domain_xml {
namespace {

// <genid/> without a text: a new generation id at each start, so that a guest notices that it is not the one it was.
constexpr std::string_view qemu_template = R"(<domain>
  <os><type arch="x86_64">hvm</type></os>
  <genid/>
  <features><acpi/><apic/></features>
  <clock offset="utc"/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <controller type="usb" model="none"/>
    <serial type="pty"><target port="0"/></serial>
    <channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
    <memballoon model="virtio"/>
  </devices>
</domain>)";

constexpr std::string_view xen_template = R"(<domain>
  <os/>
  <features><acpi/><apic/></features>
  <clock offset="utc"/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <console type="pty"><target type="xen" port="0"/></console>
    <memballoon model="xen"/>
  </devices>
</domain>)";

constexpr std::string_view test_template = R"(<domain>
  <os><type>hvm</type></os>
  <devices>
    <serial type="pty"><target port="0"/></serial>
  </devices>
</domain>)";

}  // namespace

std::string_view built_in_template(DomainType type) {
    switch (type) {
        case DomainType::Qemu:
        case DomainType::Kvm: return qemu_template;
        case DomainType::Xen: return xen_template;
        case DomainType::Test: return test_template;
    }
    return test_template;
}

}  // namespace varve::domain_xml
