// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/access.h"

#include <algorithm>
#include <array>

namespace varve::service {
namespace {

using orchestrator::Verb;

// What leaves a disposable that is kept ready as it is, ends it, or takes it: who resumes it has it.
constexpr std::array kept_verbs{Verb::See, Verb::Console, Verb::Kill, Verb::Remove, Verb::Resume};

// What somebody who asked for a disposable may do with it: use it, and end it. An unnamed one is started once.
constexpr std::array requesters_verbs{Verb::See, Verb::Stop, Verb::Kill, Verb::Pause, Verb::Resume, Verb::Console};

}  // namespace

void Access::set_rights(orchestrator::Rights rights) {
    auto next = std::make_shared<const orchestrator::Rights>(std::move(rights));
    const std::scoped_lock lock(mutex_);
    rights_ = std::move(next);
}

std::shared_ptr<const orchestrator::Rights> Access::rights() const {
    const std::scoped_lock lock(mutex_);
    return rights_;
}

bool Access::allows(const orchestrator::Caller& caller, Verb verb, const base::VmName& vm) const {
    if (rights()->is_administrator(caller)) return true;
    return !kept_(vm) && has_right(caller, verb, vm, store_.find(vm));
}

bool Access::has_right(const orchestrator::Caller& caller, Verb verb, const definitions::VmDefinition& vm) const {
    if (rights()->allows(caller, verb, vm.name, vm.tags)) return true;
    const bool theirs = std::ranges::find(requesters_verbs, verb) != requesters_verbs.end();
    return theirs && requesters_ != nullptr && requesters_->is_requester(caller.uid, vm);
}

// One that does not exist has no tags, and nobody asked for it.
bool Access::has_right(const orchestrator::Caller& caller, Verb verb, const base::VmName& vm,
                       const base::Result<definitions::VmDefinition>& definition) const {
    return definition ? has_right(caller, verb, *definition) : rights()->allows(caller, verb, vm, {});
}

// As the store would say it of a VM that does not exist.
base::Result<definitions::VmDefinition> Access::find(const base::VmName& vm) const {
    if (kept_(vm)) return base::fail(base::Errc::NotFound, "there is no VM '" + vm.str() + "'");
    return store_.find(vm);
}

base::Result<> Access::check(const orchestrator::Caller& caller, Verb verb, const base::VmName& vm) const {
    if (rights()->is_administrator(caller)) return check_kept(verb, vm);
    const auto definition = find(vm);
    if (!has_right(caller, verb, vm, definition))
        return base::fail(base::Errc::Denied, "you have no right to " + std::string(orchestrator::name_of(verb)) + " '" + vm.str() +
                                                  "', or there is no such VM; orchestrator.toml says who may do what");
    if (!definition && verb != Verb::Create) return base::Failure(definition.error());
    return {};
}

base::Result<> Access::check_kept(Verb verb, const base::VmName& vm) const {
    if (!kept_(vm) || std::ranges::find(kept_verbs, verb) != kept_verbs.end()) return {};
    return base::fail(base::Errc::Busy,
                      "'" + vm.str() +
                          "' is kept ready for whoever asks for a disposable next, who shall get it as it was made; it can be looked at, "
                          "killed and removed, and who resumes it has it");
}

base::Result<> Access::check_disposable_template(const base::VmName& vm) const {
    if (definitions::disposables_of(TRY(store_.find(vm))) != nullptr) return {};
    return base::fail(base::Errc::InvalidArgument,
                      "'" + vm.str() + "' is not a disposable template; 'template_for_dispvms = true' makes it one");
}

}  // namespace varve::service
