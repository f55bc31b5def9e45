// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/benchmarks/listing.h"

#include "drivers/base/unique_fd.h"

#include <benchmark/benchmark.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::benchmarks {
namespace {

using Names = std::vector<std::string>;

// By whole paths, as `ls -l` does. Nothing when something failed; errno says what.
std::optional<Names> list(const std::string& directory, bool look_at_each) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) return {};
    Names names;
    while (const auto* const entry = ::readdir(stream.get())) {
        if (entry->d_name[0] == '.') continue;
        names.push_back(directory + "/" + entry->d_name);
        struct stat status {};
        if (look_at_each && ::lstat(names.back().c_str(), &status) != 0) return {};
    }
    return names;
}

bool stat_each(const Names& names) {
    struct stat status {};
    return std::ranges::all_of(names, [&](const auto& name) { return ::lstat(name.c_str(), &status) == 0; });
}

bool read_first_bytes(const Names& names) {
    std::array<char, 4096> buffer{};
    return std::ranges::all_of(names, [&](const auto& name) {
        const base::UniqueFd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
        return file.valid() && ::pread(file.get(), buffer.data(), buffer.size(), 0) == static_cast<ssize_t>(buffer.size());
    });
}

// Every second revision, the first or the second of each two.
Names revisions(const Names& names, std::size_t which) {
    Names sorted;
    std::ranges::copy_if(names, std::back_inserter(sorted), [](const auto& name) { return name.find('@') != std::string::npos; });
    std::ranges::sort(sorted);
    Names chosen;
    for (auto at = which; at < sorted.size(); at += 2) chosen.push_back(sorted[at]);
    return chosen;
}

using Choose = std::function<Names(const Names&)>;
using Use = bool (*)(const Names&);

// The time of one: the names are found before.
void time_each(benchmark::State& state, const std::string& directory, const Choose& choose, Use use) {
    const auto found = list(directory, false);
    const auto names = found ? choose(*found) : Names{};
    for ([[maybe_unused]] auto once : state) {
        const auto begin = std::chrono::steady_clock::now();
        if (names.empty() || !use(names)) {
            state.SkipWithError(names.empty() ? "there is nothing to look at" : std::strerror(errno));
            break;
        }
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
        state.SetIterationTime(taken.count() / static_cast<double>(names.size()));
    }
}

void list_directory(benchmark::State& state, const std::string& directory) {
    for ([[maybe_unused]] auto once : state) {
        if (list(directory, true)) continue;
        state.SkipWithError(std::strerror(errno));
        break;
    }
}

void register_side(const std::string& side, const std::string& directory, const std::string& vm, std::size_t which) {
    const auto name = "/" + side + "/" + vm;
    const auto lists = [directory](benchmark::State& state) { list_directory(state, directory); };
    const auto stats = [directory](benchmark::State& state) { time_each(state, directory, std::identity{}, stat_each); };
    const auto bytes = [directory, which](benchmark::State& state) {
        time_each(
            state, directory, [which](const Names& names) { return revisions(names, which); }, read_first_bytes);
    };
    benchmark::RegisterBenchmark(("list-first" + name).c_str(), lists)->Iterations(1)->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("list" + name).c_str(), lists)->MinTime(0.05)->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("stat" + name).c_str(), stats)->Iterations(1)->UseManualTime()->Unit(benchmark::kMicrosecond);
    for (const std::string first : {"first-byte-first", "first-byte"})
        benchmark::RegisterBenchmark((first + name).c_str(), bytes)->Iterations(1)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

}  // namespace

void register_listing(const std::filesystem::path& mounted, const std::filesystem::path& backing, const std::string& vm) {
    register_side("varve", mounted / vm, vm, 0);
    register_side("native", backing / vm, vm, 1);
}

}  // namespace varve::benchmarks
