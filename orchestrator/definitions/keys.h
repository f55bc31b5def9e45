// SPDX-License-Identifier: LGPL-2.1-or-later
// What the keys of a definition are called, for the reader and the writer.
#pragma once

#include <string_view>

namespace varve::definitions::key {

inline constexpr std::string_view vm_class = "class";
inline constexpr std::string_view template_vm = "template";
inline constexpr std::string_view template_for_dispvms = "template_for_dispvms";
inline constexpr std::string_view preload_max = "preload-dispvm-max";
inline constexpr std::string_view preload_delay = "preload-dispvm-delay";
inline constexpr std::string_view auto_cleanup = "auto_cleanup";
inline constexpr std::string_view uuid = "uuid";
inline constexpr std::string_view hypervisor = "hypervisor";
inline constexpr std::string_view memory = "memory";
inline constexpr std::string_view maxmem = "maxmem";
inline constexpr std::string_view vcpus = "vcpus";
inline constexpr std::string_view needs = "needs";
inline constexpr std::string_view tags = "tags";
inline constexpr std::string_view domain_xml = "domain_xml";
inline constexpr std::string_view default_dispvm = "default_dispvm";

inline constexpr std::string_view boot = "boot";
inline constexpr std::string_view firmware = "firmware";
inline constexpr std::string_view kernel = "kernel";
inline constexpr std::string_view initramfs = "initramfs";
inline constexpr std::string_view command_line = "cmdline";

inline constexpr std::string_view readiness = "readiness";
inline constexpr std::string_view signal = "signal";
inline constexpr std::string_view line = "line";
inline constexpr std::string_view deadline = "deadline";

inline constexpr std::string_view features = "features";

inline constexpr std::string_view volume = "volume";
inline constexpr std::string_view name = "name";
inline constexpr std::string_view pool = "pool";
inline constexpr std::string_view target = "target";
inline constexpr std::string_view rw = "rw";

inline constexpr std::string_view device = "device";
inline constexpr std::string_view path = "path";
inline constexpr std::string_view pci = "pci";
inline constexpr std::string_view usb = "usb";

inline constexpr std::string_view interface = "interface";
inline constexpr std::string_view network = "network";
inline constexpr std::string_view bridge = "bridge";
inline constexpr std::string_view mac = "mac";
inline constexpr std::string_view ip = "ip";

}  // namespace varve::definitions::key

namespace varve::definitions::word {

inline constexpr std::string_view none = "none";  // no VM can be called so
inline constexpr std::string_view bios = "bios";
inline constexpr std::string_view uefi = "uefi";
inline constexpr std::string_view agent = "agent";
inline constexpr std::string_view serial = "serial";
inline constexpr std::string_view xenstore = "xenstore";

}  // namespace varve::definitions::word
