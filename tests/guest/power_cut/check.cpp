// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/power_cut/check.h"

#include "tests/guest/power_cut/guest_pool.h"

#include <fcntl.h>

#include <algorithm>
#include <sstream>

namespace varve::power_cut {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VolumePath;

struct Found {
    std::vector<ContentId> session;  // each sector of it is of one of these
    bool pending_is_there = false;   // the operation that the cut interrupted
    bool on_base = false;            // the session is a snapshot's
};

Found found_as(const States& states, bool pending) { return {states.session, pending, states.base.has_value()}; }

class Checker {
public:
    Checker(GuestPool& pool, const Record& record) : pool_(pool), record_(record) {}

    // What each volume turned out to be.
    Result<std::map<VolumePath, Found>> compare() const {
        for (const auto& [volume, view] : pool_.views())
            if (!record_.acknowledged.contains(volume))
                return fail(Errc::Corrupt, "there is a volume " + volume.str() + " that nobody made");
        std::map<VolumePath, Found> all;
        for (const auto& [volume, acknowledged] : record_.acknowledged) all.emplace(volume, TRY(compare(volume, acknowledged)));
        return all;
    }

    // Nothing is left over, and nothing foreign.
    Result<> verify() const {
        for (const auto& vm : TRY(pool_.pool().list_vms()))
            for (const auto& finding : TRY(pool_.pool().verify(vm))) return fail(Errc::Corrupt, finding.object + ": " + finding.what);
        return {};
    }

    // What ran goes on where it was, and can be committed.
    Result<> finish(const VolumePath& volume, const Found& found) {
        TRY(pool_.execute(volume, api::Start{}));
        TRY(check_session(volume, found));
        const bool saves = api::saves_on_stop(pool_.views().at(volume).config.kind);
        const auto content = TRY(session_content(volume));
        TRY(pool_.execute(volume, api::Stop{api::Stop::Outcome::Commit, {}}));
        if (saves && content && TRY(read(volume, api::CommittedState{})) != *content)
            return fail(Errc::Corrupt, "the commit after the cut is not what the VM had");
        return {};
    }

private:
    Result<Found> compare(const VolumePath& volume, const States& acknowledged) const {
        const auto as_before = matches(volume, acknowledged);
        if (!record_.pending || record_.pending->volume != volume) {
            if (as_before) return found_as(acknowledged, false);
            return base::Failure(base::with_context(as_before.error(), volume.str()));
        }
        const auto& after = record_.pending->after;
        const auto as_after = matches(volume, after);
        if (as_before && as_after) {  // only what the VM wrote differs, and any part of that may be there
            auto session = acknowledged.session;
            session.insert(session.end(), after.session.begin(), after.session.end());
            return Found{std::move(session), false, after.base.has_value()};
        }
        if (as_before) return found_as(acknowledged, false);
        if (as_after) return found_as(after, true);
        return fail(Errc::Corrupt, volume.str() + " is neither as before its " + record_.pending->operation + " (" +
                                       as_before.error().message() + ") nor as after it (" + as_after.error().message() + ")");
    }

    // But for what is in the session: a file of the VM's own, whose device can be read once it goes on.
    Result<> matches(const VolumePath& volume, const States& states) const {
        const auto known = pool_.views().find(volume);
        if (known == pool_.views().end()) return fail(Errc::Corrupt, "it is gone");
        const auto& view = known->second;
        if (view.committed.has_value() != states.committed.has_value()) return fail(Errc::Corrupt, "the committed state came or went");
        if (states.committed) TRY(same(volume, api::CommittedState{}, *states.committed, "the committed state"));
        TRY(same_revisions(volume, view, states));
        if (view.session.has_value() == states.session.empty())
            return fail(Errc::Corrupt, view.session ? "there is a session" : "the session is lost");
        if (view.session && view.session->phase != api::Session::Phase::Dirty) return fail(Errc::Corrupt, "the session counts as running");
        if (view.session && view.session->size.count != record_.contents[states.session.back()].size() * block_size)
            return fail(Errc::Corrupt, "the session has " + std::to_string(view.session->size.count) + " bytes");
        if (view.session && view.session->base.has_value() != states.base.has_value())
            return fail(Errc::Corrupt, "the base of the session came or went");
        if (states.base) TRY(same(volume, api::BaseState{}, *states.base, "the base"));
        return {};
    }

