// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/adoption/plan.h"

#include "fs/protocol/names.h"

namespace varve::adoption {
namespace {

using qubes_xml::Kind;
namespace volume_file = protocol::volume_file;
namespace state = protocol::state;

bool keeps_state(const qubes_xml::Volume& volume) { return volume.kind == Kind::Origin; }

class Planner {
public:
    Planner(const std::vector<qubes_xml::Volume>& wanted, const PoolContents& contents) : contents_(contents) {
        for (const auto& volume : wanted)
            if (keeps_state(volume)) vms_with_images_.insert(volume.volume.vm);
    }

    [[nodiscard]] Step step(const qubes_xml::Volume& wanted) const {
        const auto found = contents_.volumes.find(wanted.volume);
        if (found != contents_.volumes.end()) return for_present(wanted, found->second);
        const auto& vm = wanted.volume.vm;
        const bool vm_is_there = contents_.vms.contains(vm);
        // A VM that keeps nothing, as disposables do, has no place in a pool of Qubes while it is halted.
        if (!vm_is_there && vms_with_images_.contains(vm)) return {wanted, Action::Skip, {}, false, "the pool has no VM " + vm.str()};
        if (keeps_state(wanted)) return {wanted, Action::Skip, {}, false, "the pool has no image of it"};
        return {wanted, Action::Create, {}, !vm_is_there, {}};
    }

private:
    [[nodiscard]] Step for_present(const qubes_xml::Volume& wanted, const PresentVolume& present) const {
        if (present.kind != name_of(wanted.kind)) return for_other_kind(wanted, present);
        Step step{wanted, Action::None, changes_of(wanted, present), false, {}};
        if (!step.changes.empty()) step.action = Action::Change;
        const bool halted = present.state == state::halted;
        for (const auto& change : step.changes)
            if (!halted && only_while_halted(change, present))
                return {wanted,
                        Action::Conflict,
                        {},
                        false,
                        "it is " + present.state + ": " + std::string(change.file) + " changes while it is halted"};
        if (present.state == state::removed) step.note = "only revisions of it are left";
        if (keeps_state(wanted) && present.state != state::removed && wanted.size.count != 0 && wanted.size.count != present.size)
            step.note = "its image has " + std::to_string(present.size) + " bytes, and qubes.xml says " + std::to_string(wanted.size.count);
        return step;
    }

    [[nodiscard]] Step for_other_kind(const qubes_xml::Volume& wanted, const PresentVolume& present) const {
        auto note = "it is " + present.kind + " and " + present.state + " here, and " + std::string(name_of(wanted.kind)) + " in qubes.xml";
        const bool keeps_nothing = wanted.kind == Kind::Snapshot || wanted.kind == Kind::Volatile;
        const bool at_rest = present.state == state::halted || present.state == state::dirty;
        if (present.kind != protocol::kind::origin || !keeps_nothing || !at_rest)
            return {wanted, Action::Conflict, {}, false, std::move(note)};
        return {wanted,
                Action::Conflict,
                {},
                false,
                note + ": if that is what a VM left that was not shut down, 'varve stop' and 'varve rm -r' remove it"};
    }

    static std::vector<Change> changes_of(const qubes_xml::Volume& wanted, const PresentVolume& present) {
        std::vector<Change> changes;
        if (wanted.source && link_to(*wanted.source) != present.source) changes.push_back({volume_file::source, link_to(*wanted.source)});
        if (wanted.rw != present.rw) changes.push_back({volume_file::rw, wanted.rw ? "1" : "0"});
        if (wanted.ephemeral != present.ephemeral) changes.push_back({volume_file::ephemeral, wanted.ephemeral ? "1" : "0"});
        if (wanted.revisions_to_keep && (*wanted.revisions_to_keep != present.revisions_to_keep || !present.own_revisions_to_keep))
            changes.push_back({volume_file::revisions_to_keep, std::to_string(*wanted.revisions_to_keep)});
        if (wanted.kind == Kind::Volatile && wanted.size.count > present.size)
            changes.push_back({volume_file::size, std::to_string(wanted.size.count)});
        return changes;
    }

    static bool only_while_halted(const Change& change, const PresentVolume& present) {
        if (change.file == volume_file::revisions_to_keep) return change.value == "-1" || present.revisions_to_keep == -1;
        return change.file == volume_file::source || change.file == volume_file::ephemeral;
    }

    const PoolContents& contents_;
    std::set<base::VmName> vms_with_images_;
};

}  // namespace

std::string_view name_of(Action action) {
    switch (action) {
        case Action::None: return "none";
        case Action::Create: return "create";
        case Action::Change: return "change";
        case Action::Skip: return "skip";
        case Action::Conflict: break;
    }
    return "conflict";
}

std::string link_to(const base::VolumePath& source) {
    return "../" + source.vm.str() + "/" + source.volume.str() + std::string(protocol::volume_suffix);
}

std::vector<Step> plan(const std::vector<qubes_xml::Volume>& wanted, const PoolContents& contents) {
    const Planner planner(wanted, contents);
    std::vector<Step> steps;
    steps.reserve(wanted.size());
    for (const auto& volume : wanted) steps.push_back(planner.step(volume));
    return steps;
}

}  // namespace varve::adoption
