// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/definitions/samples.h"

namespace varve::definitions::tests {
namespace {

std::string mistakes_in(std::string_view toml) {
    const auto vm = parse(vm_name("work"), toml);
    return vm ? "none" : listed(vm.error());
}

TEST(DefinitionMistakes, AllAtOnceInTheOrderOfTheLines) {
    EXPECT_EQ(
        mistakes_in(
            "class = \"ap\"\nmemory = \"lots\"\nvcpus = 0\nneeds = [\"work\", \"a b\"]\ncolour = \"red\"\n[boot]\nkernel = \"vmlinuz\"\n"),
        "1: class: expected \"template\", \"app\", \"standalone\" or \"disposable\", not the string 'ap'\n"
        "2: memory: expected an amount such as \"512M\" or \"4G\", not the string 'lots'\n"
        "3: vcpus: expected a number from 1 to 512, not the number 0\n" +
            std::string("4: needs: ") + base::VmName::parse("a b").error().message() + "\n" +
            "5: unknown key 'colour': expected one of 'class', 'template', 'template_for_dispvms', 'preload-dispvm-max', "
            "'preload-dispvm-delay', 'auto_cleanup', 'uuid', 'hypervisor', 'memory', 'maxmem', 'vcpus', 'needs', 'default_dispvm', 'tags', "
            "'domain_xml', 'boot', 'readiness', 'features', 'volume', 'device', 'interface'\n"
            "7: boot.kernel: expected an absolute path, not 'vmlinuz'\n");
}

struct Case {
    const char* toml;
    const char* expected;
};

class OneMistake : public testing::TestWithParam<Case> {};

TEST_P(OneMistake, IsNamedWithItsLine) { EXPECT_EQ(mistakes_in(GetParam().toml), std::string(GetParam().expected) + "\n"); }

INSTANTIATE_TEST_SUITE_P(
    DefinitionMistakes, OneMistake,
    testing::Values(
        Case{"", "0: class is missing: expected \"template\", \"app\", \"standalone\" or \"disposable\""},
        Case{"class = \"app\"\n", "0: template is missing"},
        Case{"class = \"app\"\ntemplate = \"work\"\n", "2: template: a VM cannot be its own template"},
        Case{"class = \"template\"\ntemplate = \"a\"\n", "2: template: only an app VM or a disposable has one"},
        Case{"class = \"template\"\ntemplate_for_dispvms = true\n", "2: template_for_dispvms: only an app VM can be a disposable template"},
        Case{"class = \"standalone\"\nauto_cleanup = true\n", "2: auto_cleanup: only a disposable is removed when it has shut down"},
        Case{"class = \"standalone\"\nmemory = \"2G\"\nmaxmem = \"1G\"\n", "3: maxmem: it is less than 'memory'"},
        Case{"class = \"standalone\"\nmemory = 1\n", "2: memory: expected from 1M to 64T, not the number 1"},
        Case{"class = \"standalone\"\nneeds = [\"work\"]\n", "2: needs: a VM cannot need itself"},
        Case{"class = \"standalone\"\nneeds = [\"a\", \"a\"]\n", "2: needs: 'a' is named twice"},
        Case{"class = \"standalone\"\nneeds = \"a\"\n", "2: needs: expected a list of VMs, not the string 'a'"},
        Case{"class = \"standalone\"\n[boot]\nfirmware = \"coreboot\"\n",
             "3: boot.firmware: expected \"bios\" or \"uefi\", not the string 'coreboot'"},
        Case{"class = \"standalone\"\n[boot]\ncmdline = \"x\"\n", "3: boot.cmdline: it needs a 'kernel'"},
        Case{"class = \"standalone\"\n[readiness]\nsignal = \"serial\"\n", "2: readiness.line: 'serial' needs the line to wait for"},
        Case{"class = \"standalone\"\n[readiness]\nsignal = \"agent\"\nline = \"x\"\n",
             "4: readiness.line: only 'serial' waits for a line"},
        Case{"class = \"standalone\"\n[[volume]]\nname = \"root\"\n", "2: volume.pool is missing"},
        Case{"class = \"standalone\"\n[volume]\nname = \"root\"\n",
             "2: volume: expected tables, each below a line [[volume]], not one table"},
        Case{"class = \"standalone\"\n[[volume]]\nname = \"root\"\npool = \"p\"\n[[volume]]\nname = \"root\"\npool = \"q\"\n",
             "6: volume.name: there is a volume of that name already"},
        Case{"class = \"standalone\"\n[[volume]]\nname = \"a\"\npool = \"p\"\ntarget = \"vda\"\n[[device]]\npath = \"/x\"\ntarget = "
             "\"vda\"\n",
             "0: target: two disks are called 'vda'"},
        Case{"class = \"standalone\"\n[[device]]\nrw = true\npci = \"0000:00:1f.2\"\n", "3: device.rw: only a device with a 'path' has it"},
        Case{"class = \"standalone\"\n[[device]]\npci = \"0000:00:20.0\"\n",
             "3: device.pci: expected a PCI address such as \"0000:00:1f.2\", not the string '0000:00:20.0'"},
        Case{"class = \"standalone\"\n[[device]]\n", "2: device.path: a device has exactly one of 'path', 'pci' and 'usb'"},
        Case{"class = \"standalone\"\n[[interface]]\nmac = \"52:54:00:12:34:56\"\n",
             "2: interface.network: an interface has exactly one of 'network' and 'bridge'"},
        Case{"class = \"standalone\"\n[features]\n\"a b\" = \"x\"\n",
             "3: features: the name of a feature has 1 to 64 letters, digits, '_', '.' and '-', the first a letter or digit"},
        Case{"class = \"standalone\"\nboot = \"bios\"\n", "2: boot: expected a table [boot], not the string 'bios'"}));

}  // namespace
}  // namespace varve::definitions::tests
