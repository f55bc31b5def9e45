// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/context.h"
#include "drivers/lvm_thin/lv_names.h"
#include "drivers/lvm_thin/lvm_thin.h"
#include "drivers/lvm_thin/session_commands.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace varve::lvm_thin {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using base::VolumePath;

// An image may be destroyed after its pool.
class Home final : public ImageHome {
public:
    explicit Home(std::shared_ptr<Context> pool) : pool_(std::move(pool)) {}
    Result<> resize(const LvUuid& lv, base::Bytes size) override {
        // A publish holds the command lock already, and trims in the same thread.
        return pool_->catalog.set_size(lv, pool_->catalog.rounded(size));
    }
    Result<base::Bytes> mapped(const LvUuid& lv) const override { return pool_->lvm->mapped(TRY(pool_->catalog.name_of(lv))); }
    Result<> discard(int fd, base::Bytes offset, base::Bytes length) override { return pool_->lvm->discard(fd, offset, length); }
    base::Timestamp now() const override { return pool_->clock.now(); }
    base::Bytes rounded(base::Bytes size) const override { return pool_->catalog.rounded(size); }

private:
    std::shared_ptr<Context> pool_;
};

bool runs(const Contents& now, const RecordId& volume) {
    if (now.sessions.contains(volume)) return true;
    const auto committed = now.records.committed(volume);
    return committed && now.records.states.at(*committed).layerless;
}

class ThinPool final : public api::Pool {
public:
    explicit ThinPool(std::shared_ptr<Context> context) : context_(std::move(context)) {}

    api::Capabilities capabilities() const override {
        return {.revisions = true,
                .label = api::Method::Clone,
                .clone = api::Method::Clone,
                .transaction = api::Method::Clone,
                .origin_snapshot = false,
                .no_snapshot_layer = true,
                .commit_running = true,
                .ephemeral = false,
                .size_unit = context_->catalog.rounded({1}),
                .clone_ranges = false};
    }

    Result<api::Space> space() const override {
        const auto health = TRY(context_->lvm->health());
        const auto free = health.data_used < health.data ? health.data - health.data_used : base::Bytes{};
        return api::Space{health.data, health.data_used, free};
    }

    std::vector<std::pair<std::string, std::string>> parameters() const override {
        return {{"volume_group", context_->settings.volume_group}, {"thin_pool", context_->settings.thin_pool}};
    }

    std::optional<std::filesystem::path> lock_directory() const override { return lvm_thin::lock_directory(context_->settings); }

    // ---- VMs
    Result<> recover() override {
        const std::lock_guard lock(context_->commands);
        return context_->catalog.recover();
    }

    Result<std::vector<VmName>> list_vms() const override {
        return context_->catalog.look([](const Contents& now) {
            std::vector<VmName> names;
            for (const auto& [id, vm] : now.records.vms) names.push_back(vm.name);
            std::ranges::sort(names);
            return names;
        });
    }

    Result<api::VmView> load_vm(const VmName& name) override {
        const std::lock_guard lock(context_->commands);
        TRY(context_->catalog.refresh());
        const auto id = TRY(vm_id(name));
        forget_ids(id);
        const auto [vm, volumes] = context_->catalog.look([&](const Contents& now) {
            std::vector<std::pair<RecordId, base::VolumeName>> found;
            for (const auto& [volume, record] : now.records.volumes)
                if (record.vm == id) found.emplace_back(volume, record.name);
            return std::pair(now.records.vms.at(id), found);
        });
        api::VmView view{vm.ownership, vm.created, {}, foreign(name)};
        for (const auto& [volume, volume_name] : volumes)
            view.volumes.emplace(volume_name, std::make_shared<const api::VolumeView>(*view_of(*context_, volume)));
        return view;
    }

