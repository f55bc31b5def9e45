// SPDX-License-Identifier: LGPL-2.1-or-later
// The preloaded disposables of one template: pure.
#pragma once

#include "orchestrator/preload/vocabulary.h"

#include <optional>
#include <string>
#include <vector>

namespace varve::preload {

inline constexpr std::chrono::seconds delay_after_commit{4};
inline constexpr std::chrono::seconds delay_after_property{30};
inline constexpr std::chrono::seconds first_retry{10};
inline constexpr std::chrono::seconds longest_retry{3600};
// One that was ready so long ago, and no failure since, ends a series of failures.
inline constexpr std::chrono::seconds lasting{600};
inline constexpr std::size_t created_at_a_time = 2;

struct Preloaded {
    VmName disposable;
    Phase phase = Phase::Creating;
    bool outdated = false;                 // its template has changed: never handed out
    std::optional<Instant> ready_at = {};  // since when it is paused
};

class Queue {
public:
    [[nodiscard]] const std::vector<Preloaded>& list() const { return list_; }
    // In progress; and those of them that a request may wait for.
    [[nodiscard]] std::size_t creating() const;
    [[nodiscard]] std::size_t promising() const;
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] const Content& content() const { return content_; }
    [[nodiscard]] Preloaded* find(const VmName& disposable);
    // The time of the next refill or refresh, while there is one to wait for.
    [[nodiscard]] std::optional<Instant> next(std::uint32_t max) const;

    void add(const VmName& disposable) { list_.push_back({disposable}); }
    // One that is in the list.
    void became(const VmName& disposable, Phase phase, Instant now);
    bool drop(const VmName& disposable);
    std::vector<VmName> drop_all();
    // Those beyond `max`: outdated ones first, then those in progress, then the newest.
    std::vector<VmName> drop_excess(std::uint32_t max);
    // The outdated ones, when their time has come.
    std::vector<VmName> drop_outdated(Instant now);

    // The first that may be handed out: paused before booted.
    [[nodiscard]] std::optional<Preloaded> take();

    // False when the content is what it was.
    bool content_changed(const Content& content, Instant now);
    void property_changed(Instant now) { outdate(now + delay_after_property); }
    void refresh(Instant now) { outdate(now); }

    // How many to create now.
    [[nodiscard]] std::size_t lacking(std::uint32_t max, Instant now) const;
    // Forgets the times that have come, so that nobody is woken for them again.
    void pass(Instant now);
    void refill_after(const definitions::RefillDelay& delay, Instant now);
    void refill_at_once() {
        refill_at_.reset();
        when_empty_ = false;
    }
    // Drops it, and puts off the next, by more with each failure of a series.
    void failed(const VmName& disposable, std::string why, Instant now);
    // One is ready, or somebody has it: says nothing of how long that lasts.
    void succeeded(Instant now);

private:
    void outdate(Instant refresh_at);

    std::vector<Preloaded> list_;  // oldest first
    Content content_;
    std::optional<Instant> refill_at_;
    bool when_empty_ = false;  // the refill waits until the list is empty
    std::optional<Instant> refresh_at_;
    std::optional<Instant> retry_at_;
    unsigned failures_ = 0;                // of the series
    std::optional<Instant> succeeded_at_;  // first, after the last failure
    std::string trouble_;
};

}  // namespace varve::preload
