// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/open_writes.h"

#include "fs/engine/scratch_file.h"
#include "fs/engine/transaction.h"

#include <algorithm>
#include <utility>

namespace varve::engine {

using base::Errc;
using base::fail;
using base::Result;

namespace {

Result<> still_written(const Transaction& transaction, const Patience& patience) {
    if (patience.interrupted()) return fail(Errc::Interrupted, "interrupted while waiting; nothing was done: " + transaction.description());
    return fail(Errc::Busy, transaction.description());
}

}  // namespace

Result<> OpenWrites::add(const std::string& file, std::shared_ptr<Transaction> transaction) {
    drop_abandoned();
    const std::lock_guard lock(mutex_);
    const auto [where, added] = transactions_.try_emplace(file, std::move(transaction));
    if (!added) return fail(Errc::Busy, where->second->description());
    return {};
}

std::shared_ptr<Transaction> OpenWrites::find(const std::string& file) {
    drop_abandoned();
    const std::lock_guard lock(mutex_);
    const auto found = transactions_.find(file);
    return found == transactions_.end() ? nullptr : found->second;
}

void OpenWrites::remove(const std::string& file, const Transaction& transaction) {
    std::shared_ptr<Transaction> dying;  // destroyed outside the lock: its image is removed from the pool then
    {
        const std::lock_guard lock(mutex_);
        const auto found = transactions_.find(file);
        if (found == transactions_.end() || found->second.get() != &transaction) return;
        dying = std::move(found->second);
        transactions_.erase(found);
    }
    changed_.notify_all();
}

std::vector<std::string> OpenWrites::files() {
    drop_abandoned();
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [file, transaction] : transactions_) names.push_back(file);
    return names;
}

std::vector<OpenWrites::Progress> OpenWrites::progress() const {
    const std::lock_guard lock(mutex_);
    std::vector<Progress> all;
    all.reserve(transactions_.size());
    for (const auto& [file, transaction] : transactions_)
        all.push_back({transaction->volume(), transaction->restores_revision().has_value(), transaction->written()});
    return all;
}

std::shared_ptr<Transaction> OpenWrites::writer_of(const std::optional<base::VolumeName>& volume) const {
    for (const auto& [file, transaction] : transactions_)
        if (!volume || transaction->volume() == *volume) return transaction;
    return nullptr;
}

Result<> OpenWrites::wait_closed(const std::string& file, Patience& patience) {
    drop_abandoned();
    std::unique_lock lock(mutex_);
    if (patience.wait(changed_, lock, [&] { return !transactions_.contains(file); })) return {};
    return still_written(*transactions_.at(file), patience);
}

Result<> OpenWrites::wait_closed(const std::optional<base::VolumeName>& volume, Patience patience) {
    drop_abandoned();
    std::unique_lock lock(mutex_);
    if (patience.wait(changed_, lock, [&] { return writer_of(volume) == nullptr; })) return {};
    return still_written(*writer_of(volume), patience);
}

void OpenWrites::let_close(std::chrono::milliseconds wait_release) const {
    std::unique_lock lock(mutex_);
    auto deadline = std::chrono::steady_clock::now();
    for (const auto& [file, transaction] : transactions_)
        if (const auto flushed = transaction->flushed_since()) deadline = std::max(deadline, *flushed + wait_release);
    (void)changed_.wait_until(lock, deadline, [&] {  // late: it is as it is
        return std::ranges::none_of(transactions_, [](const auto& each) { return each.second->closing(); });
    });
}

// A thread that was announced a transaction and never came for it (killed, or refused by the kernel) must not keep the volume busy.
void OpenWrites::drop_abandoned() {
    std::vector<std::shared_ptr<Transaction>> dying;  // destroyed outside the lock: their images are removed from the pool then
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(transactions_, [&](auto& each) {
            if (!each.second->end_if_abandoned()) return false;
            dying.push_back(std::move(each.second));
            return true;
        });
    }
    if (!dying.empty()) changed_.notify_all();
}

void OpenWrites::changed() const {
    { const std::lock_guard lock(mutex_); }  // a waiter is either before its check or asleep
    changed_.notify_all();
}

Result<> OpenWrites::add_scratch(const std::string& name, std::shared_ptr<ScratchFile> scratch) {
    const std::lock_guard lock(mutex_);
    if (!scratch_.try_emplace(name, std::move(scratch)).second) return fail(Errc::Exists, "there is a scratch file " + name + " already");
    return {};
}

std::shared_ptr<ScratchFile> OpenWrites::scratch(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = scratch_.find(name);
    return found == scratch_.end() ? nullptr : found->second;
}

std::map<std::string, std::shared_ptr<ScratchFile>> OpenWrites::all_scratch() const {
    const std::lock_guard lock(mutex_);
    return scratch_;
}

std::shared_ptr<ScratchFile> OpenWrites::take_scratch(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = scratch_.find(name);
    if (found == scratch_.end()) return nullptr;
    auto taken = std::move(found->second);
    scratch_.erase(found);
    return taken;
}

void OpenWrites::leaves(const std::shared_ptr<ScratchFile>& scratch) {
    const std::lock_guard lock(mutex_);
    std::erase_if(leaving_, [](const auto& each) { return each.expired(); });
    leaving_.push_back(scratch);
}

bool OpenWrites::wait_left(Patience patience) {
    constexpr std::chrono::milliseconds look{5};  // the kernel's last reference goes with a FORGET, of which nobody tells us
    std::unique_lock lock(mutex_);
    return patience.wait(
        changed_, lock, [&] { return std::ranges::all_of(leaving_, [](const auto& each) { return each.expired(); }); }, look);
}

}  // namespace varve::engine
