// SPDX-License-Identifier: LGPL-2.1-or-later
// A xenstore in memory, with the rules of Xen's docs/misc/xenstore.txt that can be seen from the control domain.
#pragma once

#include "orchestrator/xenstore/xenstore.h"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace varve::fakes {

// Thread-safe.
class FakeXenStore final : public xenstore::XenStore {
public:
    using TransactionId = std::uint32_t;  // 0: none
    using WatchId = std::uint64_t;

    FakeXenStore();

    base::Result<std::string> read(const xenstore::Path& path) override { return read_in(0, path); }
    base::Result<std::vector<std::string>> list(const xenstore::Path& path) override { return list_in(0, path); }
    base::Result<> write(const xenstore::Path& path, std::string_view value) override { return write_in(0, path, value); }
    base::Result<> ensure_directory(const xenstore::Path& path) override { return ensure_directory_in(0, path); }
    base::Result<> ensure_removed(const xenstore::Path& path) override { return ensure_removed_in(0, path); }
    base::Result<> set_permissions(const xenstore::Path& path, const xenstore::Permissions& permissions) override {
        return set_permissions_in(0, path, permissions);
    }
    base::Result<std::unique_ptr<xenstore::Watch>> watch(const xenstore::Path& path) override;

    // The same within a transaction; InvalidArgument for one that is not open.
    base::Result<std::string> read_in(TransactionId transaction, const xenstore::Path& path);
    base::Result<std::vector<std::string>> list_in(TransactionId transaction, const xenstore::Path& path);
    base::Result<> write_in(TransactionId transaction, const xenstore::Path& path, std::string_view value);
    base::Result<> ensure_directory_in(TransactionId transaction, const xenstore::Path& path);
    base::Result<> ensure_removed_in(TransactionId transaction, const xenstore::Path& path);
    base::Result<> set_permissions_in(TransactionId transaction, const xenstore::Path& path, const xenstore::Permissions& permissions);
    TransactionId begin();
    // False: another one has changed something since it began, and nothing was done.
    base::Result<bool> end(TransactionId transaction, bool commit);

    // Who may what; NotFound.
    base::Result<xenstore::Permissions> permissions_of(const xenstore::Path& path);

    WatchId add_watch(const xenstore::Path& path);
    void remove_watch(WatchId watch);
    // Waits for one of these watches to fire and takes that; nullopt when the time passed.
    std::optional<WatchId> wait_for_any(const std::set<WatchId>& watches, std::chrono::milliseconds longest);

private:
    struct Node {
        std::string value;
        xenstore::Permissions permissions;
    };
    using Nodes = std::map<std::string, Node>;
    struct Transaction {
        Nodes nodes;
        std::uint64_t begun_at = 0;  // the store's version
        std::set<std::string> touched = {};
    };
    struct WatchState {
        xenstore::Path path;
        bool fired = true;  // once at the beginning
    };

    base::Result<bool> try_transaction(const Steps& steps) override;
    base::Result<Nodes*> nodes_of(TransactionId transaction);
    void touched(TransactionId transaction, const std::string& path);
    void fire(const std::string& path);
    static void make_above(Nodes& nodes, const std::string& path);

    std::mutex mutex_;
    std::condition_variable fired_;
    Nodes nodes_;
    std::uint64_t version_ = 0;
    std::map<TransactionId, Transaction> transactions_;
    TransactionId last_transaction_ = 0;
    std::map<WatchId, WatchState> watches_;
    WatchId last_watch_ = 0;
};

}  // namespace varve::fakes
