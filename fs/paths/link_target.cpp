// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/paths/link_target.h"

#include "fs/paths/entry_name.h"

#include <utility>

namespace varve::paths {
namespace {

using base::Errc;

base::Failure not_a_source(std::string_view target) {
    return base::fail(Errc::InvalidArgument, "'" + std::string(target.substr(0, 120)) +
                                                 "' is not a source; link to ../<vm>/<volume>.img or ../<vm>/<volume>.img@<revision>");
}

}  // namespace

base::Result<api::Source> parse_link_target(std::string_view target, const base::VmName& vm) {
    auto owner = vm;
    auto file = target;
    if (target.starts_with("../../") || target.starts_with('/'))
        return base::fail(Errc::CrossPool, "a source lies in the pool of its snapshot, named as ../<vm>/<volume>.img; '" +
                                               std::string(target.substr(0, 120)) + "' leads out of it");
    if (target.starts_with("../")) {
        const auto rest = target.substr(3);
        const auto slash = rest.find('/');
        if (slash == std::string_view::npos) return not_a_source(target);
        auto name = base::VmName::parse(rest.substr(0, slash));
        if (!name) return not_a_source(target);
        owner = *std::move(name);
        file = rest.substr(slash + 1);
    }
    const auto entry = parse_entry(file);
    if (!entry) return not_a_source(target);
    if (const auto* volume = std::get_if<VolumeEntry>(&*entry)) return api::Source{{owner, volume->volume}, {}};
    if (const auto* current = std::get_if<CurrentEntry>(&*entry)) return api::Source{{owner, current->volume}, {}};
    if (const auto* revision = std::get_if<RevisionEntry>(&*entry)) return api::Source{{owner, revision->volume}, revision->revision};
    return not_a_source(target);
}

std::string link_target(const api::Source& source) {
    const auto revision = source.fixed ? source.fixed->str() : std::string("current");
    return "../" + source.volume.vm.str() + "/" + volume_file(source.volume.volume) + "@" + revision;
}

}  // namespace varve::paths
