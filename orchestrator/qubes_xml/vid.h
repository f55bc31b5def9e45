// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a volume of Qubes lies in its pool.
#pragma once

#include "drivers/base/names.h"

#include <string_view>

namespace varve::qubes_xml {

// `appvms/VM/VOLUME` and `vm-templates/VM/VOLUME` of the drivers file and file-reflink, `GROUP/vm-VM-VOLUME` of lvm_thin. InvalidName for what is neither, and
// for VMs and volumes whose names Varve does not take. The VM's name is that of its storage, which a rename in old versions of Qubes left as it was.
[[nodiscard]] base::Result<base::VolumePath> parse_vid(std::string_view vid);

}  // namespace varve::qubes_xml
