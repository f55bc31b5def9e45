// SPDX-License-Identifier: LGPL-2.1-or-later
// What a range of a device-mapper device is made of. Formats: Documentation/admin-guide/device-mapper/<file>.rst of the kernel, named at
// each; what of a format only newer kernels know says so. All offsets and lengths are in sectors of 512 bytes.
#pragma once

#include "drivers/base/units.h"
#include "drivers/kernel/device_number.h"
#include "drivers/kernel/secret.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varve::kernel {

// linear.rst: <device> <offset>
struct LinearTarget {
    DeviceNumber device;
    base::SectorCount offset;
    friend bool operator==(const LinearTarget&, const LinearTarget&) = default;
};

// snapshot.rst: <origin>. Passes reads through; a write first copies what it overwrites to every snapshot that needs it.
struct SnapshotOriginTarget {
    DeviceNumber origin;
    friend bool operator==(const SnapshotOriginTarget&, const SnapshotOriginTarget&) = default;
};

enum class SnapshotStore {
    Persistent,          // "P": survives a reboot
    PersistentOverflow,  // "PO": the same, and an overflow is told apart from other faults in the status
    Transient,           // "N": its metadata is only in memory
};

// snapshot.rst: <origin> <COW device> <persistent?> <chunk size> [<# feature args> [<arg>]*]
struct SnapshotTarget {
    DeviceNumber origin;
    DeviceNumber cow;
    SnapshotStore store = SnapshotStore::Persistent;
    base::SectorCount chunk;               // a power of two
    bool discard_zeroes_cow = false;       // Linux 5.3
    bool discard_passdown_origin = false;  // Linux 5.3; needs discard_zeroes_cow
    friend bool operator==(const SnapshotTarget&, const SnapshotTarget&) = default;
};

// snapshot.rst: stands for the origin while the snapshot's changes are written back to it.
struct SnapshotMergeTarget {
    SnapshotTarget snapshot;
    friend bool operator==(const SnapshotMergeTarget&, const SnapshotMergeTarget&) = default;
};

// thin-provisioning.rst: <metadata dev> <data dev> <data block size> <low water mark> [<# feature args> [<arg>]*]
struct ThinPoolTarget {
    DeviceNumber metadata;
    DeviceNumber data;
    base::SectorCount block;             // 128 (64 KiB) to 2097152 (1 GiB), a multiple of 128
    std::uint64_t low_water_blocks = 0;  // free data blocks below which the pool raises an event
    bool skip_block_zeroing = false;
    bool ignore_discard = false;
    bool no_discard_passdown = false;
    bool read_only = false;
    bool error_if_no_space = false;
    friend bool operator==(const ThinPoolTarget&, const ThinPoolTarget&) = default;
};

// A volume's number within its thin pool: 24 bits.
struct ThinId {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(ThinId, ThinId) = default;
};

// thin-provisioning.rst: <pool dev> <dev id> [<external origin dev>]
struct ThinTarget {
    DeviceNumber pool;
    ThinId id;
    std::optional<DeviceNumber> external_origin;
    friend bool operator==(const ThinTarget&, const ThinTarget&) = default;
};

// A key of type "logon" that the kernel keeps (keyring.h): ":<bytes>:logon:<name>" in a table.
struct KeyringKey {
    std::size_t bytes = 0;
    std::string name;
    friend bool operator==(const KeyringKey&, const KeyringKey&) = default;
};
// By value it is also in the kernel's table, which root can read.
using CryptKey = std::variant<SecretKey, KeyringKey>;

// dm-crypt.rst: <cipher> [<key>] <iv_offset> <device path> <offset> [<#opt_params> <opt_params>]
struct CryptTarget {
    std::string cipher = "aes-xts-plain64";
    CryptKey key;
    base::SectorCount iv_offset = {};
    DeviceNumber device = {};
    base::SectorCount offset = {};
    bool allow_discards = false;
    bool same_cpu_crypt = false;
    bool submit_from_crypt_cpus = false;
    bool no_read_workqueue = false;             // Linux 5.9
    bool no_write_workqueue = false;            // Linux 5.9
    std::optional<unsigned> sector_bytes = {};  // 512 (when absent), 1024, 2048 or 4096
    bool iv_large_sectors = false;              // the IV counts sectors of that size
    friend bool operator==(const CryptTarget&, const CryptTarget&) = default;
};

// zero.rst: no parameters. Reads zeroes, forgets writes.
struct ZeroTarget {
    friend bool operator==(const ZeroTarget&, const ZeroTarget&) = default;
};

// drivers/md/dm-target.c: no parameters. Every read and write fails.
struct ErrorTarget {
    friend bool operator==(const ErrorTarget&, const ErrorTarget&) = default;
};

// One of somebody else's devices that Varve has no use for: kept as the kernel says it.
struct OtherTarget {
    std::string type;
    std::string parameters;
    friend bool operator==(const OtherTarget&, const OtherTarget&) = default;
};

using DmTargetKind = std::variant<LinearTarget, SnapshotOriginTarget, SnapshotTarget, SnapshotMergeTarget, ThinPoolTarget, ThinTarget,
                                  CryptTarget, ZeroTarget, ErrorTarget, OtherTarget>;

// The kernel's name of the kind: "linear", "snapshot-origin", ...
[[nodiscard]] std::string type_of(const DmTargetKind& kind);
// What follows the type in a table line.
[[nodiscard]] WipedText parameters_of(const DmTargetKind& kind);
// The kernel's words, as in its tables: devices as numbers. Corrupt quotes the text, but never that of a crypt target.
[[nodiscard]] base::Result<DmTargetKind> parse_target(std::string_view type, std::string_view parameters);

// The target's devices, each once. Nothing for OtherTarget, whose words are not known.
[[nodiscard]] std::vector<DeviceNumber> devices_of(const DmTargetKind& kind);

}  // namespace varve::kernel
