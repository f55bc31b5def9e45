// SPDX-License-Identifier: LGPL-2.1-or-later
// What the working program began and what was acknowledged, told to the host line by line, and read again after the cut.
//
// No fsync: the journal lies on the host, which goes on living. virtiofs hands each write(2) to the host before it returns (it has no write-back
// cache unless asked for one), so that what QEMU's death finds written stays written.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/unique_fd.h"
#include "tests/guest/power_cut/content.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace varve::power_cut {

using ContentId = std::size_t;

// One volume by its contents.
struct States {
    std::optional<ContentId> committed;
    std::multiset<ContentId> timed;           // revisions with a time
    std::map<std::string, ContentId> labels;  // revisions with a label
    // What the running VM wrote: the content of its last flush, then one for each write after it. Empty: no session.
    std::vector<ContentId> session;
    std::optional<ContentId> base;  // what a snapshot's session started from
    friend bool operator==(const States&, const States&) = default;
};

struct Pending {
    std::string operation;
    base::VolumePath volume;
    States after;  // when it is wholly there
};

struct Record {
    std::vector<Content> contents;  // by id
    std::map<base::VolumePath, States> acknowledged;
    std::optional<Pending> pending;  // begun, not acknowledged
    std::size_t operations = 0;      // acknowledged ones
};

// Corrupt when it is not what Journal writes.
[[nodiscard]] base::Result<Record> read_journal(const std::string& path);

class Journal {
public:
    // Makes the file with these volumes in it, all at once: from when it is there, everything is told.
    [[nodiscard]] static base::Result<Journal> create(const std::string& path, const Record& initial);

    [[nodiscard]] base::Result<ContentId> add(ContentId from, std::size_t blocks,
                                              const Change& change);  // `from`, this long, and changed so
    [[nodiscard]] base::Result<> begin(const Pending& pending);
    [[nodiscard]] base::Result<> done(const base::VolumePath& volume, const States& states);

    [[nodiscard]] const Record& record() const { return record_; }

private:
    Journal(base::UniqueFd file, Record record) : file_(std::move(file)), record_(std::move(record)) {}
    base::UniqueFd file_;
    Record record_;
};

}  // namespace varve::power_cut
