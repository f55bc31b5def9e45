// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/verify.h"

#include "drivers/images/driver.h"
#include "drivers/images/listing.h"
#include "drivers/images/volume_files.h"
#include "drivers/records/record_file.h"

namespace varve::images {
namespace {

using base::Errc;
using base::Result;

class Inspector {
public:
    Inspector(Context& pool, const VmDirectory& vm) : pool_(pool), vm_(vm) {}

    Result<std::vector<api::Finding>> run() {
        TRY(check_places());
        const auto record = records::read_record(pool_.files, vm_.fd.get());
        if (!record) add(std::string(records::record_name), record.error().message());
        const auto listing = TRY(list_entries(pool_, vm_));
        for (const auto& name : listing.foreign) add(name, "it is not one of the driver's files and is left alone");
        TRY(check_temporaries(listing.temporaries));
        for (const auto& [volume, names] : listing.volumes) TRY(check_volume(volume, names, record ? &*record : nullptr));
        return std::move(findings_);
    }

private:
    void add(const std::string& name, std::string what) {
        findings_.push_back({vm_.folder + "/" + vm_.name.str() + (name.empty() ? "" : "/" + name), std::move(what)});
    }

    Result<> check_places() {
        const std::string other = vm_folders[1];
        if (vm_.folder == other) return {};
        const auto folder = pool_.files.open_directory(pool_.top.get(), other);
        if (!folder && folder.error().code == Errc::NotFound) return {};
        if (!folder) return base::Failure(folder.error());
        if (pool_.files.status(folder->get(), vm_.name.str())) add("", "the VM is in " + other + " too; what is there is not shown");
        return {};
    }

    Result<> check_temporaries(const std::vector<std::string>& names) {
        for (const auto& name : names) {
            auto used = pool_.files.open_for_writing(vm_.fd.get(), name);
            if (!used && used.error().code == Errc::NotFound) continue;  // its transaction has ended
            if (!TRY(std::move(used))) add(name, "it is a temporary file that nobody uses; the next start removes it");
        }
        return {};
    }

    // nullopt: it has gone since the directory was listed.
    Result<std::optional<kernel::FileStatus>> status(const std::string& name) const {
        const auto found = pool_.files.status(vm_.fd.get(), name);
        if (found) return std::optional(*found);
        if (found.error().code == Errc::NotFound) return std::optional<kernel::FileStatus>();
        return base::Failure(found.error());
    }

    Result<> check_volume(const base::VolumeName& volume, const Names& names, const records::VmRecord* record) {
        if (record != nullptr)
            for (const auto& name : misfits(pool_, names, config_of(*record, volume).kind))
                add(name, "a volume of this kind has no such file; it is left alone");
        const VolumeFiles files(pool_, vm_, volume);
        const auto committed = TRY(status(files.committed()));
        for (const auto& entry : names.all) TRY(check_file(entry, committed ? &*committed : nullptr));
        return pool_.driver->verify(files, names, [&](const std::string& name, std::string what) { add(name, std::move(what)); });
    }

    Result<> check_file(const Entry& entry, const kernel::FileStatus* committed) {
        const auto name = file_name(entry);
        const auto found = TRY(status(name));
        if (!found) return {};
        if (!found->size.whole_sectors()) add(name, "its size, " + std::to_string(found->size.count) + " bytes, is not a multiple of 512");
        const bool revision = std::holds_alternative<TimedFile>(entry) || std::holds_alternative<PinFile>(entry);
        if (revision && committed != nullptr && found->inode == committed->inode)
            add(name, "it is the committed state itself under a second name");
        return {};
    }

    Context& pool_;
    const VmDirectory& vm_;
    std::vector<api::Finding> findings_;
};

}  // namespace

Result<std::vector<api::Finding>> verify(Context& pool, const VmDirectory& vm) { return Inspector(pool, vm).run(); }

}  // namespace varve::images
