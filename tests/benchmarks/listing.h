// SPDX-License-Identifier: LGPL-2.1-or-later
// What looking at a VM's directory costs: "<operation>/<varve or native>/<directory>".
#pragma once

#include <filesystem>
#include <string>

namespace varve::benchmarks {

// For the VM `vm` below both directories. Operations that end in "-first" are for one run after mounting:
//   list, list-first   readdir and lstat of each entry, as `ls -l` does
//   stat               lstat of each entry, its name being known
//   first-byte, first-byte-first   open, pread of 4 KiB and close of revisions; every second one on each side, so that none finds the other's pages cached
void register_listing(const std::filesystem::path& mounted, const std::filesystem::path& backing, const std::string& vm);

}  // namespace varve::benchmarks
