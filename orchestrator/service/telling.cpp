// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/telling.h"

#include "orchestrator/service/json_of.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace varve::service {
namespace {

// Without those of VMs that may not be shown, of which nothing is told.
std::vector<vm::StartReport> shown_of(std::vector<vm::StartReport> reports, const definitions::Shown& shown) {
    std::erase_if(reports, [&](const vm::StartReport& report) { return !shown(report.vm); });
    for (auto& report : reports) report.needed = shown_of(std::move(report.needed), shown);
    return reports;
}

}  // namespace

vm::StageListener telling(const rpc::Call& call, const Access& access, const std::optional<base::VmName>& vm) {
    return [&call, vm, shown = access.shown_to(call.caller)](const vm::StageEvent& event) {
        if (event.vm == vm || shown(event.vm)) call.notify("vm.stage", json_of(event));
    };
}

StartTelling::StartTelling(const rpc::Call& call, const Access& access, const std::optional<base::VmName>& vm)
    : tell_(telling(call, access, vm)), shown_(access.shown_to(call.caller)) {}

vm::StageListener StartTelling::listener() {
    return [this](const vm::StageEvent& event) {
        if (event.what == vm::StageEvent::What::Failed && shown_(event.vm)) failed_.insert(failed_.begin(), event);
        tell_(event);
    };
}

base::Result<vm::StartReport> StartTelling::shown(base::Result<vm::StartReport> outcome) const {
    if (!outcome) return explained(std::move(outcome).error());
    outcome->needed = shown_of(std::move(outcome->needed), shown_);
    return outcome;
}

base::Failure StartTelling::explained(base::Error error) const {
    const auto message = error.message();
    // That of the VM itself stands in the error.
    for (const auto& event : failed_)
        if (message.find(event.remark) == std::string::npos)
            error.context.append("; starting ")
                .append(event.vm.str())
                .append(" failed at the stage '")
                .append(name_of(event.stage))
                .append("': ")
                .append(event.remark);
    return base::Failure(std::move(error));
}

}  // namespace varve::service
