// SPDX-License-Identifier: LGPL-2.1-or-later
// How one operation on a file system is measured: once, on a file system at rest, with what belongs to it but is not it left out.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <benchmark/benchmark.h>

#include <filesystem>
#include <functional>
#include <string>

namespace varve::benchmarks {

struct Steps {
    std::function<base::Result<>()> prepare;  // synced to disk before the measured part
    std::function<base::Result<>()> dirty;    // may be empty; what it writes is left to the measured part to sync
    std::function<base::Result<>()> measured;
    std::function<base::Result<>()> clean_up;  // must let the steps be taken again
};

// The file system that is measured on.
class Disk {
public:
    [[nodiscard]] static base::Result<Disk> open(const std::filesystem::path& directory);
    [[nodiscard]] base::Result<> sync() const;
    // Waits until nothing is under way in the background either, as XFS's freeing of removed files: freezes and thaws it. Needs root.
    [[nodiscard]] base::Result<> rest() const;

private:
    explicit Disk(base::UniqueFd directory) : directory_(std::move(directory)) {}
    base::UniqueFd directory_;
};

// Where the steps come from: made when the benchmark runs, so that what a filter leaves out costs nothing.
using MakeSteps = std::function<base::Result<Steps>()>;

// Registers a benchmark that takes the steps once; `disk` outlives it. Ask for repetitions to get a median.
void register_steps(const std::string& name, const Disk& disk, MakeSteps make);

// Success, or errno with `what` ("cannot rename"): for bare calls.
[[nodiscard]] base::Result<> checked(int result, const char* what);

}  // namespace varve::benchmarks