    Result<> same_revisions(const VolumePath& volume, const api::VolumeView& view, const States& states) const {
        auto timed = states.timed;
        auto labels = states.labels;
        for (const auto& revision : view.revisions) {
            const auto name = "the revision " + revision.id.str();
            if (const auto* label = revision.id.label()) {
                const auto found = labels.find(label->str());
                if (found == labels.end()) return fail(Errc::Corrupt, name + " should not be there");
                TRY(same(volume, revision.id, found->second, name));
                labels.erase(found);
                continue;
            }
            const auto content = TRY(read(volume, revision.id));
            const auto found = std::ranges::find_if(timed, [&](auto id) { return record_.contents[id] == content; });
            if (found == timed.end()) return fail(Errc::Corrupt, name + " has a content that no revision should have");
            timed.erase(found);
        }
        if (!timed.empty() || !labels.empty())
            return fail(Errc::Corrupt, std::to_string(timed.size() + labels.size()) + " revisions are lost");
        return {};
    }

    Result<> same(const VolumePath& volume, const api::StateRef& state, ContentId expected, const std::string& name) const {
        const auto content = read(volume, state);
        if (!content) return base::Failure(base::with_context(content.error(), name));
        if (*content == record_.contents[expected]) return {};
        return fail(Errc::Corrupt, name + " is whole but another one");
    }

    Result<Content> read(const VolumePath& volume, const api::StateRef& state) const {
        const auto file = TRY(pool_.pool().open_state(volume, pool_.views().at(volume), state));
        return read_content(file.get());
    }

    Result<> check_session(const VolumePath& volume, const Found& found) const {
        const auto device = TRY(pool_.open_device(volume, O_RDONLY));
        std::vector<const Content*> contents;
        for (const auto id : found.session) contents.push_back(&record_.contents[id]);
        if (auto checked = check_mixture(device.get(), contents); !checked)
            return base::Failure(base::with_context(checked.error(), "the session of " + volume.str()));
        return {};
    }

    // Nothing when the cut tore a block of it that was not flushed.
    Result<std::optional<Content>> session_content(const VolumePath& volume) const {
        const auto device = TRY(pool_.open_device(volume, O_RDONLY));
        auto content = read_content(device.get());
        if (content) return *std::move(content);
        if (content.error().code == Errc::Corrupt) return std::nullopt;
        return base::Failure(content.error());
    }

    GuestPool& pool_;
    const Record& record_;
};

void describe(std::ostream& text, const std::string& name, const api::State& state) {
    text << " " << name << " " << state.identity.object << " of " << state.size.count << " bytes, modified " << state.modified.seconds
         << "." << state.modified.nanoseconds << ", changed " << state.changed.seconds << "." << state.changed.nanoseconds << "\n";
}

// All that the driver tells, but for how much is allocated.
std::string describe(const Views& views) {
    std::ostringstream text;
    for (const auto& [volume, view] : views) {
        text << volume.str() << "\n";
        if (view.committed) describe(text, "committed", *view.committed);
        for (const auto& revision : view.revisions) describe(text, revision.id.str(), revision.state);
        if (view.session) text << " session of " << view.session->size.count << " bytes\n";
        if (view.session && view.session->base) describe(text, "base", *view.session->base);
    }
    return text.str();
}

}  // namespace

Result<std::string> check(const std::string& driver, const std::map<std::string, std::string>& parameters, const Record& record) {
    std::string first;
    {
        const auto pool = TRY(GuestPool::open(driver, parameters));
        const Checker checker(*pool, record);
        TRY(checker.compare());
        TRY(checker.verify());
        first = describe(pool->views());
    }
    const auto pool = TRY(GuestPool::open(driver, parameters));
    if (const auto second = describe(pool->views()); second != first)
        return fail(Errc::Corrupt, "the second recovery changed something; before:\n" + first + "after:\n" + second);
    Checker checker(*pool, record);
    const auto found = TRY(checker.compare());
    // Snapshots first: `file` lets no dirty origin go on while dirty ones stand on a state before its present one.
    for (const bool snapshots : {true, false})
        for (const auto& [volume, one] : found)
            if (!one.session.empty() && one.on_base == snapshots) TRY(checker.finish(volume, one));

    std::ostringstream text;
    text << record.operations << " operations, ";
    if (record.pending)
        text << "cut in " << record.pending->operation << " of " << record.pending->volume.str() << ": "
             << (found.at(record.pending->volume).pending_is_there ? "there" : "not there");
    else
        text << "cut between two";
    return text.str();
}

}  // namespace varve::power_cut
