// SPDX-License-Identifier: LGPL-2.1-or-later
// Which disposables are preloaded, for the orchestrator after this one: <runtime directory>/preloads/<VM>.json.
#pragma once

#include "drivers/base/names.h"
#include "orchestrator/preload/vocabulary.h"

#include <filesystem>
#include <vector>

namespace varve::preloading {

struct Record {
    enum class Phase {
        Creating,   // in progress
        Ready,      // paused, and nobody has had it
        Requested,  // somebody was to have it: it is never handed out again
        Used        // somebody has it: it is never handed out again, nor removed; its networks may be due
    };
    base::VmName vm;
    base::VmName template_vm;
    Phase phase = Phase::Creating;
    preload::Content content;  // that it starts from
    friend bool operator==(const Record&, const Record&) = default;
};

// Written before what they announce is done. They survive this process, not the machine: without it there is no paused guest either.
// Thread-safe, for one VM in one thread at a time.
class Records {
public:
    // Makes the directory when it is missing.
    [[nodiscard]] static base::Result<Records> open(const std::filesystem::path& directory);

    [[nodiscard]] base::Result<std::vector<Record>> all() const;  // broken ones are left out
    [[nodiscard]] base::Result<> put(const Record& record) const;
    [[nodiscard]] base::Result<> remove(const base::VmName& vm) const;  // fine when there is none

    // Whether preloading has begun since the machine started.
    [[nodiscard]] bool begun() const;
    [[nodiscard]] base::Result<> set_begun() const;

private:
    explicit Records(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
};

}  // namespace varve::preloading
