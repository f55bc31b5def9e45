// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/board_page.h"

#include "orchestrator/cli/bar.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/cli/terminal_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

namespace varve::cli {
namespace {

using board_reader::BoardSnapshot;
using board_reader::WriterLife;
using nlohmann::json;

std::string shown(std::string_view text) { return printable(text); }

std::string with_one_decimal(double value) {
    std::array<char, 64> text{};
    const int length = std::snprintf(text.data(), text.size(), "%.1f", value);
    return {text.data(), static_cast<std::size_t>(std::max(length, 0))};
}

double seconds_since(base::Timestamp begun, base::Timestamp now) {
    const auto nanoseconds = static_cast<double>(now.nanoseconds) - static_cast<double>(begun.nanoseconds);
    return std::max(0.0, static_cast<double>(now.seconds) - static_cast<double>(begun.seconds) + nanoseconds / 1e9);
}

base::Timestamp begun(const protocol::BoardOperation& operation) {
    return {operation.begun_seconds, static_cast<std::uint32_t>(std::min<std::uint64_t>(operation.begun_nanoseconds, 999'999'999))};
}

std::string head(const BoardSnapshot& snapshot, base::Timestamp now) {
    const auto& writer = snapshot.writer;
    const auto process = "process " + std::to_string(writer.pid);
    std::string text = "varvefs " + shown(writer.version.text()) + " at " + shown(writer.mountpoint.text()) + ", " + process + ", ";
    switch (snapshot.life) {
        case WriterLife::Alive:
            text += "for " + age(now.seconds - writer.started_seconds) + " (since " + base::iso_utc(writer.started_seconds) + ")\n";
            break;
        case WriterLife::Ended: text += "has ended\n"; break;
        case WriterLife::Dead:
            text += "IS DEAD: it was killed or the machine was started anew. Start varvefs again. Its last words, of " +
                    base::iso_utc(snapshot.gathered.at_seconds) + ":\n";
            break;
    }
    constexpr std::int64_t late = 60;
    if (snapshot.life == WriterLife::Alive && now.seconds - snapshot.gathered.at_seconds > late)
        text += "It has not looked at its pools and volumes since " + base::iso_utc(snapshot.gathered.at_seconds) +
                ": it hangs, or a pool's storage does.\n";
    return text;
}

std::string more(std::uint64_t count, std::string_view what) {
    if (count == 0) return "";
    std::string text = "and ";
    return text.append(std::to_string(count)).append(" more ").append(what).append(" that the board has no room for\n");
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "" : std::to_string(static_cast<int>(100.0 * static_cast<double>(part) / static_cast<double>(whole))) + "%";
}

std::string pools_table(const BoardSnapshot& snapshot, const Output& output) {
    Table table({{"POOL"},
                 {"DRIVER"},
                 {"USE"},
                 {"", Align::Right},
                 {"USED", Align::Right},
                 {"SIZE", Align::Right},
                 {"VMS", Align::Right},
                 {"VOLUMES", Align::Right},
                 {"STARTED", Align::Right},
                 {"DIRTY", Align::Right},
                 {"WRITING", Align::Right},
                 {"REVISIONS", Align::Right}});
    constexpr std::size_t bar_width = 20;
    for (const auto& pool : snapshot.pools) {
        const auto name = std::string(pool.name.text());
        if (pool.open == 0) {
            table.add({name, "not open"});
            continue;
        }
        const bool known = pool.size != 0;
        table.add({name, std::string(pool.driver.text()), known ? bar(pool.used, pool.size, bar_width) : "", percent(pool.used, pool.size),
                   known ? output.size({pool.used}) : "", known ? output.size({pool.size}) : "", std::to_string(pool.vms),
                   std::to_string(pool.volumes), std::to_string(pool.started), std::to_string(pool.dirty), std::to_string(pool.writing),
                   std::to_string(pool.revisions)});
    }
    return (snapshot.pools.empty() ? std::string("no pools\n") : table.text()) + more(snapshot.more_pools(), "pools");
}

std::string operations_table(const BoardSnapshot& snapshot, base::Timestamp now) {
    if (snapshot.operations.empty() && snapshot.more_operations() == 0) return "nothing is being done\n";
    Table table({{"DOING"}, {"WHAT"}, {"FOR", Align::Right}});
    for (const auto& operation : snapshot.operations) {
        std::string subject(operation.subject.text());
        if (!operation.to.empty()) subject.append(" -> ").append(operation.to.text());
        table.add({std::string(operation.verb.text()), subject, with_one_decimal(seconds_since(begun(operation), now)) + " s"});
    }
    return table.text() + more(snapshot.more_operations(), "operations");
}

std::string volumes_table(const BoardSnapshot& snapshot, const Output& output) {
    if (snapshot.volumes.empty() && snapshot.more_volumes() == 0) return "no volume is started, dirty or being written\n";
    Table table({{"VOLUME"}, {"STATE"}, {"SIZE", Align::Right}, {"WRITTEN", Align::Right}});
    for (const auto& volume : snapshot.volumes) {
        const std::string state(volume.state.text());
        table.add({std::string(volume.name.text()), volume.trouble.empty() ? state : state + ", DEGRADED", output.size({volume.size}),
                   volume.written == 0 ? "" : output.size({volume.written})});
    }
    return table.text() + more(snapshot.more_volumes(), "volumes");
}

std::string troubles(const BoardSnapshot& snapshot) {
    std::string text;
    const auto add = [&](std::string_view what, std::string_view why) {
        text.append("TROUBLE: ").append(shown(what)).append(": ").append(shown(why)).append("\n");
    };
    for (const auto& pool : snapshot.pools) {
        if (!pool.trouble.empty()) add(pool.name.text(), pool.trouble.text());
        if (pool.unreadable_vms > 0) add(pool.name.text(), std::to_string(pool.unreadable_vms) + " VMs cannot be read and are not shown");
    }
    for (const auto& volume : snapshot.volumes)
        if (!volume.trouble.empty()) add(volume.name.text(), volume.trouble.text());
    if (snapshot.unreadable > 0) add("the board", std::to_string(snapshot.unreadable) + " of its entries are half written");
    return text.empty() ? text : text + "\n";
}

std::string counts(const BoardSnapshot& snapshot, const std::optional<Rates>& rates, const Output& output) {
    const auto& totals = snapshot.totals;
    std::string text = std::to_string(totals.done) + " operations done, " + std::to_string(totals.failed) + " failed, " +
                       std::to_string(totals.running) + " running; " + output.size({snapshot.gathered.read}) + " read and " +
                       output.size({snapshot.gathered.written}) + " written through varvefs\n";
    if (!rates) return text;
    const auto size = [&](double bytes) { return output.size({static_cast<std::uint64_t>(std::max(bytes, 0.0))}); };
    text.append(with_one_decimal(rates->operations)).append(" operations/s; ").append(size(rates->read)).append("/s read and ");
    return text.append(size(rates->written)).append("/s written\n");
}

double grown(std::uint64_t before, std::uint64_t after, double seconds) {
    return after < before || seconds <= 0 ? 0 : static_cast<double>(after - before) / seconds;
}

bool same_daemon(const BoardSnapshot& a, const BoardSnapshot& b) {
    return a.writer.pid == b.writer.pid && a.writer.process_start == b.writer.process_start && a.writer.generation == b.writer.generation;
}

// Whole characters.
std::string_view first_columns(std::string_view line, std::size_t most) {
    std::size_t taken = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const bool begins = (static_cast<unsigned char>(line[i]) & 0xc0U) != 0x80U;
        if (begins && taken++ == most) return line.substr(0, i);
    }
    return line;
}

json slot_object(const protocol::BoardPool& pool) {
    return {{"name", pool.name.text()},
            {"driver", pool.driver.text()},
            {"open", pool.open != 0},
            {"trouble", pool.trouble.text()},
            {"size", pool.size},
            {"usage", pool.used},
            {"vms", pool.vms},
            {"unreadable_vms", pool.unreadable_vms},
            {"volumes", pool.volumes},
            {"started", pool.started},
            {"dirty", pool.dirty},
            {"writing", pool.writing},
            {"removed", pool.removed},
            {"degraded", pool.degraded},
            {"revisions", pool.revisions}};
}

json slot_object(const protocol::BoardOperation& operation, base::Timestamp now) {
    json object{{"number", operation.number},
                {"operation", operation.verb.text()},
                {"subject", operation.subject.text()},
                {"time", base::iso_utc(operation.begun_seconds)},
                {"seconds", seconds_since(begun(operation), now)}};
    if (!operation.to.empty()) object["to"] = operation.to.text();
    return object;
}

json slot_object(const protocol::BoardVolume& volume) {
    return {{"volume", volume.name.text()},
            {"state", volume.state.text()},
            {"size", volume.size},
            {"written", volume.written},
            {"trouble", volume.trouble.text()}};
}

json slot_object(const protocol::BoardVerb& verb) {
    return {{"operation", verb.verb.text()},
            {"done", verb.done},
            {"failed", verb.failed},
            {"seconds", static_cast<double>(verb.nanoseconds) / 1e9}};
}

}  // namespace

