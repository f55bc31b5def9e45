// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/config/rights.h"

#include "drivers/base/overloaded.h"

#include <algorithm>
#include <array>
#include <utility>

namespace varve::orchestrator {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::array<std::pair<Verb, std::string_view>, 15> verbs{{{Verb::See, "see"},
                                                                   {Verb::Start, "start"},
                                                                   {Verb::Stop, "stop"},
                                                                   {Verb::Kill, "kill"},
                                                                   {Verb::Pause, "pause"},
                                                                   {Verb::Resume, "resume"},
                                                                   {Verb::Console, "console"},
                                                                   {Verb::Attach, "attach"},
                                                                   {Verb::Create, "create"},
                                                                   {Verb::Change, "change"},
                                                                   {Verb::Clone, "clone"},
                                                                   {Verb::Rename, "rename"},
                                                                   {Verb::Remove, "remove"},
                                                                   {Verb::Commit, "commit"},
                                                                   {Verb::Dispose, "dispose"}}};

// '*' stands for any text. Goes back to the last one only: linear in practice, names are short.
bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool is_glob(std::string_view text) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-*";
    constexpr std::size_t longest = 64;
    return !text.empty() && text.size() <= longest && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_meant(const std::variant<UserId, GroupId>& who, const Caller& caller) {
    return std::visit(base::Overloaded{
                          [&](UserId user) { return user.uid == caller.uid; },
                          [&](GroupId group) { return std::ranges::find(caller.groups, group.gid) != caller.groups.end(); },
                      },
                      who);
}

}  // namespace

std::string_view name_of(Verb verb) {
    return std::ranges::find(verbs, verb, [](const auto& each) { return each.first; })->second;
}

std::optional<Verb> verb_named(std::string_view name) {
    const auto* const found = std::ranges::find(verbs, name, [](const auto& each) { return each.second; });
    return found == verbs.end() ? std::nullopt : std::optional(found->first);
}

std::vector<std::string_view> verb_names() {
    std::vector<std::string_view> names;
    names.reserve(verbs.size());
    for (const auto& [verb, name] : verbs) names.push_back(name);
    return names;
}

Result<VmPattern> VmPattern::parse(std::string_view text) {
    if (text.starts_with('@')) return VmPattern(TRY(definitions::Tag::parse(text.substr(1))));
    if (!is_glob(text)) return fail(Errc::InvalidName, "VMs are given as a name, in which '*' stands for any text, or as '@' and a tag");
    return VmPattern(std::string(text));
}

bool VmPattern::matches(const base::VmName& vm, const std::set<definitions::Tag>& tags) const {
    return std::visit(base::Overloaded{
                          [&](const std::string& glob) { return glob_matches(glob, vm.str()); },
                          [&](const definitions::Tag& tag) { return tags.contains(tag); },
                      },
                      what_);
}

std::string VmPattern::str() const {
    return std::visit(base::Overloaded{
                          [](const std::string& glob) { return glob; },
                          [](const definitions::Tag& tag) { return "@" + tag.str(); },
                      },
                      what_);
}

bool Rights::allows(const Caller& caller, Verb verb, const base::VmName& vm, const std::set<definitions::Tag>& tags) const {
    if (is_administrator(caller)) return true;
    return std::ranges::any_of(rights_, [&](const Right& right) {
        return is_meant(right.who, caller) && right.verbs.contains(verb) &&
               std::ranges::any_of(right.vms, [&](const VmPattern& pattern) { return pattern.matches(vm, tags); });
    });
}

}  // namespace varve::orchestrator
