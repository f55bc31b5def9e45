// SPDX-License-Identifier: LGPL-2.1-or-later
// A mounted Varve beside the bare system calls on the file system below. Which VMs there are says what is measured.
#include "tests/benchmarks/bare_files.h"
#include "tests/benchmarks/listing.h"
#include "tests/benchmarks/mounted_volume.h"

#include <fcntl.h>

#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace varve::benchmarks {
namespace {

using base::Result;

constexpr std::size_t changed_bytes = 1 << 20;

struct Directories {
    std::filesystem::path mounted;  // pools/<pool> of the mount
    std::filesystem::path backing;  // where the driver keeps the pool's VMs
    std::filesystem::path bare;     // for the files by hand; does not exist yet
};

// "extents:<number>/revisions:<number>" of a VM e<number>r<number>, whose volume `root` is made like that.
std::optional<std::string> shape_of(const std::string& vm) {
    unsigned extents = 0;
    unsigned revisions = 0;
    char end = 0;
    if (std::sscanf(vm.c_str(), "e%ur%u%c", &extents, &revisions, &end) != 2) return {};
    return "extents:" + std::to_string(extents) + "/revisions:" + std::to_string(revisions);
}

void register_life_cycle(const Disk& disk, MountedVolume& volume, const std::string& shape) {
    const auto add = [&](const char* operation, Steps (MountedVolume::*steps)()) {
        register_steps(std::string(operation) + "/ctl/" + shape, disk, [&volume, steps]() -> Result<Steps> { return (volume.*steps)(); });
    };
    add("start-ready", &MountedVolume::start_ready);
    add("start-cloning", &MountedVolume::start_cloning);
    add("stop", &MountedVolume::stop);
    add("revert", &MountedVolume::revert);
    add("clone", &MountedVolume::clone);
    add("snapshot", &MountedVolume::snapshot);
}

// The same volume by hand, made when it is first used.
class BareCopy {
public:
    BareCopy(std::filesystem::path image, std::filesystem::path directory) : image_(std::move(image)), directory_(std::move(directory)) {}

    Result<BareFiles*> get() {
        if (files_) return files_.get();
        const base::UniqueFd content(::open(image_.c_str(), O_RDONLY | O_CLOEXEC));
        TRY(checked(content.get(), "cannot open the volume's image"));
        files_ = TRY(BareFiles::make(directory_, content.get(), 1));
        return files_.get();
    }

private:
    std::filesystem::path image_;
    std::filesystem::path directory_;
    std::unique_ptr<BareFiles> files_;
};

void register_transaction(const Disk& disk, MountedVolume& varve, BareCopy& bare) {
    register_steps("commit-1MiB/ctl", disk, [&varve]() -> Result<Steps> { return varve.commit(changed_bytes); });
    register_steps("commit-1MiB/native", disk, [&bare]() -> Result<Steps> { return TRY(bare.get())->commit(changed_bytes); });
}

int run(const Directories& directories) {
    const auto disk = Disk::open(directories.backing);
    if (!disk) {
        std::cerr << "mount_benchmark: " << disk.error().message() << '\n';
        return 1;
    }
    std::map<std::string, MountedVolume> volumes;
    BareCopy bare(directories.backing / "life/root.img", directories.bare);
    for (const auto& entry : std::filesystem::directory_iterator(directories.backing)) {
        const auto vm = entry.path().filename().string();
        const auto volume = volumes.emplace(vm, MountedVolume(directories.mounted / vm, directories.backing / vm)).first;
        if (const auto shape = shape_of(vm)) register_life_cycle(*disk, volume->second, *shape);
        if (vm == "life") register_transaction(*disk, volume->second, bare);
        register_listing(directories.mounted, directories.backing, vm);
    }
    return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
}

}  // namespace
}  // namespace varve::benchmarks

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (argc != 4) {
        std::cerr << "usage: mount_benchmark [--benchmark_...] MOUNTED BACKING BARE\n"
                     "MOUNTED: pools/POOL of the mount; BACKING: where its driver keeps the VMs, on a file system of its own;\n"
                     "BARE: a directory there that does not exist yet.\n";
        return 2;
    }
    return varve::benchmarks::run({argv[1], argv[2], argv[3]});
}
