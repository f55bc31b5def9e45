// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver file-reflink beside the bare system calls: "<operation>/<varve or native>/extents:<number>/revisions:<number>".
#include "tests/benchmarks/bare_files.h"
#include "tests/benchmarks/pool_volume.h"

#include <fcntl.h>

#include <array>
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

constexpr std::array<Shape, 5> shapes{{{1, 1}, {1'000, 1}, {100'000, 1}, {1, 100}, {1, 1'000}}};

// One volume of a shape, through the driver and by hand, both sharing the data of the file content-<extents>.
struct Pair {
    std::unique_ptr<PoolVolume> varve;
    std::unique_ptr<BareFiles> bare;
};

Result<Pair> make_pair_of_volumes(const std::filesystem::path& directory, const Shape& shape) {
    const auto path = directory.parent_path() / ("content-" + std::to_string(shape.extents));
    const base::UniqueFd content(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    TRY(checked(content.get(), "cannot open the content"));
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

constexpr std::array<Operation, 6> operations{{
    {"start-ready", &PoolVolume::start_ready, &BareFiles::start_ready},
    {"start-cloning", &PoolVolume::start_cloning, &BareFiles::start_cloning},
    {"stop", &PoolVolume::stop, &BareFiles::stop},
    {"revert", &PoolVolume::revert, &BareFiles::revert},
    {"clone", &PoolVolume::clone, &BareFiles::clone},
    {"snapshot", &PoolVolume::snapshot, &BareFiles::snapshot},
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
    register_steps(name("native"), disk, [&pairs, shape, operation]() -> Result<Steps> {
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
        std::cerr
            << "usage: driver_benchmark [--benchmark_...] DIRECTORY\n"
               "DIRECTORY: on a file system of its own with reflinks, which is frozen and thawed between operations; it holds the images\n"
               "content-1, content-1000 and content-100000, of so many extents.\n";
        return 2;
    }
    return varve::benchmarks::run(argv[1]);
}
