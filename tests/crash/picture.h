// SPDX-License-Identifier: LGPL-2.1-or-later
// All that a reader of a pool can see, as values that compare.
#pragma once

#include "drivers/base/result.h"

#include <map>
#include <set>
#include <string>

namespace varve::crash_tests {

class World;

struct Picture {
    // What is seen -> how it is: "work/root committed", "work/root @label", "work/root session", ... No ids, no inode numbers.
    std::map<std::string, std::string> facts;
    // Every path below the pool's directory but precaches, which may be there or not.
    std::set<std::string> names;

    friend bool operator==(const Picture&, const Picture&) = default;
    // What differs, for people.
    [[nodiscard]] std::string difference(const Picture& other) const;
    // Without the times of change.
    [[nodiscard]] Picture unchanged() const;
    // As another process sees it where images carry no marks: it cannot know that a session is started (docs/on-disk-formats.md).
    [[nodiscard]] Picture without_marks() const;
    // The facts without times: what two runs of one command have in common.
    [[nodiscard]] std::map<std::string, std::string> contents() const;
};

// Of the volumes as the world last loaded them; data is read through the pool.
[[nodiscard]] base::Result<Picture> take_picture(World& world);

// Why the names on the disk are not right, or nothing: temporaries, committed states that share their inode with something else than
// the base of a running snapshot.
[[nodiscard]] std::string wrong_names(World& world);

// Why a crash of one command must not leave `found`, or nothing: it is as before or as after the command, as a whole. Only times of change
// may have moved already while all else is as before. With `pruning`, the removal of expired revisions may be done in part.
[[nodiscard]] std::string not_between(const Picture& before, const Picture& after, const Picture& found, bool pruning);

}  // namespace varve::crash_tests
