// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/ephemeral/crypt_names.h"

namespace varve::ephemeral {

using base::Result;

Result<CryptName> CryptNames::of(const base::VolumePath& volume) const {
    const auto own = volume.vm.str() + "-" + volume.volume.str();
    auto uuid = TRY(kernel::DmUuid::parse(uuid_prefix() + own));
    auto making = TRY(kernel::DmName::parse("varve-" + identity_ + "-making-" + own));
    auto ready = TRY(kernel::DmName::parse("varve-" + identity_ + "-crypt-" + own));
    auto key = "varve:" + uuid.str();
    return CryptName{std::move(uuid), std::move(making), std::move(ready), std::move(key)};
}

std::string CryptNames::uuid_prefix() const { return kernel::pool_uuid_prefix(identity_) + "crypt-"; }

std::optional<base::VolumePath> CryptNames::volume_of(std::string_view uuid) const {
    const auto prefix = uuid_prefix();
    if (!uuid.starts_with(prefix)) return std::nullopt;
    const auto own = uuid.substr(prefix.size());
    const auto dash = own.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    auto vm = base::VmName::parse(own.substr(0, dash));
    auto volume = base::VolumeName::parse(own.substr(dash + 1));
    if (!vm || !volume) return std::nullopt;
    return base::VolumePath{*std::move(vm), *std::move(volume)};
}

}  // namespace varve::ephemeral
