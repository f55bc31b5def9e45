// SPDX-License-Identifier: LGPL-2.1-or-later
// The disks of a domain: always raw, and never probed, since a guest can write any image format's header that names a file of the host.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/definitions/identifiers.h"
#include "orchestrator/domain_xml/domain_type.h"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pugi {
class xml_node;
}

namespace varve::domain_xml {

enum class SourceKind { File, BlockDevice };

struct Disk {
    definitions::TargetName target;
    std::filesystem::path source;
    SourceKind kind = SourceKind::File;
    bool read_only = false;
};

// A disk that may not have its name yet.
struct WantedDisk {
    std::optional<definitions::TargetName> target = {};
    std::filesystem::path source;
    SourceKind kind = SourceKind::File;
    bool read_only = false;
};

// Names the disks: those that ask for one get it, the others the first free ones of the hypervisor's usual bus (vda, vdb... or xvda...), in
// the order of the list. Exists: two ask for the same, or it is in `used`. Unsupported: the hypervisor has no such bus.
[[nodiscard]] base::Result<std::vector<Disk>> allot_targets(const std::vector<WantedDisk>& disks, DomainType type,
                                                            std::set<std::string> used = {});

// InvalidArgument for a source that XML cannot hold, or that is not absolute.
[[nodiscard]] base::Result<> append_disk(pugi::xml_node& devices, const Disk& disk, DomainType type);
// The same by itself, to be attached.
[[nodiscard]] base::Result<std::string> disk_xml(const Disk& disk, DomainType type);

}  // namespace varve::domain_xml
