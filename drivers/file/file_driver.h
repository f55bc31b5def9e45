// SPDX-License-Identifier: LGPL-2.1-or-later
// A running origin writes to the committed image; device-mapper keeps the state from before in a COW file.
//
// The states of an origin `root`:
//   root.img and root-cow.img   the committed one: the image, or while it is written what the image was when the COW file was new. Without
//                               a session there may be no COW file: the next start or reader makes it
//   root-cow.img.old            the one before the last stop: what differs from the committed one
//   all others                  images by themselves, as in file-reflink
// root-session.img is the image under a second name: a session writes to it, or was not ended.
#pragma once

#include "drivers/file/file.h"
#include "drivers/file/stacks.h"
#include "drivers/images/driver.h"

#include <mutex>
#include <optional>

namespace varve::file {

class FileDriver final : public images::Driver {
public:
    FileDriver(const Settings& settings, const Kernel& kernel)
        : dir_path_(settings.dir_path), nodes_(kernel.nodes), stacks_(kernel.mapper, kernel.loops, *nodes_, settings.device_uuid) {}

    [[nodiscard]] api::Capabilities capabilities() const override;
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> parameters() const override { return {{"dir_path", dir_path_}}; }

    [[nodiscard]] bool uses(const images::Entry& entry) const override;
    [[nodiscard]] bool fits(const images::Entry& entry, const api::Kind& kind) const override;
    [[nodiscard]] base::Result<api::Identity> identity(const images::VolumeFiles& files, int file,
                                                       const kernel::FileStatus& status) const override;
    [[nodiscard]] base::Result<std::string> revision_file(const images::VolumeFiles& files, const api::Revision& revision) const override;
    [[nodiscard]] std::vector<std::string> leftovers(const images::VolumeFiles& files) const override;

    [[nodiscard]] base::Result<> recover() override { return stacks_.recover(Stacks::Unopened::Keep); }
    [[nodiscard]] base::Result<> load(images::VolumeFiles& files, const images::Names& names, images::KnownStates& known,
                                      api::VolumeView& view) override;
    [[nodiscard]] base::Result<> verify(const images::VolumeFiles& files, const images::Names& names, const AddFinding& add) const override;

    [[nodiscard]] base::Result<api::VolumeView> start(images::VolumeFiles& files, const api::VolumeView& present,
                                                      const api::Start& command) override;
    [[nodiscard]] base::Result<api::VolumeView> stop(images::VolumeFiles& files, const api::VolumeView& present,
                                                     const api::Stop& command) override;
    [[nodiscard]] base::Result<api::VolumeView> commit(images::VolumeFiles& files, const api::VolumeView& present,
                                                       const api::Commit& command) override;
    [[nodiscard]] base::Result<api::VolumeView> resize(images::VolumeFiles& files, const api::VolumeView& present,
                                                       base::Bytes size) override;
    [[nodiscard]] base::Result<std::filesystem::path> device(const images::VolumeFiles& files, const api::VolumeView& view) const override;
    [[nodiscard]] base::Result<> prepare_start(images::VolumeFiles&, const api::VolumeView&, const api::Pool::LockIfCurrent&) override {
        return {};  // a start copies nothing
    }

    [[nodiscard]] base::Result<base::UniqueFd> open_state(const images::VolumeFiles& files, const api::VolumeView& view,
                                                          const api::StateRef& state) const override;
    [[nodiscard]] base::Result<base::UniqueFd> open_to_copy(const images::VolumeFiles& files, const api::VolumeView& view) const override;
    [[nodiscard]] base::Result<base::Bytes> exclusive(const images::VolumeFiles& files, const api::VolumeView& view,
                                                      const api::StateRef& state) const override;
    [[nodiscard]] base::Result<> drop_prepared(images::VolumeFiles& files) override { return remove_cow(files); }
    [[nodiscard]] base::Result<> before_replacing(images::VolumeFiles& files, const api::VolumeView& view) override;
    [[nodiscard]] base::Result<> make_image_of(images::VolumeFiles& files, const api::VolumeView& view,
                                               const api::Revision& revision) override;

private:
    using View = base::Result<api::VolumeView>;

    // The files of the committed state, held open, and what the stacks want to know of them.
    struct OpenState {
        base::UniqueFd image;
        base::UniqueFd cow;
        StateFiles files;
    };
    // NotFound when the disk has another state by now than the view.
    [[nodiscard]] base::Result<OpenState> open_files(const images::VolumeFiles& files, const api::VolumeView& view) const;
    // Of a halted origin; made when there is none that belongs to this state.
    [[nodiscard]] base::Result<base::UniqueFd> ensure_cow(images::VolumeFiles files, int image, const api::State& state) const;
    [[nodiscard]] base::Result<> remove_cow(images::VolumeFiles& files) const;
    [[nodiscard]] base::Result<base::UniqueFd> open_revision(const images::VolumeFiles& files, const api::VolumeView& view,
                                                             const api::Revision& revision) const;
    [[nodiscard]] base::Result<base::UniqueFd> open_base(const images::VolumeFiles& files, const api::VolumeView& view) const;

