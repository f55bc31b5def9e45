// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/faults.h"

#include <cerrno>

namespace varve::fakes {
namespace {

base::Failure gone() { return base::fail_errno(EIO, "the power has failed"); }

}  // namespace

void Faults::plan(Plan plan, std::size_t call, int error, Calls counted) {
    const std::lock_guard lock(mutex_);
    plan_ = plan;
    planned_call_ = call;
    error_ = error;
    counted_ = counted;
    calls_ = 0;
    failed_.reset();
}

void Faults::count(Calls counted) { plan(Plan::None, 0, 0, counted); }

void Faults::die_at(std::size_t call, Moment moment, Calls counted) {
    plan(moment == Moment::Before ? Plan::DieBefore : Plan::DieAfter, call, 0, counted);
}

void Faults::fail_at(std::size_t call, int error) { plan(Plan::Fail, call, error, Calls::All); }

void Faults::fail_from(std::size_t call, int error) { plan(Plan::FailFrom, call, error, Calls::All); }

std::size_t Faults::calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
}

bool Faults::dead() const {
    const std::lock_guard lock(mutex_);
    return dead_;
}

std::optional<Effect> Faults::failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
}

base::Result<> Faults::enter(Effect effect) {
    const std::lock_guard lock(mutex_);
    if (dead_) return gone();
    if (counted_ == Calls::All || effect != Effect::Reads) ++calls_;
    const bool now = calls_ == planned_call_ && (counted_ == Calls::All || effect != Effect::Reads);
    if (plan_ == Plan::DieBefore && now) {
        dead_ = true;
        return gone();
    }
    if ((plan_ == Plan::Fail && now) || (plan_ == Plan::FailFrom && calls_ >= planned_call_ && effect == Effect::TakesSpace)) {
        if (!failed_) failed_ = effect;
        return base::fail_errno(error_, "the file system fails here");
    }
    return {};
}

base::Result<> Faults::leave() {
    const std::lock_guard lock(mutex_);
    if (plan_ != Plan::DieAfter || calls_ < planned_call_) return {};
    dead_ = true;
    return gone();
}

}  // namespace varve::fakes