    Result<> create_vm(const VmName& name, const api::Ownership& ownership) override {
        TRY(LvNameRules::check("vm-" + name.str()));
        const std::lock_guard lock(context_->commands);
        auto next = TRY(records());
        if (next.find(name)) return fail(Errc::Exists, "there is a VM " + name.str() + " in this pool already");
        next.vms.emplace(RecordId{context_->catalog.unique_name()}, VmRecord{name, ownership, context_->clock.now()});
        return context_->catalog.commit(std::move(next));
    }

    Result<> remove_vm(const VmName& name) override {
        const std::lock_guard lock(context_->commands);
        auto next = TRY(records());
        const auto id = TRY(vm_id(name));
        for (const auto& [volume, record] : next.volumes)
            if (record.vm == id) return fail(Errc::NotEmpty, name.str() + " still has volumes or revisions, such as " + record.name.str());
        if (const auto others = foreign(name); !others.empty())
            return fail(Errc::NotEmpty, "there are LVs of " + name.str() + " that are not Varve's, such as " + others.front());
        next.vms.erase(id);
        return context_->catalog.commit(std::move(next));
    }

    Result<> set_ownership(const VmName& name, const api::Ownership& ownership) override {
        const std::lock_guard lock(context_->commands);
        auto next = TRY(records());
        next.vms.at(TRY(vm_id(name))).ownership = ownership;
        return context_->catalog.commit(std::move(next));
    }

    // Volumes know their VM, and snapshots their source, by ids: one record changes, and the children follow of themselves.
    Result<> rename_vm(const VmName& from, const VmName& to, const std::vector<VolumePath>& /*children*/) override {
        TRY(LvNameRules::check("vm-" + to.str()));
        const std::lock_guard lock(context_->commands);
        auto next = TRY(records());
        const auto id = TRY(vm_id(from));
        if (next.find(to)) return fail(Errc::Exists, "there is a VM " + to.str() + " in this pool already");
        std::vector<RecordId> volumes;
        for (const auto& [volume, record] : next.volumes) {
            if (record.vm != id) continue;
            TRY(check_names(context_->settings.volume_group, {to, record.name}));
            if (context_->catalog.look([&, &each = volume](const Contents& now) { return runs(now, each); }))
                return fail(Errc::Busy, from.str() + " cannot be renamed while " + record.name.str() + " is started or dirty");
            volumes.push_back(volume);
        }
        next.vms.at(id).name = to;
        TRY(context_->catalog.commit(std::move(next)));
        for (const auto& volume : volumes) context_->catalog.settle_names(volume);
        return {};
    }

    // ---- volumes
    Result<std::optional<api::VolumeView>> load_volume(const VolumePath& volume, const api::VolumeView* /*known*/) override {
        const std::lock_guard lock(context_->commands);
        TRY(context_->catalog.refresh());
        return look_at(volume);
    }

    Result<> rename_volume(const VolumePath& from, const VolumePath& to, const api::VolumeView& /*present*/,
                           const std::vector<VolumePath>& /*children*/) override {
        TRY(check_names(context_->settings.volume_group, to));
        const std::lock_guard lock(context_->commands);
        auto next = TRY(records());
        const auto id = next.find(from);
        if (!id) return fail(Errc::NotFound, "there is no volume " + from.str());
        if (next.find(to)) return fail(Errc::Exists, to.str() + " exists already");
        if (context_->catalog.look([&](const Contents& now) { return runs(now, *id); }))
            return fail(Errc::Busy, from.str() + " cannot be renamed while it is started or dirty");
        auto& record = next.volumes.at(*id);
        record.vm = TRY(vm_id(to.vm));
        record.name = to.volume;
        TRY(context_->catalog.commit(std::move(next)));
        context_->catalog.settle_names(*id);
        return {};
    }

    // ---- data
    Result<base::UniqueFd> open_state(const VolumePath& volume, const api::VolumeView& view, const api::StateRef& state) const override {
        return open_lv(*context_, TRY(find_state(*context_, volume, view, state)), Lvm::Access::Read);
    }

