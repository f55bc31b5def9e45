// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions in which the hypervisor is given an image file: all of file-reflink, and those of other drivers that need no devices.
#pragma once

#include "drivers/api/command.h"
#include "drivers/images/volume_files.h"

#include <filesystem>
#include <string>

namespace varve::images {

[[nodiscard]] api::Session session_of(base::Bytes size);

// The image is a session of this boot: as a mark on it, and in memory for file systems without marks.
[[nodiscard]] base::Result<> mark_started(Context& pool, int image);
// Gives a complete image the session's name. Its data needs the sync: the session must survive a crash as a whole image.
[[nodiscard]] base::Result<> begin_session(VolumeFiles& files, Temporary& image, const std::string& name);

[[nodiscard]] base::Result<api::VolumeView> start_volatile(VolumeFiles& files, api::VolumeView view, const std::string& name);
// The guest writes the committed image itself: it gets the name dirty(). `shared`: others still need it as it is, so a copy takes its place.
[[nodiscard]] base::Result<api::VolumeView> start_without_layer(VolumeFiles& files, api::VolumeView view, bool shared);
// A session that a crash or an earlier boot left.
[[nodiscard]] base::Result<api::VolumeView> continue_session(VolumeFiles& files, api::VolumeView view, const std::string& name);

// Before the image becomes a state, or goes: from here on it is the daemon's alone, whoever a session of this boot or an earlier one gave it to
// (docs/decisions/0020-devices-belong-to-the-owner.md). Busy while somebody has it open for writing. As durable as the image's content.
[[nodiscard]] base::Result<> take_back(VolumeFiles& files, const std::string& name);
[[nodiscard]] base::Result<api::VolumeView> commit_without_layer(VolumeFiles& files, api::VolumeView view, const api::Retention& retention);
// Ends a session that has no base.
[[nodiscard]] base::Result<api::VolumeView> drop_image(VolumeFiles& files, api::VolumeView view, const std::string& name);

[[nodiscard]] base::Result<api::VolumeView> resize_session(VolumeFiles& files, api::VolumeView view, base::Bytes size,
                                                           const std::string& name);
[[nodiscard]] base::Result<api::VolumeView> resize_volatile(VolumeFiles& files, api::VolumeView view, base::Bytes size,
                                                            const std::string& name);

// The session whose image has that name.
[[nodiscard]] base::Result<api::Session> load_session(VolumeFiles& files, const api::VolumeConfig& config, const std::string& name);
[[nodiscard]] base::Result<std::filesystem::path> image_path(const VolumeFiles& files, const std::string& name);

}  // namespace varve::images
