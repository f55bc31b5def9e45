// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/ephemeral/crypt_devices.h"

#include "drivers/kernel/dm_steps.h"

#include <algorithm>
#include <utility>

namespace varve::ephemeral {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using kernel::CryptTarget;
using kernel::DeviceMapper;
using kernel::DmTable;

constexpr std::size_t key_bytes = 64;           // aes-256-xts takes two keys of 256 bits
constexpr base::Bytes zeroed_start{1U << 16U};  // as much as blkid and its like look at for most signatures

base::SectorCount sectors_of(base::Bytes size) { return {size.count / base::sector_size}; }

// Of a device with this one target; the key in it may be by value.
Result<CryptTarget> crypt_target(const DmTable& table, const kernel::DmName& name) {
    const auto* const target = table.targets().size() == 1 ? std::get_if<CryptTarget>(&table.targets().front().kind) : nullptr;
    if (target == nullptr) return fail(Errc::Corrupt, "the device '" + name.str() + "' is no dm-crypt device, although its uuid says so");
    return *target;
}

Result<> fits(base::Bytes size, base::Bytes sector) {
    if (size.count % sector.count == 0) return {};
    return fail(Errc::InvalidArgument, std::to_string(size.count) + " bytes are not a multiple of the " + std::to_string(sector.count) +
                                           " that its storage reads and writes at once");
}

std::string key_name_in(const CryptTarget& target) {
    const auto* const key = std::get_if<kernel::KeyringKey>(&target.key);
    return key != nullptr ? key->name : std::string();
}

}  // namespace

Result<CryptDevices::State> CryptDevices::state(const CryptName& name) const {
    const auto found = kernel_.mapper.find(name.uuid);
    if (!found && found.error().code == Errc::Unsupported) return State::None;
    if (!found) return base::Failure(found.error());
    if (!*found) return State::None;
    return (*found)->name == name.ready.str() ? State::Ready : State::Making;
}

Result<std::vector<kernel::DmInfo>> CryptDevices::list(const std::string& uuid_prefix) const {
    auto found = kernel_.mapper.list(uuid_prefix);
    if (!found && found.error().code == Errc::Unsupported) return std::vector<kernel::DmInfo>{};
    return found;
}

// ---- open
Result<CryptDevices::Base> CryptDevices::base_of(const std::filesystem::path& below) {
    const auto opened = TRY(kernel_.blocks.open(below));
    if (opened.block) return Base{*opened.block, opened.sector};
    const auto loop = TRY(kernel_.loops.attach(opened.fd.get(), {}));
    const auto device = TRY(kernel_.blocks.open(loop.path()));
    return Base{loop.device, device.sector};
}

// In the kernel's keyring, from where nobody can read it back; in the table where the kernel has no keyring for us.
Result<kernel::CryptKey> CryptDevices::make_key(const CryptName& name) {
    auto key = TRY(kernel::SecretKey::random(key_bytes));
    const auto added = kernel_.keyring.add(name.key, key);
    if (added) return kernel::KeyringKey{key_bytes, name.key};
    if (added.error().code != Errc::Unsupported && added.error().code != Errc::Denied) return base::Failure(added.error());
    warn_(added.error().message() + "; its key stands in the device's table, where root can read it");
    return key;
}

Result<> CryptDevices::create(const CryptName& name, const DmTable& table) {
    const auto target = TRY(crypt_target(table, name.making));
    std::optional<kernel::HeldKey> held;
    if (const auto key = key_name_in(target); !key.empty()) held.emplace(TRY(kernel::HeldKey::hold(kernel_.keyring, key)));
    TRY(kernel_.mapper.create(name.making, name.uuid, table, kernel::DmAccess::ReadWrite));
    return {};
}

Result<> CryptDevices::open(const CryptName& name, const std::filesystem::path& below, base::Bytes size) {
    const auto base = TRY(base_of(below));
    TRY(fits(size, base.sector));
    {
        // The same sectors as without encryption, so that the VM sees no difference.
        CryptTarget target{.key = TRY(make_key(name)), .device = base.device, .allow_discards = true};
        if (base.sector.count != base::sector_size) target.sector_bytes = static_cast<unsigned>(base.sector.count);
        const auto table = TRY(DmTable::of(sectors_of(size), std::move(target)));
        TRY(create(name, table));
    }
    TRY(kernel_.blocks.zero_start(DeviceMapper::node_path(name.making), std::min(size, zeroed_start)));
    // Point of no return: from here it is the session's device.
    return kernel_.mapper.rename(name.making, name.ready);
}

// ---- close
Result<> CryptDevices::detach(const Below& below, const std::vector<kernel::DeviceNumber>& devices) {
    constexpr unsigned loop_major = 7;  // Documentation/admin-guide/devices.txt
    if (below.what == Below::What::Device) return {};
    std::optional<kernel::LoopBacking> image;
    if (below.what == Below::What::Image) image = TRY(kernel_.loops.backing_of(below.image.get()));
    if (!image && std::ranges::none_of(devices, [](kernel::DeviceNumber device) { return device.major == loop_major; })) return {};
    for (const auto& loop : TRY(kernel_.loops.list())) {
        const bool ours = image ? loop.backing == *image : std::ranges::find(devices, loop.device) != devices.end();
        if (ours && !loop.autoclear) TRY(kernel_.loops.detach(loop));
    }
    return {};
}

Result<> CryptDevices::close(const CryptName& name, const Below& below) {
    std::vector<kernel::DeviceNumber> devices;
    const auto found = kernel_.mapper.find(name.uuid);
    if (!found && found.error().code != Errc::Unsupported) return base::Failure(found.error());
    if (found && *found) {
        const auto device = TRY(kernel::DmName::parse((*found)->name));
        devices = TRY(kernel_.mapper.devices_below(device));
        TRY(kernel::remove_if_there(kernel_.mapper, device));
    }
    TRY(detach(below, devices));
    return kernel_.keyring.remove(name.key);
}

// ---- grow
Result<> CryptDevices::can_grow(const CryptName& name, base::Bytes size) {
    if (TRY(state(name)) != State::Ready)
        return fail(Errc::NotFound, "its encrypted device has vanished, and its content with it; stop it");
    const auto target = TRY(crypt_target(TRY(kernel_.mapper.table(name.ready)), name.ready));
    TRY(fits(size, {target.sector_bytes.value_or(base::sector_size)}));
    if (const auto key = key_name_in(target); !key.empty()) TRY(kernel::HeldKey::hold(kernel_.keyring, key));
    return {};
}

Result<> CryptDevices::grow(const CryptName& name, const Below& below, base::Bytes size) {
    const auto present = TRY(kernel_.mapper.table(name.ready));
    if (present.size() >= sectors_of(size)) return {};
    if (below.what == Below::What::Image)
        for (const auto& loop : TRY(kernel::loops_over(kernel_.loops, TRY(kernel_.loops.backing_of(below.image.get())))))
            TRY(kernel_.loops.update_size(loop));
    auto target = TRY(crypt_target(present, name.ready));
    std::optional<kernel::HeldKey> held;
    if (const auto key = key_name_in(target); !key.empty()) held.emplace(TRY(kernel::HeldKey::hold(kernel_.keyring, key)));
    const auto table = TRY(DmTable::of(sectors_of(size), std::move(target)));
    // The VM's own file system is not mounted here, and what the page cache holds need not be written first.
    return kernel::switch_table(kernel_.mapper, name.ready, table, kernel::DmAccess::ReadWrite, {.lock_filesystem = false});
}

}  // namespace varve::ephemeral
