// SPDX-License-Identifier: LGPL-2.1-or-later
// The files of one volume, for the time of one call: every change of them goes through here and is logged.
#pragma once

#include "drivers/api/view.h"
#include "drivers/images/context.h"
#include "drivers/images/layout.h"
#include "drivers/images/marks.h"
#include "drivers/images/vm_directory.h"

#include <string>
#include <utility>

namespace varve::images {

// A file under a temporary name; removed by the destructor unless it got a lasting name.
class Temporary {
public:
    Temporary(Context& pool, int directory, std::string name, base::UniqueFd file)
        : pool_(&pool), directory_(directory), name_(std::move(name)), file_(std::move(file)) {}
    ~Temporary();
    Temporary(Temporary&& other) noexcept
        : pool_(other.pool_), directory_(other.directory_), name_(std::exchange(other.name_, {})), file_(std::move(other.file_)) {}
    Temporary& operator=(Temporary&&) = delete;
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

    [[nodiscard]] int fd() const { return file_.get(); }
    [[nodiscard]] const std::string& name() const { return name_; }
    void renamed() { name_.clear(); }
    // The descriptor, when the file stays under its temporary name for somebody else to remove.
    [[nodiscard]] base::UniqueFd release() {
        name_.clear();
        return std::move(file_);
    }

private:
    Context* pool_;
    int directory_;
    std::string name_;
    base::UniqueFd file_;
};

// Fills the empty file `to` with the content of `from`: shared where the file system can, else copied. Says which was done.
[[nodiscard]] base::Result<api::Method> fill_from(Context& pool, int from, int to);

class VolumeFiles {
public:
    using Replace = kernel::FileSystem::Replace;

    // `vm` outlives this.
    VolumeFiles(Context& pool, const VmDirectory& vm, base::VolumeName volume) : pool_(&pool), vm_(&vm), volume_(std::move(volume)) {}

    [[nodiscard]] Context& pool() const { return *pool_; }
    [[nodiscard]] const VmDirectory& vm() const { return *vm_; }
    [[nodiscard]] const base::VolumeName& volume() const { return volume_; }
    [[nodiscard]] int directory() const { return vm_->fd.get(); }
    [[nodiscard]] std::string who() const;

    [[nodiscard]] std::string committed() const { return file_name(CommittedFile{volume_}); }
    [[nodiscard]] std::string dirty() const { return file_name(DirtyFile{volume_}); }
    [[nodiscard]] std::string precache() const { return file_name(PrecacheFile{volume_}); }
    [[nodiscard]] std::string import() const { return file_name(ImportFile{volume_}); }
    // Where the revision is; and where it is when it is an image by itself.
    [[nodiscard]] base::Result<std::string> revision(const api::Revision& revision) const;
    [[nodiscard]] std::string image_of(const api::Revision& revision) const;

    [[nodiscard]] base::Result<base::UniqueFd> open(const std::string& name) const;  // read-only: enough for marks, times and syncs
    [[nodiscard]] base::Result<bool> exists(const std::string& name) const;
    [[nodiscard]] base::Result<> link(int from_directory, const std::string& from, const std::string& to);
    [[nodiscard]] base::Result<> rename(const std::string& from, const std::string& to, Replace replace);
    // The name goes at once, the extents in the background. False when there was none.
    [[nodiscard]] base::Result<bool> remove(const std::string& name);
    // Degraded when it fails: the names have changed, and a crash may change them back.
    [[nodiscard]] base::Result<> sync_directory();
    // For what fails after a change that readers can see: Degraded, with the reason.
    [[nodiscard]] base::Failure changed_but(base::Error error) const;

    // An empty file, and one with the content of the open file `from`.
    [[nodiscard]] base::Result<Temporary> make_temporary();
    [[nodiscard]] base::Result<Temporary> clone(int from, const std::string& from_name);
    // Gives a temporary its lasting name.
    [[nodiscard]] base::Result<> keep(Temporary& temporary, const std::string& name, Replace replace);

    // The open file as a state; `changed` is its mark, or st_mtime.
    [[nodiscard]] base::Result<api::State> observe(int file, api::StateId id) const;
    // The same, and it keeps the id of `known` when it is still the same object.
    [[nodiscard]] base::Result<api::State> observe(int file, const api::State& known) const;
    // Marks that the state becomes visible under its path now: later than `before`.
    [[nodiscard]] base::Result<> mark_changed(int file, const api::State* before);

private:
    Context* pool_;
    const VmDirectory* vm_;
    base::VolumeName volume_;
};

}  // namespace varve::images
