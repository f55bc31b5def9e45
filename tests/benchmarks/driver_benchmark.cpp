// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver file-reflink beside the bare system calls: "<operation>/<varve or bare>/extents:<number>/revisions:<number>".
#include "tests/benchmarks/bare_files.h"
#include "tests/benchmarks/pool_volume.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <compare>
#include <iostream>
#include <map>
#include <utility>

namespace varve::benchmarks {
namespace {

using base::Result;

struct Shape {
    std::size_t extents = 1;
    std::size_t revisions = 1;
    friend auto operator<=>(const Shape&, const Shape&) = default;
};

constexpr std::array<Shape, 5> shapes{{{1, 1}, {1'000, 1}, {10'000, 1}, {1, 100}, {1, 1'000}}};

// A block of data, a block of nothing, and so on: each block of data is an extent.
Result<> write_extents(int file, std::size_t count) {
    constexpr std::size_t block = 4096;
    const std::string data(block, 'd');
    const auto size = std::max<std::size_t>(1 << 20, count * 2 * block);
    TRY(checked(::ftruncate(file, static_cast<off_t>(size)),
                "cannot set the size"));  // first: XFS preallocates behind a growing file's end
    for (std::size_t written = 0; written < count; ++written)
        TRY(checked(static_cast<int>(::pwrite(file, data.data(), block, static_cast<off_t>(written * 2 * block))), "cannot write"));
    TRY(checked(::fsync(file), "cannot sync"));

    fiemap map{};
    map.fm_length = FIEMAP_MAX_OFFSET;
    TRY(checked(::ioctl(file, FS_IOC_FIEMAP, &map), "cannot count the extents"));
    if (map.fm_mapped_extents == count) return {};
    return base::fail(base::Errc::Io, "the image has " + std::to_string(map.fm_mapped_extents) + " extents");
}

// One volume of a shape, through the driver and by hand, both sharing the data of a third file.
struct Pair {
    std::unique_ptr<PoolVolume> varve;
    std::unique_ptr<BareFiles> bare;
};

Result<Pair> make_pair_of_volumes(const std::filesystem::path& directory, const Shape& shape) {
    const auto path = directory / "content";
    const base::UniqueFd content(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    TRY(checked(content.get(), "cannot make the content"));
    TRY(write_extents(content.get(), shape.extents));
    Pair pair;
    pair.varve = TRY(PoolVolume::make(directory / "varve", content.get(), shape.revisions));
    pair.bare = TRY(BareFiles::make(directory / "bare", content.get(), shape.revisions));
    return pair;
}

// Makes what is asked for when it is first asked for, once, also when that fails.
class Pairs {
public:
    explicit Pairs(std::filesystem::path directory) : directory_(std::move(directory)) {}

    Result<const Pair*> of(const Shape& shape) {
        auto found = pairs_.find(shape);
        if (found == pairs_.end()) {
            const auto directory = directory_ / ("extents" + std::to_string(shape.extents) + "revisions" + std::to_string(shape.revisions));
            std::filesystem::create_directory(directory);
            found = pairs_.emplace(shape, make_pair_of_volumes(directory, shape)).first;
        }
        if (!found->second) return base::Failure(found->second.error());
        return &*found->second;
    }

private:
    std::filesystem::path directory_;
    std::map<Shape, Result<Pair>> pairs_;
};

struct Operation {
    const char* name;
    Steps (PoolVolume::*varve)();
    Steps (BareFiles::*bare)();
};

constexpr std::array<Operation, 5> operations{{
    {"start-ready", &PoolVolume::start_ready, &BareFiles::start_ready},
    {"start-cloning", &PoolVolume::start_cloning, &BareFiles::start_cloning},
    {"stop", &PoolVolume::stop, &BareFiles::stop},
    {"revert", &PoolVolume::revert, &BareFiles::revert},
    {"clone", &PoolVolume::clone, &BareFiles::clone},
}};

void register_pair(const Operation& operation, const Shape& shape, const Disk& disk, Pairs& pairs) {
    const auto name = [&](const std::string& side) {
        return operation.name + ("/" + side) + "/extents:" + std::to_string(shape.extents) +
               "/revisions:" + std::to_string(shape.revisions);
    };
    register_steps(name("varve"), disk, [&pairs, shape, operation]() -> Result<Steps> {
        const auto* const pair = TRY(pairs.of(shape));
        return (pair->varve.get()->*operation.varve)();
    });
    register_steps(name("bare"), disk, [&pairs, shape, operation]() -> Result<Steps> {
        const auto* const pair = TRY(pairs.of(shape));
        return (pair->bare.get()->*operation.bare)();
    });
}

int run(const std::filesystem::path& directory) {
    const auto disk = Disk::open(directory);
    if (!disk) {
        std::cerr << "driver_benchmark: " << disk.error().message() << '\n';
        return 1;
    }
    Pairs pairs(directory);
    for (const auto& shape : shapes)
        for (const auto& operation : operations) register_pair(operation, shape, *disk, pairs);
    return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
}

}  // namespace
}  // namespace varve::benchmarks

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (argc != 2) {
        std::cerr << "usage: driver_benchmark [--benchmark_...] DIRECTORY\n"
                     "DIRECTORY: empty, on a file system of its own with reflinks, which is frozen and thawed between operations.\n";
        return 2;
    }
    return varve::benchmarks::run(argv[1]);
}
