// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/operations.h"

namespace varve::engine {

std::unique_ptr<Operations::Running> Operations::begin(std::string_view verb, const base::PoolName& pool, const base::VmName& vm,
                                                       std::optional<base::VolumeName> volume, std::optional<std::string> to) {
    return std::make_unique<Running>(*this, Operation{++last_number_, verb, pool, vm, std::move(volume), std::move(to), clock_.now()});
}

Operations::Running::Running(const Operations& operations, Operation operation)
    : operations_(operations), operation_(std::move(operation)) {
    for (auto* listener : operations_.listeners_) listener->began(operation_);
}

Operations::Running::~Running() {
    if (!ended_) failed({base::Errc::Io, {}, "it ended in the middle"});
}

void Operations::Running::done(std::shared_ptr<const api::VolumeView> before, std::shared_ptr<const api::VolumeView> after) {
    end({{}, nullptr, std::move(before), std::move(after)});
}

void Operations::Running::failed(const base::Error& error) { end({{}, &error, nullptr, nullptr}); }

void Operations::Running::end(Outcome outcome) {
    ended_ = true;
    outcome.took = std::chrono::steady_clock::now() - begun_;
    for (auto* listener : operations_.listeners_) listener->ended(operation_, outcome);
}

}  // namespace varve::engine
