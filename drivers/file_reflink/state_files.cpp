// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/state_files.h"

#include "drivers/api/overloaded.h"

#include <utility>

namespace varve::file_reflink {
namespace {

using base::Errc;
using base::fail;
using base::Result;

using Named = std::pair<std::string, api::Identity>;

Result<Named> find(const VolumeFiles& files, const api::VolumeView& view, const api::StateRef& state) {
    return std::visit(api::Overloaded{
                          [&](const api::CommittedState&) -> Result<Named> {
                              if (view.committed) return Named{files.committed(), view.committed->identity};
                              if (view.session && view.session->no_snapshot_layer)
                                  return fail(Errc::Busy, files.who() + " has no snapshot layer (revisions_to_keep is -1) and its VM runs");
                              return fail(Errc::NotFound, files.who() + " has no committed state");
                          },
                          [&](const base::RevisionId& id) -> Result<Named> {
                              if (const auto* revision = view.revisions.find(id))
                                  return Named{files.revision(*revision), revision->state.identity};
                              return fail(Errc::NotFound, files.who() + " has no revision " + id.str());
                          },
                          [&](const api::BaseState&) -> Result<Named> {
                              if (view.session && view.session->base)
                                  return Named{files.base(view.config.kind), view.session->base->identity};
                              return fail(Errc::NotFound, files.who() + " does not run from a base");
                          },
                      },
                      state);
}

}  // namespace

Result<base::UniqueFd> open_state(const VolumeFiles& files, const api::VolumeView& view, const api::StateRef& state) {
    const auto [name, identity] = TRY(find(files, view, state));
    auto file = TRY(files.open(name));
    const auto status = TRY(files.pool().files.status(file.get()));
    if (api::Identity{status.device, status.inode} != identity)
        return fail(Errc::NotFound, files.who() + ": " + name + " is another state by now");
    return file;
}

}  // namespace varve::file_reflink
