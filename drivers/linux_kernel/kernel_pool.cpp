// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/linux_kernel/kernel_directory.h"
#include "drivers/linux_kernel/linux_kernel.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace varve::linux_kernel {
namespace {

using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using base::VolumePath;

class KernelPool final : public api::Pool {
public:
    KernelPool(const Settings& settings, const kernel::FileSystem& files, api::StateIds& ids, spdlog::logger& log, base::UniqueFd top)
        : settings_(settings), files_(files), ids_(ids), log_(log), top_(std::move(top)) {}

    api::Capabilities capabilities() const override { return {.read_only = true}; }

    Result<api::Space> space() const override {
        const auto found = TRY(files_.space(top_.get()));
        return api::Space{found.size, found.size - found.free, found.available};
    }

    std::vector<std::pair<std::string, std::string>> parameters() const override { return {{"dir_path", settings_.dir_path}}; }

    // Whoever only reads needs nobody's leave.
    std::optional<std::filesystem::path> lock_directory() const override { return {}; }

    Result<> recover() override { return {}; }

    Result<std::vector<VmName>> list_vms() const override {
        std::vector<VmName> kernels;
        for (const auto& entry : TRY(files_.list(top_.get()))) {
            const auto version = base::KernelVersion::parse(entry.name);
            if (entry.type == kernel::FileType::Directory && version)
                kernels.push_back(base::VmNameRules::of_kernel(*version));
            else if (entry.type == kernel::FileType::Directory || entry.type == kernel::FileType::Symlink)
                log_.warn("{}: an entry of {} is left out: {}", settings_.name.str(), settings_.dir_path,
                          version ? entry.name + " is a symbolic link" : version.error().message());
        }
        std::ranges::sort(kernels);
        return kernels;
    }

    Result<api::VmView> load_vm(const VmName& kernel) override {
        const auto directory = TRY(open_kernel(kernel));
        const auto status = TRY(files_.status(directory.get()));
        constexpr mode_t read_only = 0555;
        auto foreign = TRY(foreign_entries(files_, directory.get()));
        api::VmView view{{status.uid, status.gid, status.mode & read_only}, status.modified, {}, std::move(foreign)};
        for (const auto& part : parts) {
            auto found = TRY(look_at(files_, directory.get(), part, nullptr, ids_));
            if (!found.degraded.empty()) log_.warn("{}/{}: {}", settings_.name.str(), kernel.str(), found.degraded);
            auto name = TRY(base::VolumeName::parse(part.volume));
            view.volumes.emplace(std::move(name), std::make_shared<const VolumeView>(std::move(found)));
        }
        return view;
    }

    Result<std::optional<VolumeView>> load_volume(const VolumePath& volume, const VolumeView* known) override {
        const auto directory = TRY(open_kernel(volume.vm));
        const auto* part = find_part(volume.volume);
        if (part == nullptr) return std::optional<VolumeView>();
        return std::optional(TRY(look_at(files_, directory.get(), *part, known, ids_)));
    }

    Result<> create_vm(const VmName& kernel, const api::Ownership& /*ownership*/) override { return read_only(kernel.str()); }
    Result<> remove_vm(const VmName& kernel) override { return read_only(kernel.str()); }
    Result<> set_ownership(const VmName& kernel, const api::Ownership& /*ownership*/) override { return read_only(kernel.str()); }
    Result<> rename_vm(const VmName& from, const VmName& /*to*/, const std::vector<VolumePath>& /*children*/) override {
        return read_only(from.str());
    }
    Result<> rename_volume(const VolumePath& from, const VolumePath& /*to*/, const VolumeView& /*present*/,
                           const std::vector<VolumePath>& /*children*/) override {
        return read_only(from.str());
    }
    Result<api::PrivateImage> create_image(const VmName& kernel, std::optional<int> /*content*/) override {
        return base::Failure(read_only(kernel.str()).error());
    }
    Result<> clone_range(int /*from*/, base::Bytes /*from_offset*/, api::PrivateImage& /*to*/, base::Bytes /*to_offset*/,
                         base::Bytes /*length*/) override {
        return read_only("the pool");
    }

