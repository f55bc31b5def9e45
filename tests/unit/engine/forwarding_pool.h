// SPDX-License-Identifier: LGPL-2.1-or-later
// A driver that hands every call to another one, for tests that watch or change one of them.
#pragma once

#include "drivers/api/pool.h"

#include <memory>
#include <utility>

namespace varve::engine_test {

class ForwardingPool : public api::Pool {
public:
    explicit ForwardingPool(std::unique_ptr<api::Pool> pool) : pool_(std::move(pool)) {}

    api::Capabilities capabilities() const override { return pool_->capabilities(); }
    base::Result<api::Space> space() const override { return pool_->space(); }
    std::vector<std::pair<std::string, std::string>> parameters() const override { return pool_->parameters(); }
    std::optional<std::filesystem::path> lock_directory() const override { return pool_->lock_directory(); }
    base::Result<> recover() override { return pool_->recover(); }
    base::Result<std::vector<base::VmName>> list_vms() const override { return pool_->list_vms(); }
    base::Result<api::VmView> load_vm(const base::VmName& vm) override { return pool_->load_vm(vm); }
    base::Result<> create_vm(const base::VmName& vm, const api::Ownership& owner) override { return pool_->create_vm(vm, owner); }
    base::Result<> remove_vm(const base::VmName& vm) override { return pool_->remove_vm(vm); }
    base::Result<> set_ownership(const base::VmName& vm, const api::Ownership& owner) override { return pool_->set_ownership(vm, owner); }
    base::Result<> rename_vm(const base::VmName& from, const base::VmName& to, const std::vector<base::VolumePath>& children) override {
        return pool_->rename_vm(from, to, children);
    }
    base::Result<std::optional<api::VolumeView>> load_volume(const base::VolumePath& volume, const api::VolumeView* known) override {
        return pool_->load_volume(volume, known);
    }
    base::Result<> rename_volume(const base::VolumePath& from, const base::VolumePath& to, const api::VolumeView& present,
                                 const std::vector<base::VolumePath>& children) override {
        return pool_->rename_volume(from, to, present, children);
    }
    base::Result<base::UniqueFd> open_state(const base::VolumePath& volume, const api::VolumeView& view,
                                            const api::StateRef& state) const override {
        return pool_->open_state(volume, view, state);
    }
    base::Result<api::PrivateImage> create_image(const base::VmName& vm, std::optional<int> content) override {
        return pool_->create_image(vm, content);
    }
    base::Result<> clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset,
                               base::Bytes length) override {
        return pool_->clone_range(from, from_offset, to, to_offset, length);
    }
    base::Result<std::filesystem::path> device(const base::VolumePath& volume, const api::VolumeView& view) const override {
        return pool_->device(volume, view);
    }
    base::Result<base::Bytes> exclusive(const base::VolumePath& volume, const api::VolumeView& view,
                                        const api::StateRef& state) const override {
        return pool_->exclusive(volume, view, state);
    }
    base::Result<std::vector<api::Finding>> verify(const base::VmName& vm) const override { return pool_->verify(vm); }

    base::Result<> prepare_start(const base::VolumePath& volume, const api::VolumeView& present,
                                 const LockIfCurrent& lock_if_current) override {
        return pool_->prepare_start(volume, present, lock_if_current);
    }

protected:
    [[nodiscard]] api::Pool& inner() const { return *pool_; }

private:
    base::Result<std::optional<api::VolumeView>> run(const base::VolumePath& volume, const api::VolumeView* present,
                                                     const api::Command& command) override {
        return pool_->execute(volume, present, command);
    }

    const std::unique_ptr<api::Pool> pool_;
};

}  // namespace varve::engine_test
