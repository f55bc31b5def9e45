// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preloading/volume_watch.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/events.h"
#include "orchestrator/mount_client/reference.h"

#include <utility>

namespace varve::preloading {
namespace {

using base::Result;

constexpr std::chrono::seconds between_tries{1};

std::optional<base::VolumeId> volume_in(const std::string& subject) {
    const auto reference = mount_client::parse_reference(subject);
    if (!reference) return {};
    const auto* state = std::get_if<mount_client::StateReference>(&*reference);
    return state == nullptr ? std::nullopt : std::optional(state->volume);
}

}  // namespace

Result<std::unique_ptr<VolumeWatch>> VolumeWatch::start(std::string mountpoint, Listener listener) {
    auto wakeup = TRY(vm::Wakeup::make());
    std::unique_ptr<VolumeWatch> watch(new VolumeWatch(std::move(mountpoint), std::move(listener), std::move(wakeup)));
    watch->thread_ = std::jthread([self = watch.get()](const std::stop_token& stop) { self->run(stop); });
    return watch;
}

VolumeWatch::~VolumeWatch() {
    thread_.request_stop();
    wakeup_.signal();
}

void VolumeWatch::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        (void)follow(stop);  // whatever went wrong, it is tried again
        if (!stop.stop_requested()) (void)wakeup_.wait(std::chrono::steady_clock::now() + between_tries);  // only a pause
    }
}

Result<> VolumeWatch::follow(const std::stop_token& stop) {
    const auto mount = TRY(mount_client::Mount::open(mountpoint_));
    auto reader = TRY(mount_client::EventReader::open(mount, mount_client::EventReader::From::Now));
    listener_.mount_came();
    listener_.changed(std::nullopt);
    while (!stop.stop_requested()) {
        const auto events = TRY(reader.next());
        for (const auto& event : events) {
            // A start changes no committed state, and comes with every VM.
            if (!event.ok || event.operation == protocol::verb::start) continue;
            const auto volume = volume_in(event.subject);
            if (volume && event.operation == protocol::verb::resize) listener_.resized(*volume);
            listener_.changed(volume);
        }
        TRY(wakeup_.wait(std::chrono::steady_clock::now() + std::chrono::hours(1), reader.descriptor()));
    }
    return {};
}

}  // namespace varve::preloading
