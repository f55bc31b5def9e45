// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/xenstored.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xen/io/xs_wire.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>

namespace varve::test_support {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using fakes::FakeXenStore;
using xenstore::Access;
using xenstore::Path;

constexpr int tick = 20;  // ms between two looks whether to end

bool read_exactly(int file, char* to, std::size_t size, const std::stop_token& stop) {
    while (size > 0) {
        pollfd ready{file, POLLIN, 0};
        if (stop.stop_requested()) return false;
        if (::poll(&ready, 1, tick) <= 0) continue;
        const auto got = ::recv(file, to, size, 0);
        if (got <= 0) return false;
        to += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

// Strings that each end in a NUL; the rest behind the last NUL is the last element.
std::vector<std::string> parts_of(const std::string& payload) {
    std::vector<std::string> parts;
    std::size_t at = 0;
    for (auto end = payload.find('\0'); end != std::string::npos; end = payload.find('\0', at)) {
        parts.push_back(payload.substr(at, end - at));
        at = end + 1;
    }
    parts.push_back(payload.substr(at));
    return parts;
}

Access access_of(char letter) {
    switch (letter) {
        case 'r': return Access::Read;
        case 'w': return Access::Write;
        case 'b': return Access::ReadWrite;
        default: return Access::None;
    }
}

Result<xenstore::Permissions> permissions_of(const std::vector<std::string>& words) {
    xenstore::Permissions permissions;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].size() < 2) return fail(Errc::InvalidArgument, "a permission is too short");
        xenstore::DomainId domain;
        (void)std::from_chars(words[i].data() + 1, words[i].data() + words[i].size(), domain.value);  // what is no number is 0
        if (i == 0) {
            permissions.owner = domain;
            permissions.others = access_of(words[i][0]);
        } else {
            permissions.domains.emplace_back(domain, access_of(words[i][0]));
        }
    }
    return permissions;
}

// The protocol's words for errors.
std::string error_name(const base::Error& error) {
    int number = error.cause ? error.cause.value() : EIO;
    if (error.code == Errc::NotFound) number = ENOENT;
    if (error.code == Errc::InvalidArgument || error.code == Errc::InvalidName) number = EINVAL;
    if (error.code == Errc::Busy) number = EAGAIN;
    const auto* const found = std::ranges::find(xsd_errors, number, &xsd_errors::errnum);
    return found == std::end(xsd_errors) ? "EIO" : found->errstring;
}

std::string with_nul(std::string text) {
    text.push_back('\0');
    return text;
}

// One client.
class Conversation {
public:
    Conversation(FakeXenStore& store, int connection) : store_(store), connection_(connection) {}
    ~Conversation() {
        events_.request_stop();
        if (events_.joinable()) events_.join();
        for (const auto& [id, watch] : watches_) store_.remove_watch(id);
        for (const auto id : transactions_) (void)store_.end(id, false);
    }

    void run(const std::stop_token& stop) {
        events_ = std::jthread([this](const std::stop_token& ended) { tell_events(ended); });
        xsd_sockmsg request{};
        while (read_exactly(connection_, reinterpret_cast<char*>(&request), sizeof request, stop)) {
            if (request.len > XENSTORE_PAYLOAD_MAX) return;
            std::string payload(request.len, '\0');
            if (!read_exactly(connection_, payload.data(), payload.size(), stop)) return;
            const auto answer = handle(request, payload);
            send(answer ? request.type : std::uint32_t{XS_ERROR}, request, answer ? *answer : with_nul(error_name(answer.error())));
        }
    }

private:
    struct WatchNames {
        std::string path;
        std::string token;
    };

