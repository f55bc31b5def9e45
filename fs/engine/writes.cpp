// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/writes.h"

#include "fs/engine/image_io.h"
#include "fs/paths/entry_name.h"
#include "fs/paths/link_target.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

namespace varve::engine {

using base::Errc;
using base::fail;
using base::Result;

namespace {

constexpr std::chrono::seconds scratch_life = std::chrono::hours(24);

bool same_state(const VolumeView& a, const VolumeView& b) {
    if (!a || !a->committed) return !b || !b->committed;
    return b && b->committed && a->committed->id == b->committed->id && a->committed->identity == b->committed->identity;
}

Result<api::StateRef> find_committed(const VolumeRef& volume, const VolumeView& view) {
    if (view && view->committed) return api::CommittedState{};
    return fail(Errc::NotFound, volume.path().str() + " has no committed state");
}

}  // namespace

// ---- transactions

Result<std::shared_ptr<Transaction>> Writes::begin(const VolumeRef& volume, const std::optional<base::RevisionId>& revision,
                                                   Transaction::Origin origin, const Writer& writer) {
    auto transaction = std::make_shared<Transaction>(volumes_, processes_, volume, revision, std::move(origin), writer.process);
    (void)transaction->expect_open();  // new, so it has not ended
    TRY(volumes_.begin(volume, transaction->file(), transaction));
    return transaction;
}

// Who opens again right after a close gets a transaction of its own, not the one that is just ending.
void Writes::let_close(OpenWrites& writes, const Transaction& closing, const Writer& writer) const {
    if (!closing.closing()) return;
    const auto patience = closing.process() == writer.process ? volumes_.settings().wait_release : volumes_.settings().wait_busy;
    (void)writes.wait(patience, [&] { return !closing.closing() || !closing.has_handles(); });            // late: joined or Busy
    if (!closing.has_handles()) (void)writes.wait_closed(closing.file(), volumes_.settings().wait_busy);  // the same
}

// The transaction that is open already, if there is one and it is this process's.
Result<std::shared_ptr<Transaction>> Writes::join(const VolumeRef& volume, const std::string& file, const Writer& writer, bool truncate) {
    auto& writes = volume.vm->writes();
    if (const auto present = writes.find(file)) let_close(writes, *present, writer);
    const auto open = writes.find(file);
    if (!open) return nullptr;
    if (writer.process == 0 || open->process() != writer.process) return fail(Errc::Busy, open->description());
    if (!open->expect_open()) {
        TRY(writes.wait_closed(file, volumes_.settings().wait_busy));  // its last release has just come: in a moment it is gone
        return nullptr;
    }
    if (truncate)
        if (auto truncated = open->truncate_again(); !truncated) {
            open->expect_no_open();
            return base::Failure(std::move(truncated).error());
        }
    return open;
}

Result<> Writes::open_again(const std::shared_ptr<Transaction>& transaction, const Writer& writer) {
    auto& writes = transaction->ref().vm->writes();
    const auto file = transaction->file();
    const auto ended = [&] { return base::fail_errno(ESTALE, file + " is being written no more"); };
    let_close(writes, *transaction, writer);
    if (writes.find(file) != transaction) return ended();
    if (writer.process == 0 || writer.process != transaction->process()) return fail(Errc::Busy, transaction->description());
    if (transaction->expect_open() && transaction->opened()) return {};
    TRY(writes.wait_closed(file, volumes_.settings().wait_busy));  // its last release has just come: in a moment it is gone
    return ended();
}

Result<std::shared_ptr<Transaction>> Writes::open(const VolumeRef& volume, const Writer& writer, bool truncate) {
    const auto file = paths::volume_file(volume.volume);
    if (auto joined = TRY(join(volume, file, writer, truncate))) {
        announce(joined, writer);
        return joined;
    }
    auto view = volume.view();
    Transaction::Origin origin{{}, {}, truncate};
    if (view && view->committed) {
        origin.committed = TRY(volumes_.open_state(volume, [&](const VolumeView& now) {
            view = now;
            return find_committed(volume, now);
        }));
        origin.size = view->committed->size;
    }
    auto begun = TRY(begin(volume, {}, std::move(origin), writer));
    // Another writer, a stop or a revert may have committed between the look and the begin: what it made must not be written over unseen.
    if (!same_state(view, volume.view())) {
        volume.vm->writes().remove(file, *begun);
        return fail(Errc::Busy, volume.path().str() + " has just got another state; open it again");
    }
    announce(begun, writer);
    return begun;
}

Result<std::shared_ptr<Transaction>> Writes::create(const VolumeRef& volume, const std::optional<base::RevisionId>& revision,
                                                    const Writer& writer) {
    auto begun = TRY(begin(volume, revision, {}, writer));
    // Somebody may have created it since the caller looked; nobody can while this one is open.
    if (const auto view = volume.view(); !revision && view && view->committed) {
        volume.vm->writes().remove(begun->file(), *begun);
        return fail(Errc::Exists, volume.path().str() + " exists already");
    }
    if (!begun->opened()) return fail(Errc::Busy, begun->description() + ", which took too long to open it");
    return begun;
}

void Writes::announce(const std::shared_ptr<Transaction>& transaction, const Writer& writer) {
    std::shared_ptr<Transaction> earlier;
    {
        const std::lock_guard lock(mutex_);
        earlier = std::exchange(announced_[writer.thread], transaction);
    }
    if (earlier) earlier->expect_no_open();  // a thread does one thing at a time: it never came for that one
}

std::shared_ptr<Transaction> Writes::announced(const Vm& vm, const std::string& file, pid_t thread) const {
    const std::lock_guard lock(mutex_);
    const auto found = announced_.find(thread);
    if (found == announced_.end()) return nullptr;
    return found->second->ref().vm.get() == &vm && found->second->file() == file ? found->second : nullptr;
}

bool Writes::open_announced(const std::shared_ptr<Transaction>& transaction, pid_t thread) {
    const std::lock_guard lock(mutex_);
    const auto found = announced_.find(thread);
    if (found == announced_.end() || found->second != transaction) return false;
    announced_.erase(found);
    return transaction->opened();
}

std::shared_ptr<Transaction> Writes::creating(Vm& vm, const std::string& file) const {
    auto open = vm.writes().find(file);
    if (!open) return nullptr;
    if (const auto flushed = open->unsettled_since())
        (void)vm.writes().wait_until(*flushed + volumes_.settings().wait_release,
                                     [&] { return !open->unsettled_since() || !open->has_handles(); });  // else: as it is
    if (!open->has_handles() && open->closing()) {
        (void)vm.writes().wait_closed(file, volumes_.settings().wait_release);  // else: as it is
        open = vm.writes().find(file);
    }
    return open && open->creates() ? open : nullptr;
}

void Writes::let_close(Vm& vm) const { vm.writes().let_close(volumes_.settings().wait_release); }

std::vector<std::string> Writes::creating(Vm& vm) const {
    std::vector<std::string> files;
    for (const auto& file : vm.writes().files())
        if (creating(vm, file)) files.push_back(file);
    return files;
}

// ---- scratch files

Result<std::shared_ptr<ScratchFile>> Writes::create_scratch(const VmPtr& vm, const std::string& name) {
    sweep_scratch(*vm);
    auto image = TRY(vm->pool().driver().create_image(vm->name(), std::nullopt));
    auto scratch = std::make_shared<ScratchFile>(std::move(image), clock_.now());
    TRY(vm->writes().add_scratch(name, scratch));
    return scratch;
}

Result<std::shared_ptr<ScratchFile>> Writes::create_scratch_link(const VmPtr& vm, const std::string& name, const std::string& target) {
    (void)TRY(paths::parse_link_target(target, vm->name()));  // refused now, not at the rename
    auto scratch = std::make_shared<ScratchFile>(ScratchFile::Link{target}, clock_.now());
    TRY(vm->writes().add_scratch(name, scratch));
    return scratch;
}

Result<std::shared_ptr<ScratchFile>> Writes::create_scratch_snapshot(const VolumeRef& volume, const VmPtr& vm, const std::string& name) {
    const auto state = TRY(volumes_.open_state(volume, [&](const VolumeView& view) { return find_committed(volume, view); }));
    auto image = TRY(volume.vm->pool().driver().create_image(vm->name(), state.get()));
    auto scratch = std::make_shared<ScratchFile>(std::move(image), clock_.now());
    TRY(vm->writes().add_scratch(name, scratch));
    return scratch;
}

void Writes::scratch_released(Vm& vm, ScratchFile& scratch, bool for_writing) const {
    scratch.released(for_writing, clock_.now().seconds);
    vm.writes().changed();
}

Result<> Writes::remove_scratch(Vm& vm, const std::string& name) {
    const auto taken = vm.writes().take_scratch(name);
    if (!taken) return fail(Errc::NotFound, "there is no scratch file " + name);
    vm.writes().leaves(taken);
    return {};
}

Result<> Writes::rename_scratch(Vm& from, const std::string& name, Vm& to, const std::string& new_name) {
    if (&from.pool() != &to.pool()) return fail(Errc::CrossPool, "a scratch file stays in its pool");
    if (&from != &to) return fail(Errc::CrossPool, "a scratch file stays in its VM's directory");
    auto scratch = from.writes().take_scratch(name);
    if (!scratch) return fail(Errc::NotFound, "there is no scratch file " + name);
    (void)to.writes().take_scratch(new_name);  // replaced, as rename(2) does
    return to.writes().add_scratch(new_name, std::move(scratch));
}

Result<> Writes::publish_scratch(Vm& from, const std::string& name, const VolumeRef& volume,
                                 const std::optional<base::RevisionId>& revision) {
    const auto scratch = from.writes().scratch(name);
    if (!scratch) return fail(Errc::NotFound, "there is no scratch file " + name);
    if (&from != volume.vm.get()) return fail(Errc::CrossPool, "a scratch file becomes a state in its own VM's directory only");
    if (const auto* link = scratch->link()) {
        if (revision) return fail(Errc::InvalidArgument, "a revision cannot be a symbolic link");
        TRY(link_source(volume, link->target));
    } else {
        // Trees that are copied back show a volatile volume as an empty file.
        if (const auto view = volume.view();
            view && !revision && std::holds_alternative<api::Volatile>(view->config.kind) && TRY(status(*scratch->image())).st_size == 0) {
            (void)from.writes().take_scratch(name);
            return {};
        }
        // close() returns before the kernel has told us of the release, so who renames right after a close must wait a little.
        if (!from.writes().wait(volumes_.settings().wait_busy, [&] { return scratch->claim(); }))
            return fail(Errc::Busy, name + " is still open for writing; close it before it is renamed");
        if (scratch->spoiled()) {
            scratch->unclaim();
            return fail(Errc::Io, "a write to " + name + " failed or its writer was killed, so it cannot become a state");
        }
        const auto published = revision ? volumes_.publish(volume, *scratch->image(), api::Publish::AsRevision{*revision}, nullptr)
                                        : volumes_.publish(volume, *scratch->image(), api::Publish::AsCommitted{}, nullptr);
        if (!published) {
            scratch->unclaim();
            return base::Failure(published.error());
        }
    }
    (void)from.writes().take_scratch(name);  // it is a state now, or its link is a volume's source
    return {};
}

void Writes::sweep_scratch(Vm& vm) const {
    const auto now = clock_.now().seconds;
    for (const auto& [name, scratch] : vm.writes().all_scratch())
        if (scratch->stale(now, scratch_life)) (void)vm.writes().take_scratch(name);  // gone already: the same
}

Result<> Writes::link_source(const VolumeRef& volume, const std::string& target) {
    auto source = TRY(paths::parse_link_target(target, volume.vm->name()));
    if (source.volume == volume.path()) return fail(Errc::InvalidArgument, "a volume cannot be its own source");
    if (!volume.view()) {
        api::VolumeConfig config;
        config.kind = api::Snapshot{std::move(source)};
        return volumes_.create(volume, std::move(config));
    }
    return volumes_.configure(volume, [&](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        auto* snapshot = std::get_if<api::Snapshot>(&config.kind);
        if (snapshot == nullptr) return fail(Errc::Exists, volume.path().str() + " exists and is no snapshot volume");
        snapshot->source = source;
        return config;
    });
}

}  // namespace varve::engine
