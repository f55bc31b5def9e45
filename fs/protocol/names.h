// SPDX-License-Identifier: LGPL-2.1-or-later
// The names of the control tree, which varvefs and everything that talks to it share. docs/control-tree.md says what they mean.
#pragma once

#include <string_view>

namespace varve::protocol {

inline constexpr std::string_view filesystem_type = "fuse.varve";  // in /proc/self/mountinfo

inline constexpr std::string_view pools_directory = "pools";
inline constexpr std::string_view vms_directory = "vms";
inline constexpr std::string_view control_directory = ".varve";
inline constexpr std::string_view volume_suffix = ".img";
inline constexpr char revision_separator = '@';
inline constexpr std::string_view current_alias = "current";  // vol.img@current

namespace root_file {
inline constexpr std::string_view version = "version";
inline constexpr std::string_view ctl = "ctl";
inline constexpr std::string_view errors = "errors";
inline constexpr std::string_view events = "events";
inline constexpr std::string_view operations = "operations";
inline constexpr std::string_view metrics = "metrics";
}  // namespace root_file

namespace pool_file {
inline constexpr std::string_view driver = "driver";
inline constexpr std::string_view config = "config";
inline constexpr std::string_view size = "size";
inline constexpr std::string_view usage = "usage";
inline constexpr std::string_view included_in = "included_in";
inline constexpr std::string_view revisions_to_keep = "revisions_to_keep";
inline constexpr std::string_view schedule = "schedule";
inline constexpr std::string_view prune_below = "prune_below";
inline constexpr std::string_view volumes = "volumes";
inline constexpr std::string_view revisions = "revisions";
inline constexpr std::string_view shares = "shares";
}  // namespace pool_file

namespace vm_file {
inline constexpr std::string_view ctl = "ctl";
}  // namespace vm_file

namespace volume_file {
inline constexpr std::string_view kind = "kind";
inline constexpr std::string_view source = "source";
inline constexpr std::string_view state = "state";
inline constexpr std::string_view outdated = "outdated";
inline constexpr std::string_view rw = "rw";
inline constexpr std::string_view size = "size";
inline constexpr std::string_view usage = "usage";
inline constexpr std::string_view exclusive = "exclusive";
inline constexpr std::string_view shares = "shares";
inline constexpr std::string_view revisions_to_keep = "revisions_to_keep";
inline constexpr std::string_view schedule = "schedule";
inline constexpr std::string_view ephemeral = "ephemeral";
inline constexpr std::string_view config = "config";
inline constexpr std::string_view revisions = "revisions";
inline constexpr std::string_view device = "device";
inline constexpr std::string_view base = "base";
inline constexpr std::string_view ctl = "ctl";
inline constexpr std::string_view blockers = "blockers";
}  // namespace volume_file

// The first word of a command.
namespace verb {
inline constexpr std::string_view pool_add = "pool-add";
inline constexpr std::string_view pool_rm = "pool-rm";
inline constexpr std::string_view pool_convert = "pool-convert";
inline constexpr std::string_view reload = "reload";
inline constexpr std::string_view create = "create";
inline constexpr std::string_view start = "start";
inline constexpr std::string_view stop = "stop";
inline constexpr std::string_view commit = "commit";
inline constexpr std::string_view discard = "discard";
inline constexpr std::string_view verify = "verify";
inline constexpr std::string_view compare = "compare";
inline constexpr std::string_view clear = "clear";
inline constexpr std::string_view resize = "resize";
inline constexpr std::string_view revert = "revert";
inline constexpr std::string_view prune = "prune";
inline constexpr std::string_view configure = "configure";
inline constexpr std::string_view retention = "retention";
}  // namespace verb

// Values of volume_file::kind.
namespace kind {
inline constexpr std::string_view volatile_volume = "volatile";
inline constexpr std::string_view snapshot = "snapshot";
inline constexpr std::string_view origin = "origin";
inline constexpr std::string_view origin_snapshot = "origin_snapshot";
}  // namespace kind

// Values of volume_file::state.
namespace state {
inline constexpr std::string_view halted = "halted";
inline constexpr std::string_view started = "started";
inline constexpr std::string_view dirty = "dirty";
inline constexpr std::string_view writing = "writing";
inline constexpr std::string_view removed = "removed";
inline constexpr std::string_view degraded = "degraded";
}  // namespace state

// Fields of the JSON objects in replies, `errors`, `events`, `operations` and `revisions`.
namespace field {
// Replies.
inline constexpr std::string_view ok = "ok";
inline constexpr std::string_view command = "command";
inline constexpr std::string_view volume = "volume";
inline constexpr std::string_view vm = "vm";
inline constexpr std::string_view volumes = "volumes";
inline constexpr std::string_view result = "result";
inline constexpr std::string_view error = "error";
// A result.
inline constexpr std::string_view device = "device";
inline constexpr std::string_view findings = "findings";
inline constexpr std::string_view object = "object";
inline constexpr std::string_view what = "what";
inline constexpr std::string_view extents = "extents";
inline constexpr std::string_view offset = "offset";
inline constexpr std::string_view length = "length";
inline constexpr std::string_view removed = "removed";
inline constexpr std::string_view pool = "pool";
inline constexpr std::string_view key = "key";
inline constexpr std::string_view opened = "opened";
inline constexpr std::string_view closed = "closed";
inline constexpr std::string_view changed = "changed";
inline constexpr std::string_view needs_restart = "needs_restart";
inline constexpr std::string_view committed = "committed";
inline constexpr std::string_view revision = "revision";  // also in a line of `revisions`
// An error, in a reply and in a line of `errors`.
inline constexpr std::string_view code = "code";
inline constexpr std::string_view number = "errno";
inline constexpr std::string_view name = "name";
inline constexpr std::string_view message = "message";
// A line of `errors`.
inline constexpr std::string_view time = "time";
inline constexpr std::string_view pid = "pid";
inline constexpr std::string_view uid = "uid";
inline constexpr std::string_view operation = "operation";
inline constexpr std::string_view path = "path";
// A line of `events` and of `operations`, which also have some of the above.
inline constexpr std::string_view number_of_operation = "number";
inline constexpr std::string_view seconds = "seconds";
inline constexpr std::string_view to = "to";
inline constexpr std::string_view replaced = "replaced";
inline constexpr std::string_view missed = "missed";
// A line of `revisions`.
inline constexpr std::string_view size = "size";
inline constexpr std::string_view usage = "usage";
inline constexpr std::string_view modified = "modified";
inline constexpr std::string_view pinned = "pinned";
inline constexpr std::string_view kept = "kept";
inline constexpr std::string_view goes_when_short = "goes_when_short";
// A line of `shares`.
inline constexpr std::string_view state = "state";
// A volume's `config`.
inline constexpr std::string_view inherited = "inherited";
}  // namespace field

}  // namespace varve::protocol