    Result<api::PrivateImage> create_image(const VmName& vm, std::optional<int> content) override;
    Result<> clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset, base::Bytes length) override;

    Result<std::filesystem::path> device(const VolumePath& volume, const api::VolumeView& view) const override {
        if (!view.session || view.session->phase != api::Session::Phase::Started)
            return fail(Errc::NotFound, volume.str() + " is not started");
        const auto lv = context_->catalog.look([&](const Contents& now) -> std::optional<LvUuid> {
            const auto id = now.records.find(volume);
            if (!id) return std::nullopt;
            if (const auto session = now.sessions.find(*id); session != now.sessions.end()) return session->second.first;
            return now.records.committed(*id);
        });
        if (!lv) return fail(Errc::NotFound, volume.str() + " is not started");
        return context_->lvm->path_of(TRY(context_->catalog.name_of(*lv)));
    }

    Result<base::Bytes> exclusive(const VolumePath& volume, const api::VolumeView& view, const api::StateRef& state) const override {
        const auto lv = TRY(find_state(*context_, volume, view, state));
        const std::lock_guard lock(context_->commands);
        return context_->lvm->exclusive(TRY(context_->catalog.name_of(lv)));
    }

    Result<base::Extents> may_differ(const VolumePath& volume, const api::VolumeView& view, const api::StateRef& one,
                                     const api::StateRef& other) const override {
        const auto first = TRY(find_state(*context_, volume, view, one));
        const auto second = TRY(find_state(*context_, volume, view, other));
        if (first == second) return base::Extents{};
        const std::lock_guard lock(context_->commands);
        return context_->lvm->differing(TRY(context_->catalog.name_of(first)), TRY(context_->catalog.name_of(second)));
    }

    // A start is one LVM command: nothing can be made ready for it.
    Result<> prepare_start(const VolumePath& /*volume*/, const api::VolumeView& /*present*/, const LockIfCurrent& /*lock*/) override {
        return {};
    }

    Result<std::vector<api::Finding>> verify(const VmName& vm) const override;

private:
    Result<std::optional<api::VolumeView>> run(const VolumePath& volume, const api::VolumeView* /*present*/,
                                               const api::Command& command) override {
        const std::lock_guard lock(context_->commands);
        TRY(lvm_thin::run(*context_, volume, command));
        return look_at(volume);
    }

    std::optional<api::VolumeView> look_at(const VolumePath& volume) const {
        const auto id = context_->catalog.look([&](const Contents& now) { return now.records.find(volume); });
        return id ? view_of(*context_, *id) : std::nullopt;
    }

    Result<Records> records() const {
        TRY(context_->catalog.refresh());
        return context_->catalog.look([](const Contents& now) { return now.records; });
    }

    Result<RecordId> vm_id(const VmName& name) const {
        auto id = context_->catalog.look([&](const Contents& now) { return now.records.find(name); });
        if (!id) return fail(Errc::NotFound, "there is no VM " + name.str() + " in this pool");
        return *std::move(id);
    }

    // LVs that are called as this VM's, and are no volume's that the records know.
    std::vector<std::string> foreign(const VmName& name) const {
        return context_->catalog.look([&](const Contents& now) {
            std::vector<std::string> names;
            const auto add = [&](const std::string& lv) {
                if (const auto parsed = parse_name(lv); parsed && parsed->volume.vm == name) names.push_back(lv);
            };
            for (const auto& [uuid, lv] : now.lvs) {
                if (!now.records.states.contains(uuid) && !now.records.garbage.contains(uuid) && !now.is_session(uuid)) add(lv.name);
            }
            for (const auto& lv : now.other_names) add(lv);
            return names;
        });
    }

    void forget_ids(const RecordId& vm) const {
        const auto lvs = context_->catalog.look([&](const Contents& now) {
            std::vector<LvUuid> found;
            for (const auto& [lv, state] : now.records.states)
                if (now.records.volumes.at(state.volume).vm == vm) found.push_back(lv);
            for (const auto& [volume, session] : now.sessions)
                if (now.records.volumes.at(volume).vm == vm) found.push_back(session.first);
            return found;
        });
        const std::lock_guard lock(context_->memory);
        for (const auto& lv : lvs) {
            context_->state_ids.erase(lv);
            context_->base_ids.erase(lv);
        }
    }

    std::shared_ptr<Context> context_;
};

