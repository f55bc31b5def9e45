// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preload/requests.h"

#include <algorithm>

namespace varve::preload {

std::size_t Requests::count(const VmName& template_vm) const {
    return static_cast<std::size_t>(std::ranges::count(waiting_, template_vm, &Waiting::template_vm));
}

std::optional<RequestId> Requests::first(const VmName& template_vm) const {
    const auto found = std::ranges::find(waiting_, template_vm, &Waiting::template_vm);
    return found == waiting_.end() ? std::nullopt : std::optional(found->request);
}

void Requests::remove(RequestId request) {
    std::erase_if(waiting_, [&](const Waiting& each) { return each.request == request; });
}

std::vector<Waiting> Requests::give_up(Instant now) {
    std::vector<Waiting> over;
    std::ranges::copy_if(waiting_, std::back_inserter(over), [&](const Waiting& each) { return each.until <= now; });
    std::erase_if(waiting_, [&](const Waiting& each) { return each.until <= now; });
    return over;
}

std::vector<Waiting> Requests::give_up_beyond(const VmName& template_vm, std::size_t in_progress) {
    std::vector<Waiting> over;
    while (count(template_vm) > in_progress) {
        const auto latest =
            std::find_if(waiting_.rbegin(), waiting_.rend(), [&](const Waiting& each) { return each.template_vm == template_vm; });
        over.push_back(*latest);
        remove(over.back().request);
    }
    return over;
}

std::optional<Instant> Requests::next() const {
    if (waiting_.empty()) return std::nullopt;
    return std::ranges::min(waiting_, {}, &Waiting::until).until;
}

}  // namespace varve::preload
