// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/arguments.h"
#include "orchestrator/service/methods.h"

#include <array>
#include <future>
#include <memory>

namespace varve::service {
namespace {

using base::Result;
using nlohmann::json;
using orchestrator::Verb;
using preload::Phase;
using preloading::Preloading;

constexpr std::array<std::string_view, 1> refresh_parameters{"template"};
constexpr std::array<std::string_view, 1> suspend_parameters{"timeout"};

std::string_view name_of(Phase phase) {
    switch (phase) {
        case Phase::Creating: return "creating";
        case Phase::Booted: return "booted";
        case Phase::Paused: return "ready";
    }
    return "";
}

json template_json(const preloading::TemplateStatus& status) {
    auto preloads = json::array();
    for (const auto& each : status.preloads)
        preloads.push_back({{"vm", each.disposable.str()}, {"phase", name_of(each.phase)}, {"outdated", each.outdated}});
    return {{"template", status.template_vm.str()}, {"max", status.max}, {"preloads", std::move(preloads)}, {"trouble", status.trouble}};
}

void add_status(rpc::MethodTable& methods, const Preloading& preloading, const Access& access) {
    methods.add("preload.status", rpc::Length::Short, [&](const json& params, const rpc::Call& call) -> Result<json> {
        (void)TRY(Arguments::of(params, {}));
        const auto status = preloading.status();
        auto templates = json::array();
        for (const auto& each : status.templates)
            if (access.allows(call.caller, Verb::See, each.template_vm)) templates.push_back(template_json(each));
        return json{{"begun", status.begun},
                    {"suspended", status.suspended},
                    {"wants_memory", status.wants_memory},
                    {"templates", std::move(templates)}};
    });
}

// ---- of all templates at once: for the host's own units

Result<> only_administrators(const Access& access, const rpc::Call& call) {
    if (access.is_administrator(call.caller)) return {};
    return base::fail(base::Errc::Denied, "only an administrator may do that");
}

void add_for_administrators(rpc::MethodTable& methods, const Access& access, std::string name, std::function<void()> act) {
    methods.add(std::move(name), rpc::Length::Long,
                [&access, act = std::move(act)](const json& params, const rpc::Call& call) -> Result<json> {
                    (void)TRY(Arguments::of(params, {}));
                    TRY(only_administrators(access, call));
                    act();
                    return json::object();
                });
}

void add_suspend(rpc::MethodTable& methods, Preloading& preloading, const Access& access) {
    methods.add("preload.suspend", rpc::Length::Long, [&](const json& params, const rpc::Call& call) -> Result<json> {
        const auto timeout = TRY(TRY(Arguments::of(params, suspend_parameters)).milliseconds("timeout"));
        TRY(only_administrators(access, call));
        const auto done = std::make_shared<std::promise<void>>();
        auto gone = done->get_future();
        preloading.suspend([done] { done->set_value(); });
        if (!timeout) gone.wait();
        return json{{"gone", !timeout || gone.wait_for(*timeout) == std::future_status::ready}};
    });
}

}  // namespace

void add_preload_methods(rpc::MethodTable& methods, Preloading& preloading, const Access& access) {
    add_status(methods, preloading, access);
    methods.add("preload.refresh", rpc::Length::Short, [&](const json& params, const rpc::Call& call) -> Result<json> {
        const auto arguments = TRY(Arguments::of(params, refresh_parameters));
        const auto template_vm = TRY(arguments.name<base::VmName>("template"));
        TRY(access.check(call.caller, Verb::Change, template_vm));
        TRY(access.check_disposable_template(template_vm));
        preloading.refresh(template_vm);
        return json::object();
    });
    add_for_administrators(methods, access, "preload.begin", [&] { preloading.begin(); });
    add_for_administrators(methods, access, "preload.resume", [&] { preloading.resume(); });
    add_suspend(methods, preloading, access);
}

}  // namespace varve::service
