// SPDX-License-Identifier: LGPL-2.1-or-later
// varve-orchestrator: composes the orchestrator.
#include "drivers/settings/text_file.h"
#include "orchestrator/config/config.h"
#include "orchestrator/hypervisor/libvirt_hypervisor.h"
#include "orchestrator/preloading/asio_loop.h"
#include "orchestrator/preloading/preloading.h"
#include "orchestrator/preloading/volume_watch.h"
#include "orchestrator/rpc/listen.h"
#include "orchestrator/rpc/server.h"
#include "orchestrator/service/json_of.h"
#include "orchestrator/service/methods.h"
#include "orchestrator/service/owner.h"
#include "orchestrator/service/vm_events.h"
#include "orchestrator/vm/life_cycle.h"
#include "orchestrator/vm/mount_storage.h"
#include "orchestrator/vm/session_files.h"
#include "orchestrator/xenstore/libxenstore.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace varve;
using base::Result;

constexpr const char* usual_config = "/etc/varve/orchestrator.toml";

struct Options {
    std::optional<std::filesystem::path> config;
    bool check = false;
};

constexpr const char* examples =
    "Examples:\n"
    "  varve-orchestrator                                  serve as /etc/varve/orchestrator.toml says\n"
    "  varve-orchestrator --check --config my.toml         report every mistake in the configuration\n"
    "End it with SIGTERM: the VMs run on, and the next one looks after them. SIGHUP makes it read its configuration again.";

// The configuration, or a line for every mistake. The usual file may be missing: every key has a default.
tl::expected<orchestrator::Config, std::vector<std::string>> load_config(const Options& options) {
    const auto path = options.config.value_or(usual_config);
    auto text = settings::read_text(path);
    if (!text && !options.config && text.error().code == base::Errc::NotFound) text = "";
    if (!text) return tl::unexpected(std::vector{"varve-orchestrator: " + text.error().message()});
    auto parsed = orchestrator::parse(*text);
    if (parsed) return *std::move(parsed);
    std::vector<std::string> mistakes;
    for (const auto& mistake : parsed.error()) mistakes.push_back(path.string() + ":" + std::to_string(mistake.line) + ": " + mistake.what);
    return tl::unexpected(std::move(mistakes));
}

preloading::SystemSettings system_settings(const orchestrator::SystemPreload& preload) {
    return {preload.default_dispvm, preload.max, preload.delay, preload.threshold};
}

Result<vm::LifeCycleSettings> life_cycle_settings(const orchestrator::Config& config) {
    vm::LifeCycleSettings all;
    all.default_hypervisor = config.hypervisor.str();
    all.console_directory = config.runtime_dir / "consoles";
    TRY(settings::make_directory(all.console_directory));
    return all;
}

void log_repairs(spdlog::logger& log, const std::vector<vm::Repaired>& repaired) {
    for (const auto& [name, repair, trouble, remark] : repaired) {
        if (trouble.empty())
            log.info("{}: {}{}{}", name.str(), vm::name_of(repair), remark.empty() ? "" : ": ", remark);
        else
            log.error("{}: {} failed: {}", name.str(), vm::name_of(repair), trouble);
    }
}

// Everybody who may see a VM hears of it.
void publish(rpc::Server& server, const service::Access& access, const vm::VmEvent& event) {
    server.publish("vm.event", service::json_of(event), [&access, vm = event.vm](const orchestrator::Caller& caller) {
        return access.allows(caller, orchestrator::Verb::See, vm);
    });
}

// What the running orchestrator takes over from its configuration when it is told to: all or, with a mistake in it, nothing.
struct Reload {
    service::Access& access;
    service::Disposables& disposables;
    preloading::Preloading& preloading;
    spdlog::logger& log;

    void apply(const Options& options, const orchestrator::Config& running) const {
        const auto config = load_config(options);
        if (!config) {
            for (const auto& mistake : config.error()) log.error("{}", mistake);
            log.error("the configuration has mistakes: nothing of it is taken over");
            return;
        }
        for (const auto key : orchestrator::needing_restart(running, *config))
            log.warn("another '{}' needs a restart, and counts from then on", key);
        access.set_rights({config->rights, ::geteuid()});
        disposables.set_default(config->preload.default_dispvm);
        preloading.set_system(system_settings(config->preload));
        log.info("the configuration was read again");
    }
};

// Calls `reload` in a worker for each SIGHUP, one after the other: users and groups may be looked up in a network.
class Hangups {
public:
    Hangups(boost::asio::io_context& io, preloading::Loop& loop) : signals_(io, SIGHUP), loop_(loop) {}
    void listen(const std::function<void()>& reload) {
        signals_.async_wait([this, reload](boost::system::error_code error, int) {
            if (error) return;
            loop_.work(preloading::Work::Short, [this, reload] {
                reload();
                loop_.post([this, reload] { listen(reload); });
            });
        });
    }

private:
    boost::asio::signal_set signals_;
    preloading::Loop& loop_;
};

