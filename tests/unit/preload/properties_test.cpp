// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever happens in whatever order: nobody gets one twice, no request is lost, and there are never too many.
#include "tests/unit/preload/world.h"

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace varve::preload::tests {
namespace {

class Checker {
public:
    void run() {
        const int steps = *rc::gen::inRange(1, 60);
        for (int step = 0; step < steps; ++step) {
            now_ += milliseconds(*rc::gen::inRange(0, 20000));
            tell(any_event());
        }
        // Every request is answered in the end.
        now_ += std::chrono::hours(1);
        tell(event::Woken{});
        RC_ASSERT(open_.empty());
        RC_ASSERT(preloads_.list(vm("dvm")).size() <= max_);
    }

private:
    void tell(const Event& event) {
        for (const auto& action : preloads_.handle(event, now_)) std::visit([&](const auto& each) { did(each); }, action);
        const auto next = preloads_.next_wakeup();
        RC_ASSERT(!next || *next > now_);
        RC_ASSERT(preloads_.list(vm("dvm")).size() <= max_);
    }

    Event any_event() {
        switch (*rc::gen::inRange(0, 17)) {
            case 0: {
                Settings settings;
                max_ = *rc::gen::inRange(0U, 5U);
                settings.templates[vm("dvm")] = {max_, milliseconds(*rc::gen::inRange(0, 5000)), {1000}};
                return event::SettingsChanged{settings};
            }
            case 1: return event::ContentChanged{vm("dvm"), *rc::gen::element<std::string>("one", "two", "three")};
            case 2: return event::PropertyChanged{vm("dvm")};
            case 3: return event::MemoryChanged{{*rc::gen::inRange<std::uint64_t>(0, 10000)}};
            case 4: return event::Booted{any_vm()};
            case 5: return event::Paused{any_vm()};
            case 6: return event::Failed{any_vm(), "why"};
            case 7: return event::Gone{any_vm()};
            case 8: return event::Resumed{any_vm()};
            case 9: return event::HostSuspends{};
            case 10: return event::HostResumed{};
            case 11: return event::Begin{};
            case 12: return event::Refresh{vm("dvm")};
            case 13: return event::NoMemory{any_vm(), {*rc::gen::inRange<std::uint64_t>(0, 10000)}};
            case 14: return event::ColdStartEnded{*rc::gen::inRange<RequestId>(0, requests_ + 1)};
            case 15: return event::Recovered{{{late(), vm("dvm"), *rc::gen::arbitrary<bool>(), "one"}}};
            default: open_.insert(++requests_); return event::Requested{vm("dvm"), requests_};
        }
    }
    VmName late() {
        const auto name = vm("late" + std::to_string(created_.size()));
        created_.insert(name);
        return name;
    }
    VmName any_vm() const { return vm("disp" + std::to_string(*rc::gen::inRange(0, names_ + 2))); }

    void did(const action::Create& create) {
        RC_ASSERT(created_.insert(create.disposable).second);
        RC_ASSERT(create.template_vm == vm("dvm"));
    }
    void did(const action::Remove& remove) {
        for (const auto& each : remove.disposables) leaves(each);
    }
    void did(const action::HandOver& hand) {
        leaves(hand.disposable);
        RC_ASSERT(open_.erase(hand.request) == 1U);
    }
    void did(const action::StartCold& cold) { RC_ASSERT(open_.erase(cold.request) == 1U); }
    void did(const action::BecameUsed& used) { leaves(used.disposable); }
    void leaves(const VmName& disposable) {
        RC_ASSERT(created_.contains(disposable));
        RC_ASSERT(left_.insert(disposable).second);
    }

    int names_ = 0;
    Preloads preloads_{[this] { return std::optional(vm("disp" + std::to_string(++names_))); }};
    Instant now_{};
    std::uint32_t max_ = 0;
    RequestId requests_ = 0;
    std::set<RequestId> open_;
    std::set<VmName> created_;
    std::set<VmName> left_;
};

RC_GTEST_PROP(PreloadProperties, NobodyGetsOneTwiceAndNoRequestIsLost, ()) { Checker().run(); }

}  // namespace
}  // namespace varve::preload::tests
