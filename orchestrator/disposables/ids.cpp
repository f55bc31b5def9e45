// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/disposables/ids.h"

#include "drivers/settings/text_file.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <string>
#include <string_view>

namespace varve::disposables {
namespace {

using base::Errc;
using base::fail;
using base::Result;

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

Result<base::VmName> name_of(std::uint32_t id) { return base::VmName::parse("disp" + std::to_string(id)); }

}  // namespace

Result<Ids> Ids::open(std::filesystem::path file, const base::Clock& clock, Random random) {
    Ids ids(std::move(file), clock, std::move(random));
    TRY(ids.read());
    return ids;
}

Result<> Ids::read() {
    auto text = settings::read_text(file_);
    if (!text && text.error().code == Errc::NotFound) return {};
    if (!text) return base::Failure(std::move(text).error());
    std::string_view rest = *text;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto blank = std::min(line.find(' '), line.size());
        const auto id = number_in<std::uint32_t>(line.substr(0, blank));
        const auto when = number_in<std::int64_t>(line.substr(std::min(blank + 1, line.size())));
        if (!id || *id >= all_ids || !when)
            return fail(Errc::Corrupt, file_.string() + " cannot be understood; without it, numbers of the last week may be given again");
        given_[*id] = *when;
    }
    return {};
}

Result<> Ids::write() const {
    std::string text;
    for (const auto& [id, when] : given_) text.append(std::to_string(id)).append(" ").append(std::to_string(when)).append("\n");
    return settings::write_text(file_, text);
}

// A time that lies ahead is of a clock that was wrong: it rests a week from now at most.
void Ids::forget_the_old() {
    const auto now = clock_->now().seconds;
    std::erase_if(given_, [&](const auto& each) { return each.second + seconds_of_rest <= now; });
    for (auto& [id, when] : given_) when = std::min(when, now);
}

Result<std::optional<std::uint32_t>> Ids::find_free(std::uint32_t first, std::uint32_t end, const Taken& taken) const {
    const auto is_free = [&](std::uint32_t id) -> Result<bool> { return !given_.contains(id) && !taken(TRY(name_of(id))); };
    // At random while most are free; then the next that is, from a random one on.
    constexpr int random_tries = 64;
    const auto count = end - first;
    auto offset = random_(count);
    for (int tries = 1; tries < random_tries && !TRY(is_free(first + offset)); ++tries) offset = random_(count);
    for (std::uint32_t tries = 0; tries < count; ++tries, offset = (offset + 1) % count)
        if (TRY(is_free(first + offset))) return first + offset;
    return std::nullopt;
}

Result<base::VmName> Ids::give(std::uint32_t id) {
    given_[id] = clock_->now().seconds;
    if (auto written = write(); !written) {
        given_.erase(id);  // nobody has it: who tries for long must not use up the names
        return base::Failure(std::move(written).error());
    }
    return name_of(id);
}

Result<base::VmName> Ids::allocate(const Taken& taken) {
    forget_the_old();
    if (const auto usual = TRY(find_free(0, usual_ids, taken))) return give(*usual);
    if (const auto longer = TRY(find_free(usual_ids, all_ids, taken))) return give(*longer);
    return fail(Errc::NoSpace, "all " + std::to_string(all_ids) + " names of disposables are in use or were within the last week");
}

std::uint32_t random_below(std::uint32_t below) {
    std::random_device source;  // getrandom(2) in libstdc++
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(source);
}

}  // namespace varve::disposables
