// SPDX-License-Identifier: LGPL-2.1-or-later
// The preload queues of all templates: events in, actions out. Pure: it waits for nothing and asks no clock.
#pragma once

#include "orchestrator/preload/queue.h"
#include "orchestrator/preload/requests.h"
#include "orchestrator/preload/vocabulary.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace varve::preload {

// Removals are put off for so long after the last request, so that they do not slow the next one.
inline constexpr std::chrono::seconds quiet_before_removal{2};

// What somebody waits for goes before what nobody does yet: while disposables start cold nothing is created, but no longer than this.
inline constexpr std::chrono::seconds longest_yield{60};

// For one thread.
class Preloads {
public:
    // A name for a new disposable; none: not now.
    using Names = std::function<std::optional<VmName>()>;

    explicit Preloads(Names names) : names_(std::move(names)) {}

    // What to do about it, in this order. `now` never goes back.
    [[nodiscard]] std::vector<Action> handle(const Event& event, Instant now);

    // When to hand in event::Woken, unless another event comes first.
    [[nodiscard]] std::optional<Instant> next_wakeup() const;

    // Whether disposables are missing for want of memory alone.
    [[nodiscard]] bool starved() const { return starved_; }
    // Of all templates that something is or was kept of.
    [[nodiscard]] std::vector<VmName> templates() const;
    // For people; empty for a template that nothing was ever kept of.
    [[nodiscard]] std::vector<Preloaded> list(const VmName& template_vm) const;
    [[nodiscard]] std::string trouble(const VmName& template_vm) const;

private:
    void on(const event::SettingsChanged& event, Instant now);
    void on(const event::ContentChanged& event, Instant now);
    void on(const event::PropertyChanged& event, Instant now);
    void on(const event::Refresh& event, Instant now);
    void on(const event::MemoryChanged& event, Instant now);
    void on(const event::NoMemory& event, Instant now);
    void on(const event::Booted& event, Instant now);
    void on(const event::Paused& event, Instant now);
    void on(const event::Failed& event, Instant now);
    void on(const event::Gone& event, Instant now);
    void on(const event::Resumed& event, Instant now);
    void on(const event::Requested& event, Instant now);
    void on(const event::ColdStartEnded& event, Instant now);
    void on(const event::HandOverFailed& event, Instant now);
    void on(const event::HostSuspends& event, Instant now);
    void on(const event::HostResumed& event, Instant now);
    void on(const event::Recovered& event, Instant now);
    void on(const event::Begin& event, Instant now);
    void on(const event::Woken& event, Instant now);

    struct Found {
        VmName template_vm;
        Queue* queue;
    };
    [[nodiscard]] std::optional<Found> find(const VmName& disposable);
    [[nodiscard]] bool runs() const { return begun_ && !suspended_; }
    [[nodiscard]] definitions::RefillDelay delay_of(const VmName& template_vm) const;
    void became(const VmName& disposable, Phase phase, Instant now);
    void serve(const VmName& template_vm, RequestId request, Instant now);
    void serve_first(const VmName& template_vm, Instant now);
    void hand_over(const VmName& template_vm, const Preloaded& preloaded, RequestId request, Instant now);
    void start_cold(const VmName& template_vm, RequestId request, Instant now);
    void start_cold(const std::vector<Waiting>& given_up, Instant now);
    [[nodiscard]] bool yields(Instant now);
    void refresh(Instant now);
    void refill(Instant now);
    [[nodiscard]] bool create_one(const VmName& template_vm, Queue& queue);
    void remove(const std::vector<VmName>& disposables, Instant now);
    void remove_when_quiet(Instant now);

    Names names_;
    Settings settings_;
    std::map<VmName, Queue> queues_;
    Requests requests_;
    std::optional<base::Bytes> free_;  // memory; unknown until it is told
    bool starved_ = false;
    std::set<RequestId> cold_;             // that start now
    std::optional<Instant> yields_until_;  // while they do
    bool begun_ = false;
    bool suspended_ = false;
    std::vector<VmName> to_remove_;
    std::optional<Instant> quiet_at_;
    std::vector<Action> actions_;
};

}  // namespace varve::preload