std::optional<Rates> RateMeter::add(const BoardSnapshot& snapshot, std::chrono::steady_clock::time_point now) {
    if (!last_ || !same_daemon(last_->snapshot, snapshot)) {
        last_ = Look{snapshot, now};
        rates_ = {};
        return std::nullopt;
    }
    const auto& before = last_->snapshot;
    const auto passed = std::chrono::duration<double>(now - last_->time).count();
    rates_.operations = grown(before.totals.done + before.totals.failed, snapshot.totals.done + snapshot.totals.failed, passed);
    const auto gathered_at = [](const BoardSnapshot& look) {
        return base::Timestamp{look.gathered.at_seconds, static_cast<std::uint32_t>(look.gathered.at_nanoseconds)};
    };
    const auto between = seconds_since(gathered_at(before), gathered_at(snapshot));
    // While nothing new was gathered, what was last known holds.
    if (between > 0) {
        rates_.read = grown(before.gathered.read, snapshot.gathered.read, between);
        rates_.written = grown(before.gathered.written, snapshot.gathered.written, between);
    }
    last_ = Look{snapshot, now};
    return rates_;
}

std::string board_page(const BoardSnapshot& snapshot, const std::optional<Rates>& rates, const Output& output, base::Timestamp now) {
    return head(snapshot, now) + counts(snapshot, rates, output) + "\n" + troubles(snapshot) + pools_table(snapshot, output) + "\n" +
           operations_table(snapshot, now) + "\n" + volumes_table(snapshot, output);
}

