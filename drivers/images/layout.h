// SPDX-License-Identifier: LGPL-2.1-or-later
// The names of files in a VM's directory, pure and both ways (docs/on-disk-formats.md). Compatible with the Qubes driver's.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/revision_name.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace varve::images {

// What one file name in a VM's directory stands for.
struct CommittedFile {
    base::VolumeName volume;
    friend auto operator<=>(const CommittedFile&, const CommittedFile&) = default;
};
struct DirtyFile {
    base::VolumeName volume;
    friend auto operator<=>(const DirtyFile&, const DirtyFile&) = default;
};
struct BaseFile {
    base::VolumeName volume;
    friend auto operator<=>(const BaseFile&, const BaseFile&) = default;
};  // origin_snapshot's base
struct PrecacheFile {
    base::VolumeName volume;
    friend auto operator<=>(const PrecacheFile&, const PrecacheFile&) = default;
};
struct ImportFile {
    base::VolumeName volume;
    friend auto operator<=>(const ImportFile&, const ImportFile&) = default;
};  // Qubes' own leftover
// The driver `file`: COW files and links that keep what stands on an image.
struct CowFile {
    base::VolumeName volume;
    friend auto operator<=>(const CowFile&, const CowFile&) = default;
};  // of an origin's committed state; of a snapshot: what its VM wrote
struct OldCowFile {
    base::VolumeName volume;
    friend auto operator<=>(const OldCowFile&, const OldCowFile&) = default;
};  // of the state before that
struct BaseCowFile {
    base::VolumeName volume;
    friend auto operator<=>(const BaseCowFile&, const BaseCowFile&) = default;
};  // of the state that a running snapshot started from
struct SessionFile {
    base::VolumeName volume;
    friend auto operator<=>(const SessionFile&, const SessionFile&) = default;
};  // the image that a session writes to, under a second name
struct GrownFile {
    base::VolumeName volume;
    friend auto operator<=>(const GrownFile&, const GrownFile&) = default;
};  // what a running snapshot goes on with behind the end of its base
struct TimedFile {
    base::VolumeName volume;
    std::int64_t seconds;
    std::uint64_t number;  // 0: the form without a number
    friend auto operator<=>(const TimedFile&, const TimedFile&) = default;
};
struct PinFile {
    base::VolumeName volume;
    base::Label label;
    friend auto operator<=>(const PinFile&, const PinFile&) = default;
};
struct TemporaryFile {
    friend auto operator<=>(const TemporaryFile&, const TemporaryFile&) = default;
};
struct RecordFile {
    friend auto operator<=>(const RecordFile&, const RecordFile&) = default;
};
struct ForeignFile {
    friend auto operator<=>(const ForeignFile&, const ForeignFile&) = default;
};

using Entry = std::variant<CommittedFile, DirtyFile, BaseFile, PrecacheFile, ImportFile, CowFile, OldCowFile, BaseCowFile, SessionFile,
                           GrownFile, TimedFile, PinFile, TemporaryFile, RecordFile, ForeignFile>;

// Exactly one meaning for every text. A name that file_name() would write differently is foreign.
[[nodiscard]] Entry classify(std::string_view name);

// The volume an entry belongs to; nullptr for those that belong to none.
[[nodiscard]] const base::VolumeName* volume_of(const Entry& entry);

[[nodiscard]] std::string file_name(const CommittedFile& file);
[[nodiscard]] std::string file_name(const DirtyFile& file);
[[nodiscard]] std::string file_name(const BaseFile& file);
[[nodiscard]] std::string file_name(const PrecacheFile& file);
[[nodiscard]] std::string file_name(const ImportFile& file);
[[nodiscard]] std::string file_name(const CowFile& file);
[[nodiscard]] std::string file_name(const OldCowFile& file);
[[nodiscard]] std::string file_name(const BaseCowFile& file);
[[nodiscard]] std::string file_name(const SessionFile& file);
[[nodiscard]] std::string file_name(const GrownFile& file);
[[nodiscard]] std::string file_name(const TimedFile& file);
[[nodiscard]] std::string file_name(const PinFile& file);

// The same entry of another volume; temporaries, records and foreign files stay what they are.
[[nodiscard]] Entry with_volume(const Entry& entry, const base::VolumeName& volume);
// The name of an entry that belongs to a volume.
[[nodiscard]] std::string file_name(const Entry& entry);

}  // namespace varve::images
