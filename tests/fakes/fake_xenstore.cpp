// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_xenstore.h"

#include <algorithm>

namespace varve::fakes {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using xenstore::Path;

std::string above(const std::string& path) {
    const auto end = path.rfind('/');
    return end == 0 ? "/" : path.substr(0, end);
}

bool at_or_below(const std::string& path, const std::string& ancestor) {
    return ancestor == "/" || path == ancestor || path.starts_with(ancestor + "/");
}

base::Failure missing(const Path& path) { return fail(Errc::NotFound, path.str() + " is not there"); }

class FakeWatch final : public xenstore::Watch {
public:
    FakeWatch(FakeXenStore& store, FakeXenStore::WatchId id) : store_(store), id_(id) {}
    ~FakeWatch() override { store_.remove_watch(id_); }
    Result<bool> wait(std::chrono::milliseconds longest) override { return store_.wait_for_any({id_}, longest).has_value(); }

private:
    FakeXenStore& store_;
    FakeXenStore::WatchId id_;
};

class InTransaction final : public xenstore::Tree {
public:
    InTransaction(FakeXenStore& store, FakeXenStore::TransactionId id) : store_(store), id_(id) {}
    Result<std::string> read(const Path& path) override { return store_.read_in(id_, path); }
    Result<std::vector<std::string>> list(const Path& path) override { return store_.list_in(id_, path); }
    Result<> write(const Path& path, std::string_view value) override { return store_.write_in(id_, path, value); }
    Result<> ensure_directory(const Path& path) override { return store_.ensure_directory_in(id_, path); }
    Result<> ensure_removed(const Path& path) override { return store_.ensure_removed_in(id_, path); }
    Result<> set_permissions(const Path& path, const xenstore::Permissions& permissions) override {
        return store_.set_permissions_in(id_, path, permissions);
    }

private:
    FakeXenStore& store_;
    FakeXenStore::TransactionId id_;
};

}  // namespace

FakeXenStore::FakeXenStore() { nodes_.emplace("/", Node{}); }

Result<FakeXenStore::Nodes*> FakeXenStore::nodes_of(TransactionId transaction) {
    if (transaction == 0) return &nodes_;
    const auto found = transactions_.find(transaction);
    if (found == transactions_.end()) return fail(Errc::InvalidArgument, "there is no such transaction");
    return &found->second.nodes;
}

void FakeXenStore::fire(const std::string& path) {
    for (auto& [id, watch] : watches_) watch.fired |= at_or_below(path, watch.path.str());
    fired_.notify_all();
}

void FakeXenStore::touched(TransactionId transaction, const std::string& path) {
    if (transaction != 0) {
        transactions_.at(transaction).touched.insert(path);
        return;
    }
    ++version_;
    fire(path);
}

void FakeXenStore::make_above(Nodes& nodes, const std::string& path) {
    const auto parent = above(path);
    if (!nodes.contains(parent)) make_above(nodes, parent);
    nodes.try_emplace(path, Node{"", nodes.at(parent).permissions});
}

Result<std::string> FakeXenStore::read_in(TransactionId transaction, const Path& path) {
    const std::lock_guard lock(mutex_);
    const auto& nodes = *TRY(nodes_of(transaction));
    const auto found = nodes.find(path.str());
    if (found == nodes.end()) return missing(path);
    return found->second.value;
}

Result<std::vector<std::string>> FakeXenStore::list_in(TransactionId transaction, const Path& path) {
    const std::lock_guard lock(mutex_);
    const auto& nodes = *TRY(nodes_of(transaction));
    if (!nodes.contains(path.str())) return missing(path);
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes)
        if (name != "/" && above(name) == path.str()) names.push_back(name.substr(name.rfind('/') + 1));
    return names;
}