    Result<base::UniqueFd> open_state(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const override {
        const auto* part = find_part(volume.volume);
        if (part == nullptr || !std::holds_alternative<api::CommittedState>(state))
            return fail(Errc::NotFound, volume.str() + " has no such state: kernels have no revisions");
        if (!view.committed) return fail(Errc::Degraded, volume.vm.str() + ": " + view.degraded);
        const auto directory = TRY(open_kernel(volume.vm));
        auto file = TRY(files_.open_file(directory.get(), std::string(part->file), kernel::FileSystem::Access::Read));
        const auto status = TRY(files_.status(file.get()));
        if (!same_content(state_of(status, {}), *view.committed))
            return fail(Errc::NotFound,
                        path_of(volume.vm, *part).string() + " has been replaced; the command reload (.varve/ctl) shows what is there now");
        return file;
    }

    Result<std::filesystem::path> device(const VolumePath& volume, const VolumeView& view) const override {
        const auto* part = find_part(volume.volume);
        if (part == nullptr || part->plain) return fail(Errc::NotFound, volume.str() + " is no disk");
        if (!view.degraded.empty()) return fail(Errc::NotFound, volume.str() + " has no device: " + view.degraded);
        TRY(open_state(volume, view, api::CommittedState{}));
        return path_of(volume.vm, *part);
    }

    Result<base::Bytes> exclusive(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const override {
        const auto file = TRY(open_state(volume, view, state));
        return files_.exclusive(file.get());
    }

    Result<> prepare_start(const VolumePath& /*volume*/, const VolumeView& /*present*/, const LockIfCurrent& /*lock*/) override {
        return {};
    }

    Result<std::vector<api::Finding>> verify(const VmName& kernel) const override {
        const auto directory = TRY(open_kernel(kernel));
        std::vector<api::Finding> findings;
        api::StateIds unused;
        for (const auto& part : parts)
            if (auto found = TRY(look_at(files_, directory.get(), part, nullptr, unused)); !found.degraded.empty())
                findings.push_back({path_of(kernel, part), std::move(found.degraded)});
        for (const auto& name : TRY(foreign_entries(files_, directory.get())))
            findings.push_back({(path_of(kernel) / name).string(), "is no part of a kernel, and not shown"});
        return findings;
    }

private:
    // The shared rules let nothing else through.
    Result<std::optional<VolumeView>> run(const VolumePath& volume, const VolumeView* present, const api::Command& command) override {
        if (present == nullptr || !std::holds_alternative<api::Prune>(command)) return base::Failure(read_only(volume.str()).error());
        return std::optional(*present);
    }

    static Result<> read_only(const std::string& what) { return fail(Errc::Unsupported, what + ": a pool of kernels is read-only"); }

    Result<base::UniqueFd> open_kernel(const VmName& kernel) const {
        auto opened = files_.open_directory(top_.get(), kernel.str());
        if (!opened && opened.error().code == Errc::NotFound)
            return fail(Errc::NotFound, "there is no kernel " + kernel.str() + " in " + settings_.dir_path);
        return opened;
    }
    std::filesystem::path path_of(const VmName& kernel) const { return std::filesystem::path(settings_.dir_path) / kernel.str(); }
    std::filesystem::path path_of(const VmName& kernel, const Part& part) const { return path_of(kernel) / part.file; }

    Settings settings_;
    const kernel::FileSystem& files_;
    api::StateIds& ids_;
    spdlog::logger& log_;
    base::UniqueFd top_;  // held: the pool stays this directory whatever happens to its name
};

}  // namespace

Result<std::unique_ptr<api::Pool>> open(const Settings& settings, const kernel::FileSystem& files, api::StateIds& state_ids,
                                        spdlog::logger& log) {
    if (!settings.dir_path.starts_with('/'))
        return fail(Errc::InvalidArgument, "dir_path is '" + settings.dir_path + "' and must be an absolute path");
    auto top = files.open_top(settings.dir_path);
    if (!top) return base::Failure(base::with_context(top.error(), "pool " + settings.name.str()));
    return std::make_unique<KernelPool>(settings, files, state_ids, log, *std::move(top));
}

}  // namespace varve::linux_kernel