// ---- private images

void discard_image(Context& pool, const std::string& handle) {
    const std::lock_guard lock(pool.commands);
    std::optional<LvUuid> lv;
    {
        const std::lock_guard memory_lock(pool.memory);
        const auto found = pool.images.find(handle);
        if (found == pool.images.end()) return;
        lv = found->second;
        pool.images.erase(found);
    }
    if (const auto removed = pool.catalog.remove(*lv); !removed)
        pool.catalog.log(handle, "stays until the next start: " + removed.error().message());
}

Result<api::PrivateImage> ThinPool::create_image(const VmName& vm, std::optional<int> content) {
    constexpr base::Bytes first_size{std::uint64_t{1} << 30};  // thin: it takes no room
    const std::lock_guard lock(context_->commands);
    TRY(context_->catalog.refresh());
    (void)TRY(vm_id(vm));
    auto handle = context_->catalog.unique_name();
    const auto chunk = TRY(context_->lvm->health()).chunk;
    ThinImage::Start start{{}, {}, {}, chunk, context_->clock.now()};
    if (content) {
        const auto origin = TRY(context_->lvm->shown_by(*content));
        const auto state = context_->catalog.look([&](const Contents& now) {
            const auto found = now.records.states.find(origin);
            return found == now.records.states.end() ? std::optional<StateRecord>() : std::optional(found->second);
        });
        const auto size = context_->catalog.look([&](const Contents& now) {
            const auto found = now.lvs.find(origin);
            return found == now.lvs.end() ? base::Bytes{} : found->second.size;
        });
        start.lv = TRY(context_->catalog.snapshot(origin, temporary_name(handle), {}, Lvm::Activation::Active));
        start.capacity = size;
        start.size = state ? state->size : size;
        if (state) start.modified = state->modified;
    } else {
        start.lv =
            TRY(context_->catalog.create(temporary_name(handle), context_->catalog.rounded(first_size), {}, Lvm::Activation::Active));
        start.capacity = context_->catalog.rounded(first_size);
    }
    auto fd = context_->lvm->open(TRY(context_->catalog.name_of(start.lv)), Lvm::Access::ReadWrite);
    if (!fd) {
        (void)context_->catalog.remove(start.lv);  // the open's failure is the one to tell; recovery sweeps
        return base::Failure(std::move(fd).error());
    }
    {
        const std::lock_guard memory_lock(context_->memory);
        context_->images.emplace(handle, start.lv);
    }
    auto storage = std::make_unique<ThinImage>(std::make_shared<Home>(context_), *std::move(fd), start);
    return api::PrivateImage(std::move(storage), std::move(handle),
                             [pool = context_](const std::string& name) { discard_image(*pool, name); });
}

