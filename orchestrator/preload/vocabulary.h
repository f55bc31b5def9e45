// SPDX-License-Identifier: LGPL-2.1-or-later
// What the preload queue hears and what it asks for.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/units.h"
#include "orchestrator/definitions/vm_definition.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace varve::preload {

using Instant = std::chrono::steady_clock::time_point;
using RequestId = std::uint64_t;
using base::VmName;

// Where a preloaded disposable is. A requested or used one is not in the queue any more.
enum class Phase {
    Creating,  // in progress
    Booted,    // the system is fully running; memory is given back, and the pause comes. A request may have it: the pause is skipped
    Paused,    // ready
};

// The content that disposables of a template start from: the same text for the same content.
using Content = std::string;

struct TemplateSettings {
    std::optional<std::uint32_t> max;
    std::optional<definitions::RefillDelay> delay;  // absent: the system's
    base::Bytes memory;                             // of one disposable
    friend bool operator==(const TemplateSettings&, const TemplateSettings&) = default;
};

struct Settings {
    std::map<VmName, TemplateSettings> templates;  // those with template_for_dispvms
    std::optional<VmName> default_dispvm;
    std::optional<std::uint32_t> system_max;  // overrides the default_dispvm's own
    definitions::RefillDelay delay = std::chrono::milliseconds(3000);
    base::Bytes threshold;  // memory that preloading leaves free
    friend bool operator==(const Settings&, const Settings&) = default;
};

// How many are kept of a template: 0 for one that disposables cannot be made of.
[[nodiscard]] std::uint32_t wanted(const Settings& settings, const VmName& template_vm);

namespace event {

struct SettingsChanged {
    Settings settings;
};
struct ContentChanged {  // a commit of a volume that disposables of the template start from; the content may be what it was
    VmName template_vm;
    Content content;
};
struct PropertyChanged {  // one that its disposables inherit
    VmName template_vm;
};
struct Refresh {  // somebody wants new ones, whatever has changed
    VmName template_vm;
};
struct MemoryChanged {
    base::Bytes free;
};
struct NoMemory {  // it was not created: there is too little by now. No failure; tried again when memory returns
    VmName disposable;
    base::Bytes free;
};
struct Booted {
    VmName disposable;
};
struct Paused {
    VmName disposable;
};
struct Failed {  // did not become ready, or could not be created
    VmName disposable;
    std::string why;
};
struct Gone {  // ended by itself
    VmName disposable;
};
struct Resumed {  // by somebody who had not asked for it
    VmName disposable;
};
struct Requested {
    VmName template_vm;
    RequestId request;
};
struct ColdStartEnded {  // of a request that was to start cold, come of it what may
    RequestId request;
};
struct HandOverFailed {  // that one is of no use; the request goes on
    VmName disposable;
    VmName template_vm;
    RequestId request;
    bool unanswered = false;  // by its hypervisor, which would not answer about the next one either
};
struct HostSuspends {};
struct HostResumed {};
// After the start of the orchestrator: what an earlier one left. Comes again for what the hypervisor tells of later.
struct Left {
    VmName disposable;
    VmName template_vm;
    bool paused = false;  // ready; anything else was in progress or does not run
    Content content;      // that it started from
};
struct Recovered {
    std::vector<Left> left;
};
// The standard VMs have started: preloading begins. Comes once, or never with the kernel's command line switch.
struct Begin {};
// Time has passed: `Preloads::next_wakeup()` has come.
struct Woken {};

}  // namespace event

using Event = std::variant<event::SettingsChanged, event::ContentChanged, event::PropertyChanged, event::Refresh, event::MemoryChanged,
                           event::NoMemory, event::Booted, event::Paused, event::Failed, event::Gone, event::Resumed, event::Requested,
                           event::ColdStartEnded, event::HandOverFailed, event::HostSuspends, event::HostResumed, event::Recovered,
                           event::Begin, event::Woken>;

namespace action {

struct Create {
    VmName disposable;
    VmName template_vm;
};
// End and remove all of these; they are in nobody's way any more.
struct Remove {
    std::vector<VmName> disposables;
};
// The request has it. It is resumed unless its pause had not come yet.
struct HandOver {
    VmName disposable;
    RequestId request;
    bool resume = true;
};
struct StartCold {  // event::ColdStartEnded tells of its end
    VmName template_vm;
    RequestId request;
};
// It is an ordinary, visible disposable from now on.
struct BecameUsed {
    VmName disposable;
};

}  // namespace action

using Action = std::variant<action::Create, action::Remove, action::HandOver, action::StartCold, action::BecameUsed>;

}  // namespace varve::preload
