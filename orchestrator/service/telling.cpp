// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/telling.h"

#include "orchestrator/service/json_of.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace varve::service {

vm::StageListener telling(const rpc::Call& call, const Access& access, const std::optional<base::VmName>& vm) {
    return [&call, vm, shown = access.shown_to(call.caller)](const vm::StageEvent& event) {
        if (event.vm == vm || shown(event.vm)) call.notify("vm.stage", json_of(event));
    };
}

std::vector<vm::StartReport> shown_of(std::vector<vm::StartReport> reports, const definitions::Shown& shown) {
    std::erase_if(reports, [&](const vm::StartReport& report) { return !shown(report.vm); });
    for (auto& report : reports) report.needed = shown_of(std::move(report.needed), shown);
    return reports;
}

}  // namespace varve::service
