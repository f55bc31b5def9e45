// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/plugin/guarded_pool.h"

#include "drivers/api/forwarding_pool.h"

#include <exception>
#include <utility>

namespace varve::plugin {
namespace {

using api::Command;
using api::Ownership;
using api::Pool;
using api::VolumeView;
using base::Errc;
using base::Result;
using base::VmName;
using base::VolumePath;

// `host` and then the pool: the pool's end may still use it.
struct Kept {
    std::shared_ptr<api::DriverHost> host;
    std::string driver;
};

class GuardedPool final : private Kept, public api::ForwardingPool {
public:
    GuardedPool(Kept kept, std::unique_ptr<Pool> pool) : Kept(std::move(kept)), ForwardingPool(std::move(pool)) {}

    api::Capabilities capabilities() const override {
        return plain("capabilities", [&] { return inner().capabilities(); });
    }
    std::vector<std::pair<std::string, std::string>> parameters() const override {
        return plain("parameters", [&] { return inner().parameters(); });
    }
    std::optional<std::filesystem::path> lock_directory() const override {
        return plain("lock_directory", [&] { return inner().lock_directory(); });
    }

    Result<api::Space> space() const override {
        return look("space", [&] { return inner().space(); });
    }
    Result<std::vector<VmName>> list_vms() const override {
        return look("list_vms", [&] { return inner().list_vms(); });
    }
    Result<base::UniqueFd> open_state(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const override {
        return look("open_state", [&] { return inner().open_state(volume, view, state); });
    }
    Result<std::filesystem::path> device(const VolumePath& volume, const VolumeView& view) const override {
        return look("device", [&] { return inner().device(volume, view); });
    }
    Result<base::Bytes> exclusive(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const override {
        return look("exclusive", [&] { return inner().exclusive(volume, view, state); });
    }
    Result<base::Extents> may_differ(const VolumePath& volume, const VolumeView& view, const api::StateRef& one,
                                     const api::StateRef& other) const override {
        return look("may_differ", [&] { return inner().may_differ(volume, view, one, other); });
    }
    Result<std::vector<api::Finding>> verify(const VmName& vm) const override {
        return look("verify", [&] { return inner().verify(vm); });
    }

    Result<> before_removal() override {
        return change("before_removal", [&] { return inner().before_removal(); });
    }
    Result<> recover() override {
        return change("recover", [&] { return inner().recover(); });
    }
    Result<api::VmView> load_vm(const VmName& vm) override {
        return change("load_vm", [&] { return inner().load_vm(vm); });
    }
    Result<> create_vm(const VmName& vm, const Ownership& owner) override {
        return change("create_vm", [&] { return inner().create_vm(vm, owner); });
    }
    Result<> remove_vm(const VmName& vm) override {
        return change("remove_vm", [&] { return inner().remove_vm(vm); });
    }
    Result<> set_ownership(const VmName& vm, const Ownership& owner) override {
        return change("set_ownership", [&] { return inner().set_ownership(vm, owner); });
    }
    Result<> rename_vm(const VmName& from, const VmName& to, const std::vector<VolumePath>& children) override {
        return change("rename_vm", [&] { return inner().rename_vm(from, to, children); });
    }
    Result<std::optional<VolumeView>> load_volume(const VolumePath& volume, const VolumeView* known) override {
        return change("load_volume", [&] { return inner().load_volume(volume, known); });
    }
    Result<> rename_volume(const VolumePath& from, const VolumePath& to, const VolumeView& present,
                           const std::vector<VolumePath>& children) override {
        return change("rename_volume", [&] { return inner().rename_volume(from, to, present, children); });
    }
    Result<api::PrivateImage> create_image(const VmName& vm, std::optional<int> content) override {
        return change("create_image", [&] { return inner().create_image(vm, content); });
    }
    Result<> clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset, base::Bytes length) override {
        return change("clone_range", [&] { return inner().clone_range(from, from_offset, to, to_offset, length); });
    }
    Result<> prepare_start(const VolumePath& volume, const VolumeView& present, const LockIfCurrent& lock_if_current) override {
        return change("prepare_start", [&] { return inner().prepare_start(volume, present, lock_if_current); });
    }

private:
    Result<std::optional<VolumeView>> run(const VolumePath& volume, const VolumeView* present, const Command& command) override {
        return change(api::command_name(command), [&] { return run_checked(inner(), volume, present, command); });
    }

    // Answers `otherwise(words)` when the call throws.
    template <class Call, class Otherwise>
    auto caught(std::string_view what, Call call, Otherwise otherwise) const -> decltype(call()) {
        std::string words;
        try {
            return call();
        } catch (const std::exception& thrown) {
            words = thrown.what();
        } catch (...) {
            words = "something that is no std::exception";
        }
        auto all = driver;
        all.append(" has thrown in ").append(what).append(", which no driver may: ").append(words);
        host->log(all);
        return otherwise(std::move(all));
    }
    template <class Call>
    auto plain(std::string_view what, Call call) const -> decltype(call()) {
        return caught(what, call, [](const std::string&) { return decltype(call()){}; });
    }
    template <class Call>
    auto look(std::string_view what, Call call) const -> decltype(call()) {
        return caught(what, call, [](std::string words) { return decltype(call())(base::fail(Errc::Io, std::move(words))); });
    }
    template <class Call>
    auto change(std::string_view what, Call call) const -> decltype(call()) {
        return caught(what, call, [](std::string words) { return decltype(call())(base::fail(Errc::Degraded, std::move(words))); });
    }
};

}  // namespace

std::unique_ptr<Pool> guarded(std::unique_ptr<Pool> pool, std::shared_ptr<api::DriverHost> host, const std::string& driver) {
    return std::make_unique<GuardedPool>(Kept{std::move(host), driver}, std::move(pool));
}

}  // namespace varve::plugin
