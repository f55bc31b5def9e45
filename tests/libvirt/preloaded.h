// SPDX-License-Identifier: LGPL-2.1-or-later
// Real guests that are kept ready by a preload queue of their own.
#pragma once

#include "orchestrator/preloading/asio_loop.h"
#include "orchestrator/preloading/preloading.h"
#include "orchestrator/preloading/volume_watch.h"
#include "orchestrator/service/disposables.h"
#include "tests/libvirt/host.h"

#include <optional>
#include <string>
#include <thread>

namespace varve::libvirt_test {

// The disposable template `dvm` of the template `tpl`: one is kept ready once preloading has begun.
class PreloadedGuests : public LibvirtTest {
protected:
    void SetUp() override;
    void TearDown() override;

    [[nodiscard]] static base::VolumeId volume(const std::string& vm, const std::string& name) {
        return {named<base::PoolName>("fast"), named<base::VmName>(vm), named<base::VolumeName>(name)};
    }
    void start_preloading();
    void end_preloading();

    // The one that is ready and not `other`, in the end.
    [[nodiscard]] std::optional<base::VmName> ready_one(const std::optional<base::VmName>& other = {}) const;
    // None: a cold start.
    [[nodiscard]] std::optional<base::VmName> request() const;
    [[nodiscard]] hypervisor::DomainState guest(const base::VmName& vm) const {
        return host().hypervisor()->find_name(vm.str()).value().state;
    }
    // Whether its agent does, in the end.
    [[nodiscard]] static bool answers(const definitions::Uuid& domain);
    // Whether it is removed, in the end.
    [[nodiscard]] bool goes(const base::VmName& vm) const;

    std::unique_ptr<service::Requesters> requesters_;
    std::unique_ptr<service::Disposables> disposables_;
    std::unique_ptr<preloading::Preloading> preloading_;

private:
    std::filesystem::path own_;
    base::SystemClock clock_;
    std::unique_ptr<service::Places> places_;
    std::unique_ptr<boost::asio::io_context> io_;
    std::unique_ptr<preloading::AsioLoop> loop_;
    std::unique_ptr<preloading::VolumeWatch> volumes_;
    std::thread thread_;
};

}  // namespace varve::libvirt_test