    Result<std::string> handle(const xsd_sockmsg& request, const std::string& payload) {
        const auto parts = parts_of(payload);
        const auto path = [&] { return Path::parse(parts.front()); };
        const auto transaction = request.tx_id;
        switch (request.type) {
            case XS_READ: return store_.read_in(transaction, TRY(path()));
            case XS_DIRECTORY: {
                std::string names;
                for (const auto& name : TRY(store_.list_in(transaction, TRY(path())))) names += with_nul(name);
                return names;
            }
            case XS_WRITE: return ok(store_.write_in(transaction, TRY(path()), payload.substr(parts.front().size() + 1)));
            case XS_MKDIR: return ok(store_.ensure_directory_in(transaction, TRY(path())));
            case XS_RM: return ok(store_.ensure_removed_in(transaction, TRY(path())));
            case XS_SET_PERMS: {
                const auto permissions = TRY(permissions_of({parts.begin() + 1, parts.end() - 1}));
                return ok(store_.set_permissions_in(transaction, TRY(path()), permissions));
            }
            case XS_TRANSACTION_START: {
                const auto id = store_.begin();
                transactions_.insert(id);
                return with_nul(std::to_string(id));
            }
            case XS_TRANSACTION_END: {
                transactions_.erase(transaction);
                if (!TRY(store_.end(transaction, parts.front() == "T"))) return fail(Errc::Busy, "changed meanwhile");
                return with_nul("OK");
            }
            case XS_WATCH: {
                const auto watched = TRY(path());
                const std::lock_guard lock(mutex_);
                watches_.emplace(store_.add_watch(watched), WatchNames{parts.at(0), parts.at(1)});
                return with_nul("OK");
            }
            default: return base::fail_errno(ENOSYS, "not in this server");
        }
    }

    static Result<std::string> ok(const Result<>& done) {
        if (!done) return base::Failure(done.error());
        return with_nul("OK");
    }

    void tell_events(const std::stop_token& ended) {
        while (!ended.stop_requested()) {
            std::set<FakeXenStore::WatchId> ids;
            {
                const std::lock_guard lock(mutex_);
                for (const auto& [id, watch] : watches_) ids.insert(id);
            }
            const auto fired = store_.wait_for_any(ids, std::chrono::milliseconds(tick));
            if (!fired) continue;
            const std::lock_guard lock(mutex_);
            const auto& watch = watches_.at(*fired);
            send_locked(XS_WATCH_EVENT, {}, with_nul(watch.path) + with_nul(watch.token));
        }
    }

    void send(std::uint32_t type, const xsd_sockmsg& request, const std::string& payload) {
        const std::lock_guard lock(mutex_);
        send_locked(type, request, payload);
    }

    void send_locked(std::uint32_t type, const xsd_sockmsg& request, const std::string& payload) {
        const xsd_sockmsg header{type, request.req_id, request.tx_id, static_cast<std::uint32_t>(payload.size())};
        std::string message(reinterpret_cast<const char*>(&header), sizeof header);
        message += payload;
        (void)::send(connection_, message.data(), message.size(), MSG_NOSIGNAL);  // a client that has gone reads nothing
    }

    FakeXenStore& store_;
    int connection_;
    std::mutex mutex_;  // what is sent, and the watches
    std::map<FakeXenStore::WatchId, WatchNames> watches_;
    std::set<FakeXenStore::TransactionId> transactions_;
    std::jthread events_;
};

}  // namespace

Xenstored::Xenstored(FakeXenStore& store, const std::filesystem::path& socket)
    : store_(store), socket_(socket), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.string().size() >= sizeof address.sun_path) throw std::runtime_error("the socket's path is too long");
    std::ranges::copy(socket.string(), address.sun_path);
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_.get(), 16) != 0)
        throw std::runtime_error(std::string("cannot serve at ") + socket.string() + ": " + std::strerror(errno));
    acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
}

Xenstored::~Xenstored() {
    acceptor_.request_stop();
    acceptor_.join();
    std::error_code ignored;  // nobody is harmed by a socket without a server
    std::filesystem::remove(socket_, ignored);
}

void Xenstored::accept_all(const std::stop_token& stop) {
    std::list<std::jthread> conversations;  // each ends with the client, or with us
    while (!stop.stop_requested()) {
        pollfd ready{listener_.get(), POLLIN, 0};
        if (::poll(&ready, 1, tick) <= 0) continue;
        base::UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection.valid()) continue;
        conversations.emplace_back([this, stop, own = std::move(connection)] { serve(own.get(), stop); });
    }
}

void Xenstored::serve(int connection, const std::stop_token& stop) { Conversation(store_, connection).run(stop); }

}  // namespace varve::test_support