// A thin pool shares whole volumes only: an empty image becomes a snapshot of the source. Programs ask for large files piece by piece, so the
// pieces that follow are there already.
Result<> ThinPool::clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset, base::Bytes length) {
    const auto refuse = [] { return fail(Errc::Unsupported, "a thin pool can clone only a whole state into an empty image"); };
    auto* image = dynamic_cast<ThinImage*>(&to.storage());
    const auto source = TRY(context_->lvm->shown_by(from));
    const auto state = context_->catalog.look([&](const Contents& now) {
        const auto found = now.records.states.find(source);
        return found == now.records.states.end() ? std::optional<StateRecord>() : std::optional(found->second);
    });
    if (image == nullptr || !state || from_offset > state->size) return refuse();
    const auto count = length.count == 0 ? state->size - from_offset : length;
    if (count > state->size - from_offset) return refuse();
    if (image->extend_clone(source, from_offset, to_offset, to_offset + count)) return {};
    if (from_offset.count != 0 || to_offset.count != 0 || !image->is_empty()) return refuse();

    const std::lock_guard lock(context_->commands);
    const auto old = image->lv();
    const auto lv = TRY(context_->catalog.snapshot(source, temporary_name(context_->catalog.unique_name()), {}, Lvm::Activation::Active));
    auto fd = context_->lvm->open(TRY(context_->catalog.name_of(lv)), Lvm::Access::ReadWrite);
    if (!fd) {
        (void)context_->catalog.remove(lv);  // the open's failure is the one to tell; recovery sweeps
        return base::Failure(std::move(fd).error());
    }
    const auto capacity = context_->catalog.look([&](const Contents& now) { return now.lvs.at(lv).size; });
    image->replace(lv, *std::move(fd), capacity, source, state->size, count);
    {
        const std::lock_guard memory_lock(context_->memory);
        context_->images.insert_or_assign(to.handle(), lv);
    }
    if (const auto removed = context_->catalog.remove(old); !removed)
        context_->catalog.log(to.handle(), "an empty image stays until the next start: " + removed.error().message());
    return {};
}

Result<std::vector<api::Finding>> ThinPool::verify(const VmName& vm) const {
    const std::lock_guard lock(context_->commands);
    TRY(context_->catalog.reload());
    (void)TRY(vm_id(vm));
    std::vector<api::Finding> findings;
    for (const auto& name : foreign(vm))
        findings.push_back(
            {context_->settings.volume_group + "/" + name, "it is called like a volume of this VM and is not Varve's; it is left alone"});
    context_->catalog.look([&](const Contents& now) {
        for (const auto& finding : now.findings) findings.push_back(finding);
        for (const auto& [lv, state] : now.records.states) {
            const auto path = now.records.path(state.volume);
            if (path.vm == vm && now.lvs.at(lv).size < state.size)
                findings.push_back({now.lvs.at(lv).name, "the LV is smaller than the state in it, which has " + base::human(state.size)});
        }
    });
    const auto health = TRY(context_->lvm->health());
    if (!health.trouble.empty()) findings.push_back({context_->settings.thin_pool, "the thin pool takes no writes: " + health.trouble});
    return findings;
}

}  // namespace

std::filesystem::path lock_directory(const Settings& settings) {
    return std::filesystem::path("/run/varve/lvm_thin") / (settings.volume_group + "-" + settings.thin_pool);
}

Result<std::unique_ptr<api::Pool>> open(const Settings& settings, std::unique_ptr<Lvm> lvm, api::StateIds& state_ids,
                                        const base::Clock& clock, spdlog::logger& log, const kernel::BootId& boot_id) {
    TRY(VgNameRules::check(settings.volume_group));
    TRY(LvNameRules::check(settings.thin_pool));
    auto context = std::make_shared<Context>(settings, std::move(lvm), state_ids, clock, log, boot_id);
    TRY(context->catalog.reload());
    auto found = context->lvm->health();
    if (!found && found.error().code == Errc::NotFound) {
        TRY(context->lvm->activate(settings.thin_pool));
        found = context->lvm->health();
    }
    const auto health = TRY(std::move(found));
    const auto name = settings.volume_group + "/" + settings.thin_pool;
    if (!health.zeroes_new)
        return fail(Errc::Unsupported,
                    "the thin pool " + name +
                        " does not zero new blocks, so a VM could read what another one has left; run lvchange --zero y " + name);
    std::error_code failed;
    const auto directory = lock_directory(settings);
    std::filesystem::create_directories(directory, failed);
    if (failed) return base::fail_errno(failed.value(), "cannot make " + directory.string() + ", where the pool's lock is");
    return std::make_unique<ThinPool>(std::move(context));
}

}  // namespace varve::lvm_thin
