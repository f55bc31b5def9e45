// SPDX-License-Identifier: LGPL-2.1-or-later
// What a disposable is made of: pure.
#pragma once

#include "drivers/base/revision_name.h"
#include "orchestrator/definitions/vm_definition.h"

#include <optional>
#include <variant>
#include <vector>

namespace varve::disposables {

// Where a snapshot starts from, in its own pool; without a revision from the committed state.
struct Source {
    base::VolumePath volume;
    std::optional<base::RevisionId> revision;
    friend bool operator==(const Source&, const Source&) = default;
};

// A volume of the disposable template, as the pool knows it.
struct Keeps {  // an origin
    friend bool operator==(Keeps, Keeps) = default;
};
struct StartsFrom {  // a snapshot or origin_snapshot
    Source source;
    friend bool operator==(const StartsFrom&, const StartsFrom&) = default;
};
struct EmptyAtStart {  // volatile
    base::Bytes size;
    friend bool operator==(EmptyAtStart, EmptyAtStart) = default;
};
struct TemplateVolume {
    definitions::VolumeUse use;
    std::variant<Keeps, StartsFrom, EmptyAtStart> kind;
};

// A volume to create for the disposable. None keeps anything: each starts anew.
struct DisposableVolume {
    base::VolumeName volume;
    base::PoolName pool;
    std::variant<StartsFrom, EmptyAtStart> kind;
    friend bool operator==(const DisposableVolume&, const DisposableVolume&) = default;
};

// What the template keeps, its disposables start from; what the template starts from, they do too.
[[nodiscard]] std::vector<DisposableVolume> volumes_of(const base::VmName& template_vm, const std::vector<TemplateVolume>& volumes);

// Each disposable is another station of the template's networks.
[[nodiscard]] std::vector<definitions::Interface> interfaces_of(const definitions::VmDefinition& template_vm);

// Everything as the disposable template has it but attached devices; its requests for disposables make others of the same template.
// InvalidArgument when disposables cannot be made of the VM.
[[nodiscard]] base::Result<definitions::VmDefinition> disposable_of(const definitions::VmDefinition& template_vm, const base::VmName& name,
                                                                    bool auto_cleanup);

}  // namespace varve::disposables
