// SPDX-License-Identifier: LGPL-2.1-or-later
// The volumes of one disposable template, dvm.
#pragma once

#include "orchestrator/service/disposables.h"
#include "tests/unit/definitions/samples.h"
#include "tests/unit/service/fake_machines.h"

namespace varve::service::tests {

class FakePlaces final : public Places {
public:
    base::Result<disposables::TemplateVolume> look(const base::VmName& vm, const definitions::VolumeUse& use) override {
        if (!mount_is_there) return base::fail(base::Errc::NotFound, "no mount");
        if (vm.str() != "dvm") return base::fail(base::Errc::NotFound, "no volume of " + vm.str());
        return disposables::TemplateVolume{use, disposables::Keeps{}};
    }
    base::Result<std::string> identity(const base::VolumeId&, const std::optional<base::RevisionId>&) override {
        return "state " + std::to_string(identities);
    }
    base::Result<> create(const base::VmName& vm, const disposables::DisposableVolume& volume) override {
        if (fails) return base::fail(base::Errc::NoSpace, "the pool is full");
        const std::scoped_lock lock(mutex_);
        created.push_back(vm.str() + "/" + volume.volume.str() + " from " +
                          std::get<disposables::StartsFrom>(volume.kind).source.volume.str());
        return {};
    }
    std::atomic<bool> fails = false;
    std::atomic<bool> mount_is_there = true;
    std::atomic<int> identities = 1;
    std::vector<std::string> created;

private:
    std::mutex mutex_;
};

}  // namespace varve::service::tests
