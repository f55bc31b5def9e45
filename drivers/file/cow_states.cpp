// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/cow_states.h"

namespace varve::file {

using base::Bytes;
using base::Errc;
using base::Result;
using images::Marks;
using images::VolumeFiles;

std::string cow_name(const VolumeFiles& files) { return file_name(images::CowFile{files.volume()}); }
std::string old_cow_name(const VolumeFiles& files) { return file_name(images::OldCowFile{files.volume()}); }
std::string base_name(const VolumeFiles& files) { return file_name(images::BaseFile{files.volume()}); }
std::string base_cow_name(const VolumeFiles& files) { return file_name(images::BaseCowFile{files.volume()}); }
std::string grown_name(const VolumeFiles& files) { return file_name(images::GrownFile{files.volume()}); }
std::string session_name(const VolumeFiles& files) { return file_name(images::SessionFile{files.volume()}); }

Result<api::Identity> identity_of(const VolumeFiles& files, int file) {
    auto& port = files.pool().files;
    const auto status = TRY(port.status(file));
    const auto number = TRY(Marks(port, file).state());
    return api::Identity{status.device, number.value_or(status.inode)};
}

// A COW file with marks is never one that Qubes made, whatever its size is.
Result<Bytes> size_of_state(const VolumeFiles& files, int cow, Bytes image) {
    auto& port = files.pool().files;
    const bool ours = TRY(Marks(port, cow).state()).has_value();
    return state_size(TRY(port.status(cow)).size, ours ? Bytes{} : image);
}

Result<CowUse> use_of_file(int cow) {
    auto use = read_cow_use(cow);
    if (!use && use.error().code == Errc::Corrupt) return CowUse::Invalid;
    return use;
}

Result<api::State> state_before_session(const VolumeFiles& files, int cow, int image) {
    auto& port = files.pool().files;
    const auto status = TRY(port.status(image));
    const Marks marks(port, cow);
    const auto modified = TRY(marks.modified()).value_or(status.modified);
    const auto size = size_of_state(files, cow, status.size);
    if (!size && size.error().code != Errc::Corrupt) return base::Failure(size.error());
    const auto own = TRY(marks.state());
    const auto identity = own ? api::Identity{status.device, *own} : TRY(identity_of(files, image));
    const auto changed = TRY(marks.changed()).value_or(modified);
    return api::State{.id = {},
                      .identity = identity,
                      .size = size ? *size : status.size,  // of a damaged one nobody knows it; nothing is read through it
                      .allocated = status.allocated,
                      .modified = modified,
                      .changed = changed};
}

Result<api::State> old_state(const VolumeFiles& files, int cow, Bytes image) {
    auto& port = files.pool().files;
    const auto status = TRY(port.status(cow));
    const Marks marks(port, cow);
    const auto modified = TRY(marks.modified()).value_or(status.modified);
    const auto identity = TRY(identity_of(files, cow));
    const auto size = TRY(size_of_state(files, cow, image));
    const auto changed = TRY(marks.changed()).value_or(modified);
    return api::State{.id = {},
                      .identity = identity,
                      .size = size,
                      .allocated = status.allocated,
                      .modified = modified,
                      .changed = changed};
}

Result<> describe_state(VolumeFiles& files, int cow, const api::State& state) {
    auto& port = files.pool().files;
    Marks marks(port, cow);
    TRY(marks.set_state(state.identity.object));
    TRY(marks.set_modified(state.modified));
    TRY(marks.set_changed(state.changed));
    return port.sync(cow);
}

Result<images::Temporary> make_cow(VolumeFiles& files, const api::State& state) {
    auto cow = TRY(files.make_temporary());
    TRY(make_cow_file(files.pool().files, cow.fd(), state.size));
    TRY(describe_state(files, cow.fd(), state));
    return cow;
}

}  // namespace varve::file
