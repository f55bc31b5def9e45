// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/power_cut/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace varve::power_cut {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;

Result<> put_line(int file, const std::string& line) {
    const auto whole = line + "\n";  // in one write: a line is there or not
    if (::write(file, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size()))
        return fail_errno(errno, "cannot write the journal");
    return {};
}

std::string text_of(const States& states) {
    std::ostringstream text;
    if (states.committed) text << " committed " << *states.committed;
    for (const auto id : states.timed) text << " timed " << id;
    for (const auto& [label, id] : states.labels) text << " label " << label << " " << id;
    for (const auto id : states.session) text << " session " << id;
    if (states.base) text << " base " << *states.base;
    return text.str();
}

States read_states(std::istream& words) {
    States states;
    std::string word;
    while (words >> word) {
        std::string label;
        if (word == "label") words >> label;
        ContentId id = 0;
        words >> id;
        if (word == "committed") states.committed = id;
        if (word == "timed") states.timed.insert(id);
        if (word == "label") states.labels.emplace(label, id);
        if (word == "session") states.session.push_back(id);
        if (word == "base") states.base = id;
    }
    return states;
}

Result<base::VolumePath> read_volume(std::istream& words) {
    std::string text;
    words >> text;
    const auto slash = text.find('/');
    if (slash == std::string::npos) return fail(Errc::Corrupt, "the journal names no volume");
    auto vm = TRY(base::VmName::parse(text.substr(0, slash)));
    auto volume = TRY(base::VolumeName::parse(text.substr(slash + 1)));
    return base::VolumePath{std::move(vm), std::move(volume)};
}

Content content_from(const Record& record, ContentId from, std::size_t blocks, const Change& change) {
    auto content = from < record.contents.size() ? record.contents[from] : Content();
    content.resize(blocks);
    apply(content, change);
    return content;
}

void acknowledge(Record& record, const base::VolumePath& volume, States states) {
    record.acknowledged.insert_or_assign(volume, std::move(states));
    record.pending.reset();
    ++record.operations;
}

Result<> read_line(Record& record, const std::string& line) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "content") {
        ContentId from = 0;
        std::size_t blocks = 0;
        Change change;
        words >> from >> blocks >> change.first >> change.count >> change.generation;
        if (!words || change.first + change.count > blocks) return fail(Errc::Corrupt, "the journal has the line " + line);
        record.contents.push_back(content_from(record, from, blocks, change));
    } else if (what == "begin") {
        std::string operation;
        words >> operation;
        auto volume = TRY(read_volume(words));
        record.pending = Pending{operation, std::move(volume), read_states(words)};
    } else if (what == "done") {
        const auto volume = TRY(read_volume(words));
        acknowledge(record, volume, read_states(words));
    } else {
        return fail(Errc::Corrupt, "the journal has the line " + line);
    }
    return {};
}

std::string line_of(ContentId from, std::size_t blocks, const Change& change) {
    std::ostringstream line;
    line << "content " << from << " " << blocks << " " << change.first << " " << change.count << " " << change.generation;
    return line.str();
}

}  // namespace

Result<Record> read_journal(const std::string& path) {
    std::ifstream file(path);
    if (!file) return fail(Errc::NotFound, "cannot read " + path);
    Record record;
    std::string line;
    while (std::getline(file, line)) TRY(read_line(record, line));
    if (record.acknowledged.empty()) return fail(Errc::Corrupt, path + " names no volume");
    return record;
}

Result<Journal> Journal::create(const std::string& path, const Record& initial) {
    const auto unfinished = path + ".new";
    base::UniqueFd file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
    if (!file.valid()) return fail_errno(errno, "cannot make " + unfinished);
    // All contents are as they were made: empty.
    for (const auto& content : initial.contents) TRY(put_line(file.get(), line_of(0, content.size(), {})));
    for (const auto& [volume, states] : initial.acknowledged) TRY(put_line(file.get(), "done " + volume.str() + text_of(states)));
    if (std::rename(unfinished.c_str(), path.c_str()) != 0) return fail_errno(errno, "cannot make " + path);
    return Journal(std::move(file), initial);
}

Result<ContentId> Journal::add(ContentId from, std::size_t blocks, const Change& change) {
    TRY(put_line(file_.get(), line_of(from, blocks, change)));
    record_.contents.push_back(content_from(record_, from, blocks, change));
    return record_.contents.size() - 1;
}

Result<> Journal::begin(const Pending& pending) {
    TRY(put_line(file_.get(), "begin " + pending.operation + " " + pending.volume.str() + text_of(pending.after)));
    record_.pending = pending;
    return {};
}

Result<> Journal::done(const base::VolumePath& volume, const States& states) {
    TRY(put_line(file_.get(), "done " + volume.str() + text_of(states)));
    acknowledge(record_, volume, states);
    return {};
}

}  // namespace varve::power_cut
