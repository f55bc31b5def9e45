// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may do what with which VMs. Pure.
#pragma once

#include "orchestrator/definitions/identifiers.h"

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varve::orchestrator {

enum class Verb { See, Start, Stop, Kill, Pause, Resume, Console, Attach, Create, Change, Clone, Rename, Remove, Commit, Dispose };

// "see", "start"...
[[nodiscard]] std::string_view name_of(Verb verb);
[[nodiscard]] std::optional<Verb> verb_named(std::string_view name);
[[nodiscard]] std::vector<std::string_view> verb_names();

// Which VMs: a name in which each '*' stands for any text, or "@tag", all that have the tag.
class VmPattern {
public:
    // InvalidName for what no VM's name and no tag could match.
    [[nodiscard]] static base::Result<VmPattern> parse(std::string_view text);
    [[nodiscard]] bool matches(const base::VmName& vm, const std::set<definitions::Tag>& tags) const;
    [[nodiscard]] std::string str() const;
    friend bool operator==(const VmPattern&, const VmPattern&) = default;

private:
    explicit VmPattern(std::variant<std::string, definitions::Tag> what) : what_(std::move(what)) {}
    std::variant<std::string, definitions::Tag> what_;
};

struct UserId {
    uid_t uid = 0;
    friend bool operator==(UserId, UserId) = default;
};
struct GroupId {
    gid_t gid = 0;
    friend bool operator==(GroupId, GroupId) = default;
};

struct Right {
    std::variant<UserId, GroupId> who;
    std::set<Verb> verbs;
    std::vector<VmPattern> vms;
    friend bool operator==(const Right&, const Right&) = default;
};

// The other end of a connection, as the kernel says.
struct Caller {
    uid_t uid = 0;
    std::vector<gid_t> groups;
    pid_t pid = 0;  // for the log; it may be another process by now
};

class Rights {
public:
    // `owner` (the orchestrator's own user) and root may do everything.
    Rights(std::vector<Right> rights, uid_t owner) : rights_(std::move(rights)), owner_(owner) {}

    [[nodiscard]] bool is_administrator(const Caller& caller) const { return caller.uid == 0 || caller.uid == owner_; }
    // A VM that does not exist has no tags.
    [[nodiscard]] bool allows(const Caller& caller, Verb verb, const base::VmName& vm, const std::set<definitions::Tag>& tags) const;

private:
    std::vector<Right> rights_;
    uid_t owner_;
};

}  // namespace varve::orchestrator
