// SPDX-License-Identifier: LGPL-2.1-or-later
// COW files: what the kernel's persistent exception store keeps in them (drivers/md/dm-snap-persistent.c, Linux 2.6.12 to 6.18), all
// little-endian, in chunks:
//
//   chunk 0          the header: u32 magic "SnAp", u32 valid, u32 version 1, u32 sectors of a chunk; the rest is ignored
//   chunk 1          the first area of exceptions: pairs of u64 (chunk of the origin, chunk of this file), ended by a pair whose second is 0
//   chunks 2..8193   what those exceptions say
//   chunk 8194       the next area, and so on: an area before every 8192 chunks
//
// A file of zeroes is a new store, whose header the kernel writes when it is first used.
#pragma once

#include "drivers/base/units.h"
#include "drivers/kernel/filesystem.h"

#include <cstdint>

namespace varve::file {

// As Qubes' scripts (SNAPSHOT_CHUNKSIZE); the header says the same, and other sizes are refused.
inline constexpr base::SectorCount cow_chunk{256};

// The size at which the COW file of a state of that size cannot be full before every chunk of the state is in it: header, areas, data. It also tells
// the size of the state: no two states have the same. The state's size is whole sectors.
[[nodiscard]] base::Bytes cow_file_size(base::Bytes state);
// The other way round. A COW file of exactly the image's size is one that Qubes made, for a state of that size. Corrupt when
// the size is neither.
[[nodiscard]] base::Result<base::Bytes> state_size(base::Bytes cow_file, base::Bytes image);

// Makes an empty new file the COW file of a state of that size: sparse, with its header, synced. Its name is the caller's to sync.
[[nodiscard]] base::Result<> make_cow_file(kernel::FileSystem& files, int file, base::Bytes state);
// Gives one that is shorter (Qubes made it) the size that it should have, sparsely. Nobody may have it on a loop device.
[[nodiscard]] base::Result<> enlarge_cow_file(kernel::FileSystem& files, int file, base::Bytes state);

enum class CowUse {
    Unused,   // a new store: nothing differs
    Changed,  // some chunk differs
    Invalid,  // it was full, or could not be written: nothing can be read through it any more
};

// From the file alone, as after a crash: a device on which it runs knows more (Stacks::use_of). Reads a header and one exception. Corrupt when
// the header is something else's.
[[nodiscard]] base::Result<CowUse> read_cow_use(int file);

struct CowContent {
    CowUse use = CowUse::Unused;
    std::uint64_t exceptions = 0;
};
// Reads all its exceptions, as the kernel does when a device is made on it; in pieces of one chunk, and never more than the file has. Corrupt
// when one of them leads out of the file, into its metadata or beyond the end of the state, or when the file is too small for
// the state: a device made on it would fail later, in the guest.
[[nodiscard]] base::Result<CowContent> check_cow_file(int file, base::Bytes state);

}  // namespace varve::file
