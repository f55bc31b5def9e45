// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preload/preloads.h"

#include <algorithm>
#include <utility>

namespace varve::preload {

std::vector<Action> Preloads::handle(const Event& event, Instant now) {
    std::visit([&](const auto& each) { on(each, now); }, event);
    start_cold(requests_.give_up(now), now);
    refresh(now);
    refill(now);
    // What nothing in progress can serve any more waits for nothing.
    for (const auto& [template_vm, queue] : queues_) start_cold(requests_.give_up_beyond(template_vm, queue.promising()), now);
    remove_when_quiet(now);
    return std::exchange(actions_, {});
}

std::optional<Instant> Preloads::next_wakeup() const {
    auto soonest = requests_.next();
    const auto consider = [&](std::optional<Instant> time) {
        if (time && (!soonest || *time < *soonest)) soonest = time;
    };
    if (!to_remove_.empty()) consider(quiet_at_);
    consider(yields_until_);
    for (const auto& [template_vm, queue] : queues_) consider(queue.next(runs() ? wanted(settings_, template_vm) : 0));
    return soonest;
}

std::vector<VmName> Preloads::templates() const {
    std::vector<VmName> names;
    names.reserve(queues_.size());
    for (const auto& [name, queue] : queues_) names.push_back(name);
    return names;
}

std::vector<Preloaded> Preloads::list(const VmName& template_vm) const {
    const auto found = queues_.find(template_vm);
    return found == queues_.end() ? std::vector<Preloaded>() : found->second.list();
}

std::string Preloads::trouble(const VmName& template_vm) const {
    const auto found = queues_.find(template_vm);
    return found == queues_.end() ? std::string() : found->second.trouble();
}

// How many are wanted may have changed for any template: the excess goes, and what lacks comes without a delay.
void Preloads::on(const event::SettingsChanged& event, Instant now) {
    const auto before = std::exchange(settings_, event.settings);
    for (const auto& [name, settings] : settings_.templates) queues_.try_emplace(name);
    for (auto& [name, queue] : queues_) {
        const auto max = wanted(settings_, name);
        if (max > wanted(before, name)) queue.refill_at_once();
        remove(queue.drop_excess(max), now);
    }
}

void Preloads::on(const event::ContentChanged& event, Instant now) {
    // A template that did not change refreshes nothing. The content may come before the settings, so that nothing is begun without it.
    (void)queues_[event.template_vm].content_changed(event.content, now);
}

void Preloads::on(const event::PropertyChanged& event, Instant now) {
    const auto found = queues_.find(event.template_vm);
    if (found != queues_.end()) found->second.property_changed(now);
}

void Preloads::on(const event::Refresh& event, Instant now) {
    const auto found = queues_.find(event.template_vm);
    if (found != queues_.end()) found->second.refresh(now);
}

void Preloads::on(const event::MemoryChanged& event, Instant) { free_ = event.free; }

void Preloads::on(const event::NoMemory& event, Instant now) {
    free_ = event.free;
    const auto found = find(event.disposable);
    if (!found) return;
    found->queue->drop(event.disposable);
    remove({event.disposable}, now);
}

void Preloads::on(const event::Booted& event, Instant now) { became(event.disposable, Phase::Booted, now); }

void Preloads::on(const event::Paused& event, Instant now) { became(event.disposable, Phase::Paused, now); }

void Preloads::became(const VmName& disposable, Phase phase, Instant now) {
    const auto found = find(disposable);
    if (!found) return;  // it was taken or removed meanwhile
    found->queue->became(disposable, phase, now);
    serve_first(found->template_vm, now);
}

void Preloads::on(const event::Failed& event, Instant now) {
    const auto found = find(event.disposable);
    if (!found) return;
    found->queue->failed(event.disposable, event.why, now);
    remove({event.disposable}, now);
}

void Preloads::on(const event::Gone& event, Instant now) {
    const auto found = find(event.disposable);
    if (!found) return;
    found->queue->failed(event.disposable, "'" + event.disposable.str() + "' ended by itself", now);
    remove({event.disposable}, now);
}

// Whoever resumed it uses it: it must never be handed out after that.
void Preloads::on(const event::Resumed& event, Instant now) {
    const auto found = find(event.disposable);
    if (!found) return;
    found->queue->drop(event.disposable);
    found->queue->refill_after(delay_of(found->template_vm), now);
    actions_.emplace_back(action::BecameUsed{event.disposable});
}

void Preloads::on(const event::Requested& event, Instant now) {
    quiet_at_ = now + quiet_before_removal;
    serve(event.template_vm, event.request, now);
}

void Preloads::on(const event::ColdStartEnded& event, Instant) { cold_.erase(event.request); }

void Preloads::on(const event::HandOverFailed& event, Instant now) {
    remove({event.disposable}, now);
    // The next one would be used up, too, and the one after it.
    if (event.unanswered) return start_cold(event.template_vm, event.request, now);
    serve(event.template_vm, event.request, now);
}

void Preloads::on(const event::HostSuspends&, Instant now) {
    suspended_ = true;
    for (auto& [name, queue] : queues_) remove(queue.drop_all(), now);
}

void Preloads::on(const event::HostResumed&, Instant) {
    suspended_ = false;
    for (auto& [name, queue] : queues_) queue.refill_at_once();
}

// Only what was ready, of the content that counts now, is kept; what was in progress is begun anew.
void Preloads::on(const event::Recovered& event, Instant now) {
    for (const auto& left : event.left) {
        const auto found = queues_.find(left.template_vm);
        if (left.paused && !suspended_ && found != queues_.end() && left.content == found->second.content()) {
            found->second.add(left.disposable);
            found->second.became(left.disposable, Phase::Paused, now);
            serve_first(left.template_vm, now);
        } else {
            remove({left.disposable}, now);
        }
    }
    for (auto& [name, queue] : queues_) remove(queue.drop_excess(wanted(settings_, name)), now);
}

void Preloads::on(const event::Begin&, Instant) { begun_ = true; }

void Preloads::on(const event::Woken&, Instant) {}

std::optional<Preloads::Found> Preloads::find(const VmName& disposable) {
    for (auto& [name, queue] : queues_)
        if (queue.find(disposable) != nullptr) return Found{name, &queue};
    return std::nullopt;
}

definitions::RefillDelay Preloads::delay_of(const VmName& template_vm) const {
    const auto found = settings_.templates.find(template_vm);
    return found == settings_.templates.end() ? settings_.delay : found->second.delay.value_or(settings_.delay);
}

void Preloads::serve(const VmName& template_vm, RequestId request, Instant now) {
    const auto found = queues_.find(template_vm);
    if (found != queues_.end()) {
        if (const auto taken = found->second.take()) return hand_over(template_vm, *taken, request, now);
        if (requests_.count(template_vm) < found->second.promising()) return requests_.add(template_vm, request, now);
    }
    start_cold(template_vm, request, now);
}

void Preloads::serve_first(const VmName& template_vm, Instant now) {
    const auto request = requests_.first(template_vm);
    if (!request) return;
    if (const auto taken = queues_.at(template_vm).take()) hand_over(template_vm, *taken, *request, now);
}

void Preloads::hand_over(const VmName& template_vm, const Preloaded& preloaded, RequestId request, Instant now) {
    requests_.remove(request);
    auto& queue = queues_.at(template_vm);
    // Its pause would have said so.
    if (preloaded.phase == Phase::Booted) queue.succeeded(now);
    queue.refill_after(delay_of(template_vm), now);
    actions_.emplace_back(action::HandOver{preloaded.disposable, request, preloaded.phase == Phase::Paused});
}

void Preloads::start_cold(const VmName& template_vm, RequestId request, Instant now) {
    if (cold_.empty()) yields_until_ = now + longest_yield;
    cold_.insert(request);
    actions_.emplace_back(action::StartCold{template_vm, request});
}

void Preloads::start_cold(const std::vector<Waiting>& given_up, Instant now) {
    for (const auto& waiting : given_up) start_cold(waiting.template_vm, waiting.request, now);
}

bool Preloads::yields(Instant now) {
    if (yields_until_ && (cold_.empty() || *yields_until_ <= now)) yields_until_.reset();
    return yields_until_.has_value();
}

void Preloads::refresh(Instant now) {
    for (auto& [name, queue] : queues_) remove(queue.drop_outdated(now), now);
}

void Preloads::refill(Instant now) {
    starved_ = false;
    const bool others_first = yields(now);
    if (!runs()) return;
    for (auto& [name, queue] : queues_) {
        for (auto count = others_first ? 0 : queue.lacking(wanted(settings_, name), now); count > 0; --count)
            if (!create_one(name, queue)) break;
        queue.pass(now);
    }
}

// False when there is no memory for one, which is tried again when memory returns, or no name.
bool Preloads::create_one(const VmName& template_vm, Queue& queue) {
    const auto memory = settings_.templates.at(template_vm).memory;
    if (free_ && *free_ < memory + settings_.threshold) {
        starved_ = true;
        return false;
    }
    const auto name = names_();
    if (!name) return false;
    if (free_) free_ = *free_ - memory;
    queue.add(*name);
    actions_.emplace_back(action::Create{*name, template_vm});
    return true;
}

void Preloads::remove(const std::vector<VmName>& disposables, Instant now) {
    if (disposables.empty()) return;
    to_remove_.insert(to_remove_.end(), disposables.begin(), disposables.end());
    if (!quiet_at_) quiet_at_ = now;
}

// In one batch. A host that suspends does not wait for quiet.
void Preloads::remove_when_quiet(Instant now) {
    if (to_remove_.empty() || (!suspended_ && quiet_at_ && now < *quiet_at_)) return;
    actions_.emplace_back(action::Remove{std::exchange(to_remove_, {})});
    quiet_at_.reset();
}

}  // namespace varve::preload
