// SPDX-License-Identifier: LGPL-2.1-or-later
// The pool that stands before a driver's. Only for ephemeral_pool.cpp.
#pragma once

#include "drivers/ephemeral/availability.h"
#include "drivers/ephemeral/crypt_devices.h"
#include "drivers/ephemeral/ephemeral.h"

#include <map>
#include <mutex>

namespace varve::ephemeral {

class EphemeralPool final : public api::Pool {
public:
    EphemeralPool(std::unique_ptr<api::Pool> inner, const Settings& settings, const Kernel& kernel, const base::Clock& clock,
                  spdlog::logger& log);

    [[nodiscard]] api::Capabilities capabilities() const override;
    [[nodiscard]] base::Result<> recover() override;
    [[nodiscard]] base::Result<api::VmView> load_vm(const base::VmName& vm) override;
    [[nodiscard]] base::Result<std::optional<api::VolumeView>> load_volume(const base::VolumePath& volume,
                                                                           const api::VolumeView* known) override;
    [[nodiscard]] base::Result<std::filesystem::path> device(const base::VolumePath& volume, const api::VolumeView& view) const override;

    // ---- the driver's own
    [[nodiscard]] base::Result<api::Space> space() const override { return inner_->space(); }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> parameters() const override { return inner_->parameters(); }
    [[nodiscard]] std::optional<std::filesystem::path> lock_directory() const override { return inner_->lock_directory(); }
    [[nodiscard]] base::Result<std::vector<base::VmName>> list_vms() const override { return inner_->list_vms(); }
    [[nodiscard]] base::Result<> create_vm(const base::VmName& vm, const api::Ownership& ownership) override {
        return inner_->create_vm(vm, ownership);
    }
    [[nodiscard]] base::Result<> remove_vm(const base::VmName& vm) override { return inner_->remove_vm(vm); }
    [[nodiscard]] base::Result<> set_ownership(const base::VmName& vm, const api::Ownership& ownership) override {
        return inner_->set_ownership(vm, ownership);
    }
    [[nodiscard]] base::Result<> rename_vm(const base::VmName& from, const base::VmName& to,
                                           const std::vector<base::VolumePath>& children) override {
        return inner_->rename_vm(from, to, children);
    }
    [[nodiscard]] base::Result<> rename_volume(const base::VolumePath& from, const base::VolumePath& to, const api::VolumeView& present,
                                               const std::vector<base::VolumePath>& children) override {
        return inner_->rename_volume(from, to, present, children);
    }
    [[nodiscard]] base::Result<base::UniqueFd> open_state(const base::VolumePath& volume, const api::VolumeView& view,
                                                          const api::StateRef& state) const override {
        return inner_->open_state(volume, view, state);
    }
    [[nodiscard]] base::Result<api::PrivateImage> create_image(const base::VmName& vm, std::optional<int> content) override {
        return inner_->create_image(vm, content);
    }
    [[nodiscard]] base::Result<> clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset,
                                             base::Bytes length) override {
        return inner_->clone_range(from, from_offset, to, to_offset, length);
    }
    [[nodiscard]] base::Result<base::Bytes> exclusive(const base::VolumePath& volume, const api::VolumeView& view,
                                                      const api::StateRef& state) const override {
        return inner_->exclusive(volume, view, state);
    }
    [[nodiscard]] base::Result<> prepare_start(const base::VolumePath& volume, const api::VolumeView& present,
                                               const LockIfCurrent& lock_if_current) override {
        return inner_->prepare_start(volume, present, lock_if_current);
    }
    [[nodiscard]] base::Result<std::vector<api::Finding>> verify(const base::VmName& vm) const override { return inner_->verify(vm); }

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

    std::unique_ptr<api::Pool> inner_;
    std::string name_;
    spdlog::logger& log_;
    CryptNames names_;
    CryptDevices devices_;
    Availability availability_;
    std::mutex mutex_;                                               // over what follows
    std::map<base::VmName, std::vector<kernel::DmInfo>> leftovers_;  // what recover found of VMs that are not loaded yet
};

}  // namespace varve::ephemeral
