// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool that hands every call to another one: the base of those that stand before a driver's and change a few.
#pragma once

#include "drivers/api/pool.h"

#include <memory>
#include <utility>

namespace varve::api {

class ForwardingPool : public Pool {
public:
    explicit ForwardingPool(std::unique_ptr<Pool> pool) : pool_(std::move(pool)) {}

    [[nodiscard]] Capabilities capabilities() const override { return pool_->capabilities(); }
    [[nodiscard]] base::Result<Space> space() const override { return pool_->space(); }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> parameters() const override { return pool_->parameters(); }
    [[nodiscard]] std::optional<std::filesystem::path> lock_directory() const override { return pool_->lock_directory(); }
    [[nodiscard]] base::Result<> before_removal() override { return pool_->before_removal(); }
    [[nodiscard]] base::Result<> recover() override { return pool_->recover(); }
    [[nodiscard]] base::Result<std::vector<base::VmName>> list_vms() const override { return pool_->list_vms(); }
    [[nodiscard]] base::Result<VmView> load_vm(const base::VmName& vm) override { return pool_->load_vm(vm); }
    [[nodiscard]] base::Result<> create_vm(const base::VmName& vm, const Ownership& owner) override { return pool_->create_vm(vm, owner); }
    [[nodiscard]] base::Result<> remove_vm(const base::VmName& vm) override { return pool_->remove_vm(vm); }
    [[nodiscard]] base::Result<> set_ownership(const base::VmName& vm, const Ownership& owner) override {
        return pool_->set_ownership(vm, owner);
    }
    [[nodiscard]] base::Result<> rename_vm(const base::VmName& from, const base::VmName& to,
                                           const std::vector<base::VolumePath>& children) override {
        return pool_->rename_vm(from, to, children);
    }
    [[nodiscard]] base::Result<std::optional<VolumeView>> load_volume(const base::VolumePath& volume, const VolumeView* known) override {
        return pool_->load_volume(volume, known);
    }
    [[nodiscard]] base::Result<> rename_volume(const base::VolumePath& from, const base::VolumePath& to, const VolumeView& present,
                                               const std::vector<base::VolumePath>& children) override {
        return pool_->rename_volume(from, to, present, children);
    }
    [[nodiscard]] base::Result<base::UniqueFd> open_state(const base::VolumePath& volume, const VolumeView& view,
                                                          const StateRef& state) const override {
        return pool_->open_state(volume, view, state);
    }
    [[nodiscard]] base::Result<PrivateImage> create_image(const base::VmName& vm, std::optional<int> content) override {
        return pool_->create_image(vm, content);
    }
    [[nodiscard]] base::Result<> clone_range(int from, base::Bytes from_offset, PrivateImage& to, base::Bytes to_offset,
                                             base::Bytes length) override {
        return pool_->clone_range(from, from_offset, to, to_offset, length);
    }
    [[nodiscard]] base::Result<std::filesystem::path> device(const base::VolumePath& volume, const VolumeView& view) const override {
        return pool_->device(volume, view);
    }
    [[nodiscard]] base::Result<base::Bytes> exclusive(const base::VolumePath& volume, const VolumeView& view,
                                                      const StateRef& state) const override {
        return pool_->exclusive(volume, view, state);
    }
    [[nodiscard]] base::Result<base::Extents> may_differ(const base::VolumePath& volume, const VolumeView& view, const StateRef& one,
                                                         const StateRef& other) const override {
        return pool_->may_differ(volume, view, one, other);
    }
    [[nodiscard]] base::Result<std::vector<Finding>> verify(const base::VmName& vm) const override { return pool_->verify(vm); }

    [[nodiscard]] base::Result<> prepare_start(const base::VolumePath& volume, const VolumeView& present,
                                               const LockIfCurrent& lock_if_current) override {
        return pool_->prepare_start(volume, present, lock_if_current);
    }

protected:
    [[nodiscard]] Pool& inner() const { return *pool_; }

private:
    [[nodiscard]] base::Result<std::optional<VolumeView>> run(const base::VolumePath& volume, const VolumeView* present,
                                                              const Command& command) override {
        return run_checked(*pool_, volume, present, command);
    }

    const std::unique_ptr<Pool> pool_;
};

}  // namespace varve::api
