// SPDX-License-Identifier: LGPL-2.1-or-later
// Which state a COW file belongs to. While an origin's VM runs its image changes, and what is known of the committed state is kept as
// marks of the COW file (docs/on-disk-formats.md).
#pragma once

#include "drivers/file/cow_file.h"
#include "drivers/images/known_states.h"

#include <string>

namespace varve::file {

// The names of the driver's own files of a volume.
[[nodiscard]] std::string cow_name(const images::VolumeFiles& files);
[[nodiscard]] std::string old_cow_name(const images::VolumeFiles& files);
[[nodiscard]] std::string base_name(const images::VolumeFiles& files);
[[nodiscard]] std::string base_cow_name(const images::VolumeFiles& files);
[[nodiscard]] std::string grown_name(const images::VolumeFiles& files);
[[nodiscard]] std::string session_name(const images::VolumeFiles& files);

// What tells the state in an image or COW file from others: its mark, or its inode.
[[nodiscard]] base::Result<api::Identity> identity_of(const images::VolumeFiles& files, int file);

// The size of the state that the COW file was made for. Corrupt when its size is none that a COW file has.
[[nodiscard]] base::Result<base::Bytes> size_of_state(const images::VolumeFiles& files, int cow, base::Bytes image);
// A damaged COW file is no better than an invalid one.
[[nodiscard]] base::Result<CowUse> use_of_file(int cow);

// The state that the image had when its COW file was new. The id is the caller's.
[[nodiscard]] base::Result<api::State> state_before_session(const images::VolumeFiles& files, int cow, int image);
// The state of which the file is the old COW file.
[[nodiscard]] base::Result<api::State> old_state(const images::VolumeFiles& files, int cow, base::Bytes image);

// Writes down on the COW file what is known of the state, durably.
[[nodiscard]] base::Result<> describe_state(images::VolumeFiles& files, int cow, const api::State& state);

// For what failed when the session's device was gone already.
[[nodiscard]] base::Failure dirty_now(const images::VolumeFiles& files, base::Error error);

// A new COW file for a state of that size, under a temporary name; described and durable.
[[nodiscard]] base::Result<images::Temporary> make_cow(images::VolumeFiles& files, const api::State& state);

}  // namespace varve::file