json board_object(const BoardSnapshot& snapshot, base::Timestamp now) {
    const auto& writer = snapshot.writer;
    auto pools = json::array();
    auto operations = json::array();
    auto volumes = json::array();
    auto verbs = json::array();
    for (const auto& pool : snapshot.pools) pools.push_back(slot_object(pool));
    for (const auto& operation : snapshot.operations) operations.push_back(slot_object(operation, now));
    for (const auto& volume : snapshot.volumes) volumes.push_back(slot_object(volume));
    for (const auto& verb : snapshot.verbs) verbs.push_back(slot_object(verb));
    return {{"state", name_of(snapshot.life)},
            {"mountpoint", writer.mountpoint.text()},
            {"version", writer.version.text()},
            {"pid", writer.pid},
            {"generation", writer.generation},
            {"started", base::iso_utc(writer.started_seconds)},
            {"updated", base::iso_utc(snapshot.gathered.at_seconds)},
            {"pools", std::move(pools)},
            {"operations", std::move(operations)},
            {"volumes", std::move(volumes)},
            {"verbs", std::move(verbs)},
            {"more",
             {{"pools", snapshot.more_pools()},
              {"operations", snapshot.more_operations()},
              {"volumes", snapshot.more_volumes()},
              {"verbs", snapshot.more_verbs()}}},
            {"totals",
             {{"running", snapshot.totals.running},
              {"done", snapshot.totals.done},
              {"failed", snapshot.totals.failed},
              {"read", snapshot.gathered.read},
              {"written", snapshot.gathered.written}}},
            {"unreadable", snapshot.unreadable}};
}

std::string age(std::int64_t seconds) {
    constexpr std::int64_t minute = 60;
    constexpr std::int64_t hour = 60 * minute;
    constexpr std::int64_t day = 24 * hour;
    const auto count = [](std::int64_t number, const char* unit) { return std::to_string(number) + unit; };
    if (seconds < minute) return count(std::max<std::int64_t>(seconds, 0), " s");
    if (seconds < hour) return count(seconds / minute, " min");
    if (seconds < day) return count(seconds / hour, " h ") + count(seconds % hour / minute, " min");
    return count(seconds / day, " d ") + count(seconds % day / hour, " h");
}

std::string fitted(std::string_view page, std::size_t columns_there, std::size_t lines_there) {
    const auto all = static_cast<std::size_t>(std::ranges::count(page, '\n'));
    const bool fits = all <= lines_there;
    std::string text;
    for (auto room = fits ? all : std::max<std::size_t>(lines_there, 1) - 1; room > 0; --room) {
        const auto end = page.find('\n');
        const auto line = page.substr(0, end);
        page.remove_prefix(end + 1);
        text.append(first_columns(line, columns_there)).append("\n");
    }
    if (!fits && lines_there > 0) text += ("(" + std::to_string(all - (lines_there - 1)) + " more lines)").substr(0, columns_there) + "\n";
    return text;
}

}  // namespace varve::cli