Result<> FakeXenStore::write_in(TransactionId transaction, const Path& path, std::string_view value) {
    const std::lock_guard lock(mutex_);
    auto& nodes = *TRY(nodes_of(transaction));
    constexpr std::size_t most = 4096;  // XENSTORE_PAYLOAD_MAX, with the path
    if (path.str().size() + 1 + value.size() > most) return base::fail_errno(E2BIG, "the value is too large");
    make_above(nodes, path.str());
    nodes.at(path.str()).value = value;
    touched(transaction, path.str());
    return {};
}

Result<> FakeXenStore::ensure_directory_in(TransactionId transaction, const Path& path) {
    const std::lock_guard lock(mutex_);
    auto& nodes = *TRY(nodes_of(transaction));
    if (nodes.contains(path.str())) return {};
    make_above(nodes, path.str());
    touched(transaction, path.str());
    return {};
}

Result<> FakeXenStore::ensure_removed_in(TransactionId transaction, const Path& path) {
    const std::lock_guard lock(mutex_);
    auto& nodes = *TRY(nodes_of(transaction));
    if (path.str() == "/") return fail(Errc::InvalidArgument, "the root of xenstore stays");
    if (std::erase_if(nodes, [&](const auto& node) { return at_or_below(node.first, path.str()); }) > 0) touched(transaction, path.str());
    return {};
}

Result<> FakeXenStore::set_permissions_in(TransactionId transaction, const Path& path, const xenstore::Permissions& permissions) {
    const std::lock_guard lock(mutex_);
    auto& nodes = *TRY(nodes_of(transaction));
    const auto found = nodes.find(path.str());
    if (found == nodes.end()) return missing(path);
    found->second.permissions = permissions;
    touched(transaction, path.str());
    return {};
}

Result<xenstore::Permissions> FakeXenStore::permissions_of(const Path& path) {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(path.str());
    if (found == nodes_.end()) return missing(path);
    return found->second.permissions;
}

FakeXenStore::TransactionId FakeXenStore::begin() {
    const std::lock_guard lock(mutex_);
    transactions_.emplace(++last_transaction_, Transaction{nodes_, version_});
    return last_transaction_;
}

Result<bool> FakeXenStore::end(TransactionId transaction, bool commit) {
    const std::lock_guard lock(mutex_);
    (void)TRY(nodes_of(transaction));
    const auto ended = transactions_.extract(transaction);
    if (!commit) return true;
    auto& changes = ended.mapped();
    if (changes.begun_at != version_) return false;
    if (changes.touched.empty()) return true;
    nodes_ = std::move(changes.nodes);
    ++version_;
    for (const auto& path : changes.touched) fire(path);
    return true;
}

Result<bool> FakeXenStore::try_transaction(const Steps& steps) {
    const auto transaction = begin();
    InTransaction inside(*this, transaction);
    if (auto done = steps(inside); !done) {
        (void)end(transaction, false);  // it is open
        return base::Failure(std::move(done).error());
    }
    return end(transaction, true);
}

Result<std::unique_ptr<xenstore::Watch>> FakeXenStore::watch(const Path& path) {
    return std::unique_ptr<xenstore::Watch>(std::make_unique<FakeWatch>(*this, add_watch(path)));
}

FakeXenStore::WatchId FakeXenStore::add_watch(const Path& path) {
    const std::lock_guard lock(mutex_);
    watches_.emplace(++last_watch_, WatchState{path});
    fired_.notify_all();
    return last_watch_;
}

void FakeXenStore::remove_watch(WatchId watch) {
    const std::lock_guard lock(mutex_);
    watches_.erase(watch);
}

std::optional<FakeXenStore::WatchId> FakeXenStore::wait_for_any(const std::set<WatchId>& watches, std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    std::optional<WatchId> fired;
    (void)fired_.wait_for(lock, longest, [&] {  // what it says is in `fired`
        for (auto& [id, watch] : watches_)
            if (!fired && watches.contains(id) && std::exchange(watch.fired, false)) fired = id;
        return fired.has_value();
    });
    return fired;
}

}  // namespace varve::fakes