Result<> serve(const Options& options, const orchestrator::Config& config) {
    const auto log = std::make_shared<spdlog::logger>("varve-orchestrator", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    auto inherited = TRY(rpc::inherited_socket());
    const auto owner = TRY(service::Owner::acquire(config.state_dir));
    auto socket = inherited ? *std::move(inherited) : TRY(rpc::bind_socket(config.socket));
    const auto store = TRY(definitions::DefinitionStore::open(config.state_dir));
    for (const auto& trouble : store->troubles()) log->error("{}: {}", trouble.file.string(), trouble.what);

    const base::SystemClock clock;
    boost::asio::io_context io;
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    const auto loop = TRY(hypervisor::EventLoop::start());
    preloading::AsioLoop work(io);
    Hangups hangups(io, work);
    const auto storage = vm::make_mount_storage(config.mountpoint.string());
    TRY(settings::make_directory(config.runtime_dir));
    const auto records = TRY(vm::open_session_files(config.runtime_dir / "sessions"));
    const auto machines = vm::make_life_cycle(
        *store, *storage, *records,
        [&](const std::string& uri) -> std::shared_ptr<hypervisor::Hypervisor> { return hypervisor::make_libvirt_hypervisor(uri, *loop); },
        &xenstore::open_libxenstore, TRY(life_cycle_settings(config)));
    log_repairs(*log, machines->recover());
    const auto places = service::make_mount_places(config.mountpoint.string());
    const auto versions = service::make_mount_versions(config.mountpoint.string());
    const auto requesters = TRY(service::Requesters::open(config.runtime_dir / "requesters", *store));
    service::Disposables disposables(
        *store, *machines, *places,
        TRY(varve::disposables::Ids::open(config.state_dir / "disposable-ids", clock, &varve::disposables::random_below)),
        config.preload.default_dispvm, *requesters,
        [&](const base::VmName& vm, const base::Error& error) { log->error("{}: {}", vm.str(), error.message()); });
    disposables.sweep();
    preloading::Preloading preloading(work, *store, *machines, disposables, TRY(preloading::Records::open(config.runtime_dir / "preloads")),
                                      system_settings(config.preload), [&](const std::string& about, const base::Error& error) {
                                          log->error("preloading: {}: {}", about, error.message());
                                      });
    preloading.recover();
    preloading::VolumeWatch::Listener listener;
    listener.mount_came = [&] {
        machines->storage_came();
        disposables.mount_came();
    };
    listener.changed = [&](const std::optional<base::VolumeId>& volume) { preloading.volume_changed(volume); };
    listener.resized = [&](const base::VolumeId& volume) { machines->volume_grew(volume); };
    const auto volumes = TRY(preloading::VolumeWatch::start(config.mountpoint.string(), std::move(listener)));

    const orchestrator::Rights rights(config.rights, ::geteuid());
    service::Access access(
        rights, *store, [&](const base::VmName& vm) { return preloading.holds(vm); }, requesters.get());
    rpc::MethodTable methods;
    service::add_definition_methods(methods, *store, preloading, access);
    service::add_vm_methods(methods, *machines, *store, preloading, access, config.mountpoint);
    service::add_domain_methods(
        methods, [&](const std::optional<definitions::HypervisorUri>& uri) { return machines->hypervisor(uri); }, access);
    service::add_disposable_methods(methods, disposables, preloading, access);
    service::add_preload_methods(methods, preloading, access);
    service::add_template_methods(methods, *store, *machines, *versions, preloading, access);
    rpc::Server server(io, methods, std::move(socket), rights);
    service::VmEvents events(
        *store, [&](const base::VmName& vm) { return preloading.keeps(vm); },
        [&](const vm::VmEvent& event) { publish(server, access, event); });
    preloading.on_release([&](const base::VmName& vm) { events.released(vm); });
    const auto subscription = machines->subscribe([&](const vm::VmEvent& event) {
        log->info("{}: {}{}{}", event.vm.str(), vm::name_of(event.state), event.reason.empty() ? "" : ": ", event.reason);
        events.heard(event);
    });
    signals.async_wait([&](boost::system::error_code, int signal) {
        log->info("ending after signal {}; the VMs run on", signal);
        (void)::sd_notify(0, "STOPPING=1");  // without systemd there is nobody to tell
        server.stop();
        preloading.stop();  // what waits for it waits no more
        io.stop();
    });
    const Reload reload{access, disposables, preloading, *log};
    hangups.listen([&] { reload.apply(options, config); });
    log->info("{} VMs are defined", store->all().size());
    (void)::sd_notify(0, "READY=1");
    io.run();
    work.stop();  // a worker may be reading the configuration
    return {};
}

int run(const Options& options) {
    const auto config = load_config(options);
    if (!config) {
        for (const auto& mistake : config.error()) std::cerr << mistake << '\n';
        return 1;
    }
    if (options.check) {
        std::cout << "The configuration has no mistakes.\n";
        return 0;
    }
    if (const auto served = serve(options, *config); !served) {
        std::cerr << "varve-orchestrator: " << served.error().message() << '\n';
        return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    // A client that leaves, or libvirt's daemon, is no reason to end.
    (void)std::signal(SIGPIPE, SIG_IGN);  // cannot fail for this signal
    Options options;
    CLI::App app{"Starts and stops VMs on the storage of a mounted Varve."};
    app.footer(examples);
    app.set_version_flag("--version", std::string("varve-orchestrator " VARVE_VERSION));
    app.add_option("--config,-c", options.config, "Configuration file; by default /etc/varve/orchestrator.toml")->type_name("FILE");
    app.add_flag("--check", options.check, "Report every mistake in the configuration and exit");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return run(options);
}
