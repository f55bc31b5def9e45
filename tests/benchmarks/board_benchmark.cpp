// SPDX-License-Identifier: LGPL-2.1-or-later
// What the status board costs varvefs: the processor time of an engine that does so many operations each second, with the board and without, in turns.
//
//   board_benchmark [--rate 1000] [--volumes 10000] [--seconds 3] [--rounds 5]
//
// The pools are in memory, so that next to nothing but the engine is measured, and the board's share is at its largest.
#include "drivers/sim/sim.h"
#include "fs/activity/event_log.h"
#include "fs/activity/metrics.h"
#include "fs/activity/running.h"
#include "fs/board/board_file.h"
#include "fs/board/refresher.h"
#include "fs/engine/volumes.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace varve::benchmarks {
namespace {

using base::Result;
using std::chrono::steady_clock;

struct Options {
    int rate = 1000;
    int volumes = 10'000;
    double seconds = 3;
    int rounds = 5;
};

class Deaf final : public engine::ChangeListener {
public:
    void volume_changed(const engine::Vm&, const base::VolumeName&, const api::VolumeView*, const api::VolumeView*) override {}
};

double processor_seconds() {
    rusage used{};
    (void)::getrusage(RUSAGE_SELF, &used);  // cannot fail
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Two pools: one that the board looks at, and a small one for the operations, since those of the pool in memory take longer the more is in it.
class Pools {
public:
    Result<> fill(int volumes) {
        std::vector<engine::VolumeRef> unused;
        TRY(fill("large", volumes, unused));
        return fill("small", 100, used_);
    }
    [[nodiscard]] engine::Volumes with(engine::Operations& operations) {
        engine::Settings settings;
        settings.min_free = base::Bytes{0};
        return {settings, clock_, deaf_, preparer_, operations};
    }
    [[nodiscard]] const std::vector<engine::VolumeRef>& used() const { return used_; }
    [[nodiscard]] const engine::Catalogue& catalogue() const { return catalogue_; }
    [[nodiscard]] const base::Clock& clock() const { return clock_; }

private:
    // Volatile volumes, two in each VM.
    Result<> fill(const std::string& pool_name, int count, std::vector<engine::VolumeRef>& made) {
        const auto name = TRY(base::PoolName::parse(pool_name));
        auto driver = sim::open(sim_settings_, sim::make_disk(), ids_, clock_, kernel::BootId{"11111111-1111-1111-1111-111111111111"});
        engine::PoolSpec spec{name, "sim", api::RevisionsToKeep::standard(), {}};
        const auto pool = TRY(engine::OpenPool::open(std::move(spec), std::move(driver)));
        TRY(catalogue_.add(pool));
        engine::Operations silent(clock_, {});
        auto volumes = with(silent);
        for (int i = 0; i < count; i += 2) {
            const auto vm_name = TRY(base::VmName::parse("vm" + std::to_string(i)));
            const auto vm = TRY(volumes.make_vm(*pool, vm_name, 0755));
            for (const auto* volume : {"root", "data"}) {
                api::VolumeConfig config;
                config.kind = api::Volatile{};
                config.size = {1 << 20};
                const auto volume_name = TRY(base::VolumeName::parse(volume));
                made.push_back({vm, volume_name});
                TRY(volumes.create(made.back(), config));
            }
        }
        return {};
    }

    base::SystemClock clock_;
    api::StateIds ids_;
    sim::Settings sim_settings_{api::RevisionsToKeep::standard(), std::nullopt};
    Deaf deaf_;
    spdlog::logger log_{"quiet", std::make_shared<spdlog::sinks::null_sink_mt>()};
    engine::StartPreparer preparer_{log_};
    engine::Catalogue catalogue_;
    std::vector<engine::VolumeRef> used_;
};

// Starts and discards one volume after the other, evenly spread over the time. The processor time of it all, for each second.
Result<double> run(engine::Volumes volumes, const std::vector<engine::VolumeRef>& all, const Options& options) {
    const auto operations = static_cast<std::size_t>(options.rate * options.seconds);
    const std::chrono::duration<double> apart(1.0 / options.rate);
    const auto begun = steady_clock::now();
    const auto used = processor_seconds();
    for (std::size_t i = 0; i < operations; ++i) {
        const auto& volume = all[i / 2 % all.size()];
        if (i % 2 == 0) {
            TRY(volumes.start(volume));
        } else {
            TRY(volumes.stop(volume, api::Stop::Outcome::Discard));
        }
        std::this_thread::sleep_until(begun + std::chrono::duration_cast<steady_clock::duration>(apart * static_cast<double>(i + 1)));
    }
    return (processor_seconds() - used) / std::chrono::duration<double>(steady_clock::now() - begun).count();
}

Result<double> run_side(Pools& pool, const Options& options, const std::filesystem::path& runtime, bool with_board) {
    activity::EventLog events;
    activity::RunningOperations running;
    const activity::Traffic traffic;
    activity::Metrics metrics(pool.catalogue(), traffic, pool.clock().now());
    std::vector<engine::OperationListener*> listeners{&events, &running, &metrics};
    if (!with_board) {
        engine::Operations operations(pool.clock(), listeners);
        return run(pool.with(operations), pool.used(), options);
    }
    auto file = TRY(board::BoardFile::make(runtime, "/benchmark", "11111111-1111-1111-1111-111111111111", {}));
    TRY(file.publish());
    board::StatusBoard status(file.board());
    listeners.push_back(&status);
    engine::Operations operations(pool.clock(), listeners);
    const board::Refresher refresher(
        status, pool.catalogue(), [] { return std::vector<base::PoolName>(); }, traffic, pool.clock());
    return run(pool.with(operations), pool.used(), options);
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

Result<> measure(const Options& options, const std::filesystem::path& runtime) {
    Pools pool;
    TRY(pool.fill(options.volumes));
    std::vector<double> without;
    std::vector<double> with;
    for (int round = 0; round < options.rounds; ++round)
        for (const bool board : {round % 2 == 0, round % 2 != 0}) {
            const auto share = TRY(run_side(pool, options, runtime, board));
            (board ? with : without).push_back(share);
        }
    const auto cost = median(with) - median(without);
    std::cout << std::fixed << std::setprecision(2) << options.rate << " operations a second on " << options.volumes
              << " volumes, processor time of one processor, medians of " << options.rounds << ":\n"
              << "without the board " << 100 * median(without) << " %\nwith the board    " << 100 * median(with) << " %\nthe board         "
              << 100 * cost << " %, ratio " << median(with) / median(without) << "\n";
    return {};
}

}  // namespace
}  // namespace varve::benchmarks

int main(int argc, char** argv) {
    varve::benchmarks::Options options;
    CLI::App app{"Measures what the status board costs varvefs."};
    app.add_option("--rate", options.rate, "Operations a second")->check(CLI::Range(1, 1'000'000))->capture_default_str();
    app.add_option("--volumes", options.volumes, "Volumes that the board looks at")->check(CLI::Range(2, 1'000'000))->capture_default_str();
    app.add_option("--seconds", options.seconds, "How long each measurement takes")->check(CLI::Range(0.01, 3600.0))->capture_default_str();
    app.add_option("--rounds", options.rounds, "Measurements of each side")->check(CLI::Range(1, 1000))->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    auto pattern = (std::filesystem::temp_directory_path() / "varve-board-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return 1;
    const auto measured = varve::benchmarks::measure(options, pattern);
    std::error_code ignored;  // a leftover empty directory hurts nobody
    std::filesystem::remove_all(pattern, ignored);
    if (measured) return 0;
    std::cerr << "board_benchmark: " << measured.error().message() << '\n';
    return 1;
}
