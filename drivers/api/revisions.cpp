// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/revisions.h"

#include <algorithm>
#include <utility>

namespace varve::api {
namespace {

// Small enough that copying one costs nothing beside a system call, large enough that a list of them stays short.
constexpr std::size_t chunk_size = 64;

// A timed revision's own, as its name says it.
std::int64_t second_of(const Revision& revision) {
    const auto* timed = revision.id.timed();
    return timed != nullptr ? timed->seconds : revision.state.modified.seconds;
}

bool older(const Revision& a, const Revision& b) {
    if (const auto order = second_of(a) <=> second_of(b); order != 0) return order < 0;
    if (const auto order = a.number <=> b.number; order != 0) return order < 0;
    if (const auto order = a.state.modified <=> b.state.modified; order != 0) return order < 0;
    return a.id < b.id;
}

}  // namespace

Revisions::Chunk::Chunk(std::vector<Revision> revisions) : list(std::move(revisions)) {
    for (const auto& revision : list) {
        labels += revision.id.label() != nullptr ? 1 : 0;
        highest_number = std::max(highest_number, revision.number);
    }
}

Revisions::Revisions(std::vector<Revision> revisions) {
    std::ranges::sort(revisions, older);
    for (std::size_t first = 0; first < revisions.size(); first += chunk_size) {
        const auto begin = std::make_move_iterator(revisions.begin() + static_cast<std::ptrdiff_t>(first));
        const auto count = std::min(chunk_size, revisions.size() - first);
        chunks_.push_back(std::make_shared<const Chunk>(std::vector(begin, begin + static_cast<std::ptrdiff_t>(count))));
    }
}

std::size_t Revisions::size() const {
    std::size_t sum = 0;
    for (const auto& chunk : chunks_) sum += chunk->list.size();
    return sum;
}

std::size_t Revisions::timed_count() const {
    std::size_t sum = 0;
    for (const auto& chunk : chunks_) sum += chunk->list.size() - chunk->labels;
    return sum;
}

std::uint64_t Revisions::highest_number() const {
    std::uint64_t highest = 0;
    for (const auto& chunk : chunks_) highest = std::max(highest, chunk->highest_number);
    return highest;
}

// ---- looking

Revisions::const_iterator Revisions::first_of_second(std::int64_t second) const {
    const auto last_second = [](const std::shared_ptr<const Chunk>& chunk) { return second_of(chunk->list.back()); };
    const auto chunk = std::ranges::lower_bound(chunks_, second, {}, last_second);
    if (chunk == chunks_.end()) return end();
    const auto& list = (*chunk)->list;
    return {chunk, static_cast<std::size_t>(std::ranges::lower_bound(list, second, {}, second_of) - list.begin())};
}

template <class Wanted>
Revisions::const_iterator Revisions::find_in_second(std::int64_t second, Wanted wanted) const {
    for (auto at = first_of_second(second); at != end() && second_of(*at) == second; ++at)
        if (wanted(*at)) return at;
    return end();
}

Revisions::const_iterator Revisions::find_listed(const base::RevisionId& id) const {
    const auto is_it = [&](const Revision& revision) { return revision.id == id; };
    if (const auto* timed = id.timed()) return find_in_second(timed->seconds, is_it);
    for (auto chunk = chunks_.begin(); chunk != chunks_.end(); ++chunk) {
        if ((*chunk)->labels == 0) continue;
        const auto found = std::ranges::find_if((*chunk)->list, is_it);
        if (found != (*chunk)->list.end()) return {chunk, static_cast<std::size_t>(found - (*chunk)->list.begin())};
    }
    return end();
}

const Revision* Revisions::find(const base::RevisionId& id) const {
    if (const auto* found = pointer_to(find_listed(id))) return found;
    const auto* timed = id.timed();
    return timed != nullptr && timed->number ? find_number(timed->seconds, *timed->number) : nullptr;
}

const Revision* Revisions::find(const State& state) const {
    const auto is_it = [&](const Revision& revision) { return revision.state.id == state.id; };
    if (const auto* found = pointer_to(find_in_second(state.modified.seconds, is_it))) return found;
    return pointer_to(std::ranges::find_if(*this, is_it));
}

const Revision* Revisions::find_number(std::int64_t seconds, std::uint64_t number) const {
    return pointer_to(
        find_in_second(seconds, [&](const Revision& revision) { return revision.id.timed() != nullptr && revision.number == number; }));
}

bool Revisions::has_second(std::int64_t seconds) const {
    return find_in_second(seconds, [](const Revision& revision) { return revision.id.timed() != nullptr; }) != end();
}

// ---- changing: the one chunk that a revision belongs to is replaced

void Revisions::insert(Revision revision) {
    const auto last = [](const std::shared_ptr<const Chunk>& chunk) -> const Revision& { return chunk->list.back(); };
    auto place = std::ranges::lower_bound(chunks_, revision, older, last);
    if (place == chunks_.end() && !chunks_.empty()) --place;
    if (place == chunks_.end()) {
        chunks_.push_back(std::make_shared<const Chunk>(std::vector{std::move(revision)}));
        return;
    }
    auto list = (*place)->list;
    list.insert(std::ranges::upper_bound(list, revision, older), std::move(revision));
    if (list.size() > 2 * chunk_size) {
        const auto middle = list.begin() + chunk_size;
        place = chunks_.insert(place, std::make_shared<const Chunk>(std::vector(list.begin(), middle))) + 1;
        list.erase(list.begin(), middle);
    }
    *place = std::make_shared<const Chunk>(std::move(list));
}

void Revisions::erase(const base::RevisionId& listed) {
    const auto found = find_listed(listed);
    if (found == end()) return;
    const auto place = chunks_.begin() + (found.chunk_ - chunks_.begin());
    if ((*place)->list.size() == 1) {
        chunks_.erase(place);
        return;
    }
    auto list = (*place)->list;
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(found.index_));
    *place = std::make_shared<const Chunk>(std::move(list));
}

Revisions::Changes Revisions::changes(const Revisions& before, const Revisions& after) {
    Changes found;
    auto old = before.begin();
    auto now = after.begin();
    while (old != before.end() || now != after.end()) {
        const bool both = old != before.end() && now != after.end();
        if (both && old.index_ == 0 && now.index_ == 0 && *old.chunk_ == *now.chunk_) {
            old = {old.chunk_ + 1, 0};
            now = {now.chunk_ + 1, 0};
        } else if (both && *old == *now) {
            ++old;
            ++now;
        } else if (now == after.end() || (both && !older(*now, *old))) {
            found.gone.push_back(*old++);
        } else {
            found.come.push_back(*now++);
        }
    }
    return found;
}

}  // namespace varve::api
