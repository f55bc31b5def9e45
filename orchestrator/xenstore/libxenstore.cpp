// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/xenstore/libxenstore.h"

#include <poll.h>
extern "C" {  // the header does not say it
#include <xenstore.h>
}

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>

namespace varve::xenstore {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;

struct Close {
    void operator()(xs_handle* handle) const { xs_close(handle); }
};
struct Free {
    void operator()(void* memory) const { std::free(memory); }  // NOLINT(cppcoreguidelines-no-malloc): the library's malloc
};
using Handle = std::unique_ptr<xs_handle, Close>;
template <class T>
using Owned = std::unique_ptr<T, Free>;

Result<Handle> connect() {
    Handle handle(xs_open(0));
    if (handle) return handle;
    return fail(Errc::Unsupported, "xenstore does not answer; run this in Xen's control domain, with xenstored running");
}

base::Failure failed(std::string_view what, const Path& path) {
    return fail_errno(errno, "cannot " + std::string(what) + " " + path.str() + " in xenstore");
}

unsigned perm_of(Access access) {
    switch (access) {
        case Access::None: return XS_PERM_NONE;
        case Access::Read: return XS_PERM_READ;
        case Access::Write: return XS_PERM_WRITE;
        case Access::ReadWrite: break;
    }
    return XS_PERM_READ | XS_PERM_WRITE;
}

// One connection, with or without a transaction.
class Connection final : public Tree {
public:
    Connection(xs_handle* handle, xs_transaction_t transaction) : handle_(handle), transaction_(transaction) {}

    Result<std::string> read(const Path& path) override {
        unsigned length = 0;
        const Owned<char> value(static_cast<char*>(xs_read(handle_, transaction_, path.str().c_str(), &length)));
        if (!value) return failed("read", path);
        return std::string(value.get(), length);
    }

    Result<std::vector<std::string>> list(const Path& path) override {
        unsigned count = 0;
        const Owned<char*> names(xs_directory(handle_, transaction_, path.str().c_str(), &count));
        if (!names) return failed("list", path);
        return std::vector<std::string>(names.get(), names.get() + count);
    }

    Result<> write(const Path& path, std::string_view value) override {
        if (value.size() > std::numeric_limits<unsigned>::max()) return fail(Errc::TooLarge, "a value for " + path.str() + " is too large");
        if (!xs_write(handle_, transaction_, path.str().c_str(), value.data(), static_cast<unsigned>(value.size())))
            return failed("write", path);
        return {};
    }

    Result<> ensure_directory(const Path& path) override {
        if (!xs_mkdir(handle_, transaction_, path.str().c_str())) return failed("make", path);
        return {};
    }

    Result<> ensure_removed(const Path& path) override {
        if (!xs_rm(handle_, transaction_, path.str().c_str()) && errno != ENOENT) return failed("remove", path);
        return {};
    }

    Result<> set_permissions(const Path& path, const Permissions& permissions) override {
        std::vector<xs_permissions> all{{permissions.owner.value, perm_of(permissions.others)}};
        for (const auto& [domain, access] : permissions.domains) all.push_back({domain.value, perm_of(access)});
        if (!xs_set_permissions(handle_, transaction_, path.str().c_str(), all.data(), static_cast<unsigned>(all.size())))
            return failed("set the permissions of", path);
        return {};
    }

private:
    xs_handle* handle_;
    xs_transaction_t transaction_;
};

// With a connection of its own: the library hands all that happens on one connection to whoever asks first.
class LibWatch final : public Watch {
public:
    LibWatch(Handle handle, Path path) : handle_(std::move(handle)), path_(std::move(path)) {}

    Result<bool> wait(std::chrono::milliseconds longest) override {
        const auto until = std::chrono::steady_clock::now() + std::max(longest, std::chrono::milliseconds(0));
        while (true) {
            if (TRY(take_all())) return true;
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
            if (left.count() <= 0) return false;
            pollfd file{xs_fileno(handle_.get()), POLLIN, 0};
            constexpr std::chrono::milliseconds::rep longest_poll = 60'000;
            if (::poll(&file, 1, static_cast<int>(std::min(left.count(), longest_poll))) < 0 && errno != EINTR)
                return failed("wait for", path_);
        }
    }

private:
    // What has come until now counts as one change.
    Result<bool> take_all() {
        bool any = false;
        while (const Owned<char*> event{xs_check_watch(handle_.get())}) any = true;
        if (errno != EAGAIN && !any) return failed("watch", path_);
        return any;
    }

    Handle handle_;
    Path path_;
};

class LibXenStore final : public XenStore {
public:
    explicit LibXenStore(Handle handle) : handle_(std::move(handle)), alone_(handle_.get(), XBT_NULL) {}

    Result<std::string> read(const Path& path) override { return alone_.read(path); }
    Result<std::vector<std::string>> list(const Path& path) override { return alone_.list(path); }
    Result<> write(const Path& path, std::string_view value) override { return alone_.write(path, value); }
    Result<> ensure_directory(const Path& path) override { return alone_.ensure_directory(path); }
    Result<> ensure_removed(const Path& path) override { return alone_.ensure_removed(path); }
    Result<> set_permissions(const Path& path, const Permissions& permissions) override {
        return alone_.set_permissions(path, permissions);
    }

    Result<std::unique_ptr<Watch>> watch(const Path& path) override {
        auto handle = TRY(connect());
        if (!xs_watch(handle.get(), path.str().c_str(), "varve")) return failed("watch", path);
        return std::unique_ptr<Watch>(std::make_unique<LibWatch>(std::move(handle), path));
    }

private:
    Result<bool> try_transaction(const Steps& steps) override {
        const auto transaction = xs_transaction_start(handle_.get());
        if (transaction == XBT_NULL) return fail_errno(errno, "cannot begin a transaction in xenstore");
        Connection inside(handle_.get(), transaction);
        if (auto done = steps(inside); !done) {
            (void)xs_transaction_end(handle_.get(), transaction, true);  // it goes with the connection, too
            return base::Failure(std::move(done).error());
        }
        if (xs_transaction_end(handle_.get(), transaction, false)) return true;
        if (errno == EAGAIN) return false;
        return fail_errno(errno, "cannot end a transaction in xenstore");
    }

    Handle handle_;
    Connection alone_;
};

}  // namespace

Result<std::unique_ptr<XenStore>> open_libxenstore() {
    auto handle = TRY(connect());
    return std::unique_ptr<XenStore>(std::make_unique<LibXenStore>(std::move(handle)));
}

}  // namespace varve::xenstore
