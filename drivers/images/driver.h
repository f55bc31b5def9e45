// SPDX-License-Identifier: LGPL-2.1-or-later
// What differs between drivers that keep volumes as image files: what a volume's files are while its VM runs, and where old states are.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/images/known_states.h"
#include "drivers/images/listing.h"
#include "drivers/images/volume_files.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace varve::images {

// Thread-safe as api::Pool demands. A call that fails has undone what it did, or its error is Degraded.
class Driver {
public:
    virtual ~Driver() = default;
    Driver() = default;
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    [[nodiscard]] virtual api::Capabilities capabilities() const = 0;
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> parameters() const = 0;

    // ---- files
    // Whether files of that meaning are this driver's; all others are foreign.
    [[nodiscard]] virtual bool uses(const Entry& entry) const = 0;
    // The same for a volume of that kind.
    [[nodiscard]] virtual bool fits(const Entry& entry, const api::Kind& kind) const = 0;
    // What tells the state in that file from others.
    [[nodiscard]] virtual base::Result<api::Identity> identity(const VolumeFiles& files, int file,
                                                               const kernel::FileStatus& status) const = 0;
    [[nodiscard]] virtual base::Result<std::string> revision_file(const VolumeFiles& files, const api::Revision& revision) const = 0;
    // Files that go when nothing of the volume is left.
    [[nodiscard]] virtual std::vector<std::string> leftovers(const VolumeFiles& files) const = 0;

    // ---- what is on disk
    // Before anything else, with all renames finished.
    [[nodiscard]] virtual base::Result<> recover() = 0;
    // Fills in states and session of a view whose config is set; what a crash left half done is finished or undone.
    [[nodiscard]] virtual base::Result<> load(VolumeFiles& files, const Names& names, KnownStates& known, api::VolumeView& view) = 0;
    using AddFinding = std::function<void(const std::string& name, std::string what)>;
    [[nodiscard]] virtual base::Result<> verify(const VolumeFiles& files, const Names& names, const AddFinding& add) const = 0;

    // ---- sessions
    [[nodiscard]] virtual base::Result<api::VolumeView> start(VolumeFiles& files, const api::VolumeView& present,
                                                              const api::Start& command) = 0;
    [[nodiscard]] virtual base::Result<api::VolumeView> stop(VolumeFiles& files, const api::VolumeView& present,
                                                             const api::Stop& command) = 0;
    // Of a driver that can commit_running.
    [[nodiscard]] virtual base::Result<api::VolumeView> commit(VolumeFiles& files, const api::VolumeView& present,
                                                               const api::Commit& command) = 0;
    [[nodiscard]] virtual base::Result<api::VolumeView> resize(VolumeFiles& files, const api::VolumeView& present, base::Bytes size) = 0;
    // Of a started session.
    [[nodiscard]] virtual base::Result<std::filesystem::path> device(const VolumeFiles& files, const api::VolumeView& view) const = 0;
    [[nodiscard]] virtual base::Result<> prepare_start(VolumeFiles& files, const api::VolumeView& present,
                                                       const api::Pool::LockIfCurrent& lock_if_current) = 0;

    // ---- states
    [[nodiscard]] virtual base::Result<base::UniqueFd> open_state(const VolumeFiles& files, const api::VolumeView& view,
                                                                  const api::StateRef& state) const = 0;
    // The committed state's content, for a copy that is made at once.
    [[nodiscard]] virtual base::Result<base::UniqueFd> open_to_copy(const VolumeFiles& files, const api::VolumeView& view) const = 0;
    [[nodiscard]] virtual base::Result<base::Bytes> exclusive(const VolumeFiles& files, const api::VolumeView& view,
                                                              const api::StateRef& state) const = 0;
    // Of two states that open_state opens; as api::Pool says.
    [[nodiscard]] virtual base::Result<base::Extents> may_differ(const VolumeFiles& /*files*/, int /*one*/, int /*other*/) const {
        return base::Extents{{{0}, base::largest_volume}};
    }
    // Drops what was made in advance for the next start from the committed state.
    [[nodiscard]] virtual base::Result<> drop_prepared(VolumeFiles& files) = 0;
    // Before another image takes the committed name, or none: what stands on the present one must not be needed any more.
    [[nodiscard]] virtual base::Result<> before_replacing(VolumeFiles& files, const api::VolumeView& view) = 0;
    // Before a revision gets another name, time or place: from then on it is an image by itself.
    [[nodiscard]] virtual base::Result<> make_image_of(VolumeFiles& files, const api::VolumeView& view, const api::Revision& revision) = 0;
};

}  // namespace varve::images
