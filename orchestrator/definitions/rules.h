// SPDX-License-Identifier: LGPL-2.1-or-later
// What must hold between definitions. Pure.
#pragma once

#include "orchestrator/definitions/vm_definition.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace varve::definitions {

using Definitions = std::map<base::VmName, VmDefinition>;

// Whether a VM may be named to whoever reads the error; empty: all may. Those who may not are "another VM" and "others".
using Shown = std::function<bool(const base::VmName& vm)>;

// What is wrong with the VM's references among `all`: an unknown template or one of the wrong class, an unknown VM it needs, a circle of needs,
// a default_dispvm that disposables cannot be made of. One sentence each; VMs that the definition names itself are named.
[[nodiscard]] std::vector<std::string> wrong_references(const Definitions& all, const VmDefinition& vm, const Shown& shown = {});

// The VMs on the way round, the first one twice ("a needs b needs a"); empty when `vm` does not need itself in the end.
[[nodiscard]] std::vector<base::VmName> circle_of_needs(const Definitions& all, const VmDefinition& vm);

// Who starts from the template or disposable template `vm`.
[[nodiscard]] std::vector<base::VmName> children_of(const Definitions& all, const base::VmName& vm);

// Busy, saying who depends on the VM and how.
[[nodiscard]] base::Result<> check_removable(const Definitions& all, const base::VmName& vm, const Shown& shown = {});

// Busy, saying which VMs need it, of those that run.
[[nodiscard]] base::Result<> check_stoppable(const Definitions& all, const base::VmName& vm,
                                             const std::function<bool(const base::VmName& vm)>& runs, const Shown& shown = {});

// InvalidArgument with everything that is wrong with the references of `changed`, Busy when those who depend on it cannot do with what it becomes.
[[nodiscard]] base::Result<> check_change(const Definitions& all, const VmDefinition& changed, const Shown& shown = {});

// The same definition, where every reference to `from` (its own name too) is to `to`.
[[nodiscard]] VmDefinition renamed(VmDefinition vm, const base::VmName& from, const base::VmName& to);

}  // namespace varve::definitions
