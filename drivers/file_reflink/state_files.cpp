// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/state_files.h"

#include "drivers/api/overloaded.h"
#include "drivers/images/state_files.h"

namespace varve::file_reflink {

using base::Result;
using base::UniqueFd;

std::string base_name(const images::VolumeFiles& files, const api::Kind& kind) {
    return std::holds_alternative<api::OriginSnapshot>(kind) ? file_name(images::BaseFile{files.volume()}) : files.committed();
}

Result<UniqueFd> open_state(const images::VolumeFiles& files, const api::VolumeView& view, const api::StateRef& state) {
    return std::visit(api::Overloaded{
                          [&](const api::CommittedState&) -> Result<UniqueFd> {
                              if (!view.committed) return images::no_committed_state(files, view);
                              return images::open_exactly(files, files.committed(), view.committed->identity);
                          },
                          [&](const base::RevisionId& id) -> Result<UniqueFd> {
                              const auto* const revision = TRY(images::find_revision(files, view, id));
                              return images::open_exactly(files, files.image_of(*revision), revision->state.identity);
                          },
                          [&](const api::BaseState&) -> Result<UniqueFd> {
                              if (!view.session || !view.session->base) return images::no_base(files);
                              return images::open_exactly(files, base_name(files, view.config.kind), view.session->base->identity);
                          },
                      },
                      state);
}

}  // namespace varve::file_reflink
