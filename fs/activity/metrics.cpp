// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/activity/metrics.h"

#include "fs/engine/volume_state.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace varve::activity {
namespace {

// Shortest text that reads back as the same number, whatever the locale.
std::string number(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

class Page {
public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
        text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
    }
    using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
    // Names and verbs have nothing that would need escapes.
    void sample(std::string_view name, const Labels& labels, const std::string& value) {
        text_.append(name);
        std::string_view before = "{";
        for (const auto& [key, label] : labels) {
            text_.append(before).append(key).append("=\"").append(label).append("\"");
            before = ",";
        }
        text_.append(labels.empty() ? " " : "} ").append(value).append("\n");
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

struct PoolCount {
    std::map<std::string_view, std::uint64_t> volumes;  // by state
    std::uint64_t revisions = 0;
};

PoolCount count(const engine::OpenPool& pool) {
    PoolCount found;
    for (const auto state : engine::all_volume_states) found.volumes.emplace(name_of(state), 0);
    for (const auto& vm : pool.vms()) {
        const auto view = vm->view();
        for (const auto& [name, volume] : view->volumes) {
            ++found.volumes.at(name_of(engine::state_of(*vm, name, *volume)));
            found.revisions += volume->revisions.size();
        }
    }
    return found;
}

void add_pools(Page& page, const engine::Catalogue& catalogue) {
    const auto pools = catalogue.pools();
    std::vector<PoolCount> counts;
    counts.reserve(pools.size());
    for (const auto& pool : pools) counts.push_back(count(*pool));
    page.family("varve_volumes", "gauge", "Volumes by state.");
    for (std::size_t i = 0; i < pools.size(); ++i)
        for (const auto& [state, volumes] : counts[i].volumes)
            page.sample("varve_volumes", {{"pool", pools[i]->name().str()}, {"state", state}}, std::to_string(volumes));
    page.family("varve_revisions", "gauge", "Revisions kept.");
    for (std::size_t i = 0; i < pools.size(); ++i)
        page.sample("varve_revisions", {{"pool", pools[i]->name().str()}}, std::to_string(counts[i].revisions));
    // A pool that does not tell is left out.
    std::vector<std::pair<std::string, api::Space>> spaces;
    for (const auto& pool : pools)
        if (const auto space = pool->driver().space()) spaces.emplace_back(pool->name().str(), *space);
    page.family("varve_pool_size_bytes", "gauge", "Size of the storage below the pool.");
    for (const auto& [name, space] : spaces) page.sample("varve_pool_size_bytes", {{"pool", name}}, std::to_string(space.size.count));
    page.family("varve_pool_used_bytes", "gauge", "How much of it is in use.");
    for (const auto& [name, space] : spaces) page.sample("varve_pool_used_bytes", {{"pool", name}}, std::to_string(space.used.count));
}

}  // namespace

void Metrics::began(const engine::Operation&) {
    const std::lock_guard lock(mutex_);
    ++running_;
}

void Metrics::ended(const engine::Operation& operation, const engine::Outcome& outcome) {
    const auto seconds = std::chrono::duration<double>(outcome.took).count();
    const std::lock_guard lock(mutex_);
    --running_;
    auto& counter = counters_[operation.verb];
    ++(outcome.error == nullptr ? counter.done : counter.failed);
    counter.seconds += seconds;
    const auto* const bucket = std::ranges::lower_bound(bounds, seconds);
    if (bucket != bounds.end()) ++counter.at_most.at(static_cast<std::size_t>(bucket - bounds.begin()));
}

std::string Metrics::text() const {
    Page page;
    page.family("varve_build_info", "gauge", "1, with the version as a label.");
    page.sample("varve_build_info", {{"version", VARVE_VERSION}}, "1");
    page.family("varve_start_time_seconds", "gauge", "When varvefs started, in seconds since the epoch.");
    page.sample("varve_start_time_seconds", {}, std::to_string(started_.seconds));
    add_pools(page, catalogue_);
    page.family("varve_read_bytes_total", "counter", "Bytes of images read through varvefs, without those by passthrough.");
    page.sample("varve_read_bytes_total", {}, std::to_string(traffic_.read().count));
    page.family("varve_written_bytes_total", "counter", "Bytes of images written through varvefs, without those by passthrough.");
    page.sample("varve_written_bytes_total", {}, std::to_string(traffic_.written().count));

    const std::lock_guard lock(mutex_);
    page.family("varve_operations_running", "gauge", "Operations that run now.");
    page.sample("varve_operations_running", {}, std::to_string(running_));
    page.family("varve_operations_total", "counter", "Operations that ended, by outcome.");
    for (const auto& [verb, counter] : counters_) {
        page.sample("varve_operations_total", {{"operation", verb}, {"outcome", "done"}}, std::to_string(counter.done));
        page.sample("varve_operations_total", {{"operation", verb}, {"outcome", "failed"}}, std::to_string(counter.failed));
    }
    page.family("varve_operation_seconds", "histogram", "How long operations took.");
    for (const auto& [verb, counter] : counters_) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < bounds.size(); ++i)
            page.sample("varve_operation_seconds_bucket", {{"operation", verb}, {"le", number(bounds.at(i))}},
                        std::to_string(sum += counter.at_most.at(i)));
        const auto all = std::to_string(counter.done + counter.failed);
        page.sample("varve_operation_seconds_bucket", {{"operation", verb}, {"le", "+Inf"}}, all);
        page.sample("varve_operation_seconds_sum", {{"operation", verb}}, number(counter.seconds));
        page.sample("varve_operation_seconds_count", {{"operation", verb}}, all);
    }
    return page.take();
}

}  // namespace varve::activity
