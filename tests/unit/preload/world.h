// SPDX-License-Identifier: LGPL-2.1-or-later
// Preload queues with a clock that the test moves, and actions as words.
#pragma once

#include "drivers/base/overloaded.h"
#include "orchestrator/preload/preloads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace varve::preload::tests {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline VmName vm(const std::string& name) { return VmName::parse(name).value(); }

inline std::string joined(const std::vector<VmName>& names) {
    std::string text;
    for (const auto& name : names) text += " " + name.str();
    return text;
}

// "create disp1 of dvm", "remove disp1 disp2", "hand 7 disp1", "hand 7 disp1 unpaused", "cold 7 dvm", "used disp1".
inline std::string word(const Action& action) {
    return std::visit(
        base::Overloaded{
            [](const action::Create& create) { return "create " + create.disposable.str() + " of " + create.template_vm.str(); },
            [](const action::Remove& remove) { return "remove" + joined(remove.disposables); },
            [](const action::HandOver& hand) {
                return "hand " + std::to_string(hand.request) + " " + hand.disposable.str() + (hand.resume ? "" : " unpaused");
            },
            [](const action::StartCold& cold) { return "cold " + std::to_string(cold.request) + " " + cold.template_vm.str(); },
            [](const action::BecameUsed& used) { return "used " + used.disposable.str(); },
        },
        action);
}

class World : public ::testing::Test {
protected:
    using Words = std::vector<std::string>;

    Words tell(const Event& event) {
        Words words;
        for (const auto& action : preloads.handle(event, now)) words.push_back(word(action));
        return words;
    }
    // Time passes; the wake-ups that were asked for come.
    Words wait(milliseconds time) {
        Words words;
        const auto end = now + time;
        int wakeups = 0;
        while (preloads.next_wakeup() && *preloads.next_wakeup() <= end) {
            if (++wakeups > 1000) {
                ADD_FAILURE() << "it wakes up again and again";
                break;
            }
            now = std::max(now, *preloads.next_wakeup());
            for (auto& each : tell(event::Woken{})) words.push_back(std::move(each));
        }
        now = end;
        return words;
    }
    // Settings with one template, dvm.
    static Settings settings(std::optional<std::uint32_t> max, std::optional<definitions::RefillDelay> delay = {}) {
        Settings all;
        all.templates[vm("dvm")] = {max, delay, {std::uint64_t{1} << 30}};
        return all;
    }
    // A queue of so many, all paused.
    void fill(std::uint32_t count) {
        tell(event::SettingsChanged{settings(count)});
        tell(event::ContentChanged{vm("dvm"), "one"});
        tell(event::Begin{});
        pause_all();
    }
    // What is in progress, and what is begun then, becomes ready.
    void pause_all() {
        for (bool more = true; more;) {
            more = false;
            for (const auto& each : preloads.list(vm("dvm"))) {
                if (each.phase != Phase::Creating) continue;
                tell(event::Paused{each.disposable});
                more = true;
            }
        }
    }
    std::string listed() const {
        std::string text;
        for (const auto& each : preloads.list(vm("dvm"))) {
            text += text.empty() ? "" : " ";
            text += each.disposable.str();
            if (each.phase == Phase::Creating) text += "+";
            if (each.phase == Phase::Booted) text += "^";
            if (each.outdated) text += "!";
        }
        return text;
    }

    int names = 0;
    Preloads preloads{[this] { return std::optional(vm("disp" + std::to_string(++names))); }};
    Instant now{};
};

}  // namespace varve::preload::tests
