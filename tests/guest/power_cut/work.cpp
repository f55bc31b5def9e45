// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/power_cut/work.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace varve::power_cut {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;

constexpr std::size_t first_blocks = 128;  // small volumes: many operations, and little to read after a cut
constexpr std::size_t most_blocks = 512;
constexpr std::size_t most_revisions = 5;

base::Bytes bytes_of(std::size_t blocks) { return {blocks * block_size}; }

base::VolumePath path(const std::string& vm, const std::string& volume) {
    return {base::VmName::parse(vm).value(), base::VolumeName::parse(volume).value()};
}

const base::VolumePath& template_root() {
    static const auto root = path("template", "root");
    return root;
}

// A template with two VMs on it, and a VM's own volume.
std::map<base::VolumePath, api::VolumeConfig> volumes() {
    api::VolumeConfig origin;
    origin.size = bytes_of(first_blocks);
    api::VolumeConfig child;
    child.kind = api::Snapshot{{template_root(), {}}};
    return {{template_root(), origin}, {path("work", "private"), origin}, {path("work", "root"), child}, {path("bank", "root"), child}};
}

api::Retention everything() {
    api::Retention all;
    all.keep = api::RevisionsToKeep::from(1'000'000).value();
    return all;
}

Result<> sync_file(int file) {
    if (::fdatasync(file) != 0) return fail_errno(errno, "cannot flush the volume");
    return {};
}

}  // namespace

Result<Work> Work::begin(GuestPool& pool, TimedRevisions timed, std::uint64_t seed, const std::string& journal) {
    Record initial;
    for (const auto& [volume, config] : volumes()) {
        const auto made = pool.pool().create_vm(volume.vm, {});
        if (!made && made.error().code != Errc::Exists) return base::Failure(made.error());
        TRY(pool.execute(volume, api::Create{config}));
        States states;
        if (std::holds_alternative<api::Origin>(config.kind)) {
            states.committed = initial.contents.size();
            initial.contents.emplace_back(first_blocks);
        }
        initial.acknowledged.emplace(volume, states);
    }
    ::sync();  // cuts come from here on
    Work work(pool, timed, seed, TRY(Journal::create(journal, initial)));
    for (const auto& [volume, states] : initial.acknowledged)
        if (states.committed) work.known_.emplace(pool.views().at(volume).committed->id, *states.committed);
    return work;
}

// ---- choosing

Result<> Work::step() {
    const auto volume = std::next(pool_.views().begin(), static_cast<std::ptrdiff_t>(below(pool_.views().size())))->first;
    const bool child = api::source_of(view(volume).config.kind) != nullptr;
    if (child && below(3) != 0) return step();  // there is more to see at volumes that keep their states
    if (child) return choose(choices_of_child(volume));
    return choose(view(volume).session ? choices_of_running(volume) : choices_of_halted(volume));
}

std::vector<Work::Choice> Work::choices_of_running(const base::VolumePath& volume) {
    return {{5, [this, volume] { return write(volume, true); }}, {5, [this, volume] { return write(volume, false); }},
            {5, [this, volume] { return commit(volume); }},      {1, [this, volume] { return discard(volume); }},
            {1, [this, volume] { return resize(volume); }},      {1, [this, volume] { return label(volume); }}};
}

std::vector<Work::Choice> Work::choices_of_halted(const base::VolumePath& volume) {
    const auto revisions = states(volume).timed.size() + states(volume).labels.size();
    if (revisions > most_revisions) return {{1, [this, volume] { return remove_revision(volume); }}};
    std::vector<Choice> choices{{6, [this, volume] { return start(volume); }},
                                {1, [this, volume] { return resize(volume); }},
                                {1, [this, volume] { return label(volume); }},
                                {2, [this, volume] { return publish(volume); }}};
    if (revisions > 0) {
        choices.push_back({3, [this, volume] { return revert(volume); }});
        choices.push_back({1, [this, volume] { return remove_revision(volume); }});
    }
    return choices;
}

std::vector<Work::Choice> Work::choices_of_child(const base::VolumePath& volume) {
    if (!view(volume).session) return {{1, [this, volume] { return start_child(volume); }}};
    return {{1, [this, volume] { return write(volume, true); }}, {1, [this, volume] { return discard(volume); }}};
}

Result<> Work::choose(const std::vector<Choice>& choices) {
    std::size_t total = 0;
    for (const auto& choice : choices) total += choice.weight;
    auto drawn = below(total);
    for (const auto& choice : choices) {
        if (drawn < choice.weight) return choice.run();
        drawn -= choice.weight;
    }
    return {};
}

// ---- doing

Result<> Work::perform(const std::string& operation, const base::VolumePath& volume, const States& after,
                       const std::function<Result<>()>& effect) {
    TRY(journal_.begin({operation, volume, after}));
    if (auto done = effect(); !done) return base::Failure(base::with_context(done.error(), operation + " of " + volume.str()));
    if (auto same = learn(volume, after); !same) return base::Failure(base::with_context(same.error(), operation + " of " + volume.str()));
    return journal_.done(volume, after);
}

Result<> Work::execute(const std::string& operation, const base::VolumePath& volume, const States& after, const api::Command& command) {
    return perform(operation, volume, after, [&] { return pool_.execute(volume, command); });
}

