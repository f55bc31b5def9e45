// SPDX-License-Identifier: LGPL-2.1-or-later
// The pool that stands before a driver's. Only for ephemeral_pool.cpp.
#pragma once

#include "drivers/api/forwarding_pool.h"
#include "drivers/ephemeral/availability.h"
#include "drivers/ephemeral/crypt_devices.h"
#include "drivers/ephemeral/ephemeral.h"

#include <map>
#include <mutex>

namespace varve::ephemeral {

class EphemeralPool final : public api::ForwardingPool {
public:
    EphemeralPool(std::unique_ptr<api::Pool> inner, const Settings& settings, const Kernel& kernel, const base::Clock& clock,
                  spdlog::logger& log);

    [[nodiscard]] api::Capabilities capabilities() const override;
    [[nodiscard]] base::Result<> recover() override;
    [[nodiscard]] base::Result<api::VmView> load_vm(const base::VmName& vm) override;
    [[nodiscard]] base::Result<std::optional<api::VolumeView>> load_volume(const base::VolumePath& volume,
                                                                           const api::VolumeView* known) override;
    [[nodiscard]] base::Result<std::filesystem::path> device(const base::VolumePath& volume, const api::VolumeView& view) const override;

private:
    using View = base::Result<std::optional<api::VolumeView>>;

    [[nodiscard]] View run(const base::VolumePath& volume, const api::VolumeView* present, const api::Command& command) override;
    [[nodiscard]] View start(const base::VolumePath& volume, api::VolumeView present, const api::Command& command);
    [[nodiscard]] View stop(const base::VolumePath& volume, const api::VolumeView& present, const api::Command& command);
    [[nodiscard]] View resize(const base::VolumePath& volume, const api::VolumeView& present, const api::Command& command);

    // What a session of an ephemeral volume is worth, now that one looks at the kernel: the volume as it is afterwards.
    [[nodiscard]] api::VolumeView settle(const base::VolumePath& volume, const api::VolumeView& view);
    [[nodiscard]] base::Result<api::VolumeView> try_to_settle(const base::VolumePath& volume, const api::VolumeView& view);
    // Ends a session whose content nobody can read any more.
    [[nodiscard]] base::Result<api::VolumeView> drop(const base::VolumePath& volume, const api::VolumeView& view);
    [[nodiscard]] base::Result<> close(const base::VolumePath& volume, const api::VolumeView& view);
    [[nodiscard]] base::Result<Below> below(const base::VolumePath& volume, const api::VolumeView& view) const;
    // Removes a device that belongs to no session.
    void sweep(const kernel::DmInfo& device);
    void sweep_leftovers(const base::VmName& vm, const api::VmView& view);

    void log_operation(const base::VolumePath& volume, std::string_view how, std::string_view what) const;
    void warn(const base::VolumePath& volume, const std::string& what) const;

    std::string name_;
    spdlog::logger& log_;
    CryptNames names_;
    CryptDevices devices_;
    Availability availability_;
    std::mutex mutex_;                                               // over what follows
    std::map<base::VmName, std::vector<kernel::DmInfo>> leftovers_;  // what recover found of VMs that are not loaded yet
};

}  // namespace varve::ephemeral
