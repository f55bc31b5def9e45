// SPDX-License-Identifier: LGPL-2.1-or-later
// The record of a VM, in the VM's directory.
#pragma once

#include "drivers/kernel/filesystem.h"
#include "drivers/records/vm_record.h"

#include <string>
#include <string_view>

namespace varve::records {

inline constexpr std::string_view record_name = ".varve.json";

// An empty record when there is none; Corrupt, naming the file's fault, for one that cannot be understood or is no regular file.
[[nodiscard]] base::Result<VmRecord> read_record(const kernel::FileSystem& files, int vm_directory);

// Replaces the record atomically and durably. `temporary` is an unused name in the same directory.
[[nodiscard]] base::Result<> write_record(kernel::FileSystem& files, int vm_directory, const VmRecord& record,
                                          const std::string& temporary);

// The same for any small file: temporary, write, sync, rename, sync of the directory. On failure the old content is there, and no temporary;
// Degraded when only the directory's sync failed and either may be there.
[[nodiscard]] base::Result<> write_atomically(kernel::FileSystem& files, int directory, const std::string& name, std::string_view content,
                                              const std::string& temporary);
// The content, or nullopt when there is none; Corrupt beyond `limit` and for what is no regular file.
[[nodiscard]] base::Result<std::optional<std::string>> read_small(const kernel::FileSystem& files, int directory, const std::string& name,
                                                                  base::Bytes limit);

}  // namespace varve::records
