// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/qubes_xml/vid.h"

#include <string>
#include <vector>

namespace varve::qubes_xml {
namespace {

using base::Result;
using base::VolumePath;

constexpr std::string_view lv_prefix = "vm-";

std::vector<std::string_view> parts_of(std::string_view vid) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto slash = vid.find('/');
        parts.push_back(vid.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        vid.remove_prefix(slash + 1);
    }
}

Result<VolumePath> path_of(std::string_view vm, std::string_view volume) {
    auto vm_name = TRY(base::VmName::parse(vm));
    auto volume_name = TRY(base::VolumeName::parse(volume));
    return VolumePath{std::move(vm_name), std::move(volume_name)};
}

}  // namespace

Result<VolumePath> parse_vid(std::string_view vid) {
    const auto parts = parts_of(vid);
    if (parts.size() == 3 && (parts[0] == "appvms" || parts[0] == "vm-templates")) return path_of(parts[1], parts[2]);
    if (parts.size() == 2 && parts[1].starts_with(lv_prefix)) {
        const auto lv = parts[1].substr(lv_prefix.size());
        if (const auto dash = lv.rfind('-'); dash != std::string_view::npos) return path_of(lv.substr(0, dash), lv.substr(dash + 1));
    }
    return base::fail(base::Errc::InvalidName,
                      "it is neither appvms/VM/VOLUME, vm-templates/VM/VOLUME nor GROUP/vm-VM-VOLUME, where Qubes' drivers keep volumes");
}

}  // namespace varve::qubes_xml
