// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preload/queue.h"

#include "drivers/base/overloaded.h"

#include <algorithm>
#include <utility>

namespace varve::preload {
namespace {

bool is_good(const Preloaded& each, Phase phase) { return !each.outdated && each.phase == phase; }

}  // namespace

std::uint32_t wanted(const Settings& settings, const VmName& template_vm) {
    const auto found = settings.templates.find(template_vm);
    if (found == settings.templates.end()) return 0;
    if (settings.system_max && settings.default_dispvm == template_vm) return *settings.system_max;
    return found->second.max.value_or(0);
}

std::size_t Queue::creating() const { return static_cast<std::size_t>(std::ranges::count(list_, Phase::Creating, &Preloaded::phase)); }

std::size_t Queue::promising() const {
    return static_cast<std::size_t>(std::ranges::count_if(list_, [](const Preloaded& each) { return is_good(each, Phase::Creating); }));
}

Preloaded* Queue::find(const VmName& disposable) {
    const auto found = std::ranges::find(list_, disposable, &Preloaded::disposable);
    return found == list_.end() ? nullptr : &*found;
}

std::optional<Instant> Queue::next(std::uint32_t max) const {
    auto soonest = refresh_at_;
    if (list_.size() >= max || (when_empty_ && !list_.empty())) return soonest;
    // Until both have passed nothing is created.
    const auto refill = std::max(refill_at_, retry_at_);
    return soonest && refill ? std::min(soonest, refill) : soonest ? soonest : refill;
}

bool Queue::drop(const VmName& disposable) {
    return std::erase_if(list_, [&](const Preloaded& each) { return each.disposable == disposable; }) > 0;
}

std::vector<VmName> Queue::drop_all() {
    std::vector<VmName> names;
    names.reserve(list_.size());
    for (const auto& each : list_) names.push_back(each.disposable);
    list_.clear();
    refresh_at_.reset();
    return names;
}

std::vector<VmName> Queue::drop_excess(std::uint32_t max) {
    std::vector<VmName> names;
    while (list_.size() > max) {
        auto worst = std::ranges::find(list_, true, &Preloaded::outdated);
        if (worst == list_.end()) worst = std::ranges::find(list_, Phase::Creating, &Preloaded::phase);
        if (worst == list_.end()) worst = std::prev(list_.end());
        names.push_back(worst->disposable);
        list_.erase(worst);
    }
    return names;
}

std::vector<VmName> Queue::drop_outdated(Instant now) {
    std::vector<VmName> names;
    if (!refresh_at_ || now < *refresh_at_) return names;
    refresh_at_.reset();
    for (const auto& each : list_)
        if (each.outdated) names.push_back(each.disposable);
    std::erase_if(list_, [](const Preloaded& each) { return each.outdated; });
    if (!names.empty()) refill_at_once();
    return names;
}

std::optional<Preloaded> Queue::take() {
    for (const auto phase : {Phase::Paused, Phase::Booted}) {
        const auto found = std::ranges::find_if(list_, [&](const Preloaded& each) { return is_good(each, phase); });
        if (found == list_.end()) continue;
        auto taken = *found;
        list_.erase(found);
        return taken;
    }
    return std::nullopt;
}

void Queue::outdate(Instant refresh_at) {
    if (list_.empty()) return;
    for (auto& each : list_) each.outdated = true;
    refresh_at_ = refresh_at;
}

bool Queue::content_changed(const Content& content, Instant now) {
    if (content == content_) return false;
    content_ = content;
    outdate(now + delay_after_commit);
    return true;
}

std::size_t Queue::lacking(std::uint32_t max, Instant now) const {
    if (list_.size() >= max || creating() >= created_at_a_time) return 0;
    if (when_empty_ && !list_.empty()) return 0;
    if (now < std::max(refill_at_, retry_at_).value_or(now)) return 0;
    return std::min(max - list_.size(), created_at_a_time - creating());
}

void Queue::pass(Instant now) {
    if (refill_at_ && *refill_at_ <= now) refill_at_.reset();
    if (retry_at_ && *retry_at_ <= now) retry_at_.reset();
}

void Queue::refill_after(const definitions::RefillDelay& delay, Instant now) {
    std::visit(base::Overloaded{
                   [&](std::chrono::milliseconds time) {
                       refill_at_ = now + time;
                       when_empty_ = false;
                   },
                   [&](definitions::RefillWhenEmpty) {
                       refill_at_.reset();
                       when_empty_ = true;
                   },
               },
               delay);
}

void Queue::became(const VmName& disposable, Phase phase, Instant now) {
    auto& preloaded = *find(disposable);
    preloaded.phase = phase;
    // Only then: guests that are ready and end, or cannot be paused, have failed.
    if (phase != Phase::Paused) return;
    preloaded.ready_at = now;
    succeeded(now);
}

void Queue::failed(const VmName& disposable, std::string why, Instant now) {
    constexpr unsigned most_doublings = 9;
    const auto lasted = [&](std::optional<Instant> since) { return since && now - *since >= lasting; };
    const auto* one = find(disposable);
    if (lasted(succeeded_at_) || (one != nullptr && lasted(one->ready_at))) failures_ = 0;
    succeeded_at_.reset();
    drop(disposable);
    const auto pause = std::min<std::chrono::seconds>(first_retry * (1U << std::min(failures_, most_doublings)), longest_retry);
    ++failures_;
    trouble_ = std::move(why);
    retry_at_ = now + pause;
}

// While the next is put off it is said why.
void Queue::succeeded(Instant now) {
    if (!succeeded_at_) succeeded_at_ = now;
    if (!retry_at_ || *retry_at_ <= now) trouble_.clear();
}

}  // namespace varve::preload