// A revision that was not known before is the state that this operation displaced, or that it took under a label: the former committed one.
Result<> Work::learn(const base::VolumePath& volume, const States& after) {
    const auto& now = view(volume);
    States seen;
    for (const auto& revision : now.revisions) {
        if (!known_.contains(revision.state.id)) known_.emplace(revision.state.id, *states(volume).committed);
        const auto content = known_.at(revision.state.id);
        if (const auto* label = revision.id.label())
            seen.labels.emplace(label->str(), content);
        else
            seen.timed.insert(content);
    }
    if (seen.timed != after.timed || seen.labels != after.labels)
        return fail(Errc::Corrupt, "the volume has other revisions than it should");
    if (now.session.has_value() == after.session.empty()) return fail(Errc::Corrupt, "the volume is started and should not be, or is not");
    if (now.committed.has_value() != after.committed.has_value()) return fail(Errc::Corrupt, "the committed state came or went");
    if (after.committed) known_.insert_or_assign(now.committed->id, *after.committed);
    return {};
}

Result<> Work::start(const base::VolumePath& volume) {
    auto after = states(volume);
    after.session = {*after.committed};
    return execute("start", volume, after, api::Start{});
}

Result<> Work::start_child(const base::VolumePath& volume) {
    auto after = states(volume);
    after.base = states(template_root()).committed;
    after.session = {*after.base};
    return execute("start", volume, after, api::Start{api::StartSource{{template_root(), {}}, &view(template_root())}});
}

Result<> Work::write(const base::VolumePath& volume, bool flush) {
    auto after = states(volume);
    const auto last = after.session.back();
    const auto change = change_in(blocks(last));
    const auto next = TRY(journal_.add(last, blocks(last), change));
    after.session.push_back(next);
    const auto device = TRY(pool_.open_device(volume, O_RDWR));
    TRY(perform("write", volume, after, [&] { return power_cut::write(device.get(), change); }));
    if (!flush) return {};
    after.session = {next};
    return perform("flush", volume, after, [&] { return sync_file(device.get()); });
}

Result<> Work::commit(const base::VolumePath& volume) {
    auto after = states(volume);
    if (after.session.back() != *after.committed) {
        displace(after);
        after.committed = after.session.back();
    }
    after.session.clear();
    return execute("commit", volume, after, api::Stop{api::Stop::Outcome::Commit, everything()});
}

Result<> Work::discard(const base::VolumePath& volume) {
    auto after = states(volume);
    after.session.clear();
    after.base.reset();
    return execute("discard", volume, after, api::Stop{api::Stop::Outcome::Discard, everything()});
}

// Of the session when there is one, else of the committed state.
Result<> Work::resize(const base::VolumePath& volume) {
    auto after = states(volume);
    const auto present = blocks(after.session.empty() ? *after.committed : after.session.back());
    if (present >= most_blocks) return {};
    const auto larger = present + 1 + below(64);
    if (after.session.empty()) after.committed = TRY(grown(*after.committed, larger));
    for (auto& content : after.session) content = TRY(grown(content, larger));
    return execute("resize", volume, after, api::Resize{bytes_of(larger)});
}

Result<> Work::revert(const base::VolumePath& volume) {
    auto after = states(volume);
    const auto revision = any_revision(volume);
    const auto how = revision.id.label() != nullptr ? api::Revert::Revision::Keep : api::Revert::Revision::Move;
    if (how == api::Revert::Revision::Move) take(after, revision);
    displace(after);
    after.committed = known_.at(revision.state.id);
    return execute("revert", volume, after, api::Revert{revision.id, how, api::Revert::Present::KeepAsRevision});
}

Result<> Work::label(const base::VolumePath& volume) {
    auto after = states(volume);
    const auto name = TRY(base::Label::parse("label" + std::to_string(++labels_)));
    after.labels.emplace(name.str(), *after.committed);
    return execute("label", volume, after, api::TakeSnapshot{name});
}

Result<> Work::remove_revision(const base::VolumePath& volume) {
    auto after = states(volume);
    const auto revision = any_revision(volume);
    take(after, revision);
    return execute("remove", volume, after, api::RemoveRevision{revision.id});
}

// As a file written through the mount: a private copy that becomes the state.
Result<> Work::publish(const base::VolumePath& volume) {
    auto after = states(volume);
    const auto change = change_in(blocks(*after.committed));
    const auto next = TRY(journal_.add(*after.committed, blocks(*after.committed), change));
    displace(after);
    after.committed = next;
    return perform("publish", volume, after, [&]() -> Result<> {
        const auto present = TRY(pool_.pool().open_state(volume, view(volume), api::CommittedState{}));
        auto image = TRY(pool_.pool().create_image(volume.vm, present.get()));
        TRY(power_cut::write(image.fd(), change));
        return pool_.execute(volume, api::Publish{&image, api::Publish::AsCommitted{}});
    });
}

// ---- what the operations share

Change Work::change_in(std::size_t blocks) {
    const auto first = below(blocks);
    return {first, 1 + below(std::min<std::size_t>(blocks - first, 64)), ++generation_};
}

Result<ContentId> Work::grown(ContentId content, std::size_t blocks) { return journal_.add(content, blocks, {}); }

api::Revision Work::any_revision(const base::VolumePath& volume) {
    const auto& revisions = view(volume).revisions;
    return *std::next(revisions.begin(),
                      static_cast<std::ptrdiff_t>(below(static_cast<std::size_t>(std::distance(revisions.begin(), revisions.end())))));
}

// The committed state becomes a revision.
void Work::displace(States& states) const {
    if (timed_ == TimedRevisions::One) states.timed.clear();
    states.timed.insert(*states.committed);
}

void Work::take(States& states, const api::Revision& revision) const {
    if (const auto* label = revision.id.label())
        states.labels.erase(label->str());
    else
        states.timed.erase(states.timed.find(known_.at(revision.state.id)));
}

}  // namespace varve::power_cut
