// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place that names dm-crypt devices and their keys.
#pragma once

#include "drivers/base/names.h"
#include "drivers/kernel/dm_name.h"

#include <optional>
#include <string>
#include <string_view>

namespace varve::ephemeral {

// Of one volume's device. A volume's name has no dash, so that no two volumes share a name.
struct CryptName {
    kernel::DmUuid uuid;    // VARVE-<pool identity>-crypt-<vm>-<volume>
    kernel::DmName making;  // varve-<pool identity>-making-<vm>-<volume>: until its first 64 KiB are zeroes
    kernel::DmName ready;   // varve-<pool identity>-crypt-<vm>-<volume>
    std::string key;        // varve:<uuid>
};

class CryptNames {
public:
    explicit CryptNames(std::string identity) : identity_(std::move(identity)) {}

    // InvalidName for an identity that device-mapper does not take.
    [[nodiscard]] base::Result<CryptName> of(const base::VolumePath& volume) const;
    // What the uuids of all begin with.
    [[nodiscard]] std::string uuid_prefix() const;
    // nullopt for a uuid that `of` gives to no volume.
    [[nodiscard]] std::optional<base::VolumePath> volume_of(std::string_view uuid) const;

private:
    std::string identity_;
};

}  // namespace varve::ephemeral
