// SPDX-License-Identifier: LGPL-2.1-or-later
// One pool of a block-device driver, told step by step on standard input what to do; answers with how long each step took, in microseconds.
// tests/benchmarks/devices_inside.py asks, and does the same with scripts in between.
//
//   start-origin, stop-origin   the volume template/root, whose stop commits
//   write                       1 MiB to its device, between the two, each time to the next place
//   start-app, stop-app         app/root, a snapshot of it, whose stop discards
//   snapshot                    of template/root, under a label; forget removes it again
//   revert                      template/root to its oldest revision; clear removes those that are left
#include "drivers/api/pool.h"
#include "drivers/kernel/kernel_keyring.h"
#include "drivers/kernel/libdevmapper.h"
#include "drivers/kernel/loop_control.h"
#include "drivers/kernel/posix_block_access.h"
#include "drivers/kernel/posix_filesystem.h"
#include "drivers/registry.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace varve::benchmarks {
namespace {

using base::Bytes;
using base::fail;
using base::Result;

constexpr Bytes volume_size{std::uint64_t{256} << 20};  // block_scripts.py has the same
constexpr std::size_t write_size = std::size_t{1} << 20;

class Volume {
public:
    Volume(api::Pool& pool, const char* vm)
        : pool_(pool), path_{base::VmName::parse(vm).value(), base::VolumeName::parse("root").value()} {}

    Result<> create(const api::VolumeConfig& config) {
        TRY(pool_.create_vm(path_.vm, {}));
        return execute(api::Create{config});
    }
    Result<> execute(const api::Command& command) {
        view_ = TRY(pool_.execute(path_, view_ ? &*view_ : nullptr, command));
        return {};
    }
    Result<> write() {
        const auto device = TRY(pool_.device(path_, *view_));
        const base::UniqueFd file(::open(device.c_str(), O_RDWR | O_CLOEXEC));
        if (!file.valid()) return base::fail_errno(errno, "cannot open " + device.string());
        const std::string data(write_size, static_cast<char>('a' + writes_ % 26));
        const auto place = static_cast<off_t>(writes_++ * write_size);
        if (::pwrite(file.get(), data.data(), data.size(), place) != static_cast<ssize_t>(data.size()) || ::fsync(file.get()) != 0)
            return base::fail_errno(errno, "cannot write " + device.string());
        return {};
    }

    [[nodiscard]] const base::VolumePath& path() const { return path_; }
    [[nodiscard]] const api::VolumeView& view() const { return *view_; }

private:
    api::Pool& pool_;
    base::VolumePath path_;
    std::optional<api::VolumeView> view_;
    std::uint64_t writes_ = 0;
};

// Everything that a pool needs, and the pool.
class Bench {
public:
    static Result<std::unique_ptr<Bench>> open(const registry::PoolSettings& settings) {
        auto bench = std::unique_ptr<Bench>(new Bench(TRY(kernel::read_boot_id())));
        bench->pool_ = TRY(registry::open_pool(settings, bench->environment_));
        TRY(bench->pool_->recover());
        bench->origin_.emplace(*bench->pool_, "template");
        bench->app_.emplace(*bench->pool_, "app");
        api::VolumeConfig config;
        config.size = volume_size;
        TRY(bench->origin_->create(config));
        config.kind = api::Snapshot{{bench->origin_->path(), {}}};
        TRY(bench->app_->create(config));
        return bench;
    }

    Result<> run(const std::string& step) {
        if (step == "start-origin") return origin_->execute(api::Start{});
        if (step == "write") return origin_->write();
        if (step == "stop-origin") return origin_->execute(api::Stop{api::Stop::Outcome::Commit, keep_one()});
        if (step == "start-app") return app_->execute(api::Start{api::StartSource{api::Source{origin_->path(), {}}, &origin_->view()}});
        if (step == "stop-app") return app_->execute(api::Stop{api::Stop::Outcome::Discard, keep_one()});
        if (step == "revert") return revert();
        if (step == "snapshot") return origin_->execute(api::TakeSnapshot{label_});
        if (step == "forget") return origin_->execute(api::RemoveRevision{label_});
        if (step == "clear") return clear();
        return fail(base::Errc::InvalidArgument, "there is no step " + step);
    }

private:
    explicit Bench(kernel::BootId boot)
        : log_("benchmark", std::make_shared<spdlog::sinks::null_sink_mt>()), environment_{files_,   device_mapper_, loops_,
                                                                                           keyring_, blocks_,        ids_,
                                                                                           clock_,   log_,           std::move(boot)} {}

    Result<> revert() {
        const auto& revisions = origin_->view().revisions;
        if (revisions.empty()) return fail(base::Errc::NotFound, "there is no revision to revert to");
        return origin_->execute(api::Revert{revisions.begin()->id});
    }
    Result<> clear() {
        while (!origin_->view().revisions.empty()) TRY(origin_->execute(api::RemoveRevision{origin_->view().revisions.begin()->id}));
        return {};
    }
    [[nodiscard]] api::Retention keep_one() const {
        api::Retention retention;
        retention.now = clock_.now();
        retention.grace_seconds = 0;
        return retention;
    }

    kernel::PosixFileSystem files_;
    kernel::LibDeviceMapper device_mapper_;
    kernel::LoopControl loops_;
    kernel::KernelKeyring keyring_;
    kernel::PosixBlockAccess blocks_;
    api::StateIds ids_;
    base::SystemClock clock_;
    spdlog::logger log_;
    registry::Environment environment_;
    const base::Label label_ = base::Label::parse("kept").value();
    std::unique_ptr<api::Pool> pool_;
    std::optional<Volume> origin_;
    std::optional<Volume> app_;
};

Result<registry::PoolSettings> settings_of(int argc, char** argv) {
    registry::PoolSettings settings{base::PoolName::parse("bench").value(), argv[1], {}, api::RevisionsToKeep::standard()};
    for (int i = 2; i < argc; ++i) {
        const std::string word = argv[i];
        const auto equals = word.find('=');
        if (equals == std::string::npos) return fail(base::Errc::InvalidArgument, word + " is not KEY=VALUE");
        settings.parameters.emplace(word.substr(0, equals), word.substr(equals + 1));
    }
    return settings;
}

Result<> serve(int argc, char** argv) {
    const auto bench = TRY(Bench::open(TRY(settings_of(argc, argv))));
    std::cout << "ready" << std::endl;
    for (std::string step; std::getline(std::cin, step);) {
        const auto begin = std::chrono::steady_clock::now();
        const auto done = bench->run(step);
        const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begin;
        if (!done) return base::Failure(base::with_context(done.error(), step));
        std::cout << taken.count() << std::endl;
    }
    return {};
}

}  // namespace
}  // namespace varve::benchmarks

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: block_benchmark DRIVER [KEY=VALUE...] <STEPS\n";
        return 2;
    }
    if (const auto served = varve::benchmarks::serve(argc, argv); !served) {
        std::cerr << "block_benchmark: " << served.error().message() << '\n';
        return 1;
    }
    return 0;
}
