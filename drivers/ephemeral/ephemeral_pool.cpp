// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/ephemeral/ephemeral_pool.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace varve::ephemeral {

using api::Session;
using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using base::VolumePath;
using State = CryptDevices::State;

namespace {

bool has_own_session(const VolumeView& view) { return view.config.ephemeral && view.session.has_value(); }

base::Failure about(const VolumePath& volume, std::string_view what, const base::Error& error) {
    return base::Failure(base::with_context(error, volume.str() + " " + std::string(what)));
}

// The effect has remained, or what failed cannot be undone: the caller looks again.
base::Failure degraded(base::Error error) {
    error.code = Errc::Degraded;
    return base::Failure(std::move(error));
}

}  // namespace

EphemeralPool::EphemeralPool(std::unique_ptr<api::Pool> inner, const Settings& settings, const Kernel& kernel, const base::Clock& clock,
                             spdlog::logger& log)
    : ForwardingPool(std::move(inner)),
      name_(settings.name.str()),
      log_(log),
      names_(settings.identity),
      devices_(kernel, [this](const std::string& what) { log_.warn("{}: {}", name_, what); }),
      availability_(kernel.mapper, clock) {}

api::Capabilities EphemeralPool::capabilities() const {
    auto all = inner().capabilities();
    all.why_not_ephemeral = availability_.why_not();
    all.ephemeral = all.why_not_ephemeral.empty();
    return all;
}

void EphemeralPool::log_operation(const VolumePath& volume, std::string_view how, std::string_view what) const {
    log_.info("{}/{}: {} {}", name_, volume.str(), how, what);
}

void EphemeralPool::warn(const VolumePath& volume, const std::string& what) const { log_.warn("{}/{}: {}", name_, volume.str(), what); }

// ---- what lies below
Result<Below> EphemeralPool::below(const VolumePath& volume, const VolumeView& view) const {
    using What = Below::What;
    const auto path = inner().device(volume, view);
    if (!path && path.error().code == Errc::NotFound) return Below{};  // not started in this boot, or its image has vanished
    if (!path) return base::Failure(path.error());
    auto opened = devices_.look_below(*path);
    if (!opened && opened.error().code == Errc::NotFound) return Below{};
    if (!opened) return base::Failure(opened.error());
    if (opened->block) return Below{.what = What::Device};
    return Below{What::Image, std::move(opened->fd)};
}

Result<> EphemeralPool::close(const VolumePath& volume, const VolumeView& view) {
    const auto name = TRY(names_.of(volume));
    const auto lies_on = TRY(below(volume, view));
    TRY(devices_.close(name, lies_on));
    log_operation(volume, "closed", name.ready.str());
    return {};
}

Result<VolumeView> EphemeralPool::drop(const VolumePath& volume, const VolumeView& view) {
    TRY(close(volume, view));
    auto dropped = TRY(run_checked(inner(), volume, &view, api::Stop{api::Stop::Outcome::Discard, {}}));
    if (!dropped) return fail(Errc::NotFound, "there is no volume " + volume.str() + " any more");
    return *std::move(dropped);
}

// ---- commands
EphemeralPool::View EphemeralPool::run(const VolumePath& volume, const VolumeView* present, const api::Command& command) {
    if (present != nullptr && present->config.ephemeral) {
        if (std::holds_alternative<api::Start>(command)) return start(volume, *present, command);
        if (std::holds_alternative<api::Stop>(command)) return stop(volume, *present, command);
        if (std::holds_alternative<api::Resize>(command) && present->session) return resize(volume, *present, command);
    }
    return run_checked(inner(), volume, present, command);
}

EphemeralPool::View EphemeralPool::start(const VolumePath& volume, VolumeView present, const api::Command& command) {
    const auto name = TRY(names_.of(volume));
    // What a session left that is gone; a dirty one has lost its key, and with it its content.
    const bool had_session = present.session.has_value();
    if (had_session)
        present = TRY(drop(volume, present));
    else if (auto closed = devices_.close(name, Below{}); !closed)
        return about(volume, "cannot be started, because its earlier encrypted device cannot be removed", closed.error());
    auto started = run_checked(inner(), volume, &present, command);
    if (!started) return had_session ? degraded(std::move(started).error()) : started;
    const auto opened = [&]() -> Result<> {
        const auto path = TRY(inner().device(volume, **started));
        return devices_.open(name, path, (*started)->session->size);
    }();
    if (opened) {
        log_operation(volume, "encrypted", name.ready.str());
        return started;
    }
    auto error = base::with_context(opened.error(), volume.str() + " cannot be encrypted");
    if (const auto undone = drop(volume, **started); !undone) {
        error.context += "; and its start cannot be undone (" + undone.error().message() + ")";
        return degraded(std::move(error));
    }
    return base::Failure(std::move(error));
}

EphemeralPool::View EphemeralPool::stop(const VolumePath& volume, const VolumeView& present, const api::Command& command) {
    const auto name = TRY(names_.of(volume));
    // Point of no return: with the device its key goes, and nobody can read the content any more.
    if (const auto closed = close(volume, present); !closed) {
        const auto error = base::with_context(closed.error(), volume.str() + " cannot be stopped");
        const auto state = devices_.state(name);
        return state && *state == State::Ready ? base::Failure(error) : degraded(error);
    }
    auto stopped = run_checked(inner(), volume, &present, command);
    if (!stopped) return degraded(base::with_context(stopped.error(), volume.str() + " has lost its content, but its session stays"));
    return stopped;
}

