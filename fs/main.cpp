// SPDX-License-Identifier: LGPL-2.1-or-later
// varvefs: composes the daemon.
#include "drivers/kernel/boot_id.h"
#include "drivers/kernel/kernel_keyring.h"
#include "drivers/kernel/libdevmapper.h"
#include "drivers/kernel/loop_control.h"
#include "drivers/kernel/posix_block_access.h"
#include "drivers/kernel/posix_filesystem.h"
#include "drivers/registry.h"
#include "drivers/settings/text_file.h"
#include "fs/activity/event_log.h"
#include "fs/activity/metrics.h"
#include "fs/activity/running.h"
#include "fs/activity/traffic.h"
#include "fs/board/board_file.h"
#include "fs/board/refresher.h"
#include "fs/board/status_board.h"
#include "fs/config/config.h"
#include "fs/control/control_tree.h"
#include "fs/daemon/background.h"
#include "fs/daemon/periodically.h"
#include "fs/daemon/pool_keeper.h"
#include "fs/daemon/service_manager.h"
#include "fs/daemon/watchdog.h"
#include "fs/engine/retention_job.h"
#include "fs/fuse/session.h"
#include "fs/protocol/board_place.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's, not C's
#include <sys/resource.h>
#include <syslog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

namespace {

using namespace varve;

struct Options {
    std::filesystem::path config = "/etc/varve/varve.toml";
    std::optional<std::filesystem::path> mountpoint;
    bool check = false;
    bool foreground = false;
};

constexpr std::chrono::minutes retention_interval{5};

constexpr const char* examples =
    "Examples:\n"
    "  varvefs --config /etc/varve/varve.toml              mount where the configuration says\n"
    "  varvefs --config my.toml --foreground /mnt/varve    mount there, log to the terminal, end with Ctrl-C\n"
    "  varvefs --check --config my.toml                    report every mistake in the configuration\n"
    "Unmount with umount(8), or end the daemon with SIGTERM.";

// The configuration, or nullopt after every mistake was printed. Of drivers and their parameters only when `check` wants it: a pool that cannot be opened keeps
// no other from being shown.
std::optional<config::Config> load_config(const std::filesystem::path& path, bool check) {
    const auto text = settings::read_text(path);
    if (!text) {
        std::cerr << "varvefs: " << text.error().message() << '\n';
        return std::nullopt;
    }
    auto parsed = check ? config::parse_and_check(*text, registry::problems_of) : config::parse(*text);
    if (parsed) return *std::move(parsed);
    for (const auto& mistake : parsed.error()) std::cerr << path.string() << ':' << mistake.line << ": " << mistake.what << '\n';
    return std::nullopt;
}

base::Result<config::Config> reread_config(const std::filesystem::path& path) {
    auto parsed = config::parse(TRY(settings::read_text(path)));
    if (parsed) return *std::move(parsed);
    std::string all = "the configuration has mistakes, and nothing was changed";
    for (const auto& mistake : parsed.error()) all += "; line " + std::to_string(mistake.line) + ": " + mistake.what;
    return base::fail(base::Errc::InvalidArgument, all);
}

engine::Settings engine_settings(const config::Config& config) {
    engine::Settings settings;
    settings.min_free = config.min_free;
    settings.prune_grace = config.prune_grace;
    return settings;
}

std::shared_ptr<spdlog::logger> make_log(bool foreground) {
    if (foreground) return std::make_shared<spdlog::logger>("varvefs", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    return std::make_shared<spdlog::logger>("varvefs",
                                            std::make_shared<spdlog::sinks::syslog_sink_mt>("varvefs", LOG_PID, LOG_DAEMON, true));
}

// Every open file of the mount takes a descriptor here; the usual soft limit, 1,024, is for programs that use select(2).
void raise_descriptor_limit(spdlog::logger& log) {
    rlimit limit{};
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
    limit.rlim_cur = limit.rlim_max;
    if (!known || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) log.warn("cannot raise the limit of open files: {}", std::strerror(errno));
}

// Signals end the loop in the main thread; helper threads are made with all of them blocked.
void block_signals(int how) {
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(how, &all, nullptr);  // fails only for an unknown `how`
}

// Nobody's files depend on the board: without one the daemon serves all the same.
class Board {
public:
    Board(const std::filesystem::path& runtime_directory, const std::filesystem::path& mountpoint, const kernel::BootId& boot,
          base::Timestamp started, spdlog::logger& log)
        : log_(log), file_(make(runtime_directory, mountpoint, boot, started)) {
        if (!file_) say(file_.error());
    }
    [[nodiscard]] protocol::Board& memory() { return file_ ? file_->board() : *unseen_; }
    void publish() {
        if (!file_) return;
        if (const auto published = file_->publish(); !published) say(published.error());
    }

private:
    static base::Result<board::BoardFile> make(const std::filesystem::path& runtime_directory, const std::filesystem::path& mountpoint,
                                               const kernel::BootId& boot, base::Timestamp started) {
        return board::BoardFile::make(runtime_directory, TRY(protocol::real_mountpoint(mountpoint)), boot.text, started);
    }
    void say(const base::Error& error) { log_.warn("{}; 'varve status' will not see this varvefs", error.message()); }

    spdlog::logger& log_;
    base::Result<board::BoardFile> file_;
    std::unique_ptr<protocol::Board> unseen_ = std::make_unique<protocol::Board>();
};

// A few looks within the time that the service manager waits.
std::chrono::milliseconds look_every(std::chrono::microseconds watchdog_time) {
    constexpr int looks = 4;
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(watchdog_time / looks), std::chrono::milliseconds(1));
}

std::string opened(std::size_t failed, std::size_t configured) {
    if (failed == 0) return "all pools are open";
    return std::to_string(failed) + " of " + std::to_string(configured) + " pools could not be opened; see .varve/errors";
}

base::Result<> serve(const Options& options, const config::Config& config, std::optional<daemon::Background>& background) {
    const auto mountpoint = options.mountpoint.value_or(config.mountpoint);
    const auto log = make_log(options.foreground);
    raise_descriptor_limit(*log);
    const base::SystemClock clock;
    const engine::ProcProcesses processes;
    api::StateIds state_ids;
    kernel::PosixFileSystem files;
    kernel::LibDeviceMapper device_mapper;
    kernel::LoopControl loops;
    kernel::KernelKeyring keyring;
    kernel::PosixBlockAccess blocks;
    const auto boot_id = TRY(kernel::read_boot_id());
    const registry::Environment environment{files, device_mapper, loops, keyring, blocks, state_ids, clock, *log, boot_id};

    block_signals(SIG_BLOCK);
    fuse::NodeTable nodes;
    fuse::Notifier notifier(nodes);
    engine::Failures failures;
    engine::Catalogue catalogue;
    engine::StartPreparer preparer(*log);
    activity::EventLog events;
    activity::RunningOperations running;
    activity::Traffic traffic;
    activity::Metrics metrics(catalogue, traffic, clock.now());
    Board board(config.runtime_dir, mountpoint, boot_id, clock.now(), *log);
    board::StatusBoard status(board.memory());
    engine::Operations operations(clock, {&events, &running, &metrics, &status});
    engine::Volumes volumes(engine_settings(config), clock, notifier, preparer, operations);
    engine::Writes writes(volumes, processes, clock);
    daemon::PoolKeeper pools(catalogue, environment, config.state_dir, mountpoint, [&] { return reread_config(options.config); });
    fuse::DeviceBackingFiles backing_files;
    fuse::Negotiation negotiation(config.passthrough);
    fuse::Passthrough passthrough(backing_files, *log);
    control::ControlTree control(volumes, failures, pools, {running, metrics},
                                 [&] { return "passthrough " + passthrough.status() + "\n"; });
    fuse::Server server({catalogue, volumes, writes, failures, processes, control, events, traffic, nodes, notifier, negotiation,
                         passthrough, clock, *log});

    auto failed = pools.open_all(config);
    const auto status_line = opened(failed.size(), config.pools.size());
    for (auto& failure : failed) {
        log->error("{}", failure.message());
        failures.add({clock.now(), 0, 0, "mount", "", std::move(failure)});
    }
    engine::RetentionJob retention(catalogue, volumes, *log);
    const daemon::Periodically keep_to_schedules(retention_interval, [&] { retention.run(); });
    const board::Refresher refresher(
        status, catalogue, [&] { return pools.configured(); }, traffic, clock);
    const daemon::ServiceManager manager;
    std::optional<daemon::Watchdog> watchdog;  // after the session, which answers it
    const auto session = TRY(fuse::Session::mount(server, notifier, backing_files, mountpoint));
    if (const auto time = manager.watchdog_time())
        watchdog.emplace(daemon::Watchdog::Ports{[&] { return daemon::mount_answers(mountpoint); }, &daemon::waits_for_disk,
                                                 [&] { manager.feed_watchdog(); }},
                         look_every(*time));
    board.publish();
    block_signals(SIG_UNBLOCK);
    log->info("mounted at {}", mountpoint.string());
    if (background) TRY(background->ready());
    manager.ready(status_line);
    auto ended = session->run();
    manager.stopping();
    log->info("unmounting {}", mountpoint.string());
    return ended;
}

int report_no_mistakes(const Options& options, const config::Config& config) {
    std::cout << options.config.string() << ": no mistakes, " << config.pools.size() << (config.pools.size() == 1 ? " pool\n" : " pools\n");
    return 0;
}

int run(const Options& options) {
    const auto config = load_config(options.config, options.check);
    if (!config) return 1;
    if (options.check) return report_no_mistakes(options, *config);
    std::optional<daemon::Background> background;
    if (!options.foreground) {
        auto entered = daemon::Background::enter();
        if (!entered) {
            std::cerr << "varvefs: " << entered.error().message() << '\n';
            return 1;
        }
        background.emplace(*std::move(entered));
    }
    if (const auto served = serve(options, *config, background); !served) {
        std::cerr << "varvefs: " << served.error().message() << '\n';
        return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Shows VM storage as files: every volume is a file, and every past state of it is a file beside it."};
    app.footer(examples);
    app.set_version_flag("--version", std::string("varvefs " VARVE_VERSION));
    app.add_option("--config,-c", options.config, "Configuration file")->type_name("FILE")->capture_default_str();
    app.add_flag("--check", options.check, "Report every mistake in the configuration and exit");
    app.add_flag("--foreground,-f", options.foreground, "Stay on the terminal and log to it");
    app.add_option("MOUNTPOINT", options.mountpoint, "Where to mount; by default where the configuration says");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return run(options);
}
