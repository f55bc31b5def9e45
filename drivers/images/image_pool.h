// SPDX-License-Identifier: LGPL-2.1-or-later
// api::Pool over image files: finds the VM's directory and hands each call to the part whose it is.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/images/context.h"
#include "drivers/images/private_images.h"

#include <memory>

namespace varve::images {

class ImagePool final : public api::Pool {
public:
    explicit ImagePool(std::unique_ptr<Context> context) : context_(std::move(context)), images_(*context_) {}

    [[nodiscard]] api::Capabilities capabilities() const override;
    [[nodiscard]] base::Result<api::Space> space() const override;
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> parameters() const override;
    [[nodiscard]] std::optional<std::filesystem::path> lock_directory() const override;

    [[nodiscard]] base::Result<> recover() override;
    [[nodiscard]] base::Result<std::vector<base::VmName>> list_vms() const override;
    [[nodiscard]] base::Result<api::VmView> load_vm(const base::VmName& vm) override;
    [[nodiscard]] base::Result<> create_vm(const base::VmName& vm, const api::Ownership& ownership) override;
    [[nodiscard]] base::Result<> remove_vm(const base::VmName& vm) override;
    [[nodiscard]] base::Result<> set_ownership(const base::VmName& vm, const api::Ownership& ownership) override;
    [[nodiscard]] base::Result<> rename_vm(const base::VmName& from, const base::VmName& to,
                                           const std::vector<base::VolumePath>& children) override;

    [[nodiscard]] base::Result<std::optional<api::VolumeView>> load_volume(const base::VolumePath& volume,
                                                                           const api::VolumeView* known) override;
    [[nodiscard]] base::Result<> rename_volume(const base::VolumePath& from, const base::VolumePath& to, const api::VolumeView& present,
                                               const std::vector<base::VolumePath>& children) override;

    [[nodiscard]] base::Result<base::UniqueFd> open_state(const base::VolumePath& volume, const api::VolumeView& view,
                                                          const api::StateRef& state) const override;
    [[nodiscard]] base::Result<api::PrivateImage> create_image(const base::VmName& vm, std::optional<int> content) override;
    [[nodiscard]] base::Result<> clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset,
                                             base::Bytes length) override;
    [[nodiscard]] base::Result<std::filesystem::path> device(const base::VolumePath& volume, const api::VolumeView& view) const override;
    [[nodiscard]] base::Result<base::Bytes> exclusive(const base::VolumePath& volume, const api::VolumeView& view,
                                                      const api::StateRef& state) const override;
    [[nodiscard]] base::Result<base::Extents> may_differ(const base::VolumePath& volume, const api::VolumeView& view,
                                                         const api::StateRef& one, const api::StateRef& other) const override;
    [[nodiscard]] base::Result<> prepare_start(const base::VolumePath& volume, const api::VolumeView& present,
                                               const LockIfCurrent& lock_if_current) override;
    [[nodiscard]] base::Result<std::vector<api::Finding>> verify(const base::VmName& vm) const override;

private:
    [[nodiscard]] base::Result<std::optional<api::VolumeView>> run(const base::VolumePath& volume, const api::VolumeView* present,
                                                                   const api::Command& command) override;
    [[nodiscard]] base::Result<api::VolumeView> publish(VolumeFiles& files, const api::VolumeView* present, const api::Publish& command);

    std::unique_ptr<Context> context_;
    PrivateImages images_;
};

}  // namespace varve::images