    // ---- loading
    [[nodiscard]] base::Result<> load_origin(images::VolumeFiles& files, const images::Names& names, images::KnownStates& known,
                                             api::VolumeView& view);
    [[nodiscard]] base::Result<> load_written(images::VolumeFiles& files, const images::Names& names, images::KnownStates& known,
                                              api::VolumeView& view);
    [[nodiscard]] base::Result<> load_old_state(images::VolumeFiles& files, images::KnownStates& known, api::VolumeView& view) const;
    [[nodiscard]] base::Result<> load_snapshot(images::VolumeFiles& files, const images::Names& names, images::KnownStates& known,
                                               api::VolumeView& view);

    // ---- origins
    [[nodiscard]] View start_origin(images::VolumeFiles& files, api::VolumeView view);
    [[nodiscard]] View continue_origin(images::VolumeFiles& files, api::VolumeView view);
    [[nodiscard]] View start_without_layer(images::VolumeFiles& files, const api::VolumeView& view);
    // Snapshots that have no devices now and stand on a state before the present one: what is written to the image would be missing in it.
    [[nodiscard]] base::Result<bool> has_waiting_snapshots(const images::VolumeFiles& files, int image, int cow) const;
    // A copy takes the image's place, and those who stand on the image keep it.
    [[nodiscard]] base::Result<> leave_image_to_snapshots(images::VolumeFiles& files, const api::State& state) const;
    [[nodiscard]] View stop_origin(images::VolumeFiles& files, const api::VolumeView& present, const api::Stop& command);
    [[nodiscard]] View end_origin(images::VolumeFiles& files, const api::VolumeView& present, const api::Stop& command);
    [[nodiscard]] View commit(images::VolumeFiles& files, api::VolumeView view, const OpenState& open, CowUse use,
                              const api::Retention& retention);
    [[nodiscard]] base::Result<std::optional<api::Revision>> revision_in_old(const images::VolumeFiles& files,
                                                                             const api::VolumeView& view) const;
    [[nodiscard]] base::Result<> drop_old(images::VolumeFiles& files, api::VolumeView& view) const;
    [[nodiscard]] base::Result<api::Revision> make_old(images::VolumeFiles& files, api::VolumeView& view, const OpenState& open,
                                                       const api::Retention& retention);
    [[nodiscard]] View discard(images::VolumeFiles& files, api::VolumeView view, const OpenState& open, CowUse use);
    [[nodiscard]] View end_session(images::VolumeFiles& files, api::VolumeView view) const;
    [[nodiscard]] View grow_halted(images::VolumeFiles& files, api::VolumeView view, base::Bytes size);
    [[nodiscard]] View grow_running(images::VolumeFiles& files, api::VolumeView view, base::Bytes size);

    // ---- snapshots
    [[nodiscard]] View start_snapshot(images::VolumeFiles& files, api::VolumeView view, const api::StartSource& source);
    [[nodiscard]] base::Result<api::State> link_base(images::VolumeFiles& files, const api::StartSource& source) const;
    [[nodiscard]] base::Result<std::optional<api::State>> try_to_link(images::VolumeFiles& files,
                                                                      const images::VolumeFiles& source_files) const;
    [[nodiscard]] base::Result<api::State> link_present(images::VolumeFiles& files, const images::VolumeFiles& source_files,
                                                        const api::VolumeView& source) const;
    [[nodiscard]] base::Result<api::State> link_revision(images::VolumeFiles& files, const images::VolumeFiles& source_files,
                                                         const api::VolumeView& source, const api::Revision& revision) const;
    struct OpenSnapshot {
        base::UniqueFd image;
        base::UniqueFd base_cow;
        base::UniqueFd own_cow;
        base::UniqueFd grown;  // invalid when it has not grown
        StateFiles base;
        CowOver own;
    };
    [[nodiscard]] base::Result<OpenSnapshot> open_snapshot(const images::VolumeFiles& files, const api::VolumeView& view) const;
    [[nodiscard]] base::Result<> start_devices(images::VolumeFiles& files, const api::VolumeView& view);
    [[nodiscard]] base::Result<> remove_snapshot_files(images::VolumeFiles& files) const;
    [[nodiscard]] View stop_snapshot(images::VolumeFiles& files, api::VolumeView view);
    [[nodiscard]] View grow_snapshot(images::VolumeFiles& files, api::VolumeView view, base::Bytes size);

    std::string dir_path_;
    std::shared_ptr<const DeviceNodes> nodes_;
    mutable Stacks stacks_;
    mutable std::mutex cow_mutex_;  // over making and removing COW files of halted origins: readers make them too
};

// The pool's directory with this driver over it; the errors are those of open().
[[nodiscard]] base::Result<std::unique_ptr<images::Context>> open_context(const Settings& settings, const Kernel& kernel,
                                                                          api::StateIds& state_ids, const base::Clock& clock,
                                                                          spdlog::logger& log, const kernel::BootId& boot_id);

}  // namespace varve::file
