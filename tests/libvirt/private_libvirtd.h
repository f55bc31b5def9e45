// SPDX-License-Identifier: LGPL-2.1-or-later
// libvirt's daemon as qemu:///system, which nobody outside this process's mount table and network sees.
#pragma once

#include "drivers/base/result.h"
#include "tests/orchestrator/orchestrator.h"

#include <filesystem>
#include <memory>

namespace varve::libvirt_test {

// What domains it has outlives it.
class PrivateLibvirtd {
public:
    // Puts directories of its own over libvirt's, in the caller's mount table.
    [[nodiscard]] static base::Result<> cover_machine(const std::filesystem::path& directory);

    explicit PrivateLibvirtd(std::filesystem::path directory) : directory_(std::move(directory)) {}

    // Until it can be connected to; else a failed test.
    void start();
    // Its guests run on.
    void end(int signal);
    [[nodiscard]] std::string log() const;

private:
    std::filesystem::path directory_;
    std::unique_ptr<tests::Process> process_;
};

}  // namespace varve::libvirt_test
