// SPDX-License-Identifier: LGPL-2.1-or-later
// Who asked for a disposable: <directory>/<VM>.json. Without any other right he may use it, and end it.
#pragma once

#include "drivers/base/names.h"
#include "orchestrator/definitions/store.h"

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

namespace varve::service {

// Thread-safe. What it knows survives the process, not the machine, as unnamed disposables do. A VM is known by its name and UUID, so that one which
// gets the name later is nobody's.
class Requesters {
public:
    // Makes the directory when it is missing, and forgets VMs that are gone. The store outlives it.
    [[nodiscard]] static base::Result<std::unique_ptr<Requesters>> open(const std::filesystem::path& directory,
                                                                        const definitions::DefinitionStore& store);

    // From now on, in memory alone: for threads that do not wait.
    void remember(const definitions::VmDefinition& vm, uid_t requester);
    // For the orchestrator after this one, too. Does nothing for a VM of which nobody is known.
    [[nodiscard]] base::Result<> save(const base::VmName& vm);
    void forget(const base::VmName& vm);

    [[nodiscard]] bool is_requester(uid_t uid, const definitions::VmDefinition& vm) const;

private:
    struct Known {
        definitions::Uuid vm;
        uid_t requester = 0;
    };
    explicit Requesters(std::filesystem::path directory) : directory_(std::move(directory)) {}

    [[nodiscard]] base::Result<> read(const definitions::DefinitionStore& store);
    [[nodiscard]] std::filesystem::path file_of(const base::VmName& vm) const { return directory_ / (vm.str() + ".json"); }

    const std::filesystem::path directory_;
    mutable std::mutex mutex_;
    std::map<base::VmName, Known> known_;  // under the mutex
};

}  // namespace varve::service
