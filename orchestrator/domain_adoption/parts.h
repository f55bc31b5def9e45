// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of a domain's XML, each into what the definition has for it. Within this folder only.
#pragma once

#include "orchestrator/domain_adoption/plan.h"
#include "orchestrator/domain_adoption/reading.h"

namespace varve::domain_adoption {

// Memory, processors, kernel or firmware.
void read_size(pugi::xml_node domain, Reading& reading, definitions::VmDefinition& vm);
void read_boot(pugi::xml_node domain, Reading& reading, definitions::VmDefinition& vm);
// After the boot, which says what machine it is. The volumes are in the order in which the guest boots from them.
void read_disks(pugi::xml_node domain, const Wish& wish, Reading& reading, Plan& plan);
// Interfaces and devices of the host; and all that every VM has, so that it is not left out.
void read_devices(pugi::xml_node domain, const Wish& wish, Reading& reading, definitions::VmDefinition& vm);

}  // namespace varve::domain_adoption
