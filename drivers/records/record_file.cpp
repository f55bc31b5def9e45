// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/records/record_file.h"

namespace varve::records {

using base::Errc;
using base::fail;
using base::Result;

namespace {

Result<> fill(kernel::FileSystem& files, int directory, const std::string& name, std::string_view content) {
    const auto file = TRY(files.create_file(directory, name));
    TRY(files.write_all(file.get(), content));
    return files.sync(file.get());
}

}  // namespace

Result<> write_atomically(kernel::FileSystem& files, int directory, const std::string& name, std::string_view content,
                          const std::string& temporary) {
    auto done = fill(files, directory, temporary, content);
    // Point of no return: the rename.
    if (done) done = files.rename(directory, temporary, directory, name, kernel::FileSystem::Replace::Allow);
    if (!done) {
        (void)files.unlink(directory, temporary);  // swept at the next start when this fails too
        return base::Failure(base::with_context(std::move(done).error(), "'" + name + "' cannot be written"));
    }
    if (const auto synced = files.sync(directory); !synced) {
        auto error = base::with_context(synced.error(), "'" + name + "' is written but may not be on disk");
        error.code = Errc::Degraded;
        return base::Failure(std::move(error));
    }
    return {};
}

Result<std::optional<std::string>> read_small(const kernel::FileSystem& files, int directory, const std::string& name, base::Bytes limit) {
    const auto status = files.status(directory, name);
    if (!status && status.error().code == Errc::NotFound) return std::optional<std::string>();
    if (!status) return base::Failure(status.error());
    if (status->type != kernel::FileType::Regular) return fail(Errc::Corrupt, "'" + name + "' is not a regular file");
    const auto file = TRY(files.open_file(directory, name, kernel::FileSystem::Access::Read));
    auto text = files.read_all(file.get(), limit);
    if (!text && text.error().code == Errc::TooLarge) return fail(Errc::Corrupt, "'" + name + "': " + text.error().context);
    return std::optional<std::string>(TRY(std::move(text)));
}

Result<VmRecord> read_record(const kernel::FileSystem& files, int vm_directory) {
    const std::string name(record_name);
    const auto text = TRY(read_small(files, vm_directory, name, largest_record));
    if (!text) return VmRecord{};
    auto record = parse_record(*text);
    if (!record) return base::Failure(base::with_context(record.error(), "the record '" + name + "' cannot be understood"));
    return record;
}

Result<> write_record(kernel::FileSystem& files, int vm_directory, const VmRecord& record, const std::string& temporary) {
    const auto text = format_record(record);
    if (text.size() > largest_record.count)
        return fail(Errc::NoSpace, "the VM has too many volumes for its record '" + std::string(record_name) + "'");
    return write_atomically(files, vm_directory, std::string(record_name), text, temporary);
}

}  // namespace varve::records
