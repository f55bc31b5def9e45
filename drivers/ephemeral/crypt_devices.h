// SPDX-License-Identifier: LGPL-2.1-or-later
// dm-crypt devices over what a driver gives, with the loop devices and keys that belong to them.
#pragma once

#include "drivers/base/unique_fd.h"
#include "drivers/ephemeral/crypt_names.h"
#include "drivers/ephemeral/ephemeral.h"
#include "drivers/kernel/dm_targets.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace varve::ephemeral {

// What lies below a volume's dm-crypt device, as far as the caller knows.
struct Below {
    enum class What {
        Image,    // a file, reached through a loop device of ours
        Device,   // a block device of the driver
        Unknown,  // the session is gone
    };
    What what = What::Unknown;
    base::UniqueFd image = {};  // of What::Image
};

// As thread-safe as its ports: one call at a time for one volume.
class CryptDevices {
public:
    // `warn` gets a sentence that no caller is told.
    CryptDevices(const Kernel& kernel, std::function<void(const std::string&)> warn) : kernel_(kernel), warn_(std::move(warn)) {}

    enum class State {
        None,
        Making,  // its start did not come to an end: nobody was given it
        Ready,
    };
    // None also on a kernel without device-mapper.
    [[nodiscard]] base::Result<State> state(const CryptName& name) const;
    // Those of all volumes, by uuid.
    [[nodiscard]] base::Result<std::vector<kernel::DmInfo>> list(const std::string& uuid_prefix) const;

    [[nodiscard]] base::Result<kernel::OpenDevice> look_below(const std::filesystem::path& path) const { return kernel_.blocks.open(path); }

    // Makes the device, with a new key. When it fails, close() removes what there is of it.
    [[nodiscard]] base::Result<> open(const CryptName& name, const std::filesystem::path& below, base::Bytes size);
    // Removes the device, its loop device and its key, as far as they are there. Busy while somebody has the device open: it then stays whole.
    [[nodiscard]] base::Result<> close(const CryptName& name, const Below& below);
    // Whether grow() would refuse that size: NotFound when the device or its key has vanished, InvalidArgument when the size does not fit its sectors.
    [[nodiscard]] base::Result<> can_grow(const CryptName& name, base::Bytes size);
    // Makes the device as large as that, after what lies below it has grown; nothing when it is. It is never made smaller.
    [[nodiscard]] base::Result<> grow(const CryptName& name, const Below& below, base::Bytes size);

private:
    struct Base {
        kernel::DeviceNumber device;
        base::Bytes sector;
    };
    [[nodiscard]] base::Result<Base> base_of(const std::filesystem::path& below);
    [[nodiscard]] base::Result<kernel::CryptKey> make_key(const CryptName& name);
    [[nodiscard]] base::Result<> create(const CryptName& name, const kernel::DmTable& table);
    [[nodiscard]] base::Result<> detach(const Below& below, const std::vector<kernel::DeviceNumber>& devices);

    Kernel kernel_;
    std::function<void(const std::string&)> warn_;
};

}  // namespace varve::ephemeral
