// SPDX-License-Identifier: LGPL-2.1-or-later
// The past states of a volume.
#pragma once

#include "drivers/api/state.h"
#include "drivers/base/revision_name.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

namespace varve::api {

struct Revision {
    base::RevisionId id;
    std::uint64_t number = 0;  // the driver's number of a timed revision (rising, never reused while it exists); 0 for labels
    State state;
    std::optional<base::Timestamp> replaced;  // when an operation of the mount replaced it; absent: a VM's stop did
    friend bool operator==(const Revision&, const Revision&) = default;
};

// Oldest state first: by time, then number. A value; its copies share what none of them has changed, so that a view of a thousand revisions
// is copied and changed in the time of one with a few. As thread-safe as an int.
class Revisions {
    // A stretch of the list, never empty, with what saves looking at each of it.
    struct Chunk {
        explicit Chunk(std::vector<Revision> revisions);
        std::vector<Revision> list;
        std::size_t labels = 0;
        std::uint64_t highest_number = 0;
    };
    using Chunks = std::vector<std::shared_ptr<const Chunk>>;

public:
    class const_iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = Revision;
        using difference_type = std::ptrdiff_t;
        using pointer = const Revision*;
        using reference = const Revision&;

        const_iterator() = default;
        reference operator*() const { return (*chunk_)->list[index_]; }
        pointer operator->() const { return &**this; }
        const_iterator& operator++() {
            if (++index_ == (*chunk_)->list.size()) *this = const_iterator(chunk_ + 1, 0);
            return *this;
        }
        const_iterator operator++(int) {
            auto before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const const_iterator&, const const_iterator&) = default;

    private:
        friend class Revisions;
        const_iterator(Chunks::const_iterator chunk, std::size_t index) : chunk_(chunk), index_(index) {}
        Chunks::const_iterator chunk_;
        std::size_t index_ = 0;
    };
    using value_type = Revision;

    Revisions() = default;
    explicit Revisions(std::vector<Revision> revisions);  // in any order
    Revisions(std::initializer_list<Revision> revisions) : Revisions(std::vector(revisions)) {}

    [[nodiscard]] const_iterator begin() const { return {chunks_.begin(), 0}; }
    [[nodiscard]] const_iterator end() const { return {chunks_.end(), 0}; }
    [[nodiscard]] bool empty() const { return chunks_.empty(); }
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t timed_count() const;       // those that are no labels
    [[nodiscard]] std::uint64_t highest_number() const;  // 0: none is timed
    [[nodiscard]] const Revision& front() const { return chunks_.front()->list.front(); }
    [[nodiscard]] const Revision& back() const { return chunks_.back()->list.back(); }
    [[nodiscard]] const Revision& operator[](std::size_t index) const { return *std::next(begin(), static_cast<std::ptrdiff_t>(index)); }

    // By either name of a timed revision: the listed one, or "time.number", which every timed revision has. A timed one is looked for where its
    // time places it, a label among the stretches that hold some.
    [[nodiscard]] const Revision* find(const base::RevisionId& id) const;
    [[nodiscard]] const Revision* find(const State& state) const;  // by its id; the time is only a hint
    [[nodiscard]] const Revision* find_number(std::int64_t seconds, std::uint64_t number) const;
    // Whether one is listed under exactly this name.
    [[nodiscard]] bool lists(const base::RevisionId& id) const { return find_listed(id) != end(); }
    // Whether a timed revision has this second.
    [[nodiscard]] bool has_second(std::int64_t seconds) const;

    void insert(Revision revision);
    void erase(const base::RevisionId& listed);  // nothing when none is listed so

    // What is only in one of two lists; a revision that changed is in both. Linear in what the lists do not share.
    struct Changes {
        std::vector<Revision> gone;
        std::vector<Revision> come;
    };
    [[nodiscard]] static Changes changes(const Revisions& before, const Revisions& after);

private:
    [[nodiscard]] const_iterator first_of_second(std::int64_t second) const;
    [[nodiscard]] const_iterator find_listed(const base::RevisionId& id) const;
    template <class Wanted>
    [[nodiscard]] const_iterator find_in_second(std::int64_t second, Wanted wanted) const;
    [[nodiscard]] const Revision* pointer_to(const_iterator found) const { return found == end() ? nullptr : &*found; }

    Chunks chunks_;
};

}  // namespace varve::api
