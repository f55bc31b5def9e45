// SPDX-License-Identifier: LGPL-2.1-or-later
// A mounted Varve beside the bare system calls on the file system below: "<operation>/<varve or bare>/...".
#include "tests/benchmarks/bare_files.h"
#include "tests/benchmarks/mounted_volume.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
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

// What `ls -l` asks the kernel for, by whole paths as it does; the number of entries, -1 when something failed.
long list(const std::string& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) return -1;
    long count = 0;
    while (const auto* const entry = ::readdir(stream.get())) {
        if (entry->d_name[0] == '.') continue;
        struct stat status {};
        if (::lstat((directory + "/" + entry->d_name).c_str(), &status) != 0) return -1;
        ++count;
    }
    return count;
}

void list_directory(benchmark::State& state, const std::string& directory) {
    long count = 0;
    for ([[maybe_unused]] auto once : state) {
        count = list(directory);
        if (count < 0) {
            state.SkipWithError(std::strerror(errno));
            break;
        }
    }
    state.counters["entries"] = static_cast<double>(count);
}

void stat_file(benchmark::State& state, const std::string& file) {
    struct stat status {};
    for ([[maybe_unused]] auto once : state) {
        if (::lstat(file.c_str(), &status) == 0) continue;
        state.SkipWithError(std::strerror(errno));
        break;
    }
}

// "list-first" is for one call after mounting, "list" for all later ones.
void register_lists(const Directories& directories) {
    for (const std::string vm : {"volumes100", "volumes1000", "revisions100", "revisions1000"}) {
        for (const auto& [side, above] : {std::pair("varve", directories.mounted), std::pair("bare", directories.backing)}) {
            const auto run = [directory = (above / vm).string()](benchmark::State& state) { list_directory(state, directory); };
            const auto name = std::string("/") + side + "/" + vm;
            benchmark::RegisterBenchmark(("list-first" + name).c_str(), run)->Iterations(1)->Unit(benchmark::kMicrosecond);
            benchmark::RegisterBenchmark(("list" + name).c_str(), run)->MinTime(0.05)->Unit(benchmark::kMicrosecond);
        }
    }
}

void register_stats(const Directories& directories) {
    for (const auto& [side, above] : {std::pair("varve", directories.mounted), std::pair("bare", directories.backing)}) {
        const auto run = [file = (above / "life/root.img").string()](benchmark::State& state) { stat_file(state, file); };
        benchmark::RegisterBenchmark((std::string("stat/") + side).c_str(), run)->MinTime(0.05)->Unit(benchmark::kMicrosecond);
    }
}

// The same volume by hand, made when it is first used.
class BareCopy {
public:
    explicit BareCopy(const Directories& directories) : directories_(directories) {}

    Result<BareFiles*> get() {
        if (files_) return files_.get();
        const auto image = directories_.backing / "life/root.img";
        const base::UniqueFd content(::open(image.c_str(), O_RDONLY | O_CLOEXEC));
        TRY(checked(content.get(), "cannot open the volume's image"));
        files_ = TRY(BareFiles::make(directories_.bare, content.get(), 1));
        return files_.get();
    }

private:
    const Directories& directories_;
    std::unique_ptr<BareFiles> files_;
};

void register_changes(const Disk& disk, MountedVolume& varve, BareCopy& bare) {
    register_steps("ctl-start/varve", disk, [&]() -> Result<Steps> { return varve.start(); });
    register_steps("ctl-start/bare", disk, [&]() -> Result<Steps> { return TRY(bare.get())->start_ready(); });
    register_steps("ctl-stop/varve", disk, [&]() -> Result<Steps> { return varve.stop(); });
    register_steps("ctl-stop/bare", disk, [&]() -> Result<Steps> { return TRY(bare.get())->stop(); });
    register_steps("commit-1MiB/varve", disk, [&]() -> Result<Steps> { return varve.commit(changed_bytes); });
    register_steps("commit-1MiB/bare", disk, [&]() -> Result<Steps> { return TRY(bare.get())->commit(changed_bytes); });
}

int run(const Directories& directories) {
    const auto disk = Disk::open(directories.backing);
    if (!disk) {
        std::cerr << "mount_benchmark: " << disk.error().message() << '\n';
        return 1;
    }
    MountedVolume varve(directories.mounted / "life", directories.backing / "life");
    BareCopy bare(directories);
    register_changes(*disk, varve, bare);
    register_lists(directories);
    register_stats(directories);
    return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
}

}  // namespace
}  // namespace varve::benchmarks

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (argc != 4) {
        std::cerr
            << "usage: mount_benchmark [--benchmark_...] MOUNTED BACKING BARE\n"
               "MOUNTED: pools/POOL of the mount; BACKING: where its driver keeps the VMs life, volumes100, volumes1000, revisions100\n"
               "and revisions1000, on a file system of its own; BARE: a directory there that does not exist yet.\n";
        return 2;
    }
    return varve::benchmarks::run({argv[1], argv[2], argv[3]});
}