EphemeralPool::View EphemeralPool::resize(const VolumePath& volume, const VolumeView& present, const api::Command& command) {
    const auto name = TRY(names_.of(volume));
    if (const auto can = devices_.can_grow(name, std::get<api::Resize>(command).size); !can)
        return about(volume, "cannot be resized", can.error());
    auto resized = TRY(run_checked(inner(), volume, &present, command));
    const auto grown = [&]() -> Result<> {
        const auto lies_on = TRY(below(volume, *resized));
        return devices_.grow(name, lies_on, resized->session->size);
    }();
    if (!grown)
        return degraded(base::with_context(grown.error(), volume.str() + " has its new size, but its device not yet; resize it again"));
    log_operation(volume, "resized", name.ready.str());
    return resized;
}

// ---- loading
Result<VolumeView> EphemeralPool::try_to_settle(const VolumePath& volume, const VolumeView& view) {
    const auto name = TRY(names_.of(volume));
    if (TRY(devices_.state(name)) != State::Ready) {
        auto dropped = TRY(drop(volume, view));
        warn(volume, "its session has lost its key, and with it its content, and was dropped");
        return dropped;
    }
    // The device is of this boot, so the session is too, whether the driver could know or not.
    auto going_on = view;
    if (view.session->phase == Session::Phase::Dirty)
        if (auto started = TRY(run_checked(inner(), volume, &view, api::Start{}))) going_on = *std::move(started);
    // A resize that was interrupted.
    const auto lies_on = TRY(below(volume, going_on));
    TRY(devices_.grow(name, lies_on, going_on.session->size));
    return going_on;
}

VolumeView EphemeralPool::settle(const VolumePath& volume, const VolumeView& view) {
    if (!has_own_session(view)) return view;
    auto settled = try_to_settle(volume, view);
    if (settled) return *std::move(settled);
    warn(volume, "its session stays as it is: " + settled.error().message());
    return view;
}

Result<std::optional<VolumeView>> EphemeralPool::load_volume(const VolumePath& volume, const VolumeView* known) {
    auto view = TRY(inner().load_volume(volume, known));
    if (!view) return view;
    return std::optional(settle(volume, *view));
}

Result<api::VmView> EphemeralPool::load_vm(const base::VmName& vm) {
    auto view = TRY(inner().load_vm(vm));
    for (auto& [volume, loaded] : view.volumes)
        if (has_own_session(*loaded)) loaded = std::make_shared<const VolumeView>(settle({vm, volume}, *loaded));
    sweep_leftovers(vm, view);
    return view;
}

void EphemeralPool::sweep(const kernel::DmInfo& device) {
    const auto volume = names_.volume_of(device.uuid);
    if (!volume) return;
    const auto name = names_.of(*volume);
    const auto closed = name ? devices_.close(*name, Below{}) : base::Failure(name.error());
    if (closed)
        log_operation(*volume, "removed", device.name);
    else
        warn(*volume, device.name + " belongs to no session, but stays: " + closed.error().message());
}

void EphemeralPool::sweep_leftovers(const base::VmName& vm, const api::VmView& view) {
    std::vector<kernel::DmInfo> found;
    {
        const std::lock_guard lock(mutex_);
        if (auto node = leftovers_.extract(vm)) found = std::move(node.mapped());
    }
    for (const auto& device : found) {
        const auto volume = view.volumes.find(names_.volume_of(device.uuid)->volume);
        if (volume == view.volumes.end() || !has_own_session(*volume->second)) sweep(device);
    }
}

Result<> EphemeralPool::recover() {
    TRY(inner().recover());
    const auto devices = devices_.list(names_.uuid_prefix());
    if (!devices) {
        log_.warn("{}: encrypted devices that an earlier varvefs left are not looked for: {}", name_, devices.error().message());
        return {};
    }
    const auto vms = TRY(inner().list_vms());
    std::map<base::VmName, std::vector<kernel::DmInfo>> leftovers;
    for (const auto& device : *devices) {
        const auto volume = names_.volume_of(device.uuid);
        if (!volume) continue;
        if (std::ranges::find(vms, volume->vm) == vms.end())
            sweep(device);
        else
            leftovers[volume->vm].push_back(device);
    }
    const std::lock_guard lock(mutex_);
    leftovers_ = std::move(leftovers);
    return {};
}

// ---- data
Result<std::filesystem::path> EphemeralPool::device(const VolumePath& volume, const VolumeView& view) const {
    if (!view.config.ephemeral) return inner().device(volume, view);
    if (!view.session || view.session->phase != Session::Phase::Started)
        return fail(Errc::NotFound, volume.str() + " has no device: it is not started");
    const auto name = TRY(names_.of(volume));
    if (TRY(devices_.state(name)) != State::Ready)
        return fail(Errc::NotFound, "the encrypted device of " + volume.str() + " has vanished, and its content with it; stop it");
    return kernel::DeviceMapper::node_path(name.ready);
}

std::unique_ptr<api::Pool> with_ephemeral_volumes(std::unique_ptr<api::Pool> pool, const Settings& settings, const Kernel& kernel,
                                                  const base::Clock& clock, spdlog::logger& log) {
    if (pool->capabilities().ephemeral) return pool;
    return std::make_unique<EphemeralPool>(std::move(pool), settings, kernel, clock, log);
}

}  // namespace varve::ephemeral
