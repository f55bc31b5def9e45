// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/benchmarks/steps.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace varve::benchmarks {
namespace {

using base::Result;

Result<double> seconds_of(const Disk& disk, const Steps& steps) {
    TRY(steps.prepare());
    TRY(disk.sync());
    if (steps.dirty) TRY(steps.dirty());
    const auto begin = std::chrono::steady_clock::now();
    TRY(steps.measured());
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    TRY(steps.clean_up());
    TRY(disk.rest());
    return taken.count();
}

Result<double> seconds_of(const Disk& disk, const MakeSteps& make) { return seconds_of(disk, TRY(make())); }

}  // namespace

Result<> checked(int result, const char* what) {
    if (result < 0) return base::fail_errno(errno, what);
    return {};
}

Result<Disk> Disk::open(const std::filesystem::path& directory) {
    base::UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid()) return base::fail_errno(errno, "cannot open " + directory.string());
    return Disk(std::move(opened));
}

Result<> Disk::sync() const { return checked(::syncfs(directory_.get()), "cannot sync the file system"); }

Result<> Disk::rest() const {
    TRY(checked(::ioctl(directory_.get(), FIFREEZE, 0), "cannot freeze the file system"));
    return checked(::ioctl(directory_.get(), FITHAW, 0), "cannot thaw the file system");
}

void register_steps(const std::string& name, const Disk& disk, MakeSteps make) {
    const auto run = [&disk, make = std::move(make)](benchmark::State& state) {
        for ([[maybe_unused]] auto once : state) {
            const auto taken = seconds_of(disk, make);
            if (!taken) {
                state.SkipWithError(taken.error().message().c_str());
                break;
            }
            state.SetIterationTime(*taken);
        }
    };
    benchmark::RegisterBenchmark(name.c_str(), run)->Iterations(1)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

}  // namespace varve::benchmarks
