// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/arguments.h"
#include "orchestrator/service/disposables.h"
#include "orchestrator/service/json_of.h"
#include "orchestrator/service/methods.h"
#include "orchestrator/service/telling.h"

#include <algorithm>
#include <array>
#include <future>
#include <memory>

namespace varve::service {
namespace {

using base::Errc;
using base::Result;
using nlohmann::json;

constexpr std::array<std::string_view, 3> run_parameters{"template", "tag", "caller"};

// A caller counts for its default alone.
Result<disposables::Wanted> read_wanted(const Arguments& arguments) {
    if (std::ranges::count_if(run_parameters, [&](std::string_view each) { return arguments.has(each); }) > 1)
        return base::fail(Errc::InvalidArgument, "only one of the parameters 'template', 'tag' and 'caller' may be given");
    if (arguments.has("template")) return disposables::Wanted(TRY(arguments.name<base::VmName>("template")));
    if (arguments.has("tag")) return disposables::Wanted(TRY(arguments.name<definitions::Tag>("tag")));
    return disposables::Wanted(disposables::TheDefault{});
}

Result<std::optional<base::VmName>> read_caller(const Arguments& arguments) {
    if (!arguments.has("caller")) return std::optional<base::VmName>();
    return std::optional(TRY(arguments.name<base::VmName>("caller")));
}

// One that was kept ready, or a new one.
Result<vm::StartReport> run(Disposables& disposables, preloading::Preloading& preloading, const base::VmName& template_vm,
                            const rpc::Call& call, const Access& access) {
    using Answer = Result<std::optional<base::VmName>>;
    const auto begin = std::chrono::steady_clock::now();
    const auto promise = std::make_shared<std::promise<Answer>>();
    const auto request = preloading.request(template_vm, [promise, &disposables, requester = call.caller.uid](Answer answer) {
        // Before an event tells of it.
        if (answer && *answer) disposables.give(**answer, requester);
        promise->set_value(std::move(answer));
    });
    const auto preloaded = TRY(promise->get_future().get());
    if (!preloaded) {
        StartTelling told(call, access, std::nullopt);
        auto started = disposables.start(template_vm, call.caller.uid, told.listener());
        preloading.cold_start_ended(request);
        return told.shown(std::move(started));
    }
    disposables.keep_requester(*preloaded);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
    return vm::StartReport{*preloaded, {{vm::Stage::Resume, took}}, {}, {}};
}

}  // namespace

void add_disposable_methods(rpc::MethodTable& methods, Disposables& disposables, preloading::Preloading& preloading, const Access& access) {
    methods.add("disp.run", rpc::Length::Long, [&](const json& params, const rpc::Call& call) -> Result<json> {
        const auto arguments = TRY(Arguments::of(params, run_parameters));
        const auto wanted = TRY(read_wanted(arguments));
        const auto caller = TRY(read_caller(arguments));
        // What is named is judged before anything tells whether there is one. The answer tells the caller's default, as a look at it does.
        if (caller) TRY(access.check(call.caller, orchestrator::Verb::See, *caller));
        if (const auto* named = std::get_if<base::VmName>(&wanted)) TRY(access.check(call.caller, orchestrator::Verb::Dispose, *named));
        const auto template_vm = disposables.template_for(wanted, caller);
        if (!template_vm && !access.is_administrator(call.caller))
            return base::fail(Errc::Denied, "you have no right to a disposable of that kind, or there is none");
        if (!template_vm) return base::Failure(template_vm.error());
        const auto& name = *template_vm;
        TRY(access.check(call.caller, orchestrator::Verb::Dispose, name));
        const auto report = TRY(run(disposables, preloading, name, call, access));
        auto object = json_of(report);
        object["template"] = name.str();
        return object;
    });
}

}  // namespace varve::service
