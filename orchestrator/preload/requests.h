// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests that wait for a disposable in progress: pure.
#pragma once

#include "orchestrator/preload/vocabulary.h"

#include <optional>
#include <vector>

namespace varve::preload {

// As long as a cold start may take at most: then waiting was no worse.
inline constexpr std::chrono::seconds longest_wait{15};

struct Waiting {
    VmName template_vm;
    RequestId request;
    Instant until;
};

class Requests {
public:
    void add(const VmName& template_vm, RequestId request, Instant now) { waiting_.push_back({template_vm, request, now + longest_wait}); }
    [[nodiscard]] std::size_t count(const VmName& template_vm) const;
    // The one that has waited longest.
    [[nodiscard]] std::optional<RequestId> first(const VmName& template_vm) const;
    void remove(RequestId request);
    // Those that wait no longer: their time is over, or they are more than what is in progress (the latest first).
    std::vector<Waiting> give_up(Instant now);
    std::vector<Waiting> give_up_beyond(const VmName& template_vm, std::size_t in_progress);
    [[nodiscard]] std::optional<Instant> next() const;

private:
    std::vector<Waiting> waiting_;  // oldest first
};

}  // namespace varve::preload
